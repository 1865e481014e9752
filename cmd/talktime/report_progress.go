package main

import (
	"context"
	"iter"

	"talktime/reports"
)

// watched is a source that tells how far a report of its window is: Cells come run
// by run and span by span, whatever rows are made of them.
type watched struct {
	reports.Source
	window reports.Span
	tell   func(done, total int)
}

// Cells tells of what is behind each cell, in seconds of all parts together.
func (w watched) Cells(ctx context.Context, q reports.Query) iter.Seq2[reports.Cell, error] {
	return func(yield func(reports.Cell, error) bool) {
		places := placesOf(q)
		for cell, err := range w.Source.Cells(ctx, q) {
			if err == nil {
				w.tell(w.done(q, places, cell))
			}
			if !yield(cell, err) {
				return
			}
		}
	}
}

// placesOf returns of each part where its run begins and ends.
func placesOf(q reports.Query) [][2]int {
	places := make([][2]int, len(q.Parts))
	for first := 0; first < len(q.Parts); {
		end := first + 1
		for end < len(q.Parts) && q.Parts[end].Run == q.Parts[first].Run {
			end++
		}
		for part := first; part < end; part++ {
			places[part] = [2]int{first, end}
		}
		first = end
	}
	return places
}

// done is how much of the window lies behind a cell. A window may be asked for
// piece by piece, as by weeks.
func (w watched) done(q reports.Query, places [][2]int, cell reports.Cell) (done, total int) {
	const whole = 1_000_000
	first, end := places[cell.Part][0], places[cell.Part][1]
	parts := float64(first) + float64(end-first)*float64(cell.Span)/float64(len(q.Spans))
	piece := reports.Span{From: q.Spans[0].From, To: q.Spans[len(q.Spans)-1].To}
	behind := float64(piece.From.Sub(w.window.From)) + float64(piece.To.Sub(piece.From))*parts/float64(len(q.Parts))
	return int(whole * behind / float64(w.window.To.Sub(w.window.From))), whole
}
