package store_test

import (
	"fmt"
	"testing"

	"talktime/sql/store"
)

// Runs that hold other samples than there are differ from those that hold the same,
// also where only what belongs together was exchanged.
func TestRunsAreCompared(t *testing.T) {
	t.Parallel()
	d := newDatabase(t)
	d.aNight(t)
	from := at(22, 30, 0)
	d.exec(t, "SELECT talktime.make_partition('sample_runs', $1, $1::timestamptz + interval '24 hours', 'day')", monday)
	const first = "ctid = (SELECT min(ctid) FROM talktime.sample_runs)"
	// Two observed runs of as many polls: the sums of all columns stay what they were.
	const exchange = `
		WITH pair AS (
			SELECT a.ctid AS one, b.ctid AS other FROM talktime.sample_runs AS a JOIN talktime.sample_runs AS b
			ON a.polls = b.polls AND a.agent_state <> b.agent_state AND a.polled_at < b.polled_at ORDER BY a.polled_at, b.polled_at OFFSET %d LIMIT 1
		)
		UPDATE talktime.sample_runs AS r SET agent_state = o.agent_state, is_working = o.is_working
		FROM pair, talktime.sample_runs AS o
		WHERE r.ctid = one AND o.ctid = other OR r.ctid = other AND o.ctid = one`
	spoils := map[string]string{
		"nothing":         "",
		"a run lost":      "DELETE FROM talktime.sample_runs WHERE " + first,
		"a run twice":     "INSERT INTO talktime.sample_runs SELECT * FROM talktime.sample_runs WHERE " + first,
		"a millisecond":   "UPDATE talktime.sample_runs SET polled_at = polled_at + interval '1 ms', seen_until = seen_until + interval '1 ms' WHERE " + first,
		"a code":          "UPDATE talktime.sample_runs SET retcode = '1' WHERE " + first,
		"one for another": "UPDATE talktime.sample_runs SET agent_id = 203 - agent_id WHERE agent_id < 103",
	}
	for n := range 8 {
		spoils[fmt.Sprintf("states that changed places %d", n)] = fmt.Sprintf(exchange, n)
	}
	for name, spoil := range spoils {
		t.Run(name, func(t *testing.T) {
			d.exec(t, "TRUNCATE talktime.sample_runs")
			if err := d.MakeRuns(t.Context(), from, from.Add(store.QuarterHour)); err != nil {
				t.Fatal(err)
			}
			if spoil != "" {
				d.exec(t, spoil)
			}
			isSame, err := d.HoldRuns(t.Context(), from)
			if err != nil {
				t.Fatal(err)
			}
			expect(t, "the same", spoil == "", isSame)
		})
	}
}
