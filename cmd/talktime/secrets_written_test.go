package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"talktime/ingest/gatewaysim"
)

// secretScene is a database that asks for a password, a gateway that asks for
// GUIDs, and the real program between them, of which everything it writes is
// kept.
type secretScene struct {
	*campaign
	secrets    secrets
	operations string // host:port of the recorder's metrics
}

const secretPassword = `Zq7/geheim?#+%"w rd-4b1e`

// newSecretScene makes the database's user and hides the password of it in the
// configuration.
func newSecretScene(t *testing.T) *secretScene {
	t.Helper()
	few := quick
	few.agents.Last = 103
	s := &secretScene{campaign: newCampaign(t, scene{}, few), secrets: secrets{"the password": secretPassword}, operations: freeAddress(t)}
	for agent, guid := range s.gateway.GUIDs() {
		s.secrets[fmt.Sprintf("the GUID of %d", agent)] = guid.Reveal()
	}
	access := filepath.Join(s.postgres.options.Dir, "cluster", "pg_hba.conf")
	rules, err := os.ReadFile(access)
	if err == nil {
		err = os.WriteFile(access, append([]byte("local all recorder scram-sha-256\n"), rules...), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	for _, statement := range []string{
		"CREATE ROLE recorder LOGIN CREATEROLE PASSWORD '" + secretPassword + "'",
		"ALTER DATABASE talktime OWNER TO recorder",
		"ALTER SYSTEM SET log_statement = 'all'", // from now on the server's log shows what it is told
		"ALTER SYSTEM SET log_connections = on",
		"SELECT pg_reload_conf()",
	} {
		s.query(statement)
	}
	s.writeConfig(s.posts[0].config, filepath.Join(s.dir, "data"), s.databaseURL(secretPassword))
	config, err := os.ReadFile(s.posts[0].config)
	if err == nil {
		err = os.WriteFile(s.posts[0].config, fmt.Appendf(config, "listen: {operations: %q}\n", s.operations), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// databaseURL is the recorder's, with a password.
func (s *secretScene) databaseURL(password string) string {
	u := url.URL{Scheme: "postgres", User: url.UserPassword("recorder", password), Host: s.posts[0].database.address(), Path: "/talktime", RawQuery: "sslmode=disable"}
	return u.String()
}

// search fails the test where a text holds a secret.
func (s *secretScene) search(where string, text []byte) {
	s.t.Helper()
	if found := s.secrets.in(text); len(found) > 0 {
		s.t.Errorf("%s holds %s", where, strings.Join(found, ", "))
	}
}

// types runs the program as a user types it and searches what it prints.
func (s *secretScene) types(code int, environ []string, args ...string) {
	s.t.Helper()
	ctx, cancel := context.WithTimeout(s.t.Context(), longEnough)
	defer cancel()
	cmd := exec.CommandContext(ctx, realProgram(s.t), args...)
	cmd.Env = append(os.Environ(), environ...)
	out, err := cmd.CombinedOutput()
	if exit, ok := errors.AsType[*exec.ExitError](err); err != nil && !ok || ok && exit.ExitCode() != code || err == nil && code != exitOK {
		s.t.Errorf("talktime %s: %v, want exit code %d\n%s", strings.Join(args, " "), err, code, out)
	}
	s.search("what talktime "+strings.Join(args, " ")+" printed", out)
}

// withConfig writes a configuration beside the good one and returns its path.
func (s *secretScene) withConfig(text string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, "broken.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

// records runs the recorder until something has happened, ends it by a signal,
// and searches all that it wrote.
func (s *secretScene) records(flags string, signal syscall.Signal, until func(*life)) string {
	s.t.Helper()
	l := startLife(s.t, s.posts[0].config, strings.Fields(flags)...)
	until(l)
	if err := l.cmd.Process.Signal(signal); err != nil && !errors.Is(err, os.ErrProcessDone) {
		s.t.Fatal(err)
	}
	l.leave()
	log, _ := l.entries()
	var text strings.Builder
	for _, e := range log {
		fmt.Fprintln(&text, e.text)
	}
	s.search("the log of record "+flags, []byte(text.String()))
	return text.String()
}

// until waits for a line that holds a text, whatever its format.
func (s *secretScene) until(text string) func(*life) {
	return func(l *life) {
		s.t.Helper()
		if _, err := l.await(0, func(e entry) bool { return strings.Contains(e.text, text) }); err != nil {
			s.t.Fatalf("%v: %s; the end of the log:\n%s", err, text, l.tail())
		}
	}
}

// Whatever the program writes, no GUID and no password is in it: what it prints
// and logs at every level, when all is well, when much goes wrong and when it
// dies of a panic, its data_dir, the database, and the server's log of every
// statement it was sent.
func TestSecretsAreNotWritten(t *testing.T) {
	t.Parallel()
	s := newSecretScene(t)
	stored := s.until(saidStored)
	asked := func(*life) { s.awaitRequest() }
	guids, err := os.ReadFile(filepath.Join(s.dir, gatewaysim.GUIDFile))
	if err != nil {
		t.Fatal(err)
	}

	s.records("", syscall.SIGTERM, stored)
	s.records("--log-format text", syscall.SIGTERM, func(l *life) {
		stored(l)
		s.searchOperations()
	})
	for _, quiet := range []string{"info", "warn", "error"} {
		s.records("--log-level "+quiet, syscall.SIGTERM, asked)
	}
	s.secrets["a GUID the gateway refuses"] = "5eed5eed-0bad-4bad-8bad-bad0bad0bad0.AgentGateway1"
	s.writeGUIDs("101," + s.secrets["a GUID the gateway refuses"] + "\n")
	s.records("--log-format text", syscall.SIGTERM, s.until("unauthorized=3"))
	s.writeGUIDs(string(guids))
	if dump := s.records("", syscall.SIGQUIT, stored); !strings.Contains(dump, "goroutine ") {
		t.Errorf("SIGQUIT gave no stacks:\n%s", dump)
	}
	s.typeEveryCommand()
	s.typeFaults()
	// The last one leaves rounds in its spool.
	s.records("", syscall.SIGKILL, func(l *life) {
		stored(l)
		s.writeGUIDs(string(guids) + "101," + s.secrets["a GUID the gateway refuses"] + "\n77," + secretPassword + "\n")
		s.until("guids.csv line")(l) // and what is wrong with them
		s.posts[0].database.refuse()
		s.until(saidSpooled)(l)
	})
	s.posts[0].database.calm()
	s.searchFiles()
}

// searchOperations searches what the recorder serves.
func (s *secretScene) searchOperations() {
	s.t.Helper()
	for _, path := range []string{"/", "/healthz", "/readyz", "/metrics", "/debug/pprof/", "/debug/vars"} {
		request, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, "http://"+s.operations+path, nil)
		if err != nil {
			s.t.Fatal(err)
		}
		response, err := http.DefaultClient.Do(request)
		if err != nil {
			s.t.Fatal(err)
		}
		body, err := io.ReadAll(response.Body)
		if err = errors.Join(err, response.Body.Close()); err != nil {
			s.t.Fatal(err)
		}
		if path == "/metrics" && !strings.Contains(string(body), "talktime_polls") {
			s.t.Errorf("/metrics says %s", body)
		}
		s.search("what "+path+" serves", body)
	}
}

// writeGUIDs replaces the file of GUIDs, as one should.
func (s *secretScene) writeGUIDs(text string) {
	s.t.Helper()
	fresh := filepath.Join(s.dir, "guids.new")
	err := os.WriteFile(fresh, []byte(text), 0o600)
	if err == nil {
		err = os.Rename(fresh, filepath.Join(s.dir, gatewaysim.GUIDFile))
	}
	if err != nil {
		s.t.Fatal(err)
	}
}

// typeEveryCommand runs each command there is, as it is meant, and says so of a
// command it does not know.
func (s *secretScene) typeEveryCommand() {
	s.t.Helper()
	today := time.Now().UTC().Format(time.DateOnly)
	roster := filepath.Join(s.dir, "roster.csv")
	if err := os.WriteFile(roster, []byte("agent_id,name,team,valid_from\n101,Ada,Sales,2026-01-01\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	typed := map[string]bool{"record": true, "gateway": true, "help": true, "completion": true}
	for _, line := range []string{
		"migrate --log-level debug", "sample --log-level debug", "derive --log-level debug", "verify --log-level debug",
		"maintain --log-level debug", "agents import " + roster, "agents list --format json", "psql -- -Xc \\conninfo", "version",
		"report talk-time --allow-partial --from " + today, "report states --format csv --from " + today,
		"report timeline --agent 101 --from " + today, "report sessions --from " + today, "report at now --log-level debug",
		"report subject --agent 101 --samples --format json --log-level debug",
		"doctor --log-level debug", "doctor --format json", "alerts", "unit", "export list --log-level debug", "bi list --log-level debug", "audit list --log-level debug",
		"demo --agents 101-102 --period 60s --log-level debug --dir " + filepath.Join(s.dir, "demo"),
	} {
		args := strings.Fields(line)
		typed[args[0]] = true
		flags, rest := args, []string(nil)
		if i := slices.Index(args, "--"); i >= 0 {
			flags, rest = args[:i:i], args[i:]
		}
		if !slices.Contains([]string{"demo", "version", "alerts"}, args[0]) {
			flags = append(slices.Clip(flags), "--config", s.posts[0].config)
		}
		s.types(exitOK, nil, append(flags, rest...)...)
	}
	for _, command := range (&app{clock: newWallClock()}).rootCommand().Commands() {
		if !typed[command.Name()] {
			s.t.Errorf("talktime %s is not tried here", command.Name())
		}
	}
}

// typeFaults runs commands that cannot work.
func (s *secretScene) typeFaults() {
	s.t.Helper()
	s.secrets["a wrong password"] = "Wr0ng!" + secretPassword
	wrong := s.databaseURL(s.secrets["a wrong password"])
	address := s.posts[0].database.address()
	for _, fault := range []struct {
		environ        string
		record, doctor int // exit codes
	}{
		{"DATABASE_URL=" + wrong, exitFailed, exitFailed},
		{"DATABASE_URL=" + strings.Replace(wrong, address, "127.0.0.1:port", 1), exitUsage, exitUsage},
		{"DATABASE_URL=" + strings.Replace(wrong, "postgres:", "mysql:", 1), exitUsage, exitUsage},
		{"DATABASE_URL=" + strings.Replace(wrong, "disable", "verify-full&sslrootcert=/nowhere", 1), exitFailed, exitFailed},
		{"GATEWAY_URL=https://me:" + url.QueryEscape(s.secrets["a wrong password"]) + "@127.0.0.1", exitUsage, exitUsage},
		{"GUIDS_FILE=/nowhere", exitUsage, exitFailed},
	} {
		environ := []string{"TALKTIME_" + fault.environ}
		s.types(fault.record, environ, "record", "--config", s.posts[0].config, "--log-level", "debug")
		s.types(fault.doctor, environ, "doctor", "--config", s.posts[0].config, "--log-level", "debug")
	}
	nobody := []string{"TALKTIME_DATABASE_URL=" + strings.Replace(wrong, address, "127.0.0.1:1", 1)}
	s.types(exitFailed, nobody, "doctor", "--config", s.posts[0].config, "--log-level", "debug") // record waits, see below
	config, err := os.ReadFile(s.posts[0].config)
	if err != nil {
		s.t.Fatal(err)
	}
	good := s.posts[0].config
	s.posts[0].config = s.withConfig(strings.Replace(string(config), s.posts[0].database.address(), "127.0.0.1:1", 1))
	s.records("", syscall.SIGTERM, s.until("connect")) // it may wait for it
	s.posts[0].config = good
	for _, broken := range []struct{ from, to string }{
		{"database: {url:", "database: {ulr:"},
		{"database: {url:", "database: {url: [x], password:"},
		{"database: {url:", "databases: {url:"},
		{"database: {url:", "database: }{url:"},
		{"database: {url: ", "database: {url: x"},
	} {
		path := s.withConfig(strings.Replace(string(config), broken.from, broken.to, 1))
		s.types(exitUsage, nil, "record", "--config", path)
		s.types(exitUsage, nil, "doctor", "--config", path)
	}
}

// searchFiles searches everything the program left behind, and proves by what
// it was given that there is something to find.
func (s *secretScene) searchFiles() {
	s.t.Helper()
	dump := filepath.Join(s.dir, "dump.sql")
	s.types(exitOK, nil, "psql", "--config", s.posts[0].config, "--", "-Xc", `\! pg_dump -f `+dump)
	text, err := os.ReadFile(dump)
	if err != nil {
		s.t.Fatal(err)
	}
	if !strings.Contains(string(text), "COPY talktime.samples") {
		s.t.Error("the dump holds no samples")
	}
	s.search("the dump of the database", text)
	log, err := os.ReadFile(filepath.Join(s.postgres.options.Dir, "log", "postgres.log"))
	if err != nil {
		s.t.Fatal(err)
	}
	if !strings.Contains(string(log), "statement: COPY talktime.samples") || !strings.Contains(string(log), "password authentication failed") {
		s.t.Error("the server's log does not show what it was told")
	}
	if spooled, err := filepath.Glob(filepath.Join(s.dir, "data", "spool", "*.db")); err != nil || len(spooled) == 0 {
		s.t.Errorf("there is no spool: %v", err)
	}
	given := []string{gatewaysim.GUIDFile, "recorder1.yaml", "broken.yaml"}
	for _, found := range s.secrets.under(s.t, s.dir, given...) {
		s.t.Error(found)
	}
	if found := s.secrets.under(s.t, s.dir); len(found) < len(s.secrets) {
		s.t.Errorf("in what the program was given are only %q", found)
	}
}
