package export_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// childTask names, in a process this test binary starts of itself, the one of
// childTasks it is to do.
const childTask = "TALKTIME_TEST_TASK"

var childTasks = map[string]func(args []string) error{
	"deliver":      deliverForEver,
	"deliver full": deliverToFullDisk,
}

func TestMain(m *testing.M) {
	task, isChild := childTasks[os.Getenv(childTask)]
	if !isChild {
		os.Exit(m.Run())
	}
	if err := task(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// child returns a process that does a task.
func child(t *testing.T, task string, args ...string) *exec.Cmd {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self, args...)
	cmd.Env = append(os.Environ(), childTask+"="+task)
	cmd.Stderr = new(strings.Builder)
	return cmd
}
