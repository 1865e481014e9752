package store_test

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"github.com/jackc/pgx/v5"
)

// fillQuarterHours writes a row for each agent of 101 to last in each quarter-hour
// of [from, to), with figures of their own.
func (d database) fillQuarterHours(t testing.TB, last int, from, to time.Time) {
	t.Helper()
	if _, err := d.MakePartitions(t.Context(), from, to); err != nil {
		t.Fatal(err)
	}
	columns := all[string](t, d, `SELECT attname::text FROM pg_attribute WHERE attrelid = 'talktime.quarter_hours'::regclass AND attnum > 0
		AND attname NOT IN ('agent_id', 'bin_start_at', 'talk_ms', 'available_ms', 'failed_ms', 'talk_low_ms', 'talk_edge_ms', 'change_ms', 'change_sq', 'revision', 'is_final', 'updated_at', 'derivation_id')`)
	d.exec(t, `INSERT INTO talktime.quarter_hours (agent_id, bin_start_at, talk_ms, available_ms, failed_ms, talk_low_ms, talk_edge_ms, change_ms, change_sq, revision, is_final, updated_at, derivation_id, `+strings.Join(columns, ", ")+`)
		SELECT agent, bin, x, 900000 - x - x % 1000, x % 1000, x / 2, 20000, 20000, 200000000, 1, true, bin, 1`+strings.Repeat(", 0", len(columns))+`
		FROM generate_series($1::timestamptz, $2::timestamptz - interval '1 second', '15 min') AS bin, generate_series(101, $3::integer) AS agent,
		     LATERAL (SELECT (agent * 7919 + date_part('epoch', bin)::bigint / 900 * 104729) % 800000 AS x) AS r`, from, to, last)
	d.exec(t, "INSERT INTO talktime.derivations VALUES (1, $2, $1, $2, $2, 0, 0, 0, 0)", from, to)
	d.exec(t, "VACUUM ANALYZE talktime.quarter_hours, talktime.derivations")
}

var partition = regexp.MustCompile(`\b(?:on|using) (quarter_hours_\d{6})`)

// scanned lists the partitions of quarter_hours that a query reads, by the plan of
// its run.
func scanned(t *testing.T, conn *pgx.Conn, query string) []string {
	t.Helper()
	rows, err := conn.Query(t.Context(), "EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) "+query, pgx.QueryExecModeSimpleProtocol)
	if err != nil {
		t.Fatal(err)
	}
	plan, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	var read []string
	for _, line := range plan {
		if found := partition.FindStringSubmatch(line); found != nil && !strings.Contains(line, "never executed") {
			read = append(read, found[1])
		}
	}
	slices.Sort(read)
	if read = slices.Compact(read); len(read) == 0 {
		t.Fatalf("%s reads no partition:\n%s", query, strings.Join(plan, "\n"))
	}
	return read
}

// Partitions are left out through the views: by constants when planning, by
// parameters and by joined dates when running.
func TestViewsPrunePartitions(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.fillQuarterHours(t, 110, time.Date(2026, 9, 1, 0, 0, 0, 0, time.UTC), time.Date(2026, 12, 1, 0, 0, 0, 0, time.UTC))
	d.layOut(t, monday, calendar(t, "Europe/Berlin", "00:00"))
	conn, err := pgx.Connect(t.Context(), d.url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	for _, set := range []string{
		"SET plan_cache_mode = force_generic_plan",
		"SET max_parallel_workers_per_gather = 0", // Postgres 18 reads as little as this whole, by workers
		`PREPARE of_a_day (timestamptz, timestamptz) AS
			SELECT team, sum(talk_seconds) FROM bi_v1.fct_agent_quarter_hours WHERE bin_start_at >= $1 AND bin_start_at < $2 GROUP BY team`,
	} {
		if _, err := conn.Exec(t.Context(), set); err != nil {
			t.Fatal(err)
		}
	}
	const october, november = "quarter_hours_202610", "quarter_hours_202611"
	for name, test := range map[string]struct {
		query string
		want  []string
	}{
		"constants": {`SELECT agent_name, sum(talk_seconds) FROM bi_v1.fct_agent_quarter_hours
			WHERE bin_start_at >= '2026-10-05 00:00Z' AND bin_start_at < '2026-10-06 00:00Z' GROUP BY agent_name`, []string{october}},
		"constants, long view": {`SELECT measure, sum(seconds) FROM bi_v1.fct_agent_state_quarter_hours
			WHERE bin_start_at >= '2026-10-05 00:00Z' AND bin_start_at < '2026-10-06 00:00Z' GROUP BY measure`, []string{october}},
		"parameters": {"EXECUTE of_a_day ('2026-10-05 00:00Z', '2026-10-06 00:00Z')", []string{october}},
		"joined dates": {`SELECT d.local_date, sum(q.talk_seconds) FROM bi_v1.dim_dates AS d
			JOIN bi_v1.fct_agent_quarter_hours AS q ON q.bin_start_at >= d.starts_at AND q.bin_start_at < d.ends_at
			WHERE d.time_zone = 'Europe/Berlin' AND d.local_date BETWEEN '2026-10-05' AND '2026-10-11' GROUP BY d.local_date`, []string{october}},
		"joined dates, by team and local half-hour": {`SELECT q.team, q.half_hour_start_at, sum(q.talk_seconds) FROM bi_v1.dim_dates AS d
			JOIN bi_v1.fct_agent_quarter_hours AS q ON q.bin_start_at >= d.starts_at AND q.bin_start_at < d.ends_at
			WHERE d.time_zone = 'Europe/Berlin' AND d.local_date = '2026-10-05' GROUP BY q.team, q.half_hour_start_at`, []string{october}},
		"joined dates over a month's end": {`SELECT d.local_date, sum(q.talk_seconds) FROM bi_v1.dim_dates AS d
			JOIN bi_v1.fct_agent_quarter_hours AS q ON q.bin_start_at >= d.starts_at AND q.bin_start_at < d.ends_at
			WHERE d.time_zone = 'Europe/Berlin' AND d.local_date = '2026-11-01' GROUP BY d.local_date`, []string{october, november}},
		"days that are not kept": {`SELECT agent_id, talk_seconds FROM bi_v1.fct_agent_days WHERE time_zone = 'Europe/Berlin' AND local_date = '2026-10-05'`, []string{october}},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := gocmp.Diff(test.want, scanned(t, conn, test.query)); diff != "" {
				t.Errorf("partitions (-want +read):\n%s", diff)
			}
		})
	}
}

// What a query does not ask for costs it nothing: roster and calendar are not read.
func TestViewsJoinOnlyWhatIsAskedFor(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.fillQuarterHours(t, 103, monday, at(24, 0, 0))
	var read []string
	for _, line := range all[string](t, d, `EXPLAIN (ANALYZE, COSTS OFF, TIMING OFF, SUMMARY OFF) SELECT agent_id, sum(talk_seconds), sum(talk_high_seconds), sum(coverage_numerator_ms)
		FROM bi_v1.fct_agent_quarter_hours GROUP BY agent_id`) {
		if !strings.Contains(line, "never executed") { // as what is asked for readers of teams only
			read = append(read, line)
		}
	}
	if plan := strings.Join(read, "\n"); strings.Contains(plan, "agent_history") || strings.Contains(plan, "local_quarter_hours") || strings.Contains(plan, "Left Join") {
		t.Errorf("sums by agent need no more than quarter-hours:\n%s", plan)
	}
}
