package localpg_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"talktime/sql/localpg"
)

func TestNoServerPrograms(t *testing.T) {
	dir := tempDir(t, 0)
	fake := func(name, version string) string {
		bin := filepath.Join(tempDir(t, 0), name)
		if err := os.Mkdir(bin, 0o755); err != nil {
			t.Fatal(err)
		}
		for _, program := range []string{"initdb", "postgres"} {
			script := fmt.Sprintf("#!/bin/sh\necho 'postgres (PostgreSQL) %s'\n", version)
			if err := os.WriteFile(filepath.Join(bin, program), []byte(script), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		return bin
	}
	lone := tempDir(t, 0)
	if err := os.WriteFile(filepath.Join(lone, "initdb"), nil, 0o755); err != nil {
		t.Fatal(err)
	}
	old := fake("old", "14.9 (Debian 14.9-1)")
	odd := fake("odd", "x")
	for name, c := range map[string]struct {
		search []string
		want   []string
	}{
		"nothing":           {[]string{}, []string{"no server programs (initdb, postgres) of Postgres 15 or later", "database.url"}},
		"an empty PATH":     {[]string{"", "."}, []string{"no server programs"}},
		"initdb alone":      {[]string{lone}, []string{"no server programs"}},
		"too old":           {[]string{old}, []string{"no server programs", "found: Postgres 14 in " + old}},
		"not Postgres":      {[]string{odd}, []string{"no server programs", odd + "/postgres --version says"}},
		"a pattern, no hit": {[]string{filepath.Join(lone, "*", "bin")}, []string{"no server programs"}},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := localpg.Start(deadline(t), localpg.Options{Dir: dir, Search: c.search})
			wantWords(t, err, c.want...)
		})
	}
}

func TestAClusterIsServedByItsOwnVersionOnly(t *testing.T) {
	dir := tempDir(t, 0)
	data := filepath.Join(dir, "cluster")
	if err := os.Mkdir(data, 0o755); err != nil {
		t.Fatal(err)
	}
	try := func() error {
		_, err := localpg.Start(deadline(t), localpg.Options{Dir: dir})
		return err
	}
	wantWords(t, try(), data+" is not a Postgres cluster")
	for version, want := range map[string]string{
		"99\n": "made by Postgres 99, whose server programs are not on this machine",
		"14\n": `is of Postgres "14", talktime needs 15 or later`,
		"x":    `is of Postgres "x"`,
	} {
		if err := os.WriteFile(filepath.Join(data, "PG_VERSION"), []byte(version), 0o644); err != nil {
			t.Fatal(err)
		}
		wantWords(t, try(), want)
	}
}
