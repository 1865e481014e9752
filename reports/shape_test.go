package reports_test

import (
	"errors"
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"talktime/ingest"
	"talktime/reports"
)

func TestParseSort(t *testing.T) {
	got, err := reports.ParseSort([]string{"talk_seconds:desc", " agent_id ", "team:asc"})
	want := []reports.SortKey{{Column: "talk_seconds", IsDescending: true}, {Column: "agent_id"}, {Column: "team"}}
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("read %v, %v", got, err)
	}
	if _, err := reports.ParseSort([]string{"team:down", "agent_id:", "ok"}); err == nil ||
		err.Error() != "\"team:down\": the order \"down\" is not asc or desc\n\"agent_id:\": the order \"\" is not asc or desc" {
		t.Errorf("got %v", err)
	}
}

// Rows come in the order asked for and no other row does; those that are left out
// are accounted for, and the total is of all.
func TestShapedRowsAreThoseAskedFor(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		w := drawWindow(t, 40)
		source := drawBins(t, w)
		r := request(t, w, rapid.SampledFrom([]string{"none", "agent", "15m", "15m,agent", "agent,day"}).Draw(t, "by"))
		all := summarize(t, source, r)
		columns := all.meta.Columns()
		name := func(what string) string { return rapid.SampledFrom(columns).Draw(t, what).Name }
		for range rapid.IntRange(0, 2).Draw(t, "keys") {
			r.Shape.Sort = append(r.Shape.Sort, reports.SortKey{Column: name("key"), IsDescending: rapid.Bool().Draw(t, "desc")})
		}
		r.Shape.Top = rapid.IntRange(0, 5).Draw(t, "top")
		got := summarize(t, source, r)

		want := slices.Clone(all.rows)
		slices.SortStableFunc(want, func(a, b reports.Row) int {
			for _, key := range r.Shape.Sort {
				i := slices.IndexFunc(columns, func(c reports.Column) bool { return c.Name == key.Column })
				if c := byText(columns[i].Kind, columns[i].Text(&a), columns[i].Text(&b), key.IsDescending); c != 0 {
					return c
				}
			}
			return 0
		})
		if r.Shape.Top > 0 {
			want = want[:min(r.Shape.Top, len(want))]
		}
		if d := cmp.Diff(want, got.rows); d != "" {
			t.Fatalf("%v (-want +got):\n%s", r.Shape, d)
		}
		if d := cmp.Diff(all.total, got.total); d != "" {
			t.Fatalf("the total has changed: %s", d)
		}
		left := got.meta.LeftOut
		if r.Shape.Top == 0 {
			if left != nil {
				t.Fatalf("%+v is left out of everything", left)
			}
			return
		}
		rows, sum, ms := left.Rows, left.Sums, left.Time
		for i := range got.rows {
			rows++
			sum.Add(&got.rows[i].Sums)
			ms += got.rows[i].Time
		}
		if rows != len(all.rows) || sum != all.total.Sums || ms != all.total.Time {
			t.Fatalf("shown and left out are %d rows of %d ms, want %d of %d", rows, ms, len(all.rows), all.total.Time)
		}
	})
}

// byText compares what a column shows, nothing last.
func byText(kind reports.Kind, a, b string, isDescending bool) int {
	switch {
	case a == b:
		return 0
	case a == "":
		return 1
	case b == "":
		return -1
	}
	isLess := a < b
	switch {
	case kind.IsNumber():
		x, _ := strconv.ParseFloat(a, 64)
		y, _ := strconv.ParseFloat(b, 64)
		if x == y {
			return 0
		}
		isLess = x < y
	case kind == reports.Instant:
		x, _ := time.Parse(time.RFC3339, a)
		y, _ := time.Parse(time.RFC3339, b)
		isLess = x.Before(y)
	}
	if isLess != isDescending {
		return -1
	}
	return 1
}

// More rows than are kept in memory are refused before any is written: at once
// where it is known, else with the row that is too many.
func TestTooManyRowsToSort(t *testing.T) {
	w, err := reports.ParseWindow("2023-01-01", "2026-01-01", time.UTC, time.Time{})
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		by   string
		most int
	}{"known before": {"15m,agent", 0}, "found out": {"15m", reports.MostSorted + 1}} {
		t.Run(name, func(t *testing.T) {
			r := request(t, w, c.by)
			r.Agents = ingest.NewAgentSet(101)
			r.Shape.Sort = []reports.SortKey{{Column: "talk_seconds"}}
			sink := &rows{}
			_, err := reports.Summarize(t.Context(), &bins{}, r, sink)
			if !errors.Is(err, reports.ErrTooManyRows) || sink.meta.Report != "" || len(sink.rows) > 0 {
				t.Errorf("%d rows, %v", len(sink.rows), err)
			}
			r.Shape.Top = 10
			const days = 365 + 366 + 365
			if got := summarize(t, &bins{}, r); len(got.rows) != 10 || got.meta.LeftOut.Rows != days*96-10 {
				t.Errorf("%d rows, %d left out", len(got.rows), got.meta.LeftOut.Rows)
			}
		})
	}
}

// What is left out of a timeline is told by measure, of sessions by length.
func TestLeftOutOfRows(t *testing.T) {
	source := &lives{horizon: november(t, "17T00:00")}
	source.live(t, 101, "16T08:00 signed_out 16T09:00 available 16T09:20 talk 16T09:31 acw 16T10:00")
	r := novemberWindow(t, "16T09:00", "16T10:00")
	r.Shape = reports.Shape{Sort: []reports.SortKey{{Column: "seconds", IsDescending: true}}, Top: 1}
	var shown keptMeta[reports.Episode]
	if err := reports.Timeline(t.Context(), source, r, &shown); err != nil {
		t.Fatal(err)
	}
	left := shown.meta.LeftOut
	if len(shown.rows) != 1 || shown.rows[0].Measure != reports.ACW || left.Rows != 2 ||
		left.MS[reports.Available] != 1_200_000 || left.MS[reports.Talk] != 660_000 || left.Time != 1_860_000 {
		t.Errorf("shown %+v, left out %+v", shown.rows, left)
	}
	r.Shape = reports.Shape{Sort: []reports.SortKey{{Column: "first_staffed_at", IsDescending: true}}, Top: 1}
	two := &lives{horizon: november(t, "17T00:00")}
	two.live(t, 101, "16T08:00 signed_out 16T08:15 available 16T09:15 signed_out 16T09:45 talk 16T10:00 signed_out 16T11:00")
	var sessions keptMeta[reports.Session]
	if err := reports.Sessions(t.Context(), two, r, &sessions); err != nil {
		t.Fatal(err)
	}
	left = sessions.meta.LeftOut
	if len(sessions.rows) != 1 || sessions.rows[0].TalkMS != 900_000 || left.Rows != 1 || left.Time != 3_600_000 {
		t.Errorf("shown %+v, left out %+v", sessions.rows, left)
	}
}

// keptMeta keeps the meta as well.
type keptMeta[R any] struct {
	kept[R]
	meta reports.Meta
}

func (s *keptMeta[R]) Begin(meta reports.Meta) error { s.meta = meta; return nil }
