package oracle_test

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"talktime/sql/store/internal/oracle"
)

// figures are seconds by the name of a measure or group.
type figures map[string]float64

// quarter is a row as written by hand, in seconds. Figures not named are 0.
type quarter struct {
	start            string // of the bin, on 2026-03-01 or, from "+", the day after
	is               figures
	low, reach, edge figures
	change, changeSq float64 // s, s²
	entries          int64
}

// TestWorkedCases has the table of metrics.md §9, in its order, worked out by
// hand: p is 10 s, instants are seconds from zero.
func TestWorkedCases(t *testing.T) {
	for _, c := range []struct {
		name  string
		zero  string // on 2026-03-01
		due   string // the ticks: first and last due instant of each run
		polls string // polled_at and what came back
		want  []quarter
	}{
		{
			name:  "a change splits the gap in half",
			zero:  "00:05:00",
			due:   "0-30",
			polls: "0 idle, 10 idle, 20 talk, 30 talk",
			want: []quarter{{
				start: "00:00",
				// idle [-5,15), talk [15,35)
				is: figures{"available": 20, "talk": 20, "unscheduled": 860},
				// idle outside [-10,0) and [10,20): [0,10); talk outside [10,20) and [30,40): [20,30)
				low:   figures{"available": 10, "talk": 10, "handle": 10, "staffed": 30},
				reach: figures{"available": 20, "talk": 20, "handle": 20, "staffed": 20},
				edge:  figures{"available": 10, "talk": 10, "handle": 10}, change: 10, changeSq: 100,
				entries: 1,
			}},
		},
		{
			name:  "one failed poll is bridged",
			zero:  "00:05:00",
			due:   "0-20",
			polls: "0 talk, 10 failed, 20 talk",
			want: []quarter{{
				start: "00:00",
				// g = 20 ≤ 25: talk [-5,25), edges [-10,0) and [20,30)
				is:      figures{"talk": 30, "unscheduled": 870},
				low:     figures{"talk": 20, "handle": 20, "staffed": 20},
				reach:   figures{"talk": 20, "handle": 20, "staffed": 20},
				entries: 1,
			}},
		},
		{
			name:  "two failed polls leave a hole",
			zero:  "00:05:00",
			due:   "0-30",
			polls: "0 talk, 10 failed, 20 failed, 30 talk",
			want: []quarter{{
				start: "00:00",
				// g = 30 > 25: talk [-5,5) and [25,35), failed [5,25);
				// edges [-10,0) [0,10) [20,30) [30,40) leave nothing certain
				is:      figures{"talk": 20, "failed": 20, "unscheduled": 860},
				reach:   figures{"talk": 40, "handle": 40, "staffed": 40},
				entries: 2,
			}},
		},
		{
			name:  "the recorder stopped",
			zero:  "00:05:00",
			due:   "0-600",
			polls: "0 talk, 600 talk",
			want: []quarter{
				{
					start: "00:00", // [-300,600)
					// talk [-5,5) and [595,600), down [5,595)
					is: figures{"talk": 15, "recorder_down": 590, "unscheduled": 295},
					// [-10,0) [0,10) [590,600)
					reach:   figures{"talk": 30, "handle": 30, "staffed": 30},
					entries: 2, // the second one's coverage begins at 595
				},
				{
					start: "00:15",
					// talk [600,605), edge [600,610)
					is:    figures{"talk": 5, "unscheduled": 895},
					reach: figures{"talk": 10, "handle": 10, "staffed": 10},
				},
			},
		},
		{
			name: "a night is unscheduled",
			zero: "17:59:00", // 18:00 is 60, 08:00 is 50460
			due:  "40-50, 50460-50470",
			// each poll 5 s after its tick
			polls: "45 talk, 55 talk, 50465 idle, 50475 idle",
			want: []quarter{
				{
					start: "17:45",
					// talk [40,60); edges [35,45) and [55,60): the rest of the last one has no row
					is:      figures{"talk": 20, "unscheduled": 880},
					low:     figures{"talk": 10, "handle": 10, "staffed": 10},
					reach:   figures{"talk": 15, "handle": 15, "staffed": 15},
					entries: 1,
				},
				{
					start: "+08:00",
					// idle [50460,50480); edges [50460,50465), cut, and [50475,50485)
					is:    figures{"available": 20, "unscheduled": 880},
					low:   figures{"available": 10, "staffed": 10},
					reach: figures{"available": 15, "staffed": 15},
				},
			},
		},
		{
			name:  "a night stays unscheduled when the morning fails",
			zero:  "17:59:00",
			due:   "40-50, 50460-50480",
			polls: "45 talk, 55 talk, 50465 failed, 50475 failed, 50485 idle",
			want: []quarter{
				{
					start:   "17:45", // as before
					is:      figures{"talk": 20, "unscheduled": 880},
					low:     figures{"talk": 10, "handle": 10, "staffed": 10},
					reach:   figures{"talk": 15, "handle": 15, "staffed": 15},
					entries: 1,
				},
				{
					start: "+08:00",
					// claims [50460,50470) and [50470,50485), idle [50480,50490);
					// edges [50475,50485) and [50485,50495)
					is:    figures{"failed": 20, "available": 10, "unscheduled": 870},
					reach: figures{"available": 20, "staffed": 20},
				},
			},
		},
		{
			name: "a change across a border",
			zero: "00:00:00",
			// a tick of 890 is polled at 890, that of 900 at 905
			due:   "880-910",
			polls: "880 idle, 890 idle, 905 talk, 915 talk",
			want: []quarter{
				{
					start: "00:00",
					// idle [875,897.5), talk [897.5,900)
					is: figures{"available": 22.5, "talk": 2.5, "unscheduled": 875},
					// idle outside [870,880) and [890,900), cut: [880,890); staffed has no edge at the change
					low:     figures{"available": 10, "staffed": 20},
					reach:   figures{"available": 20, "talk": 10, "handle": 10, "staffed": 10},
					entries: 1, // coverage begins at 897.5
				},
				{
					start: "00:15",
					// talk [900,920); edges [900,905), cut, and [915,925): low from 905
					is:    figures{"talk": 20, "unscheduled": 880},
					low:   figures{"talk": 10, "handle": 10, "staffed": 15},
					reach: figures{"available": 5, "talk": 15, "handle": 15, "staffed": 10},
					// the change counts whole where 905 is
					edge: figures{"available": 15, "talk": 15, "handle": 15}, change: 15, changeSq: 225,
				},
			},
		},
		{
			name:  "not signed in is seen, unauthorized is not",
			zero:  "00:05:00",
			due:   "0-30",
			polls: "0 not_signed_in, 10 unauthorized, 20 unauthorized, 30 idle",
			want: []quarter{{
				start: "00:00",
				// signed_out [-5,5), failed [5,25), available [25,35);
				// edges [-10,0) [0,10) of signed_out, [20,30) [30,40) of available
				is:    figures{"signed_out": 10, "failed": 20, "available": 10, "unscheduled": 860},
				reach: figures{"signed_out": 20, "available": 20, "staffed": 20},
			}},
		},
		{
			name:  "a call: ringing, talk, wrap-up",
			zero:  "00:05:00",
			due:   "0-20",
			polls: "0 ringing, 10 talk, 20 acw",
			want: []quarter{{
				start: "00:00",
				// reserved [-5,5), talk [5,15), acw [15,25)
				is: figures{"reserved": 10, "talk": 10, "acw": 10, "unscheduled": 870},
				// handle [5,25) outside [0,10) and [20,30): [10,20);
				// staffed [-5,25) outside [-10,0) and [20,30): [0,20)
				low:   figures{"handle": 10, "staffed": 20},
				reach: figures{"reserved": 20, "talk": 20, "acw": 20, "handle": 20, "staffed": 20},
				// changes [0,10) and [10,20); the second is none of handle's
				edge: figures{"reserved": 10, "talk": 20, "acw": 10, "handle": 10}, change: 20, changeSq: 200,
				entries: 1,
			}},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			zero := instant(t, c.zero)
			worked := oracle.Case{
				Horizon:   zero + 7*24*3600*1000,
				Schedules: []oracle.Schedule{{Name: "office", Agents: []int32{101}, Ticks: parseDue(t, zero, c.due)}},
				Samples:   parsePolls(t, zero, c.polls),
			}
			var want []oracle.Row
			for _, q := range c.want {
				want = append(want, q.row(t))
			}
			if diff := oracle.Diff(oracle.Derive(worked), want); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// instant reads a time of 2026-03-01, or of the day after if it begins with "+".
func instant(t *testing.T, text string) int64 {
	t.Helper()
	clock, nextDay := strings.CutPrefix(text, "+")
	if strings.Count(clock, ":") == 1 {
		clock += ":00"
	}
	at, err := time.Parse(time.DateTime, "2026-03-01 "+clock)
	if err != nil {
		t.Fatal(err)
	}
	if nextDay {
		at = at.AddDate(0, 0, 1)
	}
	return at.UnixMilli()
}

// parseDue reads "40-50, 50460-50470": ticks every 10 s, with p = 10 s.
func parseDue(t *testing.T, zero int64, text string) []oracle.Tick {
	t.Helper()
	var ticks []oracle.Tick
	for part := range strings.SplitSeq(text, ", ") {
		var from, to int64
		if _, err := fmt.Sscanf(part, "%d-%d", &from, &to); err != nil {
			t.Fatalf("due %q: %v", part, err)
		}
		for due := from; due <= to; due += 10 {
			ticks = append(ticks, oracle.Tick{Due: zero + due*1000, Period: 10_000, Status: oracle.Taken})
		}
	}
	return ticks
}

// parsePolls reads "0 idle, 10 failed": samples of agent 101 with p = 10 s.
func parsePolls(t *testing.T, zero int64, text string) []oracle.Sample {
	t.Helper()
	seen := map[string]struct {
		code    int32
		working bool
	}{"idle": {4, false}, "talk": {7, true}, "ringing": {7, false}, "acw": {5, false}}
	unseen := map[string]string{"failed": "unreachable", "unauthorized": "unauthorized", "not_signed_in": oracle.NotSignedIn}

	var samples []oracle.Sample
	for part := range strings.SplitSeq(text, ", ") {
		var second int64
		var word string
		if _, err := fmt.Sscanf(part, "%d %s", &second, &word); err != nil {
			t.Fatalf("poll %q: %v", part, err)
		}
		s := oracle.Sample{AgentID: 101, PolledAt: zero + second*1000, Period: 10_000, Outcome: unseen[word]}
		if pair, found := seen[word]; found {
			s.Outcome, s.State, s.Working = oracle.Observed, &pair.code, &pair.working
		}
		if s.Outcome == "" {
			t.Fatalf("poll %q: unknown word", part)
		}
		samples = append(samples, s)
	}
	return samples
}

func (q quarter) row(t *testing.T) oracle.Row {
	t.Helper()
	row := oracle.Row{
		AgentID:     101,
		Bin:         instant(t, q.start),
		ChangeMS:    int64(q.change * 1000),
		ChangeSq:    int64(q.changeSq * 1_000_000),
		TalkEntries: q.entries,
	}
	fill(t, row.MS[:], oracle.MeasureNames[:], q.is)
	fill(t, row.Low[:], oracle.EvidenceNames[:], q.low)
	fill(t, row.Reach[:], oracle.EvidenceNames[:], q.reach)
	fill(t, row.Edge[:], oracle.EvidenceNames[:], q.edge)
	return row
}

func fill(t *testing.T, ms []int64, names []string, seconds figures) {
	t.Helper()
	for name, s := range seconds {
		i := slices.Index(names, name)
		if i < 0 {
			t.Fatalf("no figure is called %q", name)
		}
		ms[i] = int64(math.Round(s * 1000))
	}
}
