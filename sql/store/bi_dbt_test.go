package store_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"
)

const dbtFile = "../bi/sources.yml"

// dbt's sources say what the database's comments say.
func TestDBTSources(t *testing.T) {
	d := newDatabase(t)
	var file strings.Builder
	fmt.Fprintf(&file, `# The views of bi_v1 as sources of dbt, generated from their comments by
# go test ./sql/store -run DBTSources -update
version: 2
sources:
  - name: talktime
    schema: bi_v1
    description: %s
    tables:
`, quoted(t, one[string](t, d, "SELECT obj_description('bi_v1'::regnamespace, 'pg_namespace')")))
	for _, view := range all[string](t, d, "SELECT relname::text FROM pg_class WHERE relnamespace = 'bi_v1'::regnamespace ORDER BY 1") {
		fmt.Fprintf(&file, "      - name: %s\n        description: %s\n        columns:\n", view,
			quoted(t, one[string](t, d, "SELECT obj_description(('bi_v1.' || $1)::regclass, 'pg_class')", view)))
		columns := all[[]string](t, d, `SELECT ARRAY[attname, format_type(atttypid, atttypmod), col_description(attrelid, attnum)]::text[] FROM pg_attribute
			WHERE attrelid = ('bi_v1.' || $1)::regclass AND attnum > 0 ORDER BY attnum`, view)
		for _, column := range columns {
			fmt.Fprintf(&file, "          - name: %s\n            data_type: %s\n            description: %s\n", column[0], column[1], quoted(t, column[2]))
		}
	}
	if *update {
		if err := os.WriteFile(dbtFile, []byte(file.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	text, err := os.ReadFile(dbtFile)
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(strings.Split(string(text), "\n"), strings.Split(file.String(), "\n")); diff != "" {
		t.Errorf("%s is not what the comments say; run the test with -update (-file +comments):\n%s", dbtFile, diff)
	}
}

// quoted writes a text as YAML may: every JSON string is one.
func quoted(t *testing.T, text string) string {
	t.Helper()
	var out bytes.Buffer
	encoder := json.NewEncoder(&out)
	encoder.SetEscapeHTML(false)
	if err := encoder.Encode(text); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSuffix(out.String(), "\n")
}
