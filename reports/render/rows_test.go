package render_test

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"talktime/ingest"
	"talktime/reports"
	"talktime/reports/render"
)

func utc(text string) time.Time {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return at
}

// metaOf is the meta of a report that is made of rows.
func metaOf(t testing.TB, report, from, to string) reports.Meta {
	t.Helper()
	r := request(t, report, from, to, "none")
	r.At = utc("2026-11-20T13:52:00Z")
	if report != "at" {
		r.At = time.Time{}
	} else {
		r.Window.Span = reports.Span{}
	}
	facts, err := day{horizon: utc("2026-11-20T16:07:00Z"), dirty: 2}.Facts(t.Context(), r.Window.From, r.Window.To)
	if err != nil {
		t.Fatal(err)
	}
	return reports.Meta{Request: r, Facts: facts}
}

// lived is a working day of 20 November: in words, what ended when (UTC).
func lived(agent ingest.AgentID) []reports.Episode {
	var episodes []reports.Episode
	from := utc("2026-11-19T17:00:00Z")
	for _, part := range []struct {
		until   string
		measure reports.Measure
		pair    ingest.Status
	}{
		{"2026-11-20T07:00:00Z", reports.SignedOut, ingest.Status{AgentState: 2}},
		{"2026-11-20T07:58:12Z", reports.Available, ingest.Status{AgentState: 4}},
		{"2026-11-20T08:31:40Z", reports.Talk, ingest.Status{AgentState: 7, IsWorking: true}},
		{"2026-11-20T08:40:00Z", reports.ACW, ingest.Status{AgentState: 5}},
		{"2026-11-20T10:00:00Z", reports.Available, ingest.Status{AgentState: 4}},
		{"2026-11-20T10:20:00Z", reports.Failed, ingest.Status{}},
		{"2026-11-20T11:00:00Z", reports.Busy, ingest.Status{AgentState: 3}},
		{"2026-11-20T11:45:00Z", reports.Rest, ingest.Status{AgentState: 8}},
		{"2026-11-20T14:00:00Z", reports.Talk, ingest.Status{AgentState: 7, IsWorking: true}},
		{"2026-11-20T14:30:00Z", reports.RecorderDown, ingest.Status{}},
		{"2026-11-20T15:10:00Z", reports.Unscheduled, ingest.Status{}},
		{"2026-11-20T16:00:00Z", reports.Other, ingest.Status{AgentState: 44}},
		{"2026-11-20T23:00:00Z", reports.Pending, ingest.Status{}},
	} {
		e := reports.Episode{Segment: reports.Segment{Agent: agent, From: from, To: utc(part.until), Measure: part.measure, Status: part.pair}}
		n := len(episodes)
		if e.IsObserved() {
			e.StartedBefore, e.EndedAfter = e.From.Add(5*time.Second), e.To.Add(-5*time.Second)
			if n > 0 && episodes[n-1].IsObserved() {
				e.StartedAfter = e.From.Add(-5 * time.Second)
				episodes[n-1].EndedBefore = e.StartedBefore
			}
		}
		if part.measure == reports.Other {
			e.IsOpen, e.EndedAfter = true, time.Time{}
		}
		episodes = append(episodes, e)
		from = e.To
	}
	return episodes
}

// autumn is a night in which the clock was set back.
func autumn() []reports.Episode {
	row := func(from, to string, m reports.Measure, code int32) reports.Episode {
		return reports.Episode{Segment: reports.Segment{
			Agent: 101, From: utc(from), To: utc(to), Measure: m, Status: ingest.Status{AgentState: code},
			Ends: reports.Ends{StartedAfter: utc(from).Add(-time.Second), StartedBefore: utc(from).Add(time.Second), EndedAfter: utc(to).Add(-time.Second), EndedBefore: utc(to).Add(time.Second)},
		}}
	}
	return []reports.Episode{
		row("2026-10-24T22:00:00Z", "2026-10-25T00:30:00Z", reports.Available, 4),
		row("2026-10-25T00:30:00Z", "2026-10-25T01:30:00Z", reports.Rest, 8),
		row("2026-10-25T01:30:00Z", "2026-10-26T23:00:00Z", reports.SignedOut, 2),
	}
}

func sittings() []reports.Session {
	return []reports.Session{
		{
			Agent: 101, FirstStaffed: utc("2026-11-20T07:00:00Z"), LastStaffed: utc("2026-11-20T16:30:00Z"), EndKind: reports.EndObserved,
			Ends: reports.Ends{
				StartedAfter: utc("2026-11-20T06:59:55Z"), StartedBefore: utc("2026-11-20T07:00:05Z"),
				EndedAfter: utc("2026-11-20T16:29:55Z"), EndedBefore: utc("2026-11-20T16:30:05Z"),
			},
			StaffedMS: 33_900_500, TalkMS: 12_345_600,
		},
		{
			Agent: 102, FirstStaffed: utc("2026-11-19T07:00:00Z"), LastStaffed: utc("2026-11-20T16:00:00Z"), EndKind: reports.EndOpen,
			Ends:      reports.Ends{StartedBefore: utc("2026-11-19T07:00:05Z")},
			StaffedMS: 118_800_000, TalkMS: 600_000, SuspectedLeftSignedIn: true,
		},
		{
			Agent: 103, FirstStaffed: utc("2026-11-20T07:00:00Z"), LastStaffed: utc("2026-11-20T07:12:00Z"), EndKind: reports.EndUnknown,
			Ends:      reports.Ends{StartedBefore: utc("2026-11-20T07:00:05Z"), EndedAfter: utc("2026-11-20T07:11:55Z")},
			StaffedMS: 720_000,
		},
	}
}

func states() []reports.StateAt {
	seen := func(at string, m reports.Measure, code int32, working bool) reports.Observation {
		return reports.Observation{At: utc(at), Period: 10 * time.Second, Measure: m, Status: ingest.Status{AgentState: code, IsWorking: working}}
	}
	talking, idle := seen("2026-11-20T13:51:56Z", reports.Talk, 7, true), seen("2026-11-20T13:52:06Z", reports.Available, 4, false)
	return []reports.StateAt{
		{Around: reports.Around{Agent: 101, Before: talking, After: idle}, Measure: reports.Talk, Status: talking.Status},
		{Around: reports.Around{Agent: 102, Before: talking}, Measure: reports.Talk, Status: talking.Status, IsProvisional: true},
		{Around: reports.Around{Agent: 103}, Measure: reports.Failed, LastPoll: ingest.Poll{PolledAt: utc("2026-11-20T13:51:57Z"), Outcome: ingest.Unauthorized}},
		{Around: reports.Around{Agent: 104}, Measure: reports.Unscheduled},
	}
}

// tell hands rows to a sink.
func tell[R any](t testing.TB, sink reports.SinkOf[R], meta reports.Meta, rows []R) {
	t.Helper()
	err := sink.Begin(meta)
	for i := range rows {
		err = errors.Join(err, sink.Row(&rows[i]))
	}
	if err = errors.Join(err, sink.End()); err != nil {
		t.Fatal(err)
	}
}

// leaving is the meta of a report that leaves out so many rows.
func leaving(meta reports.Meta, rows int) reports.Meta {
	meta.Shape.Top, meta.LeftOut = 4, &reports.LeftOut{Rows: rows}
	return meta
}

func TestGoldenRows(t *testing.T) {
	timeline := metaOf(t, "timeline", "2026-11-20", "")
	night := metaOf(t, "timeline", "2026-10-25", "2026-10-27")
	night.Horizon = utc("2026-11-01T00:00:00Z")
	two := append(lived(101), lived(102)...)
	sessions, at := metaOf(t, "sessions", "2026-11-20", ""), metaOf(t, "at", "2026-11-20", "")
	episodes := timeline
	episodes.Shape = reports.Shape{Sort: []reports.SortKey{{Column: "seconds", IsDescending: true}}, Top: 14}
	episodes.LeftOut = &reports.LeftOut{Rows: 2, Time: 61_000}
	episodes.LeftOut.MS[reports.Talk], episodes.LeftOut.MS[reports.Failed] = 60_000, 1000
	ends := sessions
	ends.Shape.Columns = []string{"end_kind", "agent_id", "last_staffed_at", "suspected_left_signed_in"}
	measures := at
	measures.Shape = reports.Shape{Columns: []string{"agent_id", "measure", "before_age_seconds"}, Top: 9}
	measures.LeftOut = &reports.LeftOut{Rows: 3}
	for name, write := range map[string]func(w io.Writer){
		"timeline_sorted.txt": func(w io.Writer) {
			tell(t, render.NewList(w, false, reports.Meta.EpisodeColumns, "agent_id", "started_at", "seconds", "measure", "cause"), episodes, lived(101))
		},
		"sessions_chosen.txt": func(w io.Writer) { tell(t, render.NewList(w, false, reports.Meta.SessionColumns), ends, sittings()) },
		"sessions_chosen.csv": func(w io.Writer) {
			tell(t, render.NewCSVOf(w, machine, reports.Meta.SessionColumns), ends, sittings())
		},
		"at_chosen.txt":        func(w io.Writer) { tell(t, render.NewList(w, false, reports.Meta.StateColumns), measures, states()) },
		"at_chosen.json":       func(w io.Writer) { tell(t, render.NewJSONOf(w, reports.Meta.StateColumns), measures, states()) },
		"at_top.txt":           func(w io.Writer) { tell(t, render.NewAt(w, false), leaving(at, 3), states()) },
		"timeline.txt":         func(w io.Writer) { tell(t, render.NewTimeline(w, false, 120), timeline, two) },
		"timeline_colored.txt": func(w io.Writer) { tell(t, render.NewTimeline(w, true, 80), timeline, lived(101)) },
		"timeline_autumn.txt":  func(w io.Writer) { tell(t, render.NewTimeline(w, false, 120), night, autumn()) },
		"timeline_nobody.txt":  func(w io.Writer) { tell(t, render.NewTimeline(w, false, 120), timeline, nil) },
		"timeline.csv": func(w io.Writer) {
			tell(t, render.NewCSVOf(w, machine, reports.Meta.EpisodeColumns), timeline, lived(101))
		},
		"timeline.json":       func(w io.Writer) { tell(t, render.NewJSONOf(w, reports.Meta.EpisodeColumns), timeline, lived(101)) },
		"sessions.txt":        func(w io.Writer) { tell(t, render.NewSessions(w, false), sessions, sittings()) },
		"sessions_nobody.txt": func(w io.Writer) { tell(t, render.NewSessions(w, false), sessions, nil) },
		"sessions.csv": func(w io.Writer) {
			tell(t, render.NewCSVOf(w, machine, reports.Meta.SessionColumns), sessions, sittings())
		},
		"sessions.json": func(w io.Writer) { tell(t, render.NewJSONOf(w, reports.Meta.SessionColumns), sessions, sittings()) },
		"at.txt":        func(w io.Writer) { tell(t, render.NewAt(w, false), at, states()) },
		"at_nobody.txt": func(w io.Writer) { tell(t, render.NewAt(w, false), at, nil) },
		"at.csv":        func(w io.Writer) { tell(t, render.NewCSVOf(w, machine, reports.Meta.StateColumns), at, states()) },
		"at.json":       func(w io.Writer) { tell(t, render.NewJSONOf(w, reports.Meta.StateColumns), at, states()) },
	} {
		t.Run(name, func(t *testing.T) {
			var got bytes.Buffer
			write(&got)
			golden := filepath.Join("testdata", name)
			if *update {
				if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got.Bytes(), want) {
				t.Errorf("differs from %s; got\n%s", golden, &got)
			}
		})
	}
}

// A bar is as wide as it may be and no wider, whatever the window.
func TestBarsFit(t *testing.T) {
	for _, to := range []string{"2026-11-20T01:00:00Z", "2026-11-20T09:00:00Z", "2026-11-21", "2026-11-27"} {
		for _, width := range []int{60, 80, 110, 160, 300} {
			meta := metaOf(t, "timeline", "2026-11-20T00:00:00Z", to)
			var out bytes.Buffer
			tell(t, render.NewTimeline(&out, false, width), meta, []reports.Episode{
				{Segment: reports.Segment{Agent: 101, From: meta.Window.From, To: meta.Window.To, Measure: reports.Failed}},
			})
			bars := 0
			for line := range strings.Lines(out.String()) {
				_, painted, isBar := strings.Cut(line, "│")
				if !isBar {
					continue
				}
				bars++
				if n := utf8.RuneCountInString(line) - 1; n > width {
					t.Errorf("to %s: a bar is %d columns wide, not %d: %s", to, n, width, line)
				}
				if strings.Trim(painted, "│x\n") != "" {
					t.Errorf("to %s: failed time shows as %s", to, line)
				}
			}
			if bars == 0 {
				t.Errorf("to %s: there is no bar in\n%s", to, &out)
			}
		}
	}
}

func TestRowsWriteErrorsAreReturned(t *testing.T) {
	timeline := metaOf(t, "timeline", "2026-11-20", "")
	for name, err := range map[string]error{
		"timeline": errors.Join(render.NewTimeline(full{}, false, 80).Begin(timeline)),
		"sessions": errors.Join(render.NewSessions(full{}, false).Begin(timeline)),
		"at":       errors.Join(render.NewAt(full{}, false).Begin(timeline)),
	} {
		if !errors.Is(err, errFull) {
			t.Errorf("%s: got %v", name, err)
		}
	}
}
