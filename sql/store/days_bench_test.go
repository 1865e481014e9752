package store_test

import (
	"math/rand/v2"
	"testing"
	"time"

	"talktime/reports"
)

// A report of 30 days of 200 agents by agent, with kept days against without.
func BenchmarkDays(b *testing.B) {
	d := newDatabase(b)
	from := at(-24*15, 0, 0) // 1 November
	within := reports.Span{From: from, To: from.AddDate(0, 0, 30)}
	if _, err := d.MakePartitions(b.Context(), within.From, within.To); err != nil {
		b.Fatal(err)
	}
	rows := anyQuarterHours(rand.New(rand.NewPCG(5, 6)), agentRange(101, 300), within, 0.5)
	d.putQuarterHours(b, rows)
	d.keepDays(b, within.To, calendar(b, "UTC", "00:00"))
	d.exec(b, "INSERT INTO talktime.derivations VALUES (1, $1, $1, $1, $1, 0, 0, 0, 0)", within.To)
	d.exec(b, "CREATE TABLE ledger AS TABLE talktime.kept_days")
	d.exec(b, "VACUUM ANALYZE talktime.quarter_hours, talktime.days, talktime.kept_days")
	request := reports.Request{
		Report: "states", Window: reports.Window{Span: within, Zone: time.UTC}, Grouping: reports.Grouping{ByAgent: true},
	}
	report := func() time.Duration {
		return timed(b, func() error {
			snapshot := d.snapshot(b)
			defer snapshot.Close(b.Context())
			total, err := reports.Summarize(b.Context(), snapshot, request, discard{})
			if err == nil && total.Agents != 200 {
				b.Fatalf("the report is of %d agents", total.Agents)
			}
			return err
		})
	}
	compare(b,
		func() time.Duration {
			d.exec(b, "INSERT INTO talktime.kept_days TABLE ledger")
			return report()
		},
		func() time.Duration {
			d.exec(b, "TRUNCATE talktime.kept_days")
			return report()
		})
}

// discard is a sink for a report that nobody reads.
type discard struct{}

func (discard) Begin(reports.Meta) error { return nil }
func (discard) Row(*reports.Row) error   { return nil }
func (discard) End(*reports.Row) error   { return nil }
