package store_test

import (
	"flag"
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"talktime/ingest"
	"talktime/reports"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// ofTalktime are the relations of the schema, without partitions and their
// indexes, which come and go with time.
const ofTalktime = `relnamespace = 'talktime'::regnamespace AND NOT relispartition`

// describeSchema writes what the catalogue says of schema talktime, one line a
// thing, parts of a thing indented.
func describeSchema(t *testing.T, d database) string {
	t.Helper()
	lines := all[string](t, d, `
		WITH tables AS (
			SELECT oid, relname FROM pg_class WHERE relkind IN ('r', 'p') AND `+ofTalktime+`
		), lines (a, b, n, line) AS (
			SELECT 1, typname, 0, 'type ' || typname || ': ' ||
			       (SELECT string_agg(enumlabel, ', ' ORDER BY enumsortorder) FROM pg_enum WHERE enumtypid = t.oid) ||
			       coalesce(E'\n    -- ' || obj_description(oid, 'pg_type'), '')
			FROM pg_type AS t WHERE typnamespace = 'talktime'::regnamespace AND typtype = 'e'
			UNION ALL
			SELECT 2, relname, 0, 'table ' || relname || coalesce(' partitioned by ' || pg_get_partkeydef(oid), '') ||
			       coalesce(E'\n    -- ' || obj_description(oid, 'pg_class'), '')
			FROM tables
			UNION ALL
			SELECT 2, relname, 10 + attnum, '  ' || attname || ' ' || format_type(atttypid, atttypmod) ||
			       CASE WHEN attnotnull THEN ' not null' ELSE '' END ||
			       CASE attidentity WHEN 'a' THEN ' identity' ELSE '' END ||
			       coalesce(' default ' || pg_get_expr(adbin, adrelid), '') ||
			       coalesce(E'\n    -- ' || col_description(attrelid, attnum), '')
			FROM tables JOIN pg_attribute ON attrelid = tables.oid AND attnum > 0 AND NOT attisdropped
			LEFT JOIN pg_attrdef ON adrelid = attrelid AND adnum = attnum
			UNION ALL
			SELECT 2, relname, 10000, '  constraint ' || conname || ' ' || pg_get_constraintdef(c.oid)
			FROM tables JOIN pg_constraint AS c ON conrelid = tables.oid AND contype <> 'n'
			UNION ALL
			SELECT 2, relname, 20000, '  ' || pg_get_indexdef(indexrelid)
			FROM tables JOIN pg_index ON indrelid = tables.oid
			UNION ALL
			SELECT 2, relname, 30000, '  ' || pg_get_triggerdef(g.oid)
			FROM tables JOIN pg_trigger AS g ON tgrelid = tables.oid AND NOT tgisinternal
			UNION ALL
			SELECT 3, oid::regprocedure::text, 0, 'function ' || oid::regprocedure::text || ' returns ' || pg_get_function_result(oid) ||
			       coalesce(E'\n    -- ' || obj_description(oid, 'pg_proc'), '')
			FROM pg_proc WHERE pronamespace = 'talktime'::regnamespace
		)
		SELECT line FROM lines ORDER BY a, b, n, line`)
	return strings.Join(lines, "\n") + "\n"
}

func TestSchemaSnapshot(t *testing.T) {
	const golden = "testdata/schema.txt"
	got := describeSchema(t, newDatabase(t))
	if *update {
		if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("the schema is not the one of %s; if it is meant to be, run the test with -update (-want +got):\n%s", golden, diff)
	}
}

func TestEverythingHasAComment(t *testing.T) {
	bare := all[string](t, newDatabase(t), `
		SELECT 'schema talktime' WHERE obj_description('talktime'::regnamespace, 'pg_namespace') IS NULL
		UNION ALL
		SELECT 'table ' || relname FROM pg_class
		WHERE relkind IN ('r', 'p', 'v', 'm') AND `+ofTalktime+` AND obj_description(oid, 'pg_class') IS NULL
		UNION ALL
		SELECT 'column ' || relname || '.' || attname FROM pg_class JOIN pg_attribute ON attrelid = pg_class.oid
		WHERE relkind IN ('r', 'p', 'v', 'm') AND `+ofTalktime+` AND attnum > 0 AND NOT attisdropped
		  AND col_description(attrelid, attnum) IS NULL
		UNION ALL
		SELECT 'function ' || oid::regprocedure FROM pg_proc
		WHERE pronamespace = 'talktime'::regnamespace AND obj_description(oid, 'pg_proc') IS NULL
		UNION ALL
		SELECT 'type ' || typname FROM pg_type
		WHERE typnamespace = 'talktime'::regnamespace AND typtype = 'e' AND obj_description(oid, 'pg_type') IS NULL`)
	if len(bare) > 0 {
		t.Errorf("without a comment:\n%s", strings.Join(bare, "\n"))
	}
}

// The words of the database are those of the program, in the same order.
func TestWordsOfTheSchema(t *testing.T) {
	d := newDatabase(t)
	var outcomes, observations, measures, states []string
	for _, o := range ingest.Outcomes() {
		outcomes = append(outcomes, o.String())
		if o.IsObservation() {
			observations = append(observations, o.String())
		}
	}
	for m := range reports.Measure(reports.Measures) {
		measures = append(measures, m.String()+"_ms")
		if m < reports.States {
			states = append(states, m.String())
		}
	}
	for name, test := range map[string]struct {
		sql  string
		want []string
	}{
		"outcome":      {"SELECT unnest(enum_range(NULL::talktime.outcome))::text", outcomes},
		"outcomes":     {"SELECT outcome::text FROM talktime.outcomes ORDER BY outcomes.outcome", outcomes},
		"observations": {"SELECT outcome::text FROM talktime.outcomes WHERE is_observation ORDER BY outcomes.outcome", observations},
		"counts": {`SELECT attname::text FROM pg_attribute WHERE attrelid = 'talktime.ticks'::regclass
			AND attname = ANY (enum_range(NULL::talktime.outcome)::text[]) ORDER BY attnum`, outcomes},
		"status":  {"SELECT unnest(enum_range(NULL::talktime.tick_status))::text", []string{ingest.Taken.String(), ingest.Missed.String()}},
		"measure": {"SELECT unnest(enum_range(NULL::talktime.measure))::text", states},
		"columns": {`SELECT attname::text FROM pg_attribute
			WHERE attrelid = 'talktime.quarter_hours'::regclass AND attnum > 2 ORDER BY attnum LIMIT 13`, measures},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, all[string](t, d, test.sql)); diff != "" {
				t.Errorf("the program's words differ from the schema's (-program +schema):\n%s", diff)
			}
		})
	}
}

// A row that does not account for every second cannot be written.
func TestQuarterHoursRefuseWhatCannotBe(t *testing.T) {
	d := newDatabase(t)
	d.exec(t, "SELECT talktime.make_partitions('2026-11-16', '2026-11-16')")
	columns := all[string](t, d, `SELECT attname::text FROM pg_attribute
		WHERE attrelid = 'talktime.quarter_hours'::regclass AND attnum > 2 AND format_type(atttypid, -1) IN ('integer', 'bigint')
		  AND attname <> 'derivation_id' ORDER BY attnum`)
	insert := func(set map[string]string) error {
		values := map[string]string{"bin_start_at": "'2026-11-16 08:15Z'", "is_final": "false", "talk_ms": "900000"}
		maps.Copy(values, set)
		names := []string{"agent_id", "bin_start_at", "is_final", "updated_at", "derivation_id"}
		row := []string{"101", values["bin_start_at"], values["is_final"], "now()", "1"}
		for _, column := range columns {
			names = append(names, column)
			value, ok := values[column]
			if !ok {
				value = "0"
			}
			row = append(row, value)
		}
		_, err := d.pool.Exec(t.Context(), "INSERT INTO talktime.quarter_hours ("+strings.Join(names, ", ")+") VALUES ("+strings.Join(row, ", ")+")")
		return err
	}
	for name, test := range map[string]struct {
		set  map[string]string
		want string // the constraint that refuses it
	}{
		"a second too little": {map[string]string{"talk_ms": "899000"}, "quarter_hours_identity"},
		"a second too much":   {map[string]string{"acw_ms": "1000"}, "quarter_hours_identity"},
		"less than nothing":   {map[string]string{"talk_ms": "901000", "acw_ms": "-1000"}, "quarter_hours_not_negative"},
		"between the bins":    {map[string]string{"bin_start_at": "'2026-11-16 08:20Z'"}, "quarter_hours_aligned"},
		"final and pending":   {map[string]string{"talk_ms": "899000", "pending_ms": "1000", "is_final": "true"}, "quarter_hours_final"},
	} {
		t.Run(name, func(t *testing.T) {
			if err := insert(test.set); err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("inserting returned %v, want a violation of %s", err, test.want)
			}
		})
	}
	if err := insert(nil); err != nil {
		t.Errorf("a row that adds up is refused: %v", err)
	}
}
