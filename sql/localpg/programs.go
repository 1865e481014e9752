package localpg

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
)

// minMajor is the oldest Postgres talktime works with: MERGE and the STRATEGY
// of CREATE DATABASE came with 15.
const minMajor = 15

// programs is a directory that holds one version's initdb and postgres.
type programs struct {
	dir   string
	major int
}

func (p programs) path(name string) string { return filepath.Join(p.dir, name) }

// defaultSearch lists where server programs are looked for: the directories
// of PATH, then where Debian, Red Hat and Homebrew put them.
func defaultSearch() []string {
	return append(filepath.SplitList(os.Getenv("PATH")),
		"/usr/lib/postgresql/*/bin",
		"/usr/libexec/postgresql*", // Alpine
		"/usr/pgsql-*/bin",
		"/opt/homebrew/opt/postgresql@*/bin",
		"/usr/local/opt/postgresql@*/bin",
		"/home/linuxbrew/.linuxbrew/opt/postgresql@*/bin",
	)
}

// findPrograms returns the first programs in search that fit: those of version
// want, or where want is 0 those of minMajor or later. An error says what to
// install.
func findPrograms(ctx context.Context, search []string, want int) (programs, error) {
	var others []string
	for _, dir := range programDirs(search) {
		major, err := majorOf(ctx, filepath.Join(dir, "postgres"))
		switch {
		case ctx.Err() != nil:
			return programs{}, ctx.Err()
		case err != nil:
			others = append(others, err.Error())
		case want == 0 && major >= minMajor, want == major && want != 0:
			return programs{dir, major}, nil
		default:
			others = append(others, fmt.Sprintf("Postgres %d in %s", major, dir))
		}
	}
	found := ""
	if len(others) > 0 {
		found = " (found: " + strings.Join(others, ", ") + ")"
	}
	if want != 0 {
		return programs{}, fmt.Errorf("the cluster was made by Postgres %d, whose server programs are not on this machine%s: %s",
			want, found, thisSystem().installHint(want))
	}
	return programs{}, fmt.Errorf("no server programs (initdb, postgres) of Postgres %d or later on this machine%s: %s",
		minMajor, found, thisSystem().installHint(0))
}

// ProgramsMajor returns the version of the server programs that Start makes a new
// cluster with. The error says what to install.
func ProgramsMajor(ctx context.Context) (int, error) {
	p, err := findPrograms(ctx, defaultSearch(), 0)
	return p.major, err
}

// programDirs expands search, directories and patterns, to the directories
// that hold both programs, symbolic links resolved, each once. What a pattern
// matches is ordered from the highest version down.
func programDirs(search []string) []string {
	var dirs []string
	for _, pattern := range search {
		if !filepath.IsAbs(pattern) {
			continue // an empty or relative PATH entry depends on where we stand
		}
		matches, err := filepath.Glob(pattern)
		if err != nil {
			matches = []string{pattern} // a directory whose name only looks like a pattern
		}
		slices.SortStableFunc(matches, func(a, b string) int { return cmp.Compare(versionIn(b), versionIn(a)) })
		for _, dir := range matches {
			initdb, err := filepath.EvalSymlinks(filepath.Join(dir, "initdb"))
			if err != nil {
				continue
			}
			dir = filepath.Dir(initdb)
			if isProgram(initdb) && isProgram(filepath.Join(dir, "postgres")) && !slices.Contains(dirs, dir) {
				dirs = append(dirs, dir)
			}
		}
	}
	return dirs
}

func isProgram(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && info.Mode().Perm()&0o111 != 0
}

var (
	lastNumber  = regexp.MustCompile(`(\d+)\D*$`)
	versionLine = regexp.MustCompile(`\(PostgreSQL\) (\d+)`)
)

// versionIn returns the last number in a path, 0 where there is none.
func versionIn(path string) int {
	if m := lastNumber.FindStringSubmatch(path); m != nil {
		n, err := strconv.Atoi(m[1])
		if err == nil {
			return n
		}
	}
	return 0
}

// majorOf asks a postgres program for its major version.
func majorOf(ctx context.Context, postgres string) (int, error) {
	out, err := exec.CommandContext(ctx, postgres, "--version").Output()
	if err != nil {
		return 0, fmt.Errorf("%s --version: %w", postgres, err)
	}
	m := versionLine.FindSubmatch(out)
	if m == nil {
		return 0, fmt.Errorf("%s --version says %q", postgres, strings.TrimSpace(string(out)))
	}
	return strconv.Atoi(string(m[1]))
}

// clusterMajor returns the version that made the cluster, 0 where there is no
// cluster yet.
func clusterMajor(cluster string) (int, error) {
	if _, err := os.Stat(cluster); errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	text, err := os.ReadFile(filepath.Join(cluster, "PG_VERSION"))
	if errors.Is(err, os.ErrNotExist) {
		return 0, fmt.Errorf("%s is not a Postgres cluster, it has no PG_VERSION: move it away", cluster)
	}
	if err != nil {
		return 0, err
	}
	major, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || major < minMajor {
		return 0, fmt.Errorf("%s is of Postgres %q, talktime needs %d or later: restore a dump of it into a new one",
			cluster, strings.TrimSpace(string(text)), minMajor)
	}
	return major, nil
}
