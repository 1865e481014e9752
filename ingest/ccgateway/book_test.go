package ccgateway_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/ingest/ccgateway"
)

func guidsFor(n int) string {
	var b strings.Builder
	b.WriteString("agentid,guid\n")
	for i := range n {
		fmt.Fprintf(&b, "%d,%08x-6d0a-4a3e-9d53-0123456789ab.AgentGateway1\n", 101+i, i)
	}
	return b.String()
}

// open opens a book of the given content; its log goes to the returned lines.
func open(t testing.TB, content string) (*ccgateway.Book, string, *clock, *lines, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "guids.csv")
	write(t, file, content)
	setTime(t, file, noon)
	c, log := newClock(), &lines{}
	book, err := ccgateway.OpenBook(file, ingest.DefaultMaxAgentID, c, slog.New(slog.NewTextHandler(log, nil)))
	return book, file, c, log, err
}

func TestOpenBook(t *testing.T) {
	for _, c := range []struct{ name, content, agents string }{
		{"plain", "101,a\n102,b\n", "101-102"},
		{"header", "agentid,guid\n101,a\n", "101"},
		{"header as reports spell it", "Agent_ID , GUID\n101,a\n", "101"},
		{"header alone", "agentid,guid\n", ""},
		{"byte order mark", "\ufeffagentid,guid\n101,a\n", "101"},
		{"byte order mark, no header", "\ufeff101,a\n", "101"},
		{"CRLF", "agentid,guid\r\n101,a\r\n103,b\r\n", "101,103"},
		{"no last line break", "101,a\n102,b", "101-102"},
		{"blank lines and comments", "\n# who: what\nagentid,guid\n\n101,a\n  \n#102,b\n", "101"},
		{"blanks and quotes", " 101 , a \n\"102\",\"b\"\n", "101-102"},
		{"as signed in", "101,JSESSIONID=" + guid101 + "\n", "101"},
		{"unordered", "59999,a\n101,b\n5000,c\n", "101,5000,59999"},
		{"one GUID for two", "101,a\n102,a\n", "101-102"},
	} {
		t.Run(c.name, func(t *testing.T) {
			book, _, _, _, err := open(t, c.content)
			if err != nil {
				t.Fatal(err)
			}
			if got := book.Agents().String(); got != c.agents {
				t.Errorf("agents %s, want %s", got, c.agents)
			}
		})
	}
}

// Every fault is told at once, by line, and no GUID with them.
func TestOpenBookTellsAllFaults(t *testing.T) {
	const secret = "5ecre7-guid"
	content := strings.Join([]string{
		"agentid,guid",
		"101," + secret,
		"100," + secret,
		"60000," + secret,
		secret + ",104",
		"105 " + secret,
		"101," + secret,
		"106,",
		"107,JSESSIONID=",
		"108," + secret + " " + secret,
		"109," + secret + "\x07",
		"110," + secret + ",more",
		"111," + secret + "é",
		"112," + strings.Repeat(secret, 30),
		"," + secret,
		"-101," + secret,
		"01234567890123," + secret,
		"agentid,guid",
		"113," + secret,
	}, "\n")
	_, file, _, _, err := open(t, content)
	if err == nil {
		t.Fatal("accepted")
	}
	want := []string{
		"line 3: agent 100 is outside 101-59999",
		"line 4: agent 60000 is outside 101-59999",
		"line 5: the first field is not an agent id in 101-59999",
		"line 6: no comma; a line is agentid,guid",
		"line 7: agent 101 was given on line 2 already",
		"line 8: agent 106: the GUID is missing",
		"line 9: agent 107: the GUID is missing",
		"line 10: agent 108: the GUID's character 12 cannot be part of a GUID",
		"line 11: agent 109: the GUID's character 12 cannot be part of a GUID",
		"line 12: agent 110: the GUID's character 12 cannot be part of a GUID",
		"line 13: agent 111: the GUID's character 12 cannot be part of a GUID",
		"line 14: agent 112: the GUID is longer than 256 characters",
		"line 15: the first field is not an agent id in 101-59999",
		"line 16: the first field is not an agent id in 101-59999",
		"line 17: the first field is not an agent id in 101-59999",
		"line 18: the first field is not an agent id in 101-59999",
	}
	for i, line := range want {
		want[i] = "read " + file + " " + line
	}
	if got := err.Error(); got != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", got, strings.Join(want, "\n"))
	}
	if strings.Contains(err.Error(), secret) {
		t.Error("a GUID is told")
	}
}

func TestOpenBookBoundsItsFaults(t *testing.T) {
	_, file, _, _, err := open(t, strings.Repeat("x,y\n", 1000))
	if err == nil {
		t.Fatal("accepted")
	}
	told := strings.Split(err.Error(), "\n")
	if last := told[len(told)-1]; len(told) != 101 || last != "read "+file+": 900 more lines are faulty" {
		t.Errorf("%d lines, the last %q", len(told), last)
	}
}

func TestOpenBookRefusesTheFile(t *testing.T) {
	for _, c := range []struct {
		name  string
		spoil func(file string) error
		err   string
	}{
		{"missing", os.Remove, "no such file or directory; guids.file must name a file of lines agentid,guid"},
		{"read by the group", mode(0o640), "its mode 0640 is wider than 0600 and GUIDs are secrets; run: chmod 600 "},
		{"read by all", mode(0o644), "its mode 0644 is wider than 0600"},
		{"written by all", mode(0o602), "its mode 0602 is wider than 0600"},
		{"executable", mode(0o700), "its mode 0700 is wider than 0600"},
		{"empty", func(file string) error { return os.Truncate(file, 0) }, "it is empty; to give no GUID, give the header agentid,guid"},
		{"a folder", func(file string) error {
			if err := os.Remove(file); err != nil {
				return err
			}
			return os.Mkdir(file, 0o700)
		}, "not a regular file"},
		{"huge", func(file string) error { return os.Truncate(file, 300<<20) }, "bytes are too many for a file of GUIDs"},
	} {
		t.Run(c.name, func(t *testing.T) {
			file := filepath.Join(t.TempDir(), "guids.csv")
			write(t, file, "101,a\n")
			if err := c.spoil(file); err != nil {
				t.Fatal(err)
			}
			_, err := ccgateway.OpenBook(file, ingest.DefaultMaxAgentID, newClock(), slog.New(slog.DiscardHandler))
			if err == nil || !strings.Contains(err.Error(), c.err) || !strings.Contains(err.Error(), file) {
				t.Errorf("got %v, want %q", err, c.err)
			}
		})
	}
	t.Run("agent ids without end", func(t *testing.T) {
		_, err := ccgateway.OpenBook("guids.csv", -1, newClock(), slog.New(slog.DiscardHandler))
		if err == nil || err.Error() != "agents.max_id -1 is outside 101-999999" {
			t.Error(err)
		}
	})
	t.Run("stricter than 0600", func(t *testing.T) {
		file := filepath.Join(t.TempDir(), "guids.csv")
		write(t, file, "101,a\n")
		if err := os.Chmod(file, 0o400); err != nil {
			t.Fatal(err)
		}
		if _, err := ccgateway.OpenBook(file, ingest.DefaultMaxAgentID, newClock(), slog.New(slog.DiscardHandler)); err != nil {
			t.Error(err)
		}
	})
}

func mode(m os.FileMode) func(string) error {
	return func(file string) error { return os.Chmod(file, m) }
}

// A changed file is read again within a second of use, or at once on Refresh; a
// broken one keeps the book as it was and is told once.
func TestBookFollowsItsFile(t *testing.T) {
	book, file, clock, log, err := open(t, "101,a\n")
	if err != nil {
		t.Fatal(err)
	}
	version := 0
	put := func(content string) {
		t.Helper()
		version++
		write(t, file+".new", content)
		setTime(t, file+".new", noon.Add(time.Duration(version)*time.Minute))
		if err := os.Rename(file+".new", file); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(step, agents string) {
		t.Helper()
		if got := book.Agents().String(); got != agents {
			t.Errorf("%s: agents %s, want %s", step, got, agents)
		}
	}

	put("102,b\n")
	clock.advance(time.Second - time.Millisecond)
	expect("before a second is over", "101")
	clock.advance(time.Millisecond)
	expect("after it", "102")

	put("103,c\n")
	if !book.Refresh() || book.Refresh() {
		t.Error("Refresh does not tell the change, or tells it twice")
	}
	expect("refreshed", "103")
	put("103,c\n")
	if book.Refresh() {
		t.Error("a file of equal content is told as a change")
	}

	put("104,d\n99,e\n104,f\n")
	for range 3 {
		clock.advance(time.Second)
		expect("a broken version", "103")
	}
	warnings := func() int { return strings.Count(log.String(), "level=WARN") }
	if got := log.String(); warnings() != 1 || !strings.Contains(got, "line 2: agent 99 is outside 101-59999; ") || !strings.Contains(got, "line 3: agent 104 was given on line 1 already") {
		t.Errorf("not told once with its lines:\n%s", got)
	}
	put("99,e\n")
	book.Refresh()
	if warnings() != 2 {
		t.Errorf("another broken version is not told:\n%s", log)
	}

	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		book.Refresh()
	}
	expect("without a file", "103")
	if warnings() != 3 {
		t.Errorf("a missing file is not told once:\n%s", log)
	}

	put("105,g\n")
	if err := os.Chmod(file, 0o644); err != nil {
		t.Fatal(err)
	}
	for range 3 {
		book.Refresh()
	}
	expect("too open", "103")
	if err := os.Chmod(file, 0o600); err != nil {
		t.Fatal(err)
	}
	book.Refresh()
	expect("mended", "105")
	if warnings() != 4 {
		t.Errorf("a file too open is not told once:\n%s", log)
	}
}

// A file written in place is not believed before it is whole.
func TestBookWaitsForAWholeFile(t *testing.T) {
	book, file, _, log, err := open(t, "101,a\n102,b\n")
	if err != nil {
		t.Fatal(err)
	}
	inPlace := func(content string, age time.Duration) {
		t.Helper()
		write(t, file, content)
		setTime(t, file, noon.Add(age))
	}
	expect := func(step, agents string) {
		t.Helper()
		book.Refresh()
		if got := book.Agents().String(); got != agents {
			t.Errorf("%s: agents %s, want %s", step, got, agents)
		}
	}
	inPlace("", 1*time.Second)
	expect("emptied", "101-102")
	inPlace("103,c\n104,d0", 2*time.Second)
	expect("half a line", "101-102")
	inPlace("103,c\n104,d0123\n", 3*time.Second)
	expect("whole", "103-104")
	inPlace("105,e", 4*time.Second)
	expect("without a line break, first look", "103-104")
	expect("without a line break, second look", "105")
	if strings.Contains(log.String(), "WARN") {
		t.Errorf("a file in the making is told as broken:\n%s", log)
	}
	inPlace("", 5*time.Second)
	expect("empty, first look", "105")
	expect("empty, second look", "105")
	if !strings.Contains(log.String(), "it is empty") {
		t.Errorf("a file that stays empty is not told:\n%s", log)
	}
}

// BenchmarkOpenBook reads 60,000 lines.
func BenchmarkOpenBook(b *testing.B) {
	file := filepath.Join(b.TempDir(), "guids.csv")
	write(b, file, guidsFor(59899))
	for b.Loop() {
		book, err := ccgateway.OpenBook(file, ingest.DefaultMaxAgentID, newClock(), slog.New(slog.DiscardHandler))
		if err != nil || book.Agents().Len() != 59899 {
			b.Fatal(err)
		}
	}
}

// FuzzGUIDFile holds the file's reader to its promises whatever the file holds:
// agents in range or an error, and no GUID in the error.
func FuzzGUIDFile(f *testing.F) {
	f.Add("agentid,guid\n101,a\n", "5ecre7")
	f.Add("\ufeff101,\"a\"\r\n99,b\n", "5ecre7")
	f.Add("#x\n,\n101\n", "5ecre7")
	file := filepath.Join(f.TempDir(), "guids.csv")
	f.Fuzz(func(t *testing.T, content, secret string) {
		secret = "secret:" + strings.Map(func(r rune) rune {
			if r <= ' ' || r > '~' {
				return -1
			}
			return r
		}, secret)
		write(t, file, content+"\n"+secret+","+secret+"\n108,"+secret+" "+secret+"\n")
		_, err := ccgateway.OpenBook(file, ingest.DefaultMaxAgentID, newClock(), slog.New(slog.DiscardHandler))
		if err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("error: %v", err)
		}
		write(t, file, content)
		book, err := ccgateway.OpenBook(file, ingest.DefaultMaxAgentID, newClock(), slog.New(slog.DiscardHandler))
		if err != nil {
			return
		}
		for agent := range book.Agents().All() {
			if agent < ingest.MinAgentID || agent > ingest.DefaultMaxAgentID {
				t.Errorf("agent %d", agent)
			}
		}
	})
}

// The GUIDs' ages are told, and how many the gateway cannot know any more.
func TestGUIDs(t *testing.T) {
	for name, test := range map[string]struct {
		mode    int
		expired int
	}{
		"static": {ccgateway.AuthModeStatic, 0}, "dynamic": {ccgateway.AuthModeDynamic, 1},
	} {
		t.Run(name, func(t *testing.T) {
			b := newBench(t, says(idle), func(s *setup) {
				s.cfg.AuthMode = test.mode
				s.guids = "101,first\n102,second\n"
			})
			old := noon.Add(-time.Second)
			got := b.GUIDs()
			if got.Agents.String() != "101-102" || !got.Oldest.Equal(old) || !got.Newest.Equal(old) || got.Expired != 0 {
				t.Errorf("at first: %+v", got)
			}
			b.clock.advance(119 * time.Second)
			b.replace(t, "101,first\n102,newer\n")
			got = b.GUIDs()
			if got.Agents.Len() != 2 || !got.Oldest.Equal(old) || !got.Newest.Equal(noon.Add(119*time.Second)) || got.Expired != test.expired {
				t.Errorf("one replaced after 120 s: %+v", got)
			}
			b.replace(t, "# nobody\n")
			if got = b.GUIDs(); !got.Agents.IsEmpty() || !got.Oldest.IsZero() || !got.Newest.IsZero() || got.Expired != 0 {
				t.Errorf("none held: %+v", got)
			}
		})
	}
}
