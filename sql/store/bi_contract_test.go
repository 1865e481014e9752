package store_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"talktime/reports"
	"talktime/sql/store"
)

// contractFile lists the columns of bi_v1, each as its view, name and type, in
// the views' order. A section holds what one version of the schema added.
const contractFile = "testdata/bi_v1.txt"

// landed holds the digest of each section that was released: such lines never
// change, whatever the views or the file become. Who needs them changed makes
// bi_v2 beside bi_v1.
var landed = map[int64]string{10: "21547a6188a49205", 16: "67ad8400ac003705"}

// contractSection is what one version of the schema added to bi_v1.
type contractSection struct {
	since int64
	lines []string
}

func (s contractSection) digest() string {
	sum := sha256.Sum256([]byte(strings.Join(s.lines, "\n")))
	return hex.EncodeToString(sum[:8])
}

func readContract(t *testing.T) []contractSection {
	t.Helper()
	text, err := os.ReadFile(contractFile)
	if err != nil {
		t.Fatal(err)
	}
	var sections []contractSection
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSuffix(line, "\n")
		if version, isHeader := strings.CutPrefix(line, "# since "); isHeader {
			since, err := strconv.ParseInt(version, 10, 64)
			if err != nil {
				t.Fatal(err)
			}
			sections = append(sections, contractSection{since: since})
			continue
		}
		last := &sections[len(sections)-1]
		last.lines = append(last.lines, line)
	}
	return sections
}

// byView lists the columns of each view in order.
func byView(lines []string) map[string][]string {
	views := map[string][]string{}
	for _, line := range lines {
		view, column, _ := strings.Cut(line, " ")
		views[view] = append(views[view], column)
	}
	return views
}

func linesOf(sections []contractSection) []string {
	var lines []string
	for _, s := range sections {
		lines = append(lines, s.lines...)
	}
	return lines
}

// extend returns the contract with what the database has beyond it in a section
// of the program's schema. A section that is not landed yet is made anew.
func extend(sections []contractSection, has []string) []contractSection {
	sections = slices.DeleteFunc(sections, func(s contractSection) bool { return landed[s.since] == "" })
	known := linesOf(sections)
	added := contractSection{since: store.SchemaVersion()}
	for _, line := range has {
		if !slices.Contains(known, line) {
			added.lines = append(added.lines, line)
		}
	}
	if len(added.lines) > 0 {
		sections = append(sections, added)
	}
	return sections
}

// The views are what the contract says, column by column.
func TestContract(t *testing.T) {
	has := all[string](t, newDatabase(t), `SELECT concat_ws(' ', table_name, column_name, data_type)
		FROM information_schema.columns WHERE table_schema = 'bi_v1' ORDER BY table_name, ordinal_position`)
	if *update {
		var file strings.Builder
		for _, s := range extend(readContract(t), has) {
			fmt.Fprintf(&file, "# since %d\n%s\n", s.since, strings.Join(s.lines, "\n"))
		}
		if err := os.WriteFile(contractFile, []byte(file.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if diff := gocmp.Diff(byView(linesOf(readContract(t))), byView(has)); diff != "" {
		t.Errorf("bi_v1 is not the contract of %s. Columns are only added, at a view's end; then run the test with -update (-contract +database):\n%s", contractFile, diff)
	}
}

func TestLandedContractNeverChanges(t *testing.T) {
	sections := readContract(t)
	for i, s := range sections {
		if want, isLanded := landed[s.since]; !isLanded {
			t.Errorf("what schema %d added is not noted as landed: %d: %q", s.since, s.since, s.digest())
		} else if got := s.digest(); got != want {
			t.Errorf("lines that landed with schema %d were changed (digest %s, was %s): make bi_v2 beside bi_v1", s.since, got, want)
		}
		if i > 0 && sections[i-1].since >= s.since {
			t.Errorf("the section since %d is not after the one since %d", s.since, sections[i-1].since)
		}
	}
	for since := range landed {
		if !slices.ContainsFunc(sections, func(s contractSection) bool { return s.since == since }) {
			t.Errorf("what landed with schema %d is gone", since)
		}
	}
}

// What tools trip over: types they have no word for, instants without a zone, names
// that are words of their language.
func TestContractSuitsEveryTool(t *testing.T) {
	d := newDatabase(t)
	keywords := map[string]bool{}
	for _, word := range append(all[string](t, d, "SELECT word FROM pg_get_keywords()"), toolWords...) {
		keywords[word] = true
	}
	types := map[string]bool{
		"text": true, "boolean": true, "integer": true, "bigint": true, "double precision": true, "date": true, "timestamp with time zone": true,
	}
	for view, columns := range byView(linesOf(readContract(t))) {
		for _, column := range columns {
			name, kind, _ := strings.Cut(column, " ")
			suffix := func(s string) bool { return strings.HasSuffix(name, s) || name == strings.TrimPrefix(s, "_") }
			switch {
			case keywords[name]:
				t.Errorf("%s.%s is a keyword", view, name)
			case !types[kind]:
				t.Errorf("%s.%s is %s", view, name, kind)
			case (kind == "timestamp with time zone") != suffix("_at"):
				t.Errorf("%s.%s is %s: instants, and only they, end in _at", view, name, kind)
			case (kind == "date") != suffix("_date"):
				t.Errorf("%s.%s is %s: dates, and only they, end in _date", view, name, kind)
			case suffix("_seconds") && kind != "double precision", suffix("_ms") && kind != "bigint":
				t.Errorf("%s.%s is %s: seconds are float8, milliseconds bigint", view, name, kind)
			case suffix("_seconds") && !suffix("_stderr_seconds") && !suffix("_age_seconds") && !slices.Contains(columns, strings.TrimSuffix(name, "seconds")+"ms bigint"):
				t.Errorf("%s.%s has no exact milliseconds beside it", view, name)
			case strings.HasPrefix(name, "is_") && kind != "boolean":
				t.Errorf("%s.%s is %s", view, name, kind)
			case suffix("_pct"):
				for _, term := range []string{"_numerator_ms bigint", "_denominator_ms bigint"} {
					if !slices.Contains(columns, strings.TrimSuffix(name, "_pct")+term) {
						t.Errorf("%s.%s has no %s beside it", view, name, term)
					}
				}
			}
		}
	}
}

// toolWords are reserved by query languages that tools speak beside Postgres':
// T-SQL, MySQL, Oracle, Snowflake and BigQuery SQL, DAX, M and LookML.
var toolWords = strings.Fields(`
	access accessible add all alter analyze any array as asc audit before between bigint by cascade case change
	character check cluster column comment compress condition connect constraint continue contains count create cross cube current cursor
	database databases date datetime day days dayofweek dec decimal declare default define delayed delete desc describe dimension distinct
	div double drop dual duration each else elseif end error escape evaluate exclusive exists exit explain explore exit external false
	fetch file filter first float for force foreign from full fulltext function generated get go grant group groups having hour hours
	identified if ignore immediate in increment index infile initial inner inout insert int integer intersect interval into is item iterate
	join key keys kill label last lateral lead leading leave left level like limit linear lines load local lock long loop
	match max maxextents mean measures median merge min minus minute minutes mod mode model modify month months name natural nocompress
	not now nowait null number numeric of offline offset on online open optimize option or order out outer over parameter partition
	percent pivot plan prior privileges procedure proc public purge qualify quarter quarters range rank raw read real record references
	regexp release rename repeat replace require resignal resource restrict result return revoke right row rowid rownum rows sample
	schedule schema schemas second seconds_ select separator session set share show signal size smallint sort source spatial sql start starting state
	statement status sum summarize synonym sysdate system table tablesample tables terminated text then time timestamp to top total
	trailing trigger true truncate try type uid union unique unlock unpivot unsigned update usage use user using validate value values
	var varchar variance varying view visible week weeks when whenever where while window with within write year years zone`)

// Every view and column says what it is; a measure in the words of the dictionary,
// with its unit and whether it adds up.
func TestContractIsDocumented(t *testing.T) {
	d := newDatabase(t)
	bare := all[string](t, d, `
		SELECT 'schema bi_v1' WHERE obj_description('bi_v1'::regnamespace, 'pg_namespace') IS NULL
		UNION ALL
		SELECT relname || coalesce('.' || attname, '')
		FROM pg_class LEFT JOIN LATERAL (SELECT attnum, attname FROM pg_attribute WHERE attrelid = pg_class.oid AND attnum > 0
		                                 UNION ALL SELECT 0, NULL) AS a ON true
		WHERE relnamespace = 'bi_v1'::regnamespace
		  AND coalesce(trim(CASE attnum WHEN 0 THEN obj_description(oid, 'pg_class') ELSE col_description(oid, attnum) END), '') = ''`)
	if len(bare) > 0 {
		t.Errorf("without a comment: %s", strings.Join(bare, ", "))
	}
	if other := all[string](t, d, `SELECT relname || ' ' || relkind::text FROM pg_class
		WHERE relnamespace = 'bi_v1'::regnamespace AND relkind <> 'v'`); len(other) > 0 {
		t.Errorf("bi_v1 holds what is no plain view: %s", strings.Join(other, ", "))
	}
	vague := all[string](t, d, `SELECT c.relname || '.' || a.attname || ': ' || col_description(c.oid, a.attnum)
		FROM bi_v1.meta_metrics AS m JOIN pg_attribute AS a ON a.attname = m.metric JOIN pg_class AS c ON c.oid = a.attrelid
		WHERE c.relnamespace = 'bi_v1'::regnamespace
		  AND NOT (col_description(c.oid, a.attnum) LIKE '%Unit: ' || m.unit || '; ' || m.additivity || '.')`)
	if len(vague) > 0 {
		t.Errorf("measures whose comment has not the dictionary's unit and additivity:\n%s", strings.Join(vague, "\n"))
	}
}

// contractCodes are the numbers that measure nothing: they name a thing or a place in a
// calendar.
var contractCodes = strings.Fields(`agent_id agent_key agent_state derivation_id shard schema_version since
	iso_weekday iso_year iso_week calendar_month calendar_quarter calendar_year`)

// The dictionary names every measure of every view, and nothing that is in none.
func TestDictionary(t *testing.T) {
	d := newDatabase(t)
	known := all[string](t, d, "SELECT metric FROM bi_v1.meta_metrics ORDER BY metric")
	var measures []string
	for _, columns := range byView(linesOf(readContract(t))) {
		for _, column := range columns {
			name, kind, _ := strings.Cut(column, " ")
			if slices.Contains([]string{"integer", "bigint", "double precision"}, kind) && !slices.Contains(contractCodes, name) {
				measures = append(measures, name)
			}
		}
	}
	slices.Sort(measures)
	if diff := gocmp.Diff(slices.Compact(measures), known); diff != "" {
		t.Errorf("dictionary (-measures of views +dictionary):\n%s", diff)
	}
	if empty := all[string](t, d, `SELECT metric FROM bi_v1.meta_metrics WHERE '' IN (meaning, formula, unit, additivity) OR since NOT BETWEEN 1 AND $1`,
		store.SchemaVersion()); len(empty) > 0 {
		t.Errorf("the dictionary says too little of %s", strings.Join(empty, ", "))
	}
}

// The columns of reports are columns of the wide views.
func TestContractHasTheReportsColumns(t *testing.T) {
	views := byView(linesOf(readContract(t)))
	byAgent := reports.Meta{Request: reports.Request{Grouping: reports.Grouping{ByAgent: true, Unit: reports.QuarterHours}, Window: reports.Window{Zone: time.UTC}}}
	for _, view := range []string{"fct_agent_quarter_hours", "fct_agent_days"} {
		for _, c := range byAgent.Columns() {
			if !slices.ContainsFunc(views[view], func(column string) bool { return strings.HasPrefix(column, c.Name+" ") }) {
				t.Errorf("%s has no column %s", view, c.Name)
			}
		}
	}
}
