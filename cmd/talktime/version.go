package main

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/spf13/cobra"

	"talktime/cmd/talktime/internal/operations"
	"talktime/sql/store"
)

func (a *app) versionCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the program's version",
		Long: `version prints the program's version, the revision it was built from where that
is known, the Go version, and the version of the database's schema it works with.`,
		Example: "  talktime version",
		Args:    noArguments,
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.stdout, versionText())
			return err
		},
	}
}

// versionText is what talktime version prints.
func versionText() string {
	return fmt.Sprintf("%s, schema %d", programVersion(), store.SchemaVersion())
}

// programVersion describes this build in one line, such as
// "talktime devel (4b3c736f1a2b, 2026-11-22T15:00:00Z, modified) go1.26.8".
func programVersion() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return describeBuild("", nil, runtime.Version())
	}
	return describeBuild(info.Main.Version, info.Settings, runtime.Version())
}

// programBuild names this build to machines.
func programBuild() operations.Build {
	build := operations.Build{Version: "devel", Schema: store.SchemaVersion()}
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return build
	}
	if version := info.Main.Version; version != "" && version != "(devel)" {
		build.Version = version
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			build.Revision = s.Value
		}
	}
	return build
}

// describeBuild words what the Go tool wrote into the binary.
func describeBuild(module string, settings []debug.BuildSetting, goVersion string) string {
	version := module
	if version == "" || version == "(devel)" {
		version = "devel"
	}
	vcs := make(map[string]string)
	for _, s := range settings {
		vcs[s.Key] = s.Value
	}
	var details []string
	if revision := vcs["vcs.revision"]; revision != "" {
		details = append(details, revision[:min(12, len(revision))])
	}
	if at := vcs["vcs.time"]; at != "" {
		details = append(details, at)
	}
	if vcs["vcs.modified"] == "true" {
		details = append(details, "modified")
	}
	if len(details) > 0 {
		version += " (" + strings.Join(details, ", ") + ")"
	}
	return fmt.Sprintf("talktime %s %s", version, goVersion)
}
