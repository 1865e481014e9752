package store_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"talktime/sql/store/internal/oracle"
)

// ownDays is how many agents of a day's floor have a day of their own. The others
// have one of theirs under another id, which is as much to store and to read, in a
// tenth of the time.
const ownDays = 500

// newDayOfCentre stores and derives monday of so many agents polled each 10 s, and
// adds the names, days and ticks that a report of it and of the 29 days before reads.
// The samples have the index that serves lead() best.
func newDayOfCentre(b *testing.B, agents int) database {
	b.Helper()
	d := newDatabase(b)
	own, end := min(agents, ownDays), monday.AddDate(0, 0, 1)
	newFloor(own).fill(b, d, monday.Add(-2*time.Minute), end.Add(2*time.Minute))
	d.exec(b, "VACUUM ANALYZE talktime.samples, talktime.ticks")
	deriving := deriving(end.Add(2 * time.Minute))
	deriving.Now = end.Add(time.Hour)
	deriving.Calendars = append(deriving.Calendars, calendar(b, "UTC", "00:00"))
	d.deriveWith(b, deriving)

	others := fmt.Sprintf("generate_series(1, (%d - t.agent_id) / %d) AS n", 100+agents, own)
	for table, order := range map[string]string{
		"samples": "", "quarter_hours": "bin_start_at, agent_id", "segments": "bin_start_at, agent_id, from_at", "days": "local_date, agent_id",
	} {
		d.insertAgain(b, table, others, map[string]string{"agent_id": fmt.Sprintf("t.agent_id + n * %d", own)}, order)
	}
	d.exec(b, "UPDATE talktime.agent_sets SET agents = int4multirange(int4range(101, 101 + $1))", agents)
	d.exec(b, "UPDATE talktime.ticks SET observed = observed * $1 / $2, gateway_error = gateway_error * $1 / $2", agents, own)
	d.exec(b, "INSERT INTO talktime.agents (person) SELECT 'person ' || n FROM generate_series(101, 100 + $1) AS n", agents)
	d.exec(b, `INSERT INTO talktime.agent_history (agent_id, valid_from, agent_key, name, team)
		SELECT n, '2026-01-01', agent_key, 'Agent Number ' || n, 'Team ' || n % 20
		FROM generate_series(101, 100 + $1) AS n JOIN talktime.agents ON person = 'person ' || n`, agents)
	d.addMonthBefore(b, agents)

	d.exec(b, "CREATE INDEX for_lead ON talktime.samples (agent_id, polled_at) INCLUDE (agent_state, is_working)")
	d.exec(b, "VACUUM ANALYZE")
	for _, agent := range []int{101, 100 + own, 100 + agents} {
		d.expectOracle(b, agent, end.Add(2*time.Minute))
	}
	return d
}

// addMonthBefore makes the 29 days before monday, kept, and their ticks. Nobody has
// the same day twice: each is one of another agent.
func (d database) addMonthBefore(b *testing.B, agents int) {
	b.Helper()
	d.exec(b, "DELETE FROM talktime.days WHERE from_at < $1", monday) // of what was polled before midnight
	d.exec(b, "DELETE FROM talktime.kept_days WHERE from_at < $1", monday)
	before := "generate_series(1, 29) AS n"
	moved := map[string]string{"local_date": "t.local_date - n", "from_at": "t.from_at - n * interval '1 day'", "to_at": "t.to_at - n * interval '1 day'"}
	d.insertAgain(b, "kept_days", before, moved, "local_date")
	moved["last_bin_start_at"] = "t.last_bin_start_at - n * interval '1 day'"
	moved["agent_id"] = fmt.Sprintf("101 + (t.agent_id - 101 + n * 37) %% %d", agents)
	d.insertAgain(b, "days", before, moved, "local_date, agent_id")
	d.insertAgain(b, "ticks", before, map[string]string{"due_at": "t.due_at - n * interval '1 day'"}, "due_at")
	d.exec(b, "TRUNCATE talktime.dirty") // these ticks have no samples
}

// expectOracle fails where an agent's quarter-hours are not what the calculation in Go
// makes of the samples.
func (d database) expectOracle(b *testing.B, agent int, horizon time.Time) {
	b.Helper()
	samples, err := d.pool.Query(b.Context(), `
		SELECT agent_id, (extract(epoch FROM polled_at) * 1000)::bigint, period_ms::bigint, agent_state, is_working, outcome::text
		FROM talktime.samples WHERE agent_id = $1`, agent)
	if err != nil {
		b.Fatal(err)
	}
	c := oracle.Case{Horizon: horizon.UnixMilli(), Schedules: []oracle.Schedule{{Name: "office", Agents: []int32{int32(agent)}}}}
	if c.Samples, err = pgx.CollectRows(samples, pgx.RowToStructByPos[oracle.Sample]); err != nil {
		b.Fatal(err)
	}
	ticks, err := d.pool.Query(b.Context(), `
		SELECT (extract(epoch FROM due_at) * 1000)::bigint, period_ms::bigint, status::text
		FROM talktime.ticks WHERE due_at >= $1`, monday.Add(-2*time.Minute))
	if err != nil {
		b.Fatal(err)
	}
	if c.Schedules[0].Ticks, err = pgx.CollectRows(ticks, pgx.RowToStructByPos[oracle.Tick]); err != nil {
		b.Fatal(err)
	}
	derived := deriveBench{conn: connectBare(b, d.url), ctx: b.Context()}
	if diff := oracle.Diff(derived.rowsWhere(b, fmt.Sprintf("agent_id = %d", agent)), oracle.Derive(c)); diff != "" {
		b.Fatalf("the day of agent %d and the oracle differ:\n%s", agent, diff)
	}
}

// insertAgain inserts the rows of a table again with some columns changed, a row t as
// often as each gives an n for it.
func (d database) insertAgain(t testing.TB, table, each string, changed map[string]string, order string) {
	t.Helper()
	columns := all[string](t, d, "SELECT attname::text FROM pg_attribute WHERE attrelid = ('talktime.' || $1)::regclass AND attnum > 0 AND NOT attisdropped", table)
	values := make([]string, len(columns))
	left := maps.Clone(changed)
	for i, column := range columns {
		values[i] = "t." + column
		if value, isChanged := changed[column]; isChanged {
			values[i] = value + " AS " + column
			delete(left, column)
		}
	}
	if len(left) > 0 {
		t.Fatalf("%s has no %v", table, slices.Collect(maps.Keys(left)))
	}
	if order != "" {
		order = " ORDER BY " + order
	}
	names := strings.Join(columns, ", ")
	d.exec(t, fmt.Sprintf("INSERT INTO talktime.%[1]s (%[2]s) SELECT %[2]s FROM (SELECT %[3]s FROM talktime.%[1]s AS t, %[4]s) AS t%[5]s ON CONFLICT DO NOTHING",
		table, names, strings.Join(values, ", "), each, order))
}
