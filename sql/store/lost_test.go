package store_test

import (
	"strings"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/sql/store"
)

// twoNights records from 23:00 of monday to 01:00 two days later, the day in
// between whole, and derives it all.
func (d database) twoNights(t *testing.T) {
	t.Helper()
	if _, err := d.MakePartitions(t.Context(), monday, at(49, 0, 0)); err != nil {
		t.Fatal(err)
	}
	// In few statements, for many tests begin with it.
	d.exec(t, `INSERT INTO talktime.agent_sets (agents, fingerprint) VALUES ('{[101,103)}', md5('{[101,103)}'))`)
	d.exec(t, `INSERT INTO talktime.samples (polled_at, agent_id, period_ms, agent_state, is_working, outcome)
		SELECT at, agent, 300000, 4, false, 'observed' FROM generate_series($1::timestamptz, $2, '5 min') AS at, generate_series(101, 102) AS agent`,
		at(23, 0, 0), at(48, 55, 0))
	d.exec(t, `INSERT INTO talktime.ticks (schedule, due_at, period_ms, agent_set_id, status, started_at, finished_at, observed)
		SELECT 'office', due, 300000, (SELECT agent_set_id FROM talktime.agent_sets), 'taken', due, due + interval '1 s', 2
		FROM generate_series($1::timestamptz, $2, '5 min') AS due`, at(23, 0, 0), at(48, 55, 0))
	d.deriveDirty(t, at(52, 0, 0))
}

// rowVersions tells of all rows which writing of each stands.
func (d database) rowVersions(t *testing.T) map[string]string {
	t.Helper()
	versions := map[string]string{}
	for _, row := range all[[]string](t, d, `SELECT ARRAY[format('%s %s', agent_id, bin_start_at),
		format('xmin=%s ctid=%s rev=%s', xmin, ctid, revision)] FROM talktime.quarter_hours`) {
		versions[row[0]] = row[1]
	}
	return versions
}

// the day in between, and how its samples go.
var (
	tuesday = monday.AddDate(0, 0, 1)
	loseDay = map[string]string{
		"dropped": "DROP TABLE talktime.samples_20261117",
		"deleted": "DELETE FROM talktime.samples WHERE polled_at >= '2026-11-17' AND polled_at < '2026-11-18'",
	}
)

// Deriving and verifying what lost its samples is refused, with what is left to
// derive; what does not reach them is derived and verified.
func TestLostSamplesAreRefused(t *testing.T) {
	const refused = "the samples of 2026-11-17 are gone, and the figures from them stand as they are; "
	tests := map[string]struct {
		from, to time.Time
		want     string // of the error, none where it is derived
	}{
		"around them": {
			at(22, 0, 0), at(50, 0, 0),
			refused + "what can be is from 2026-11-16T22:00:00Z to 2026-11-16T23:15:00Z, from 2026-11-18T00:45:00Z to 2026-11-18T02:00:00Z",
		},
		"of them":           {at(30, 0, 0), at(31, 0, 0), refused + "nothing of it can be"},
		"up to them":        {at(23, 0, 0), at(24, 0, 0), refused + "what can be is from 2026-11-16T23:00:00Z to 2026-11-16T23:15:00Z"},
		"within their hold": {at(48, 30, 0), at(48, 45, 0), refused + "nothing of it can be"},
		"before":            {at(22, 0, 0), at(23, 15, 0), ""},
		"after":             {at(48, 45, 0), at(50, 0, 0), ""},
	}
	for how, lose := range loseDay {
		d := newDatabase(t)
		d.twoNights(t)
		before := d.rowVersions(t)
		d.exec(t, lose)
		for name, test := range tests {
			t.Run(how+" "+name, func(t *testing.T) {
				derived, err := d.DeriveRange(t.Context(), test.from, test.to, deriving(at(52, 0, 0)))
				checkRefused(t, "derive", err, test.want)
				if derived.Inserted+derived.Updated+derived.Deleted > 0 {
					t.Errorf("deriving changed rows: %+v", derived)
				}
				verified, err := d.VerifyRange(t.Context(), test.from, test.to, collect(new([]store.Difference)))
				checkRefused(t, "verify", err, test.want)
				if (verified.Rows > 0) != (test.want == "") || verified.Differences > 0 {
					t.Errorf("verified %+v", verified)
				}
				expect(t, "rows", before, d.rowVersions(t))
				expect(t, "marks", 0, d.dirty(t))
			})
		}
		verified, err := d.VerifySample(t.Context(), 1000, 1, collect(new([]store.Difference)))
		if err != nil || verified.Differences > 0 || verified.QuarterHours == 0 || verified.Lost < 96 {
			t.Errorf("%s: a sample was verified as %+v, %v", how, verified, err)
		}
	}
}

func checkRefused(t *testing.T, what string, err error, want string) {
	t.Helper()
	switch {
	case want == "" && err != nil:
		t.Errorf("%s was refused: %v", what, err)
	case want != "" && (err == nil || !strings.HasPrefix(err.Error(), what+" from ") || !strings.HasSuffix(err.Error(), ": "+want)):
		t.Errorf("%s returned %v, want it to end with %q", what, err, want)
	}
}

// What comes late for a day whose samples are gone is kept, and changes nothing
// there; the mark stays, and what is dirty elsewhere is derived.
func TestLateForALostDay(t *testing.T) {
	for how, lose := range loseDay {
		t.Run(how, func(t *testing.T) {
			d := newDatabase(t)
			d.twoNights(t)
			before := d.rowVersions(t)
			d.exec(t, lose)
			expect(t, "derived without marks", store.Derived{}, d.deriveDirty(t, at(52, 0, 0)))

			team := agentRange(101, 102)
			late, samples := roundAt(at(36, 1, 0), team, talking)
			late.Schedule = "late"
			d.record(t, late, samples)
			fresh, others := roundAt(at(51, 0, 0), team, talking)
			d.record(t, fresh, others)
			for range 2 {
				derived := d.deriveDirty(t, at(52, 0, 0))
				if derived.Lost == 0 || derived.Restated+derived.Deleted > 0 {
					t.Errorf("deriving did %+v", derived)
				}
				if n := one[int](t, d, "SELECT count(*) FROM talktime.samples WHERE polled_at = $1", at(36, 1, 0)); n != 2 {
					t.Errorf("%d of the late samples are kept, want 2", n)
				}
				if n := d.count(t, "SELECT count(*) FROM talktime.dirty WHERE from_at < '2026-11-18'"); n == 0 {
					t.Error("the mark is gone")
				}
				if n := one[int](t, d, "SELECT count(*) FROM talktime.quarter_hours WHERE talk_ms = 5000 AND bin_start_at >= $1", at(50, 45, 0)); n != 4 {
					t.Errorf("%d rows of the other round are derived, want 4", n)
				}
				after := d.rowVersions(t)
				for key := range after {
					if _, wasThere := before[key]; !wasThere {
						delete(after, key)
					}
				}
				expect(t, "rows", before, after)
			}
			if _, err := d.DeriveRange(t.Context(), tuesday, tuesday.AddDate(0, 0, 1), deriving(at(52, 0, 0))); err == nil {
				t.Error("with a few late samples the day was derived")
			}
		})
	}
}

// A recorder's own first round of a day makes the day's partition, and no day is
// taken for lost.
func TestNewDaysAreNotLost(t *testing.T) {
	d := newDatabase(t)
	d.twoNights(t)
	_, byHand := roundAt(at(72, 0, 0), ingest.NewAgentSet(101), idle)
	if err := d.RecordByHand(t.Context(), byHand); err != nil {
		t.Fatal(err)
	}
	if _, err := d.MakePartitions(t.Context(), monday.AddDate(0, -1, 0), monday.AddDate(0, 1, 0)); err != nil {
		t.Fatal(err)
	}
	expect(t, "lost days", 0, d.count(t, "SELECT count(*) FROM talktime.lost_samples"))
	expect(t, "dirty quarter-hours lost", 0, d.deriveDirty(t, at(80, 0, 0)).Lost)
}

// Where the ticks are gone as well, the rows stay.
func TestLostTicksAreRefused(t *testing.T) {
	d := newDatabase(t)
	d.twoNights(t)
	before := d.rowVersions(t)
	d.exec(t, "DROP TABLE talktime.samples_20261117")
	d.exec(t, "DELETE FROM talktime.ticks WHERE due_at >= '2026-11-17' AND due_at < '2026-11-18'")
	_, err := d.DeriveRange(t.Context(), tuesday.Add(8*time.Hour), tuesday.Add(15*time.Hour), deriving(at(52, 0, 0)))
	checkRefused(t, "derive", err, "the samples of 2026-11-17 are gone, and the figures from them stand as they are; nothing of it can be")
	expect(t, "rows", before, d.rowVersions(t))
}
