package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"strings"
	"testing"

	"github.com/spf13/cobra"
)

func TestExitCodes(t *testing.T) {
	plain := errors.New("the disk is full")
	for name, test := range map[string]struct {
		err  error
		want int
	}{
		"no error":             {nil, exitOK},
		"a plain error":        {plain, exitFailed},
		"usage":                {usagef("--to is before --from"), exitUsage},
		"a wrapped code":       {fmt.Errorf("report: %w", withExit(exitSchema, plain)), exitSchema},
		"a joined code":        {errors.Join(plain, withExit(exitPartial, plain)), exitPartial},
		"nothing with a code":  {withExit(exitPartial, nil), exitOK},
		"another program's":    {&exitError{code: 42}, 42},
		"the outermost counts": {withExit(exitPartial, usageError(plain)), exitPartial},
	} {
		t.Run(name, func(t *testing.T) {
			if got := codeOf(test.err); got != test.want {
				t.Errorf("code %d, want %d", got, test.want)
			}
		})
	}
	if err := withExit(exitPartial, plain); !errors.Is(err, plain) || err.Error() != plain.Error() {
		t.Errorf("the code changed the error to %v", err)
	}
}

func TestErrorsArePrintedOnceByTheProgramsName(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want string
	}{
		"one":            {errors.New("the disk is full"), "talktime: the disk is full\n"},
		"several":        {errors.Join(errors.New("a"), errors.New("b")), "talktime: a\ntalktime: b\n"},
		"a code only":    {&exitError{code: 3}, ""},
		"ends in a line": {fmt.Errorf("a%s", "\n"), "talktime: a\n"},
	} {
		t.Run(name, func(t *testing.T) {
			var out bytes.Buffer
			a := &app{stderr: &out}
			a.printError(test.err)
			if out.String() != test.want {
				t.Errorf("printed %q, want %q", &out, test.want)
			}
		})
	}
}

func TestInterruptedWorkSaysSo(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	var out bytes.Buffer
	a := &app{stderr: &out, started: true}
	if code := a.finish(ctx, fmt.Errorf("read rows: %w", context.Canceled)); code != exitFailed || out.String() != "talktime: interrupted: read rows: context canceled\n" {
		t.Errorf("code %d, printed %q", code, &out)
	}
}

// Every command says how it is used, by an example, and leaves no group
// without an answer to a wrong word.
func TestEveryCommandIsDescribed(t *testing.T) {
	a := &app{clock: newWallClock()}
	var visit func(cmd *cobra.Command)
	visit = func(cmd *cobra.Command) {
		if cmd.Name() == "help" || cmd.Name() == "completion" {
			return
		}
		if cmd.Short == "" || cmd.Long == "" || !strings.Contains(cmd.Example, cmd.CommandPath()) {
			t.Errorf("%s needs a short and a long description and an example", cmd.CommandPath())
		}
		if cmd.Args == nil && cmd.RunE != nil && !strings.Contains(cmd.Use, "[--") {
			t.Errorf("%s takes any arguments", cmd.CommandPath())
		}
		if cmd.HasParent() && cmd.PersistentPreRunE != nil {
			t.Errorf("%s replaces the common beginning", cmd.CommandPath())
		}
		for _, sub := range cmd.Commands() {
			visit(sub)
		}
	}
	visit(a.rootCommand())
}

func TestDidYouMean(t *testing.T) {
	names := []string{"record", "report", "migrate", "to", "version"}
	for word, want := range map[string]string{
		"reprot": "report", "recordd": "record", "version": "version", "t": "to", "versions": "version",
		"xyzzy": "", "": "", "reportrecord": "",
	} {
		got := didYouMean(word, names)
		if want != "" {
			want = fmt.Sprintf(", did you mean %q?", want)
		}
		if got != want {
			t.Errorf("%q gives %q, want %q", word, got, want)
		}
	}
}

func TestDescribeBuild(t *testing.T) {
	settings := []debug.BuildSetting{
		{Key: "vcs.revision", Value: "0123456789abcdef0123"},
		{Key: "vcs.time", Value: "2026-11-22T15:00:00Z"},
		{Key: "vcs.modified", Value: "true"},
	}
	for want, got := range map[string]string{
		"talktime devel go1": describeBuild("(devel)", nil, "go1"),
		"talktime devel (0123456789ab, 2026-11-22T15:00:00Z, modified) go1": describeBuild("", settings, "go1"),
		"talktime v1.2.0 (0123456789ab, 2026-11-22T15:00:00Z) go1":          describeBuild("v1.2.0", settings[:2], "go1"),
		"talktime devel (abc) go1":                                          describeBuild("", []debug.BuildSetting{{Key: "vcs.revision", Value: "abc"}}, "go1"),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
