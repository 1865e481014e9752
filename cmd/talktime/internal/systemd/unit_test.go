package systemd_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"talktime/cmd/talktime/internal/systemd"
)

func TestUnit(t *testing.T) {
	t.Parallel()
	program, err := os.Executable() // verify wants one that is there
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		unit    systemd.Unit
		has     []string
		hasNone []string
	}{
		{
			"private Postgres in the usual place",
			systemd.Unit{Program: program, Config: "/etc/talktime/talktime.yaml", User: "talktime", State: "talktime", IsPrivate: true},
			[]string{
				"After=network-online.target", "ExecStart=" + program + " record --config /etc/talktime/talktime.yaml",
				"User=talktime", "StateDirectory=talktime", "StateDirectoryMode=0700",
			},
			[]string{"ReadWritePaths", "LoadCredential", "PGPASSFILE", "MemoryDenyWriteExecute", "postgresql"},
		},
		{
			"own Postgres, odd paths",
			systemd.Unit{
				Program: program, Config: `/etc/our $talk/a "b" 5%\.yaml`, User: "kim", Writable: []string{"/data", "/srv/mine 5%"}, Pgpass: "/etc/pg pass",
			},
			[]string{
				"After=network-online.target postgresql.service", `ExecStart=` + program + ` record --config "/etc/our $$talk/a \"b\" 5%%\\.yaml"`,
				"User=kim", "ReadWritePaths=/data", `ReadWritePaths="/srv/mine 5%%"`, `LoadCredential="pgpass:/etc/pg pass"`, "Environment=PGPASSFILE=%d/pgpass",
				"MemoryDenyWriteExecute=yes",
			},
			[]string{"StateDirectory"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			var text strings.Builder
			if err := test.unit.Write(&text); err != nil {
				t.Fatal(err)
			}
			lines := strings.Split(text.String(), "\n")
			for _, line := range test.has {
				if count(lines, func(l string) bool { return l == line }) != 1 {
					t.Errorf("not once: %s", line)
				}
			}
			for _, word := range test.hasNone {
				if count(lines, func(l string) bool { return strings.Contains(l, word) }) > 0 {
					t.Errorf("has %s", word)
				}
			}
			if t.Failed() {
				t.Log(text.String())
			}
			verify(t, text.String())
		})
	}
}

func count(lines []string, is func(string) bool) (n int) {
	for _, line := range lines {
		if is(line) {
			n++
		}
	}
	return n
}

// verify lets systemd itself read a unit, where it is here.
func verify(t *testing.T, text string) {
	t.Helper()
	analyze, err := exec.LookPath("systemd-analyze")
	if err != nil {
		t.Log(err)
		return
	}
	file := filepath.Join(t.TempDir(), "talktime.service")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), analyze, "verify", "--man=no", file).CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}
