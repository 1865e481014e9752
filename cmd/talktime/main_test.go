package main

import (
	"flag"
	"os"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

var update = flag.Bool("update", false, "rewrite the golden files and the golden parts of the test scripts")

// TestMain makes the test binary the program itself when a script runs it.
func TestMain(m *testing.M) {
	testscript.Main(sweeping{m}, map[string]func(){"talktime": func() { os.Exit(run()) }})
}

// TestScripts runs every script as a user would type it, each in an empty
// folder that is also its home. $DATA is a place for a private Postgres.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		UpdateScripts:       *update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			dir, err := dataDir()
			if err != nil {
				return err
			}
			env.Setenv("DATA", dir)
			env.Defer(func() {
				if err := os.RemoveAll(dir); err != nil {
					t.Error(err)
				}
			})
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits},
	})
}

// dataDir makes a folder for a private Postgres, in memory where that is
// possible. Where root runs the tests, the server is another user's, who must
// be able to pass through it.
func dataDir() (string, error) {
	dir, err := os.MkdirTemp("/dev/shm", "talktime-")
	if err != nil {
		if dir, err = os.MkdirTemp("", "talktime-"); err != nil {
			return "", err
		}
	}
	return dir, os.Chmod(dir, 0o711)
}
