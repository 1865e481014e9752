package store_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"time"

	"talktime/ingest"
)

// What the server will never take is told from what may pass.
func TestRecordTellsWhatIsRefusedForGood(t *testing.T) {
	tests := map[string]struct {
		change func(testing.TB, database, *ingest.Tick, []ingest.Sample)
		want   bool
	}{
		"a text with a zero byte": {func(_ testing.TB, _ database, _ *ingest.Tick, s []ingest.Sample) { s[0].Retcode = "000-\x00" }, true},
		"a code beyond a smallint": {func(_ testing.TB, _ database, _ *ingest.Tick, s []ingest.Sample) {
			s[0].Status.AgentState = math.MaxInt16 + 1
		}, true},
		"a constraint": {func(_ testing.TB, _ database, tick *ingest.Tick, _ []ingest.Sample) { tick.Period = 0 }, true},
		"a table that is gone": {func(t testing.TB, d database, _ *ingest.Tick, _ []ingest.Sample) {
			d.exec(t, "DROP TABLE talktime.samples CASCADE")
		}, false},
		"a database that is read-only": {func(t testing.TB, d database, _ *ingest.Tick, _ []ingest.Sample) { d.readOnly(t) }, false},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			d := newDatabase(t)
			tick, samples := roundAt(at(8, 0, 0), agentRange(101, 103), talking)
			test.change(t, d, &tick, samples)
			err := d.Record(t.Context(), tick, samples)
			if err == nil || errors.Is(err, ingest.ErrRefused) != test.want {
				t.Errorf("Record returned %v", err)
			}
		})
	}
	d := newDatabase(t)
	ended, end := context.WithDeadline(t.Context(), time.Now())
	defer end()
	tick, samples := roundAt(at(8, 0, 0), agentRange(101, 103), talking)
	if err := d.Record(ended, tick, samples); err == nil || errors.Is(err, ingest.ErrRefused) {
		t.Errorf("with a context that has ended Record returned %v", err)
	}
}

// readOnly makes the store's transactions read-only, those to come as well.
func (d database) readOnly(t testing.TB) {
	t.Helper()
	d.exec(t, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET default_transaction_read_only = on', current_database()); END $$")
	d.exec(t, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()")
}

// The set of agents a store remembers may be gone, as after a restore: it is
// stored again with the next try.
func TestRecordStoresAForgottenAgentSetAgain(t *testing.T) {
	d := newDatabase(t)
	tick, samples := roundAt(at(8, 0, 0), agentRange(101, 103), talking)
	d.record(t, tick, samples)
	d.exec(t, "TRUNCATE talktime.ticks, talktime.agent_sets CASCADE")
	if err := d.Record(t.Context(), tick, samples); err == nil || errors.Is(err, ingest.ErrRefused) {
		t.Errorf("Record returned %v", err)
	}
	d.record(t, tick, samples)
}
