package main

import (
	"context"
	"iter"
	"slices"
	"testing"
	"time"

	"talktime/reports"
)

// everywhere is a source with a cell for each part in each span.
type everywhere struct{ oneAgent }

func (everywhere) Cells(_ context.Context, q reports.Query) iter.Seq2[reports.Cell, error] {
	return func(yield func(reports.Cell, error) bool) {
		for first := 0; first < len(q.Parts); {
			end := first + 1
			for end < len(q.Parts) && q.Parts[end].Run == q.Parts[first].Run {
				end++
			}
			for span := range q.Spans {
				for part := first; part < end; part++ {
					if !yield(reports.Cell{Part: part, Span: span}, nil) {
						return
					}
				}
			}
			first = end
		}
	}
}

// What is told of a report goes on steadily, whatever its rows are made of.
func TestHowFarAReportIs(t *testing.T) {
	from := time.Date(2026, 11, 16, 0, 0, 0, 0, time.UTC)
	window := reports.Span{From: from, To: from.Add(4 * reports.QuarterHour)}
	spans := make([]reports.Span, 4)
	for i := range spans {
		spans[i] = reports.Span{From: from.Add(time.Duration(i) * reports.QuarterHour), To: from.Add(time.Duration(i+1) * reports.QuarterHour)}
	}
	parts := func(runs ...int) []reports.Part {
		var parts []reports.Part
		for _, run := range runs {
			parts = append(parts, reports.Part{Span: window, Run: run})
		}
		return parts
	}
	for name, c := range map[string]struct {
		queries []reports.Query
		want    []int // thousandths
	}{
		"agent by agent": {[]reports.Query{{Spans: spans, Parts: parts(0, 1)}}, []int{0, 125, 250, 375, 500, 625, 750, 875}},
		"span by span":   {[]reports.Query{{Spans: spans, Parts: parts(0, 0)}}, []int{0, 0, 250, 250, 500, 500, 750, 750}},
		"piece by piece": {
			[]reports.Query{{Spans: spans[:2], Parts: parts(0, 1)}, {Spans: spans[2:], Parts: parts(0, 1)}},
			[]int{0, 125, 250, 375, 500, 625, 750, 875},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []int
			source := watched{everywhere{}, window, func(done, total int) { got = append(got, done*1000/total) }}
			for _, q := range c.queries {
				for _, err := range source.Cells(t.Context(), q) {
					if err != nil {
						t.Fatal(err)
					}
				}
			}
			if !slices.Equal(got, c.want) {
				t.Errorf("told %v, want %v", got, c.want)
			}
		})
	}
}
