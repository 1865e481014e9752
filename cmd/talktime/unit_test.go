package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// What a unit may write to is what the configuration has it write to.
func TestUnit(t *testing.T) {
	t.Parallel()
	const recorded = "gateway: {url: \"https://127.0.0.1:8043\"}\nschedules: [{name: play, cron: \"* * * * * *\"}]\n"
	for _, test := range []struct {
		name, config string
		hasPgpass    bool
		code         int
		has          string // a line of the unit, or a part of the error
		hasNone      string
	}{
		{name: "state directory", config: "data_dir: /var/lib/talktime/north\n", has: "StateDirectory=talktime/north\n", hasNone: "ReadWritePaths"},
		{name: "folder of its own", config: "data_dir: /data/talktime\n", has: "ReadWritePaths=/data/talktime\n", hasNone: "StateDirectory"},
		{
			name:   "folders of exports, each once",
			config: "data_dir: /data/talktime\nexports:\n" + exportTo("a", "/srv/a") + exportTo("b", "/srv/a") + exportTo("c", "/srv/c"),
			has:    "ReadWritePaths=/data/talktime\nReadWritePaths=/srv/a\nReadWritePaths=/srv/c\nUMask",
		},
		{name: "password in a file", config: "data_dir: /data\ndatabase: {url: \"postgres://db.example/talktime\"}\n", hasPgpass: true, has: "LoadCredential=pgpass:DIR/pgpass\n"},
		{name: "no password", config: "data_dir: /data\ndatabase: {url: \"postgres://db.example/talktime\"}\n", has: "MemoryDenyWriteExecute=yes\n", hasNone: "LoadCredential"},
		{name: "private", config: "data_dir: /data\n", hasPgpass: true, has: "UMask=0077\nNoNewPrivileges", hasNone: "MemoryDenyWriteExecute"},
		{name: "at home", config: "data_dir: /home/kim/data\n", code: exitUsage, has: "/home/kim/data would not be seen by the unit"},
		{name: "GUIDs at home", config: "data_dir: /data\nguids: {file: /root/guids.csv}\n", code: exitUsage, has: "/root/guids.csv would not be seen by the unit"},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			config := filepath.Join(dir, configFileName)
			err := os.WriteFile(config, []byte(test.config+recorded), 0o600)
			if err == nil && test.hasPgpass {
				err = os.WriteFile(filepath.Join(dir, "pgpass"), nil, 0o600)
			}
			if err != nil {
				t.Fatal(err)
			}
			var stdout, stderr strings.Builder
			a := &app{stdout: &stdout, stderr: &stderr, clock: newWallClock(), configFile: config}
			err = a.unit("/usr/local/bin/talktime", "talktime")
			got := stdout.String()
			if err != nil {
				got = err.Error()
			}
			if code := codeOf(err); code != test.code || !strings.Contains(got, strings.ReplaceAll(test.has, "DIR", dir)) ||
				test.hasNone != "" && strings.Contains(got, test.hasNone) {
				t.Errorf("exit code %d, want %d, with %q and without %q:\n%s", code, test.code, test.has, test.hasNone, got)
			}
		})
	}

	a := &app{clock: newWallClock(), environ: []string{"HOME=" + t.TempDir()}}
	if err := a.unit("/usr/local/bin/talktime", "talktime"); codeOf(err) != exitUsage {
		t.Errorf("without a configuration: %v", err)
	}
}

func exportTo(name, folder string) string {
	return "  - {name: " + name + ", cron: \"@daily\", report: states, window: yesterday, to: " + folder + "}\n"
}
