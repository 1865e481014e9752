package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"talktime/ingest"
	"talktime/ingest/ccgateway"
	"talktime/ingest/gatewaysim"
	"talktime/reports"
	"talktime/sql/store"
)

// doctorCase is a set-up: the good one, with something changed.
type doctorCase struct {
	name   string // of the golden file
	code   int
	config string           // replaces the good one, %GATEWAY and %DATABASE standing for its parts
	spoil  func(*testing.T) // nil where the configuration is all
}

// TestDoctor lets talktime doctor look at a good set-up and at broken ones. A
// person reads the golden files.
func TestDoctor(t *testing.T) {
	t.Parallel()
	// No round comes in the middle: what it leaves to be derived is told. And an agent
	// is observed at any time of day, signed out or not.
	c := newCentre(t, newWallClock(), ingest.NewAgentSetOfRanges(ingest.AgentRange{First: 101, Last: 104}), "0 0 0 1 1 *",
		func(o *gatewaysim.Options) { o.SignOutAsState2 = true })
	c.run(t.Context(), exitOK, "migrate")
	c.run(t.Context(), exitOK, "maintain")
	good, err := os.ReadFile(c.config)
	if err != nil {
		t.Fatal(err)
	}
	expired := startExpired(t, c)
	stranger := filepath.Join(c.dir, "stranger.pem")
	if err := os.WriteFile(stranger, startGateway(t, c, time.Now()).CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	private := c.privateURL()
	replace := func(old, with string) string {
		t.Helper()
		if !strings.Contains(string(good), old) {
			t.Fatalf("no %q in the good configuration", old)
		}
		return strings.Replace(string(good), old, with, 1)
	}
	for _, test := range []doctorCase{
		{name: "good", code: exitOK, spoil: func(t *testing.T) { // nothing: somebody records
			recorder := c.startRecorder()
			recorder.await("msg=recording ", 1)
			t.Cleanup(func() {
				recorder.signal(syscall.SIGTERM)
				recorder.exitCode()
			})
		}},
		{name: "reports_only", code: exitOK, config: "data_dir: data\n"},
		{name: "nothing_made_yet", code: exitOK, config: replace("data_dir: data", "data_dir: fresh")},
		{name: "configuration", code: exitUsage, config: "time_zone: Mars\ngateway: {url: http://gateway, timout: 3s}\n"},
		{name: "configuration_lacks", code: exitUsage, config: replace("guids: {file: guids.csv}\n", "")},
		{name: "database_away", code: exitFailed, config: string(good) + "database: {url: \"postgres://talktime:hush@" + nobodyListens(t) + "/talktime\"}\n"},
		{name: "wrong_authority", code: exitFailed, config: replace("ca.pem", "stranger.pem")},
		{name: "expired_certificate", code: exitFailed, config: expired},
		{name: "gateway_away", code: exitFailed, config: replace(c.gateway.URL(), "https://"+nobodyListens(t))},
		{name: "guids_open_and_old", code: exitFailed, config: replace("auth_mode: 1", "auth_mode: 2"), spoil: func(t *testing.T) {
			old := time.Now().Add(-3*time.Hour - 10*time.Minute)
			file := filepath.Join(c.dir, "guids.csv")
			if err := errors.Join(os.Chmod(file, 0o644), os.Chtimes(file, old, old)); err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() {
				if err := c.gateway.WriteFiles(c.dir); err != nil {
					t.Error(err)
				}
			})
		}},
		{name: "agents_without_guid", code: exitOK, config: replace(`"101-104"`, `"103-107"`)},
		{
			name: "role_without_rights", code: exitFailed, config: string(good) + "database: {url: \"" + strings.Replace(private, "user=talktime", "user=analyst", 1) + "\"}\n",
			spoil: func(*testing.T) {
				c.query("CREATE ROLE analyst LOGIN")
				c.query("GRANT USAGE ON SCHEMA talktime TO analyst")
				c.query("GRANT SELECT ON ALL TABLES IN SCHEMA talktime TO analyst")
				c.query("GRANT SELECT ON public.talktime_migrations TO analyst")
			},
		},
		{name: "partitions_missing", code: exitOK, spoil: func(*testing.T) {
			c.query(`DO $$ DECLARE p text; BEGIN
				FOR p IN SELECT inhrelid::regclass FROM pg_inherits WHERE inhparent = 'talktime.samples'::regclass LOOP EXECUTE 'DROP TABLE ' || p; END LOOP; END $$`)
		}},
		{name: "schema_older", code: exitFailed, spoil: func(*testing.T) {
			c.query("DELETE FROM public.talktime_migrations WHERE version_id = (SELECT max(version_id) FROM public.talktime_migrations)")
		}},
	} {
		t.Run(test.name, func(t *testing.T) {
			c := *c
			c.t = t
			if test.config != "" {
				c.config = filepath.Join(c.dir, test.name+".yaml")
				if err := os.WriteFile(c.config, []byte(test.config), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			if test.spoil != nil {
				test.spoil(t)
			}
			checkDoctor(t, test.name, c.dir, c.doctor(test.code))
		})
	}
}

// A full disk under the private Postgres and the spool, where one may be mounted;
// TestDoctorWords has what is said of any.
func TestDoctorOnAFullDisk(t *testing.T) {
	t.Parallel()
	c := newCentre(t, newWallClock(), ingest.NewAgentSet(101), "*/10 * * * * *")
	tiny := filepath.Join(c.dir, "tiny")
	if err := os.Mkdir(tiny, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", "size=1m,mode=0711", "talktime-test", tiny).CombinedOutput(); err != nil {
		t.Logf("no file system of its own: %v: %s", err, out)
		return
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", tiny).CombinedOutput(); err != nil {
			t.Errorf("umount: %v: %s", err, out)
		}
	})
	ballast := bytes.Repeat([]byte{1}, 2<<20)
	if err := os.WriteFile(filepath.Join(tiny, "ballast"), ballast, 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("filling the disk gives %v", err)
	}
	text, err := os.ReadFile(c.config)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(c.config, bytes.Replace(text, []byte("data_dir: data"), []byte("data_dir: tiny"), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	checkDoctor(t, "disk_full", c.dir, c.doctor(exitFailed))
}

// The JSON says the same, a finding an element.
func TestDoctorForMachines(t *testing.T) {
	t.Parallel()
	c := newCentre(t, newWallClock(), ingest.NewAgentSet(101), "*/10 * * * * *")
	c.run(t.Context(), exitOK, "migrate")
	stdout, _ := c.run(t.Context(), exitOK, "doctor", "--format", "json")
	var told struct {
		OK, Warnings, Failed int
		Checks               []finding
	}
	if err := json.Unmarshal([]byte(stdout), &told); err != nil {
		t.Fatal(err)
	}
	if len(told.Checks) < 15 || told.OK+told.Warnings+told.Failed != len(told.Checks) {
		t.Errorf("%d checks, of them %d, %d and %d", len(told.Checks), told.OK, told.Warnings, told.Failed)
	}
	for _, f := range told.Checks {
		if f.Check == "" || f.Seen == "" || (f.Verdict == verdictOK) != (f.Remedy == "") {
			t.Errorf("a finding lacks something, or an ok has a remedy: %+v", f)
		}
	}
}

// TestDoctorWords has all that is said of facts no test can set up.
func TestDoctorWords(t *testing.T) {
	var out bytes.Buffer
	d := &doctor{app: &app{clock: ingest.NewSimClock(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC))}, isRecorder: true}
	d.live = &out
	c := &config{gateway: gatewayConfig{timeout: 3 * time.Second}}
	for _, proof := range []store.Proof{store.NothingProved, store.EncryptedOnly, store.AuthorityProved, store.NameProved} {
		d.transport(store.Connection{Proof: proof, NotAfter: d.clock.Now().Add(20 * 24 * time.Hour)})
	}
	d.transport(store.Connection{Proof: store.NameProved, NotAfter: d.clock.Now().Add(30 * time.Hour)})
	d.transport(store.Connection{IsLocal: true})
	for _, ahead := range []time.Duration{-2 * time.Second, 90 * time.Second, -26 * time.Hour} {
		d.clockOf("gateway clock", "the gateway's", ahead)
	}
	for _, free := range []struct{ bytes, files, inodes uint64 }{
		{5 << 30, 1000, 900_000}, {1 << 30, 0, 0}, {255 << 20, 0, 0}, {5 << 30, 100_000, 5000}, {5 << 30, 100_000, 7},
	} {
		d.diskOf("/var/lib/talktime", 40<<30, free.bytes, free.files, free.inodes)
	}
	for _, x := range []ccgateway.Examination{
		{},
		{Agent: 101, Status: 302, AnswerErr: errors.New("HTTP status 302")},
		{Agent: 101, Status: 200, AnswerErr: errors.New("a body that is none of a CC-Gateway: not a JSON object")},
		{Agent: 101, Status: 200, Outcome: ingest.Unauthorized, Retcode: "000-003", Latency: 20 * time.Millisecond},
		{Agent: 101, Status: 200, Outcome: ingest.GatewayError, Retcode: "000-001", Latency: 20 * time.Millisecond},
		{Agent: 101, Status: 200, Outcome: ingest.NotSignedIn, Retcode: "100-006", Latency: 20 * time.Millisecond},
		{Agent: 101, Status: 200, Outcome: ingest.Observed, Latency: 2 * time.Second, Dated: true, Ahead: -3 * time.Minute},
	} {
		d.answer(x, c)
	}
	for _, kept := range []func() (bool, error){
		nil, func() (bool, error) { return true, nil }, func() (bool, error) { return false, nil },
		func() (bool, error) { return false, errors.New("not permitted") },
	} {
		d.clockIsKept = kept
		d.machineClock()
	}
	office, err := ingest.NewSchedule("office", "*/10 * 8-17 * * MON-FRI", "UTC", ingest.NewAgentSetOfRanges(ingest.AgentRange{First: 101, Last: 5100}), false)
	if err != nil {
		t.Fatal(err)
	}
	c.maintain = maintainConfig{retention: defaultRetention, compactAfter: defaultCompactAfter}
	c.derive.calendars = make([]reports.Calendar, 1)
	d.forecast(c, ingest.AgentSet{})
	c.schedules = []ingest.Schedule{office}
	d.forecast(c, ingest.AgentSet{})
	d.diskSeen, d.stored = true, 9<<30
	for _, gigabytes := range []uint64{2000, 150, 20, 0} {
		d.free = gigabytes << 30
		d.forecast(c, ingest.AgentSet{})
	}
	c.maintain = maintainConfig{retention: store.Retention{Samples: store.Age{Days: 2}}}
	d.forecast(c, ingest.AgentSet{})
	c.databaseURL = ingest.NewSecret("postgres://db.example/talktime")
	d.forecast(c, ingest.AgentSet{})
	if err := d.sum(&out); err != nil {
		t.Fatal(err)
	}
	checkDoctor(t, "words", "/nowhere", out.String())
}

// doctor runs talktime doctor where a time server keeps the clock.
func (c *centre) doctor(wantCode int) string {
	c.t.Helper()
	var out, errs bytes.Buffer
	a := &app{
		stdin: strings.NewReader(""), stdout: &out, stderr: &errs, environ: []string{"HOME=" + c.dir}, clock: c.clock,
		clockIsKept: func() (bool, error) { return true, nil },
	}
	if code := a.run(c.t.Context(), []string{"doctor", "--config", c.config}); code != wantCode || errs.Len() > 0 {
		c.t.Errorf("doctor: exit code %d, want %d\n%s%s", code, wantCode, &out, &errs)
	}
	return out.String()
}

// differing is what differs between machines and runs, and what stands for it in
// golden files.
var differing = []struct {
	pattern *regexp.Regexp
	with    string
}{
	{regexp.MustCompile(`127\.0\.0\.1:\d+`), "127.0.0.1:PORT"},
	{regexp.MustCompile(`127\.0\.0\.1 port \d+`), "127.0.0.1 port PORT"},
	{regexp.MustCompile(`[\d.]+ \w+(, \d+ inodes)? free of [\d.]+ \w+ under /centre(/\w+)?`), "SPACE free of DISK under /centre"},
	{regexp.MustCompile(`Postgres \d+ in \S+;`), "Postgres VERSION in PROGRAMS;"},
	{regexp.MustCompile(`Postgres [\d.]+( \([^)]*\))?`), "Postgres VERSION"},
	{regexp.MustCompile(`UTF8, [\d.]+ MiB`), "UTF8, SIZE"},
	{regexp.MustCompile(`written \d+( m)?s ago`), "written NOW ago"},
	{regexp.MustCompile(`after \d+( m)?s`), "after SOME TIME"},
	{regexp.MustCompile(`expires in 36[34] days`), "expires in A YEAR"},
	{regexp.MustCompile(`[78] days ahead`), "DAYS ahead"},
	{regexp.MustCompile(`[\d.]+ \w+ since \d{4}-\d\d-\d\d`), "SIZE since THEN"},
	{regexp.MustCompile(`of user \w+, writable`), "of user SELF, writable"},
	{regexp.MustCompile(`version \d+`), "version N"},
	{regexp.MustCompile(`needs \d+\)`), "needs N)"},
	{regexp.MustCompile(`current time \S+ is after \S+`), "current time NOW is after THEN"},
	{regexp.MustCompile(`\S+:\d+ records, in epoch \d+`), "HOLDER records, in epoch N"},
	{regexp.MustCompile(`(derive {12}).*`), "${1}PROGRESS"},
	{regexp.MustCompile(`(disk in time {6})(nothing|[14] agents?,).*`), "${1}FORECAST"},
}

// checkDoctor compares with the golden file of a name, what differs between
// machines and runs being left out.
func checkDoctor(t *testing.T, name, dir, got string) {
	t.Helper()
	got = strings.ReplaceAll(got, dir, "/centre")
	for _, each := range differing {
		got = each.pattern.ReplaceAllString(got, each.with)
	}
	golden := filepath.Join("testdata", "doctor", name+".golden")
	if *update {
		if err := errors.Join(os.MkdirAll(filepath.Dir(golden), 0o755), os.WriteFile(golden, []byte(got), 0o644)); err != nil {
			t.Fatal(err)
		}
		return
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("talktime doctor says something else (-want +got):\n%s", diff)
	}
	if strings.Contains(got, "hush") {
		t.Error("a password is told")
	}
}

// privateURL is the address of the centre's own Postgres.
func (c *centre) privateURL() string {
	return "postgres:///talktime?user=talktime&host=" + filepath.Join(c.dir, "data", "postgres", "socket")
}

// startGateway starts another gateway of the centre's agents, whose certificate
// was made when the machine's clock was at.
func startGateway(t *testing.T, c *centre, at time.Time) *gatewaysim.Gateway {
	t.Helper()
	g, err := gatewaysim.Start(gatewaysim.Options{
		Play:   gatewaysim.Play{Seed: 1, Zone: time.UTC, Shift: gatewaysim.ShiftAlways},
		Agents: ingest.NewAgentSet(101), Clock: c.clock, MachineTime: at,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := g.Close(); err != nil {
			t.Error(err)
		}
	})
	return g
}

// startExpired starts a gateway whose certificate has expired and returns a
// configuration for it.
func startExpired(t *testing.T, c *centre) string {
	t.Helper()
	g := startGateway(t, c, time.Now().AddDate(-2, 0, 0))
	if err := os.WriteFile(filepath.Join(c.dir, "expired.pem"), g.CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	return fmt.Sprintf(`data_dir: data
gateway: {url: %q, ca_file: expired.pem, auth_mode: 1}
guids: {file: guids.csv}
schedules:
  - {name: steady, cron: "*/10 * * * * *", agents: "101"}
`, g.URL())
}

// nobodyListens is an address of the loopback that refuses connections.
func nobodyListens(t *testing.T) string {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
