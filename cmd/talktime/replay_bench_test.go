package main

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/ingest/spool"
	"talktime/sql/localpg"
	"talktime/sql/store"
)

// How fast spooled rounds reach Postgres, against rounds that are stored
// directly ("direct-ms") and against the period in which as many were recorded
// ("periods/s": how many periods are replayed in one of them).
//
//	go test ./cmd/talktime -run '^$' -bench Replay -benchtime 10x
func BenchmarkReplay(b *testing.B) {
	dir, err := dataDir()
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			b.Error(err)
		}
	})
	server, err := localpg.Start(b.Context(), localpg.Options{Dir: filepath.Join(dir, "postgres")})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := server.Close(context.WithoutCancel(b.Context())); err != nil {
			b.Error(err)
		}
	})
	s, err := store.Open(b.Context(), ingest.NewSecret(server.URL()))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(s.Close)
	if _, err := s.Migrate(b.Context(), slog.New(slog.DiscardHandler)); err != nil {
		b.Fatal(err)
	}
	due := time.Date(2026, 11, 16, 8, 0, 0, 0, time.UTC)
	if _, err := s.MakePartitions(b.Context(), due, due.Add(24*time.Hour)); err != nil {
		b.Fatal(err)
	}
	for name, c := range map[string]struct {
		agents, rounds int
		period         time.Duration
	}{
		"60000 agents each 10s": {60_000, 3, 10 * time.Second},
		"24 agents each second": {24, 300, time.Second},
	} {
		b.Run(name, func(b *testing.B) {
			kept, err := spool.Open(spool.Options{
				Dir: filepath.Join(b.TempDir(), "spool"), MaxBytes: 1 << 30, MaxAge: 7 * day,
				Clock: newWallClock(), Log: slog.New(slog.DiscardHandler),
			})
			if err != nil {
				b.Fatal(err)
			}
			defer kept.Close()
			var replayed, direct time.Duration
			for b.Loop() {
				for range c.rounds {
					due = due.Add(time.Second)
					if err := kept.Append(spooledRound(due, c.agents, c.period)); err != nil {
						b.Fatal(err)
					}
				}
				began := time.Now()
				ingest.Recording{
					Recorder: s, Spool: kept, Clock: newWallClock(), Log: slog.New(slog.DiscardHandler),
				}.Replay(b.Context())
				replayed += time.Since(began)
				if left := kept.Size().Rounds; left > 0 {
					b.Fatalf("%d rounds are not replayed", left)
				}
				for range c.rounds {
					due = due.Add(time.Second)
					round := spooledRound(due, c.agents, c.period)
					began := time.Now()
					if err := s.Record(b.Context(), round.Tick, round.Samples); err != nil {
						b.Fatal(err)
					}
					direct += time.Since(began)
				}
			}
			rounds := float64(b.N * c.rounds)
			b.ReportMetric(0, "ns/op") // both together: says nothing
			b.ReportMetric(replayed.Seconds()*1000/rounds, "ms/round")
			b.ReportMetric(direct.Seconds()*1000/rounds, "direct-ms")
			b.ReportMetric(replayed.Seconds()/direct.Seconds(), "times")
			b.ReportMetric(c.period.Seconds()*rounds/replayed.Seconds(), "periods/s")
		})
	}
}

// spooledRound is a round of so many agents.
func spooledRound(due time.Time, agents int, period time.Duration) ingest.Entry {
	set := ingest.NewAgentSetOfRanges(ingest.AgentRange{First: 101, Last: ingest.AgentID(100 + agents)})
	e := ingest.Entry{
		Tick: ingest.Tick{
			Schedule: "office", DueAt: due, Period: period, Agents: set, StartedAt: due, FinishedAt: due.Add(period / 2),
		},
		Samples: make([]ingest.Sample, 0, agents),
	}
	for agent := range set.All() {
		e.Samples = append(e.Samples, ingest.Sample{AgentID: agent, Period: period, Poll: ingest.Poll{
			PolledAt: due.Add(time.Duration(agent%800) * time.Millisecond), Outcome: ingest.Observed,
			Status: ingest.Status{AgentState: int32(agent) % 9, IsWorking: agent%3 == 0},
		}})
	}
	e.Tick.Polls[ingest.Observed] = agents
	return e
}
