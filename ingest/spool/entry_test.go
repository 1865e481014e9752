package spool_test

import (
	"bytes"
	"errors"
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"talktime/ingest"
	"talktime/ingest/spool"
)

var monday = time.Date(2026, 11, 16, 8, 0, 0, 0, time.UTC)

// drawEntry draws what a recorder could append.
func drawEntry(r *rapid.T) ingest.Entry {
	at := monday.Add(time.Duration(rapid.Int64Range(-1e9, 1e9).Draw(r, "due")) * time.Millisecond)
	epoch := rapid.Int64().Draw(r, "epoch")
	if rapid.IntRange(0, 4).Draw(r, "kind") == 0 {
		d := &ingest.Declaration{Epoch: epoch, At: at, Schedules: make([]ingest.Schedule, rapid.IntRange(0, 3).Draw(r, "schedules"))}
		for i := range d.Schedules {
			cron := rapid.SampledFrom([]string{"* * * * * *", "*/10 * 8-19 * * MON-SAT", "@hourly"}).Draw(r, "cron")
			zone := rapid.SampledFrom([]string{"UTC", "Europe/Berlin", "Asia/Kathmandu"}).Draw(r, "zone")
			var err error
			if d.Schedules[i], err = ingest.NewSchedule(string(rune('a'+i)), cron, zone, drawAgents(r), rapid.Bool().Draw(r, "all")); err != nil {
				r.Fatal(err)
			}
		}
		return ingest.Entry{Declaration: d}
	}
	e := ingest.Entry{Tick: ingest.Tick{
		Schedule: rapid.StringMatching(`[a-z0-9_-]{0,63}`).Draw(r, "schedule"), DueAt: at, Epoch: epoch,
		Period: time.Duration(rapid.Int64Range(0, 3_600_000).Draw(r, "period")) * time.Millisecond, Agents: drawAgents(r),
		StartedAt: at.Add(time.Duration(rapid.Int64Range(-1e7, 1e7).Draw(r, "started")) * time.Millisecond), FinishedAt: at.Add(time.Hour),
	}}
	codes := rapid.OneOf(rapid.Int32Range(0, 9), rapid.SampledFrom([]int32{42, -1, math.MinInt32, math.MaxInt32}))
	retcodes := rapid.OneOf(rapid.Just(""), rapid.StringMatching(`\d{3}-\d{3}`), rapid.StringN(0, 40, 80))
	e.Samples = make([]ingest.Sample, rapid.IntRange(0, 40).Draw(r, "samples"))
	for i := range e.Samples {
		e.Samples[i] = ingest.Sample{
			AgentID: ingest.AgentID(rapid.IntRange(0, int(ingest.LimitMaxAgentID)).Draw(r, "agent")),
			Period:  time.Duration(rapid.SampledFrom([]int64{e.Tick.Period.Milliseconds(), 1, 3_600_000}).Draw(r, "p")) * time.Millisecond,
			Poll: ingest.Poll{
				PolledAt: at.Add(time.Duration(rapid.Int64Range(0, 4e6).Draw(r, "polled")) * time.Millisecond),
				Outcome:  rapid.SampledFrom(ingest.Outcomes()).Draw(r, "outcome"),
				Status:   ingest.Status{AgentState: codes.Draw(r, "state"), IsWorking: rapid.Bool().Draw(r, "working")},
				Retcode:  retcodes.Draw(r, "retcode"),
			},
		}
		e.Tick.Polls[e.Samples[i].Outcome]++
	}
	return e
}

func drawAgents(r *rapid.T) ingest.AgentSet {
	ids := rapid.SliceOfN(rapid.IntRange(101, int(ingest.LimitMaxAgentID)), 1, 8).Draw(r, "agents")
	ranges := make([]ingest.AgentRange, len(ids))
	for i, id := range ids {
		ranges[i] = ingest.AgentRange{First: ingest.AgentID(id), Last: ingest.AgentID(min(id+i*i, int(ingest.LimitMaxAgentID)))}
	}
	return ingest.NewAgentSetOfRanges(ranges...)
}

// difference compares entries; schedules by what they say.
func difference(want, got ingest.Entry) string {
	return cmp.Diff(want, got, cmp.Comparer(ingest.AgentSet.Equal), cmp.Comparer(ingest.Schedule.Equal))
}

func TestEntryRoundTrip(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		want := drawEntry(r)
		encoded := spool.Encode(want)
		got, err := spool.Decode(encoded)
		if err != nil {
			r.Fatal(err)
		}
		if diff := difference(want, got); diff != "" {
			r.Fatalf("entry (-written +read):\n%s", diff)
		}
		if at := rapid.IntRange(0, len(encoded)-1).Draw(r, "damage"); true {
			encoded[at] ^= byte(1 << rapid.IntRange(0, 7).Draw(r, "bit"))
			if _, err := spool.Decode(encoded); !errors.Is(err, ingest.ErrUnreadable) {
				r.Fatalf("with bit of byte %d turned, Decode returned %v", at, err)
			}
		}
	})
}

// Three bits of a sample are its outcome.
func TestOutcomesFit(t *testing.T) {
	if n := len(ingest.Outcomes()); n > 8 {
		t.Errorf("%d outcomes are too many for the format", n)
	}
}

// What can be decoded is encoded and decoded again as the same, and whatever
// comes, memory is bounded by it.
func FuzzDecode(f *testing.F) {
	sample := ingest.Sample{AgentID: 101, Period: time.Second, Poll: ingest.Poll{
		PolledAt: monday, Outcome: ingest.Observed, Status: ingest.Status{AgentState: 4, IsWorking: true}, Retcode: "000-000",
	}}
	tick := ingest.Tick{Schedule: "office", DueAt: monday, Period: time.Second, Agents: ingest.NewAgentSet(101, 102), StartedAt: monday, FinishedAt: monday}
	schedule, err := ingest.NewSchedule("office", "* * * * * *", "UTC", tick.Agents, false)
	if err != nil {
		f.Fatal(err)
	}
	for _, e := range []ingest.Entry{
		{Tick: tick, Samples: []ingest.Sample{sample, sample}},
		{Declaration: &ingest.Declaration{Epoch: 7, At: monday, Schedules: []ingest.Schedule{schedule}}},
	} {
		f.Add(spool.Sealed(spool.Encode(e)))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		e, err := spool.Decode(spool.Seal(body))
		if err != nil {
			if !errors.Is(err, ingest.ErrUnreadable) {
				t.Errorf("Decode returned %v", err)
			}
			return
		}
		encoded := spool.Encode(e)
		again, err := spool.Decode(encoded)
		if err != nil {
			t.Fatalf("what was decoded cannot be decoded again: %v", err)
		}
		if diff := difference(e, again); diff != "" {
			t.Errorf("entry (-first +second):\n%s", diff)
		}
		if !bytes.Equal(encoded, spool.Encode(again)) {
			t.Error("the same entry is encoded in two ways")
		}
	})
}
