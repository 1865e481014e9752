package store_test

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// What dashboards ask of bi_v1, against the same question put to our tables by who
// knows them: a day of 5,000 agents by team and half-hour, a month of 200 agents by
// agent, from quarter-hours and from days, and the coverage of the last two hours.
func BenchmarkViews(b *testing.B) {
	last := 100 + benchSize(b, "TALKTIME_BENCH_DAY_AGENTS", 5000)
	d := newDatabase(b)
	first := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	d.fillQuarterHours(b, min(last, 300), first, monday)
	d.exec(b, "TRUNCATE talktime.derivations")
	d.fillQuarterHours(b, last, monday, at(24, 0, 0))
	d.exec(b, `INSERT INTO talktime.agents (person) SELECT 'person ' || n FROM generate_series(101, $1) AS n`, last)
	d.exec(b, `INSERT INTO talktime.agent_history (agent_id, valid_from, valid_to, agent_key, name, team)
		SELECT n, t.valid_from, t.valid_to, agent_key, 'Agent ' || n, 'Team ' || n % (20 + t.turn)
		FROM (VALUES (0, timestamptz '2026-01-01 00:00Z', timestamptz '2026-06-01 00:00Z'), (1, '2026-06-01 00:00Z', NULL)) AS t (turn, valid_from, valid_to),
		     generate_series(101, $1) AS n JOIN talktime.agents ON person = 'person ' || n`, last)
	utc := calendar(b, "UTC", "00:00")
	d.layOut(b, at(24, 0, 0), utc)
	for range 2 {
		d.keepDays(b, at(24, 0, 0), utc)
	}
	d.exec(b, "VACUUM ANALYZE talktime.quarter_hours, talktime.agents, talktime.agent_history, talktime.days, talktime.kept_days")
	conn, err := pgx.Connect(b.Context(), d.url)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = conn.Close(context.WithoutCancel(b.Context())) })
	if _, err := conn.Exec(b.Context(), "SET jit = off; SET work_mem = '16MB'"); err != nil { // as bi grant does
		b.Fatal(err)
	}

	const bar = 1.2
	for _, question := range []struct {
		name, view, table string
		bar               float64 // 0 is none
	}{
		{
			"DayByTeamAndHalfHour",
			`SELECT team, half_hour_start_at, sum(talk_seconds), sum(staffed_seconds), sum(coverage_numerator_ms), sum(coverage_denominator_ms)
			FROM bi_v1.fct_agent_quarter_hours
			WHERE bin_start_at >= '2026-11-16 00:00Z' AND bin_start_at < '2026-11-17 00:00Z' GROUP BY 1, 2`,
			`SELECT h.team, l.half_hour_start_at, sum(q.talk_ms / 1000::float8),
			       sum((q.talk_ms + q.reserved_ms + q.acw_ms + q.available_ms + q.busy_ms + q.rest_ms + q.pre_rest_ms + q.other_ms) / 1000::float8),
			       sum((q.talk_ms + q.reserved_ms + q.acw_ms + q.available_ms + q.busy_ms + q.rest_ms + q.pre_rest_ms + q.other_ms + q.signed_out_ms)::bigint),
			       sum((q.talk_ms + q.reserved_ms + q.acw_ms + q.available_ms + q.busy_ms + q.rest_ms + q.pre_rest_ms + q.other_ms + q.signed_out_ms + q.failed_ms + q.recorder_down_ms)::bigint)
			FROM talktime.quarter_hours AS q
			LEFT JOIN talktime.agent_history AS h ON h.agent_id = q.agent_id AND h.valid_from <= q.bin_start_at AND (h.valid_to > q.bin_start_at OR h.valid_to IS NULL)
			LEFT JOIN talktime.local_quarter_hours AS l ON l.calendar_no = 0 AND l.bin_start_at = q.bin_start_at
			WHERE q.bin_start_at >= '2026-11-16 00:00Z' AND q.bin_start_at < '2026-11-17 00:00Z' GROUP BY 1, 2`,
			bar,
		},
		{
			"DayByTeamAndHalfHourOfADate",
			`SELECT q.team, q.half_hour_start_at, sum(q.talk_seconds), sum(q.staffed_seconds), sum(q.coverage_numerator_ms), sum(q.coverage_denominator_ms)
			FROM bi_v1.dim_dates AS d JOIN bi_v1.fct_agent_quarter_hours AS q ON q.bin_start_at >= d.starts_at AND q.bin_start_at < d.ends_at
			WHERE d.time_zone = 'UTC' AND d.local_date = '2026-11-16' GROUP BY 1, 2`,
			`SELECT h.team, l.half_hour_start_at, sum(q.talk_ms / 1000::float8),
			       sum((q.talk_ms + q.reserved_ms + q.acw_ms + q.available_ms + q.busy_ms + q.rest_ms + q.pre_rest_ms + q.other_ms) / 1000::float8),
			       sum((q.talk_ms + q.reserved_ms + q.acw_ms + q.available_ms + q.busy_ms + q.rest_ms + q.pre_rest_ms + q.other_ms + q.signed_out_ms)::bigint),
			       sum((q.talk_ms + q.reserved_ms + q.acw_ms + q.available_ms + q.busy_ms + q.rest_ms + q.pre_rest_ms + q.other_ms + q.signed_out_ms + q.failed_ms + q.recorder_down_ms)::bigint)
			FROM talktime.quarter_hours AS q
			LEFT JOIN talktime.agent_history AS h ON h.agent_id = q.agent_id AND h.valid_from <= q.bin_start_at AND (h.valid_to > q.bin_start_at OR h.valid_to IS NULL)
			LEFT JOIN talktime.local_quarter_hours AS l ON l.calendar_no = 0 AND l.bin_start_at = q.bin_start_at
			JOIN talktime.local_days AS y ON q.bin_start_at >= y.starts_at AND q.bin_start_at < y.ends_at
			WHERE y.calendar_no = 0 AND y.local_date = '2026-11-16' GROUP BY 1, 2`,
			bar,
		},
		{
			"MonthByAgent",
			`SELECT agent_id, sum(talk_seconds), sum(handle_seconds), sum(unobserved_ms) FROM bi_v1.fct_agent_quarter_hours
			WHERE bin_start_at >= '2026-11-01 00:00Z' AND bin_start_at < '2026-12-01 00:00Z' GROUP BY 1`,
			`SELECT agent_id, sum(talk_ms / 1000::float8), sum((talk_ms + acw_ms) / 1000::float8), sum((failed_ms + recorder_down_ms)::bigint) FROM talktime.quarter_hours
			WHERE bin_start_at >= '2026-11-01 00:00Z' AND bin_start_at < '2026-12-01 00:00Z' GROUP BY 1`,
			bar,
		},
		{
			"MonthByAgentFromDays",
			`SELECT agent_id, sum(talk_seconds), sum(handle_seconds), sum(unobserved_ms) FROM bi_v1.fct_agent_days
			WHERE time_zone = 'UTC' AND local_date >= '2026-11-01' AND local_date < '2026-12-01' GROUP BY 1`,
			`SELECT agent_id, sum(talk_ms / 1000::float8), sum((talk_ms + acw_ms) / 1000::float8), sum(failed_ms + recorder_down_ms)
			FROM talktime.days JOIN talktime.kept_days USING (time_zone, business_day_start, local_date)
			WHERE time_zone = 'UTC' AND local_date >= '2026-11-01' AND local_date < '2026-12-01' GROUP BY 1`,
			0, // the view also looks for a running day and for days that an id or its team parts
		},
		{
			"LiveCoverage",
			`SELECT team, sum(observed_ms)::float8 / nullif(sum(observed_ms + unobserved_ms), 0) FROM bi_v1.fct_agent_quarter_hours
			WHERE bin_start_at >= '2026-11-16 22:00Z' GROUP BY 1`,
			`SELECT h.team, sum(o)::float8 / nullif(sum(o + q.failed_ms + q.recorder_down_ms), 0)
			FROM talktime.quarter_hours AS q
			CROSS JOIN LATERAL (SELECT (q.talk_ms + q.reserved_ms + q.acw_ms + q.available_ms + q.busy_ms + q.rest_ms + q.pre_rest_ms + q.other_ms + q.signed_out_ms)::bigint AS o) AS v
			LEFT JOIN talktime.agent_history AS h ON h.agent_id = q.agent_id AND h.valid_from <= q.bin_start_at AND (h.valid_to > q.bin_start_at OR h.valid_to IS NULL)
			WHERE q.bin_start_at >= '2026-11-16 22:00Z' GROUP BY 1`,
			bar,
		},
	} {
		b.Run(question.name, func(b *testing.B) {
			ask := func(sql string) func() time.Duration {
				return func() time.Duration {
					return timed(b, func() error {
						_, err := conn.Exec(b.Context(), sql, pgx.QueryExecModeSimpleProtocol)
						return err
					})
				}
			}
			compare(b, ask(question.view), ask(question.table))
			if question.bar > 0 {
				b.ReportMetric(question.bar, "bar")
			}
		})
	}
}
