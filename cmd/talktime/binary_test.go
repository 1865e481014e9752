package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
)

// binaryVariable names a talktime that is built already: for those who run the
// tests where there is no Go to build it with.
const binaryVariable = "TESTED_TALKTIME"

// realProgram returns the path of talktime as users have it, built once for all
// tests, with the race detector where they have it.
func realProgram(t testing.TB) string {
	t.Helper()
	path, err := buildProgram()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// builtIn is the folder the program was built in; empty while it was not.
var builtIn string

var buildProgram = sync.OnceValues(func() (path string, err error) {
	if path := os.Getenv(binaryVariable); path != "" {
		return path, nil
	}
	if builtIn, err = os.MkdirTemp("", "talktime-binary-"); err != nil {
		return "", err
	}
	path = filepath.Join(builtIn, "talktime")
	args := []string{"build", "-buildvcs=false", "-o", path}
	if raceDetector {
		args = append(args, "-race")
	}
	if out, err := exec.Command("go", append(args, ".")...).CombinedOutput(); err != nil {
		return "", fmt.Errorf("build the program: %w\n%s", err, out)
	}
	return path, nil
})

// sweeping runs the tests and then removes the program they may have built.
type sweeping struct{ *testing.M }

func (m sweeping) Run() int {
	code := m.M.Run()
	if builtIn != "" {
		_ = os.RemoveAll(builtIn) // the system sweeps its temporary folders too
	}
	return code
}
