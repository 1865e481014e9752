package store_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/sql/store"
)

// What goes wrong with a database is told without its password.
func TestOpenFails(t *testing.T) {
	for name, test := range map[string]struct{ url, want string }{
		"not a URL":    {"postgres://recorder:geheim@[::1/talktime", "database.url is not a valid Postgres URL"},
		"bad setting":  {"host=127.0.0.1 password=geheim sslmode=geheim", "database.url is not a valid Postgres URL"},
		"nobody there": {"postgres://recorder:geheim@127.0.0.1:1/talktime?sslmode=disable", "talktime at 127.0.0.1 port 1"},
		"no database":  {strings.Replace(newURL(t), "/test_", "/no_test_", 1), "does not exist"},
	} {
		t.Run(name, func(t *testing.T) {
			s, err := store.Open(t.Context(), ingest.NewSecret(test.url))
			if err == nil {
				s.Close()
				t.Fatal("the database was opened")
			}
			if text := err.Error(); !strings.HasPrefix(text, "open the database") || !strings.Contains(text, test.want) || strings.Contains(text, "geheim") {
				t.Errorf("opening says %q, want %q and no password", text, test.want)
			}
		})
	}
}

// All instants come back in UTC, whatever the server's zone.
func TestInstantsAreUTC(t *testing.T) {
	d := newDatabase(t)
	d.exec(t, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET timezone = %L', current_database(), 'Asia/Kathmandu'); END $$")
	d = openDatabase(t, d.url)
	team := agentRange(101, 102)
	d.declare(t, at(8, 0, 0), office(t, team))
	d.recordRounds(t, at(8, 0, 0), at(8, 1, 0), team, idle)
	settled := d.settle(t, at(8, 1, 0))
	d.deriveWith(t, store.Deriving{Now: at(8, 1, 0), Settle: 15 * time.Minute, Settled: settled})
	snapshot := d.snapshot(t)
	defer snapshot.Close(t.Context())
	facts, err := snapshot.Facts(t.Context(), monday, at(24, 0, 0))
	if err != nil {
		t.Fatal(err)
	}
	inForce, err := d.InForce(t.Context(), monday)
	if err != nil {
		t.Fatal(err)
	}
	for what, instant := range map[string]time.Time{"horizon": facts.Horizon, "valid from": inForce[0].From, "settled": settled.Horizon} {
		if instant.Location() != time.UTC {
			t.Errorf("%s is in zone %s", what, instant.Location())
		}
	}
	if rows := d.count(t, "SELECT count(*) FROM talktime.quarter_hours WHERE bin_start_at = '2026-11-16 08:00Z'"); rows != 2 {
		t.Errorf("%d rows were derived, want 2", rows)
	}
}

func TestJobRan(t *testing.T) {
	d := newDatabase(t)
	run := ingest.JobRun{Name: "derive", DueAt: at(8, 0, 0), StartedAt: at(8, 0, 1), FinishedAt: at(8, 0, 2)}
	for _, err := range []error{nil, errors.New("the disk is full")} {
		run.Err = err
		if err := d.JobRan(t.Context(), run); err != nil {
			t.Fatal(err)
		}
	}
	got := all[string](t, d, `SELECT format('%s %s %s-%s %s', job, to_char(due_at, 'HH24:MI:SS'), to_char(started_at, 'SS'), to_char(finished_at, 'SS'), coalesce(error, 'ok'))
		FROM talktime.job_runs ORDER BY job_run_id`)
	expect(t, "runs", []string{"derive 08:00:00 01-02 ok", "derive 08:00:00 01-02 the disk is full"}, got)
}
