package oracle_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"talktime/sql/store/internal/oracle"
)

// TestReadCasesRefuses: a case that says more or less than it must is no case.
func TestReadCasesRefuses(t *testing.T) {
	good, err := json.Marshal(oracle.Case{Name: "x", Expect: []oracle.Row{{AgentID: 101}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, old, new, want string }{
		{"nothing wrong", "", "", ""},
		{"unknown field", `"horizon_ms"`, `"horizon"`, `unknown field "horizon"`},
		{"missing figure", `"acw":0,`, ``, "figure acw is missing"},
		{"unknown figure", `"acw":0,`, `"acw":0,"tea":0,`, "figure tea is unknown"},
		{"fraction", `"change_ms":0`, `"change_ms":0.5`, "0.5"},
		{"cut off", `}]}`, ``, "EOF"},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "cases.jsonl")
			text := string(good) + "\n" + strings.Replace(string(good), c.old, c.new, 1) + "\n"
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			cases, err := oracle.ReadCases(path)
			if c.want == "" {
				if err != nil || len(cases) != 2 {
					t.Errorf("read %d cases, error %v", len(cases), err)
				}
				return
			}
			if err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), "case 2") {
				t.Errorf("error is %v, want case 2 and %q", err, c.want)
			}
		})
	}
}

func TestDiff(t *testing.T) {
	row := oracle.Row{AgentID: 101, Bin: oracle.QuarterHour}
	later := oracle.Row{AgentID: 101, Bin: 2 * oracle.QuarterHour}
	other := row
	other.Reach[oracle.NotReady] = 7
	for _, c := range []struct {
		name      string
		got, want []oracle.Row
		diff      string
	}{
		{"equal", []oracle.Row{row, later}, []oracle.Row{row, later}, ""},
		{"missing", []oracle.Row{later}, []oracle.Row{row, later}, "agent 101, 1970-01-01T00:15:00Z: missing row\n"},
		{"unexpected", []oracle.Row{row, later}, []oracle.Row{row}, "agent 101, 1970-01-01T00:30:00Z: unexpected row\n"},
		{
			"figure",
			[]oracle.Row{other},
			[]oracle.Row{row},
			"agent 101, 1970-01-01T00:15:00Z: got, want:\n\tnot_ready reach 7, 0\n",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			if diff := oracle.Diff(c.got, c.want); diff != c.diff {
				t.Errorf("got %q, want %q", diff, c.diff)
			}
		})
	}
}
