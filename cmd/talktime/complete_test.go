package main

import (
	"bytes"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// A database that takes connections and never answers costs a shell no more than
// the limit, and shows nothing.
func TestCompletionGivesUp(t *testing.T) {
	t.Parallel()
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	var stdout, stderr bytes.Buffer
	a := &app{
		stdout: &stdout, stderr: &stderr, clock: newWallClock(),
		environ: []string{"TALKTIME_DATABASE_URL=postgres://kim@" + silent.Addr().String() + "/x?sslmode=disable"},
	}
	ended := make(chan int)
	go func() { ended <- a.run(t.Context(), []string{"__complete", "report", "states", "--agent", ""}) }()
	select {
	case code := <-ended:
		if code != exitOK || stdout.String() != ":6\n" || strings.Contains(stderr.String(), "database") {
			t.Errorf("exit code %d, %q on standard output, on standard error %s", code, &stdout, &stderr)
		}
	case <-time.After(longEnough):
		t.Fatal("completion waits for the database")
	}
}

// Where words are asked for, files are not offered by mistake.
func TestEveryFlagSaysWhatCompletesIt(t *testing.T) {
	files := map[string]bool{"out": true, "config": true}
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		if cmd.Name() == "completion" || cmd.Name() == "help" {
			return
		}
		cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
			if _, isKnown := cmd.GetFlagCompletionFunc(f.Name); !isKnown && !files[f.Name] {
				t.Errorf("%s --%s offers files", cmd.CommandPath(), f.Name)
			}
		})
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	visit((&app{clock: newWallClock()}).rootCommand())
}
