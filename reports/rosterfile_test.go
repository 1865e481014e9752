package reports_test

import (
	"encoding/csv"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	gocmp "github.com/google/go-cmp/cmp"

	"talktime/ingest"
	"talktime/reports"
)

const rosterHeader = "agent_id,name,team,valid_from\n"

func parseRoster(t *testing.T, content string) ([]reports.Tenure, error) {
	t.Helper()
	return reports.ParseRoster("roster.csv", content, ingest.DefaultMaxAgentID, reports.Calendar{Zone: zone(t, "Europe/Berlin")})
}

// However a spreadsheet saves it, it is the same roster.
func TestRosterFileForms(t *testing.T) {
	want := []reports.Tenure{
		{Agent: 101, Name: "Ann Mayr", Team: "Sales, inbound", From: instant(t, "2025-12-31T23:00:00Z")},
		{Agent: 102, Name: `Bob "Bobby" Müller`, From: instant(t, "2026-07-01T10:15:00Z")},
	}
	for name, content := range map[string]string{
		"as it should be":      rosterHeader + "101,Ann Mayr,\"Sales, inbound\",2026-01-01\n102,\"Bob \"\"Bobby\"\" Müller\",,2026-07-01T12:15:00+02:00\n",
		"byte order mark":      "\ufeff" + rosterHeader + "101,Ann Mayr,\"Sales, inbound\",2026-01-01\n102,\"Bob \"\"Bobby\"\" Müller\",,2026-07-01T10:15:00Z\n",
		"CRLF":                 strings.ReplaceAll(rosterHeader+"101,Ann Mayr,\"Sales, inbound\",2026-01-01\n102,\"Bob \"\"Bobby\"\" Müller\",,2026-07-01T10:15:00Z\n", "\n", "\r\n"),
		"CR":                   strings.ReplaceAll(rosterHeader+"101,Ann Mayr,\"Sales, inbound\",2026-01-01\n102,\"Bob \"\"Bobby\"\" Müller\",,2026-07-01T10:15:00Z\n", "\n", "\r"),
		"no last line end":     rosterHeader + "101,Ann Mayr,\"Sales, inbound\",2026-01-01\n102,\"Bob \"\"Bobby\"\" Müller\",,2026-07-01T10:15:00Z",
		"semicolons":           "\nAgent_ID;Name;Team;Valid_From\n101;Ann Mayr;Sales, inbound;2026-01-01\n102;\"Bob \"\"Bobby\"\" Müller\";;2026-07-01T10:15:00Z\n",
		"tabs":                 "agent_id\tname\tteam\tvalid_from\n101\tAnn Mayr\tSales, inbound\t2026-01-01\n102\t\"Bob \"\"Bobby\"\" Müller\"\t\t2026-07-01T10:15:00Z\n",
		"blanks everywhere":    " agent_id , name , team , valid_from \n 101 ,\u00a0Ann   Mayr ,\" Sales,  inbound \", 2026-01-01 \n102,\"Bob \"\"Bobby\"\" Müller\", ,2026-07-01T10:15:00Z\n",
		"a line inside a name": rosterHeader + "101,\"Ann\nMayr\",\"Sales, inbound\",2026-01-01\n102,\"Bob \"\"Bobby\"\" Müller\",,2026-07-01T10:15:00Z\n",
		"accents apart":        rosterHeader + "101,Ann Mayr,\"Sales, inbound\",2026-01-01\n102,\"Bob \"\"Bobby\"\" Mu\u0308ller\",,2026-07-01T10:15:00Z\n",
		"empty lines":          "\n" + rosterHeader + "\n101,Ann Mayr,\"Sales, inbound\",2026-01-01\n\n,,,\n102,\"Bob \"\"Bobby\"\" Müller\",,2026-07-01T10:15:00Z\n\n",
		"any order":            "valid_from,team,name,agent_id\n2026-07-01T10:15:00Z,,\"Bob \"\"Bobby\"\" Müller\",102\n2026-01-01,\"Sales, inbound\",Ann Mayr,101\n",
		"an empty person":      "person,agent_id,name,team,valid_from\n,101,Ann Mayr,\"Sales, inbound\",2026-01-01\n ,102,\"Bob \"\"Bobby\"\" Müller\",,2026-07-01T10:15:00Z\n",
	} {
		t.Run(name, func(t *testing.T) {
			got, err := parseRoster(t, content)
			if err != nil {
				t.Fatal(err)
			}
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

// Names stay as they are written, whatever a spreadsheet would make of them.
func TestRosterFileNames(t *testing.T) {
	for _, name := range []string{
		"=cmd|'/c calc'!A1", "+1", "-1", "@SUM(A1)", "👩\u200d🚒 Zoë", "李小龍", "O'Brien", "Łukasz Żółć", "محمد", "می\u200cخواهم", "<b>", "Ã", "Ã la carte", "NULL", "(none)",
		strings.Repeat("é", 200),
	} {
		got, err := parseRoster(t, "agent_id,name,team,valid_from,person\n101,\""+name+"\",T,2026-01-01,=1\n")
		if err != nil || len(got) != 1 || got[0].Name != name || got[0].Person != "=1" {
			t.Errorf("%q became %+v, %v", name, got, err)
		}
	}
	got, err := parseRoster(t, rosterHeader+"101,,,2026-01-01\n")
	if err != nil || len(got) != 1 || got[0].Name != "" {
		t.Errorf("nobody became %+v, %v", got, err)
	}
}

func TestRosterFileFaults(t *testing.T) {
	for name, c := range map[string]struct{ content, want string }{
		"empty":              {"", "line 1: there is nothing to import: it takes a header agent_id,name,team,valid_from and a line for each tenure"},
		"a header alone":     {rosterHeader, "line 1: there is nothing to import: it takes a header agent_id,name,team,valid_from and a line for each tenure"},
		"no header":          {"101,Ann,Sales,2026-01-01\n", "line 1: there is no header: the first line must name the columns agent_id,name,team,valid_from"},
		"a column too few":   {"agent_id,name\n101,Ann\n", "line 1: column team, valid_from is missing"},
		"unknown columns":    {"agent_id,name,team,vaild_from,dept\n", "line 1: column \"vaild_from\" is not one of agent_id, name, team, valid_from and person\nline 1: column \"dept\" is not one of agent_id, name, team, valid_from and person\nline 1: column valid_from is missing"},
		"a column twice":     {"agent_id,name,team,name,valid_from\n", "line 1: column name is there twice"},
		"valid_to":           {"agent_id,name,team,valid_from,valid_to\n", `line 1: column "valid_to" is not read: a tenure ends where the agent's next line begins; where nobody follows, add a line with an empty name and team`},
		"Latin-1":            {rosterHeader + "101,Ann,Sales,2026-01-01\n102,M\xfcller,Sales,2026-01-01\n", "line 3: not UTF-8: save the file as UTF-8"},
		"UTF-16":             {"\xff\xfea\x00g\x00", "line 1: this is UTF-16: save the file as UTF-8"},
		"a lost character":   {rosterHeader + "101,M\ufffdller,Sales,2026-01-01\n", "line 2: a character was lost when the file was saved (U+FFFD): export it again as UTF-8"},
		"encoded twice":      {rosterHeader + "101,MÃ¼ller,Sales,2026-01-01\n", `line 2: name "MÃ¼ller" looks like UTF-8 that was read as Windows-1252: export the file again as UTF-8`},
		"encoded twice, ß":   {rosterHeader + "101,Ann,StraÃŸe,2026-01-01\n", `line 2: team "StraÃŸe" looks like UTF-8 that was read as Windows-1252: export the file again as UTF-8`},
		"a control":          {rosterHeader + "101,Ann\x1b[2J,Sales,2026-01-01\n", "line 2: name \"Ann\\x1b[2J\" has the character U+001B, which cannot be seen"},
		"turned writing":     {rosterHeader + "101,Ann\u202eevE,Sales,2026-01-01\n", "line 2: name \"Ann\\u202eevE\" has the character U+202E, which cannot be seen"},
		"a NUL":              {rosterHeader + "101,Ann\x00,Sales,2026-01-01\n", "line 2: name \"Ann\\x00\" has the character U+0000, which cannot be seen"},
		"a long name":        {rosterHeader + "101," + strings.Repeat("é", 201) + ",Sales,2026-01-01\n", "line 2: the name is longer than 200 characters"},
		"fields":             {rosterHeader + "101,Ann,2026-01-01\n102,Bob,Sales,2026-01-01,x\n", "line 2: 3 fields, but the header has 4\nline 3: 5 fields, but the header has 4"},
		"everything":         {rosterHeader + "99,,Sales,16.11.2026\n", "line 2: agent 99 is outside 101-59999\nline 2: valid_from \"16.11.2026\" is neither a date like 2026-11-16 nor an instant like 2026-11-16T08:00:00+01:00"},
		"no number":          {rosterHeader + "A101,Ann,Sales,2026-01-01\n", `line 2: agent "A101" is not a number in 101-59999`},
		"no agent":           {rosterHeader + ",Ann,Sales,2026-01-01\n", `line 2: agent "" is not a number in 101-59999`},
		"no date":            {rosterHeader + "101,Ann,Sales,\n", `line 2: valid_from "" is neither a date like 2026-11-16 nor an instant like 2026-11-16T08:00:00+01:00`},
		"no quarter-hour":    {rosterHeader + "101,Ann,Sales,2026-01-01T08:07:00Z\n", "line 2: valid_from 2026-01-01T08:07:00Z is not on a quarter-hour; the nearest are 2026-01-01T08:00:00Z and 2026-01-01T08:15:00Z"},
		"a mistyped year":    {rosterHeader + "101,Ann,Sales,0206-01-01\n", "line 2: valid_from 0206-01-01 is outside the years 2000 to 2199"},
		"a team of nobody":   {rosterHeader + "101,,Sales,2026-01-01\n", "line 2: the name is missing; a line without team and person too says that the agent id is nobody's"},
		"the word for none":  {rosterHeader + "101,Ann,(none),2026-01-01\n", `line 2: team "(none)" stands for none: leave it empty`},
		"twice":              {rosterHeader + "101,Ann,Sales,2026-01-01\n101,Bob,Sales,2026-01-02\n101,Bob,Sales,2025-12-31T23:00:00Z\n", "line 4: agent 101 from 2026-01-01 was given on line 2 already"},
		"a quote":            {rosterHeader + "101,Ann \"A\" Mayr,Sales,2026-01-01\n102,Bob,Sales,x\n", "line 2: a quote (\") stands alone: put the whole field in quotes and double those inside it\nline 3: valid_from \"x\" is neither a date like 2026-11-16 nor an instant like 2026-11-16T08:00:00+01:00"},
		"a quote never ends": {rosterHeader + "101,Ann,Sales,2026-01-01\n102,\"Bob,Sales,2026-01-01\n103,Cid,Sales,2026-01-01\n", `line 3: a quote (") stands alone: put the whole field in quotes and double those inside it`},
		"lines after breaks": {rosterHeader + "\n101,\"Ann\nMayr\",Sales,2026-01-01\n\n102,Bob,Sales,x\n", "line 6: valid_from \"x\" is neither a date like 2026-11-16 nor an instant like 2026-11-16T08:00:00+01:00"},
		"in order of lines":  {rosterHeader + "101,Ann,Sales,x\n102,\xff,Sales,2026-01-01\n", "line 2: valid_from \"x\" is neither a date like 2026-11-16 nor an instant like 2026-11-16T08:00:00+01:00\nline 3: not UTF-8: save the file as UTF-8"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := parseRoster(t, c.content)
			if err == nil {
				t.Fatal("it was read")
			}
			if got := strings.ReplaceAll(err.Error(), "read roster.csv ", ""); got != c.want {
				t.Errorf("got\n%s\nwant\n%s", got, c.want)
			}
		})
	}
}

func TestRosterFileFaultsHaveAnEnd(t *testing.T) {
	_, err := parseRoster(t, rosterHeader+strings.Repeat("x,,,\n", 250))
	lines := strings.Split(err.Error(), "\n")
	if len(lines) != 101 || lines[100] != "read roster.csv: 400 more faults" {
		t.Errorf("%d lines, the last is %s", len(lines), lines[len(lines)-1])
	}
}

// A date is the first quarter-hour of the day there, also where the clocks have
// no midnight.
func TestRosterFileDates(t *testing.T) {
	for zoneName, want := range map[string]string{
		"America/Santiago": "2026-09-06T04:00:00Z", "Asia/Kathmandu": "2026-09-05T18:15:00Z", "UTC": "2026-09-06T00:00:00Z",
	} {
		got, err := reports.ParseRoster("r", rosterHeader+"101,Ann,,2026-09-06\n", 101, reports.Calendar{Zone: zone(t, zoneName)})
		if err != nil || got[0].From.Format(time.RFC3339) != want {
			t.Errorf("%s: got %v, %v, want %s", zoneName, got, err, want)
		}
	}
}

// Whatever is read without a fault can be written and read again.
func FuzzParseRoster(f *testing.F) {
	f.Add(rosterHeader + "101,Ann,Sales,2026-01-01\n")
	f.Add("agent_id;name;team;valid_from;person\r\n101;\"a\"\"b\";;2026-01-01T08:15:00Z;7\r\n")
	f.Add("\xff\xfe")
	f.Add(rosterHeader + "101,\"\n\",,2026-01-01\n101,M\xfcller,x,y\n")
	f.Fuzz(func(t *testing.T, content string) {
		tenures, err := reports.ParseRoster("r", content, ingest.DefaultMaxAgentID, reports.Calendar{Zone: time.UTC})
		if err != nil {
			if !strings.HasPrefix(err.Error(), "read r line ") {
				t.Errorf("no line in %q", err)
			}
			return
		}
		var again strings.Builder
		out := csv.NewWriter(&again)
		_ = out.Write([]string{"agent_id", "name", "team", "valid_from", "person"})
		for _, h := range tenures {
			if !utf8.ValidString(h.Name) || h.Name == "" && h.Team+h.Person != "" || !h.From.Equal(h.From.Truncate(reports.QuarterHour)) {
				t.Errorf("read %+v", h)
			}
			_ = out.Write([]string{fmt.Sprint(int(h.Agent)), h.Name, h.Team, h.From.Format(time.RFC3339), h.Person})
		}
		out.Flush()
		if got, err := reports.ParseRoster("r", again.String(), ingest.DefaultMaxAgentID, reports.Calendar{Zone: time.UTC}); err != nil || !gocmp.Equal(got, tenures) {
			t.Errorf("written as\n%s\nread as %+v, %v", &again, got, err)
		}
	})
}
