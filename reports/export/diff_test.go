package export_test

import (
	"bytes"
	"encoding/csv"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"talktime/reports/export"
)

func table(text string, dialect export.Dialect, columns ...string) export.Table {
	return export.Table{
		Open:    func() (io.Reader, error) { return strings.NewReader(text), nil },
		Dialect: dialect, Columns: columns,
	}
}

var plain = export.Dialect{Delimiter: ",", Header: true}

func TestDiff(t *testing.T) {
	tests := map[string]struct {
		old, fresh string
		dialect    export.Dialect
		columns    []string
		isByTeam   bool
		want       []string // behind the header
		header     string
	}{
		"nothing": {
			old: "agent_id,talk_seconds\n101,1\n", fresh: "agent_id,talk_seconds\n101,1\n",
			header: "agent_id,column,old,new,cause",
		},
		"a cell": {
			old: "agent_id,talk_seconds,acw_seconds\n101,1,2\n102,3,4\n", fresh: "agent_id,talk_seconds,acw_seconds\n101,1,2\n102,3,5\n",
			header: "agent_id,column,old,new,cause", want: []string{"102,acw_seconds,4,5,late"},
		},
		"a row more and a row less": {
			old: "agent_id,bin_start_at,talk_seconds\n101,a,1\n102,a,2\n", fresh: "agent_id,bin_start_at,talk_seconds\n102,a,2\n102,b,3\n",
			header: "agent_id,bin_start_at,column,old,new,cause", want: []string{"102,b,talk_seconds,,3,late", "101,a,talk_seconds,1,,late"},
		},
		"a name": {
			old: "agent_id,agent_name,team,x\n101,Ann,Sales,1\n", fresh: "agent_id,agent_name,team,x\n101,\"Mayr, Ann\",Support,1\n",
			header: "agent_id,agent_name,column,old,new,cause",
			want:   []string{`101,"Mayr, Ann",agent_name,Ann,"Mayr, Ann",late`, `101,"Mayr, Ann",team,Sales,Support,late`},
		},
		"a team is a key": {
			old: "team,x\nSales,1\n", fresh: "team,x\nSupport,1\n", isByTeam: true,
			header: "team,column,old,new,cause", want: []string{"Support,x,,1,late", "Sales,x,1,,late"},
		},
		"two persons of one id": {
			old: "agent_id,agent_name,x\n101,Ann,1\n101,Bob,2\n", fresh: "agent_id,agent_name,x\n101,Ann,1\n101,Bob,3\n",
			header: "agent_id,agent_name,column,old,new,cause", want: []string{"101,Bob,x,2,3,late"},
		},
		"one row for all": {
			old: "x,y\n1,2\n", fresh: "x,y\n1,3\n", header: "column,old,new,cause", want: []string{"y,2,3,late"},
		},
		"no row": {
			old: "agent_id,x\n", fresh: "agent_id,x\n", header: "agent_id,column,old,new,cause",
		},
		"a byte order mark and semicolons": {
			old: "\ufeffagent_id;x\n101;1,5\n", fresh: "\ufeffagent_id;x\n101;1,6\n", dialect: export.Dialect{Delimiter: ";", Header: true},
			header: "agent_id,column,old,new,cause", want: []string{`101,x,"1,5","1,6",late`},
		},
		"no header": {
			old: "a;101;1\n", fresh: "a;101;2\n", dialect: export.Dialect{Delimiter: ";"}, columns: []string{"interval_start_at", "agent_id", "x"},
			header: "interval_start_at,agent_id,column,old,new,cause", want: []string{"a,101,x,1,2,late"},
		},
		"a column of a later version": {
			old: "agent_id,x\n101,1\n", fresh: "agent_id,x,y\n101,1,2\n", header: "agent_id,column,old,new,cause",
		},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			if test.dialect == (export.Dialect{}) {
				test.dialect = plain
			}
			d := export.Diff{
				Old: table(test.old, test.dialect, test.columns...), New: table(test.fresh, test.dialect, test.columns...),
				IsByTeam: test.isByTeam, Cause: func(string) string { return "late" },
			}
			var out bytes.Buffer
			n, err := d.Write(&out)
			if err != nil {
				t.Fatal(err)
			}
			want := strings.Join(append([]string{test.header}, test.want...), "\r\n") + "\r\n"
			if diff := cmp.Diff(want, out.String()); diff != "" || n != len(test.want) {
				t.Errorf("%d lines (-want +got):\n%s", n, diff)
			}
			columns, err := d.Columns()
			if err != nil {
				t.Fatal(err)
			}
			var names []string
			for _, column := range columns {
				names = append(names, column.Name)
			}
			if got := strings.Join(names, ","); got != test.header {
				t.Errorf("its columns are %s", got)
			}
		})
	}
}

// Whatever the tables, applying a diff to the old one makes the new one.
func TestDiffApplied(t *testing.T) {
	cell := rapid.StringMatching(`[a-c", ]{0,2}`)
	rapid.Check(t, func(r *rapid.T) {
		draw := func(label string) map[string][2]string {
			rows := map[string][2]string{}
			for _, key := range rapid.SliceOfNDistinct(rapid.IntRange(101, 108), 0, 8, rapid.ID[int]).Draw(r, label) {
				rows[fmt.Sprint(key)] = [2]string{cell.Draw(r, "x"), cell.Draw(r, "y")}
			}
			return rows
		}
		write := func(rows map[string][2]string) string {
			text := "agent_id,x,y\r\n"
			for _, key := range slices.Sorted(maps.Keys(rows)) {
				text += key
				for _, c := range rows[key] {
					text += `,"` + strings.ReplaceAll(c, `"`, `""`) + `"`
				}
				text += "\r\n"
			}
			return text
		}
		old, fresh := draw("old"), draw("new")
		want := map[string]string{}
		for key := range maps.Keys(old) {
			for i, column := range []string{"x", "y"} {
				if now := fresh[key][i]; old[key][i] != now {
					want[key+" "+column] = old[key][i] + " > " + now
				}
			}
		}
		for key, row := range fresh {
			for i, column := range []string{"x", "y"} {
				if _, was := old[key]; !was && row[i] != "" {
					want[key+" "+column] = " > " + row[i]
				}
			}
		}
		var out bytes.Buffer
		d := export.Diff{Old: table(write(old), plain), New: table(write(fresh), plain), Cause: func(string) string { return "" }}
		if _, err := d.Write(&out); err != nil {
			r.Fatal(err)
		}
		got := map[string]string{}
		for _, line := range readAll(t, &out)[1:] {
			got[line[0]+" "+line[1]] = line[2] + " > " + line[3]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			r.Fatalf("changed cells (-want +got):\n%s", diff)
		}
	})
}

func readAll(t *testing.T, in io.Reader) [][]string {
	t.Helper()
	lines, err := csv.NewReader(in).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return lines
}
