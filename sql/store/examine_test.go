package store_test

import (
	"context"
	"errors"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"

	"talktime/ingest"
	"talktime/reports"
	"talktime/sql/store"
)

func TestServer(t *testing.T) {
	d := newDatabase(t)
	server, err := d.Server(t.Context(), aheadOf(time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	want := store.Server{
		Version: one[string](t, d, "SHOW server_version"), Encoding: "UTF8", Role: "talktime",
		Bytes: server.Bytes, Ahead: server.Ahead, Latency: server.Latency, Connection: store.Connection{IsLocal: true},
	}
	if diff := cmp.Diff(want, server); diff != "" {
		t.Error(diff)
	}
	if server.Bytes < 1<<20 || server.Latency <= 0 || (server.Ahead+time.Hour).Abs() > time.Minute {
		t.Errorf("%d bytes, the clock %s ahead, asked for %s", server.Bytes, server.Ahead, server.Latency)
	}
}

// aheadOf is the machine's clock, set forward.
type aheadOf time.Duration

func (a aheadOf) Now() time.Time { return time.Now().Add(time.Duration(a)) }

func (aheadOf) SleepUntil(context.Context, time.Time) error { return nil }

// newRole makes a role that may do nothing and returns the address it connects
// with. It goes with the test.
func (d database) newRole(t *testing.T) (address string) {
	t.Helper()
	name := one[string](t, d, `SELECT 'role_of_' || current_database() || '_' || count(*) FROM pg_roles WHERE starts_with(rolname, 'role_of_' || current_database() || '_')`)
	d.exec(t, "CREATE ROLE "+name+" LOGIN")
	t.Cleanup(func() {
		// The test's context and its store are gone; its database not yet.
		ctx := context.WithoutCancel(t.Context())
		conn, err := pgx.Connect(ctx, d.url)
		if err != nil {
			t.Error(err)
			return
		}
		_, err = conn.Exec(ctx, "DROP OWNED BY "+name+"; DROP ROLE "+name)
		if err := errors.Join(err, conn.Close(ctx)); err != nil {
			t.Error(err)
		}
	})
	u, err := url.Parse(d.url)
	if err != nil {
		t.Fatal(err)
	}
	settings := u.Query()
	settings.Set("user", name)
	u.RawQuery = settings.Encode()
	return u.String()
}

func missingRights(t *testing.T, s *store.Store) []store.Right {
	t.Helper()
	missing, err := s.MissingRights(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return missing
}

// Where a role lacks everything, each table is named: one that a migration adds
// has to be considered.
func TestMissingRightsNameEveryTable(t *testing.T) {
	d := newDatabase(t)
	if missing := missingRights(t, d.Store); len(missing) > 0 {
		t.Errorf("the owner lacks %v", missing)
	}
	address := d.newRole(t)
	var names []string
	for _, right := range missingRights(t, openStore(t, address)) {
		names = append(names, right.Name)
	}
	told := strings.Join(names, "\n") + "\n"
	for _, table := range all[string](t, d, `SELECT relname FROM pg_class
		WHERE relnamespace = 'talktime'::regnamespace AND relkind IN ('r', 'p') AND NOT relispartition`) {
		if table == "bi_grants" || table == "audit_log" {
			continue // its owner's and BI tools' alone; appended to by a function
		}
		if !strings.Contains(told, " ON talktime."+table+"\n") {
			t.Errorf("nothing is said of table %s", table)
		}
	}
	for _, want := range []string{
		"USAGE ON SCHEMA talktime\n", "CREATE ON SCHEMA talktime\n", "SELECT ON public.talktime_migrations\n",
		"SELECT, INSERT ON talktime.samples\n", "ownership of talktime.samples, to make its partitions\n",
	} {
		if !strings.Contains(told, want) {
			t.Errorf("nothing is said of %q:\n%s", want, told)
		}
	}
}

// What doctor tells to grant is enough: a role that is given it, and no more,
// records and derives; partitions are its owner's.
func TestGrantedRightsAreEnoughToRecord(t *testing.T) {
	d := newDatabase(t)
	address := d.newRole(t)
	s := openStore(t, address)
	granted := 0
	for _, right := range missingRights(t, s) {
		if strings.HasPrefix(right.Remedy, "GRANT ") {
			d.exec(t, right.Remedy)
			granted++
		}
	}
	for _, right := range missingRights(t, s) {
		if !strings.HasPrefix(right.Name, "ownership of ") {
			t.Errorf("after %d grants still missing: %s", granted, right.Name)
		}
	}
	d.exec(t, "SELECT talktime.make_partitions($1, $2)", monday, monday.Add(24*time.Hour))

	recorder := database{s, address, d.pool}
	agents := agentRange(101, 103)
	if err := s.CheckSchema(t.Context()); err != nil {
		t.Fatal(err)
	}
	recorder.declare(t, at(8, 0, 0), office(t, agents))
	recorder.recordRounds(t, at(8, 0, 0), at(8, 20, 0), agents, idle)
	if err := s.RecordMissed(t.Context(), []ingest.Tick{missedAt(at(8, 20, 0), agents)}); err != nil {
		t.Fatal(err)
	}
	tick, samples := roundAt(at(8, 20, 0), agents, talking)
	recorder.record(t, tick, samples) // a taken one replaces it
	if err := s.RecordByHand(t.Context(), samples); err != nil {
		t.Fatal(err)
	}
	if _, err := s.CatchUp(t.Context(), at(8, 30, 0)); err != nil {
		t.Fatal(err)
	}
	recorder.keepDays(t, monday.Add(25*time.Hour), reports.Calendar{Zone: time.UTC})
	if _, err := s.DeriveRange(t.Context(), at(8, 0, 0), at(8, 30, 0), deriving(monday.Add(25*time.Hour))); err != nil {
		t.Fatal(err)
	}
	if err := s.JobRan(t.Context(), ingest.JobRun{Name: "derive", DueAt: at(9, 0, 0), StartedAt: at(9, 0, 0), FinishedAt: at(9, 0, 1)}); err != nil {
		t.Fatal(err)
	}
	lease := recorder.takeLease(t, at(9, 0, 0))
	if err := lease.Beat(t.Context()); err != nil {
		t.Error(err)
	}
	if err := lease.Release(t.Context(), at(9, 0, 1)); err != nil {
		t.Error(err)
	}
	if _, err := s.Roster(t.Context()); err != nil {
		t.Error(err)
	}
	if got := d.count(t, "SELECT count(*) FROM talktime.days"); got != 3 {
		t.Errorf("%d rows of days are kept, want 3", got)
	}
}

func TestPartitionsAhead(t *testing.T) {
	d := newDatabase(t)
	until := func(now time.Time) string {
		t.Helper()
		tables, err := d.PartitionsAhead(t.Context(), now)
		if err != nil || len(tables) != 3 {
			t.Fatal(tables, err)
		}
		return tables[0].Table + " " + tables[0].Until.Format(time.RFC3339)
	}
	expect := func(step, got, want string) {
		t.Helper()
		if got != want {
			t.Errorf("%s: %s, want %s", step, got, want)
		}
	}
	expect("none", until(at(9, 0, 0)), "quarter_hours 2026-11-16T09:00:00Z")
	d.exec(t, "SELECT talktime.make_partitions($1, $2)", monday, monday.Add(3*24*time.Hour))
	expect("four days", until(at(9, 0, 0)), "samples 2026-11-20T00:00:00Z")
	d.exec(t, "SELECT talktime.make_partitions($1, $2)", monday, monday.Add(20*24*time.Hour))
	expect("over the month's end", until(at(9, 0, 0)), "samples 2026-12-07T00:00:00Z")
	d.exec(t, "DROP TABLE talktime.samples_20261118")
	expect("with a gap", until(at(9, 0, 0)), "samples 2026-11-18T00:00:00Z")
	d.exec(t, "DROP TABLE talktime.segments_202611")
	expect("none of one table", until(at(9, 0, 0)), "segments 2026-11-16T09:00:00Z")
}

func TestProgress(t *testing.T) {
	d := newDatabase(t)
	progress := func() store.Progress {
		t.Helper()
		p, err := d.Progress(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	if p := progress(); !p.Horizon.IsZero() || p.Marks != 0 || len(p.Jobs) != 0 {
		t.Errorf("before anything: %+v", p)
	}
	d.recordRounds(t, at(8, 0, 0), at(8, 1, 0), agentRange(101, 102), idle)
	if p := progress(); p.Marks != 6 {
		t.Errorf("%d marks wait after 6 rounds", p.Marks)
	}
	d.deriveDirty(t, at(8, 1, 0))
	for i, failure := range []error{store.ErrLeaseHeld, nil, store.ErrSchemaOlder} {
		run := ingest.JobRun{Name: "derive", DueAt: at(8, 1+i, 0), StartedAt: at(8, 1+i, 0), FinishedAt: at(8, 1+i, 1), Err: failure}
		if err := d.JobRan(t.Context(), run); err != nil {
			t.Fatal(err)
		}
	}
	p := progress()
	if len(p.Jobs) != 1 || !p.Jobs[0].DueAt.Equal(at(8, 3, 0)) || p.Jobs[0].Err == nil || p.Jobs[0].Err.Error() != store.ErrSchemaOlder.Error() || !p.Horizon.Equal(at(8, 1, 0)) {
		t.Errorf("after three runs: %+v", p)
	}
}
