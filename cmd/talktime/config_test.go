package main

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"talktime/sql/store"
)

// text makes a configuration that was read from /etc/tt/talktime.yaml.
func text(yaml string, environ ...string) configText {
	return configText{
		file: "talktime.yaml", yaml: []byte(yaml), dir: "/etc/tt",
		workDir: "/work/dir", home: "/home/kim", environ: environ,
	}
}

// next is when to derive first after nine o'clock UTC.
func next(c *config) string {
	return c.derive.times.Next(time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)).Format(time.TimeOnly)
}

func TestDefaultsOfAnEmptyConfig(t *testing.T) {
	for name, yaml := range map[string]string{"nothing": "", "a comment": "# later\n", "an empty document": "---\n...\n", "empty sections": "gateway:\nderive: {}\n"} {
		t.Run(name, func(t *testing.T) {
			c, err := parseConfig(text(yaml), forDatabase)
			if err != nil {
				t.Fatal(err)
			}
			if c.timeZone != time.UTC || c.dataDir != "/home/kim/.local/share/talktime" || !c.databaseURL.IsEmpty() ||
				c.gateway.url != "" || c.gateway.timeout != 3*time.Second || c.gateway.concurrency != 64 || c.gateway.latency != 45*time.Millisecond || c.gateway.authMode != 2 ||
				c.maxAgentID != 59999 || next(c) != "09:01:00" || c.operations != "" || c.derive.settle != 15*time.Minute || len(c.schedules) != 0 ||
				c.spool != (spoolConfig{1 << 30, 7 * 24 * time.Hour}) {
				t.Errorf("the defaults are %+v", c)
			}
		})
	}
	root := text("")
	root.asRoot = true
	if c, err := parseConfig(root, forDatabase); err != nil || c.dataDir != "/var/lib/talktime" {
		t.Errorf("root's data_dir is %v, %v", c, err)
	}
}

const wholeConfig = `time_zone: Europe/Berlin
extra_zones: [America/New_York, Asia/Kathmandu, Europe/Berlin, Asia/Kathmandu]
business_day_start: "04:30"
data_dir: ~/talktime
database: {url: postgres://kim:hush@db/talk}
gateway: {url: https://gateway:8043, ca_file: ca.pem, timeout: 1500ms, concurrency: 8, latency: 20ms, max_rate: 200, auth_mode: 1}
guids: {file: /srv/guids.csv}
agents: {max_id: 999999}
schedules:
  - {name: office, cron: "*/10 * 8-19 * * MON-SAT", time_zone: America/New_York, agents: "101-160,200,700000"}
  - name: nights
    cron: 0 * 20-23 * * *
derive: {cron: "30 * * * * *", settle: 1h}
spool: {max_bytes: 512 MiB, max_age: 36h}
listen: {operations: "[::1]:9143"}
`

func TestCompactAfter(t *testing.T) {
	for given, want := range map[string]store.Age{
		"": {Days: 7}, "compact_after: 14d\n": {Days: 14}, "compact_after: 1mo\n": {Months: 1}, "compact_after: never\n": {}, "compact_after: 0\n": {},
	} {
		c, err := parseConfig(text(given), forDatabase)
		if err != nil || c.maintain.compactAfter != want {
			t.Errorf("%q is read as %+v, %v, want %+v", given, c.maintain.compactAfter, err, want)
		}
	}
}

func TestEveryKeyIsRead(t *testing.T) {
	c, err := parseConfig(text(wholeConfig), forDatabase)
	if err != nil {
		t.Fatal(err)
	}
	if c.timeZone.String() != "Europe/Berlin" || c.dataDir != "/home/kim/talktime" || c.databaseURL.Reveal() != "postgres://kim:hush@db/talk" {
		t.Errorf("read %+v", c)
	}
	if len(c.extraZones) != 4 || c.extraZones[0].String() != "America/New_York" || c.extraZones[1].String() != "Asia/Kathmandu" || c.dayStart != 4*time.Hour+30*time.Minute {
		t.Errorf("read extra zones %v and day start %v", c.extraZones, c.dayStart)
	}
	var calendars []string
	for _, kept := range c.derive.calendars {
		calendars = append(calendars, kept.Zone.String()+" "+kept.DayStart.String())
	}
	if d := cmp.Diff([]string{"Europe/Berlin 4h30m0s", "America/New_York 4h30m0s", "Asia/Kathmandu 4h30m0s"}, calendars); d != "" {
		t.Errorf("days are kept for (-want +got):\n%s", d)
	}
	g := c.gateway
	if g.url != "https://gateway:8043" || g.caFile != "/etc/tt/ca.pem" || g.timeout != 1500*time.Millisecond ||
		g.concurrency != 8 || g.latency != 20*time.Millisecond || g.maxRate != 200 || g.authMode != 1 {
		t.Errorf("read gateway %+v", g)
	}
	if c.operations != "[::1]:9143" {
		t.Errorf("operations are served at %q", c.operations)
	}
	if c.guidsFile != "/srv/guids.csv" || c.maxAgentID != 999999 || next(c) != "09:00:30" || c.derive.settle != time.Hour ||
		c.spool != (spoolConfig{512 << 20, 36 * time.Hour}) {
		t.Errorf("read %+v", c)
	}
	var got []string
	for _, s := range c.schedules {
		got = append(got, strings.Join([]string{s.Name(), s.Cron(), s.Zone(), s.Agents().String()}, "|"))
	}
	want := []string{"office|*/10 * 8-19 * * MON-SAT|America/New_York|101-160,200,700000", "nights|0 * 20-23 * * *|Europe/Berlin|"}
	if d := cmp.Diff(want, got); d != "" || c.schedules[0].All() || !c.schedules[1].All() {
		t.Errorf("schedules (-want +got):\n%s", d)
	}
}

func TestEnvironmentOverridesEveryKey(t *testing.T) {
	c, err := parseConfig(text(wholeConfig,
		"HOME=/home/else", "TALKTIME_TIME_ZONE=Asia/Kathmandu", "TALKTIME_EXTRA_ZONES=[UTC]", "TALKTIME_BUSINESS_DAY_START=22:00", "TALKTIME_DATA_DIR=here",
		"TALKTIME_DATABASE_URL=postgres://u:p@h/d?application_name=a: b", "TALKTIME_GATEWAY_URL=https://other:1/", "TALKTIME_GATEWAY_CA_FILE=other.pem",
		"TALKTIME_GATEWAY_TIMEOUT=2s", "TALKTIME_GATEWAY_CONCURRENCY=1", "TALKTIME_GATEWAY_MAX_RATE=0", "TALKTIME_GATEWAY_AUTH_MODE=2",
		"TALKTIME_GUIDS_FILE=~/g.csv", "TALKTIME_AGENTS_MAX_ID=59999",
		`TALKTIME_SCHEDULES=[{name: one, cron: "* * * * *", agents: 101}]`,
		"TALKTIME_DERIVE_CRON=", "TALKTIME_DERIVE_SETTLE=0s", "TALKTIME_SPOOL_MAX_BYTES=1048576", "TALKTIME_SPOOL_MAX_AGE=30d",
		"TALKTIME_RETENTION_SAMPLES=40d", "TALKTIME_COMPACT_AFTER=never",
		"TALKTIME_LISTEN_OPERATIONS=localhost:80"), forDatabase)
	if err != nil {
		t.Fatal(err)
	}
	if c.timeZone.String() != "Asia/Kathmandu" || c.dataDir != "/work/dir/here" || c.databaseURL.Reveal() != "postgres://u:p@h/d?application_name=a: b" ||
		c.gateway.url != "https://other:1" || c.gateway.caFile != "/work/dir/other.pem" || c.gateway.timeout != 2*time.Second ||
		c.gateway.concurrency != 1 || c.gateway.maxRate != 0 || c.gateway.authMode != 2 || c.guidsFile != "/home/kim/g.csv" || c.maxAgentID != 59999 {
		t.Errorf("read %+v", c)
	}
	if len(c.extraZones) != 1 || c.extraZones[0] != time.UTC || c.dayStart != 22*time.Hour {
		t.Errorf("read extra zones %v and day start %v", c.extraZones, c.dayStart)
	}
	if len(c.schedules) != 1 || c.schedules[0].Name() != "one" || c.schedules[0].Zone() != "Asia/Kathmandu" || c.schedules[0].Agents().String() != "101" {
		t.Errorf("schedules are %+v", c.schedules)
	}
	if c.maintain.retention.Samples != (store.Age{Days: 40}) || c.maintain.compactAfter != (store.Age{}) {
		t.Errorf("read %+v", c.maintain)
	}
	if c.spool != (spoolConfig{1 << 20, 30 * 24 * time.Hour}) {
		t.Errorf("read spool %+v", c.spool)
	}
	if c.operations != "127.0.0.1:80" {
		t.Errorf("operations are served at %q", c.operations)
	}
	if next(c) != "09:00:30" || c.derive.settle != 0 {
		t.Errorf("derive is due at %s, settle is %s: an empty variable is not set", next(c), c.derive.settle)
	}
}

func TestFaults(t *testing.T) {
	tests := []struct {
		name, yaml string
		environ    []string
		want       []string
	}{
		{
			"not YAML", "a: b\n  c: d\n", nil,
			[]string{"talktime.yaml line 2: not YAML: mapping values are not allowed in this context"},
		},
		{"a list", "- time_zone", nil, []string{"talktime.yaml line 1: must hold keys (time_zone, extra_zones, business_day_start, data_dir, database, gateway, guids, agents, schedules, derive, maintain, retention, compact_after, spool, listen, exports)"}},
		{"two documents", "time_zone: UTC\n---\ntime_zone: UTC\n", nil, []string{"talktime.yaml line 2: a second YAML document begins; only one is read"}},
		{
			"unknown keys", "timezone: UTC\ngateway:\n  urls: x\n  colour: blue\nschedules:\n- {nome: a}\n", nil,
			[]string{
				`talktime.yaml line 1: timezone: is not a key, did you mean "time_zone"?`,
				`talktime.yaml line 3: gateway.urls: is not a key, did you mean "url"?`,
				`talktime.yaml line 4: gateway.colour: is not a key`,
				`talktime.yaml line 6: schedules[0].nome: is not a key, did you mean "name"?`,
				`talktime.yaml line 6: schedules[0]: name is missing`,
				`talktime.yaml line 6: schedules[0]: cron is missing`,
			},
		},
		{
			"given twice", "time_zone: UTC\nderive: {settle: 1m, settle: 2m}\ntime_zone: UTC\n", nil,
			[]string{
				"talktime.yaml line 2: derive.settle: is given twice, first in line 2",
				"talktime.yaml line 3: time_zone: is given twice, first in line 1",
			},
		},
		{
			"wrong kinds", "time_zone: [UTC]\ndata_dir:\ndatabase: postgres://kim:hush@db\nschedules: office\nderive: {cron: {}}\nguids: {file: ''}\n", nil,
			[]string{
				"talktime.yaml line 1: time_zone: must be a single value",
				"talktime.yaml line 2: data_dir: has no value",
				"talktime.yaml line 3: database: must hold keys (url)",
				"talktime.yaml line 4: schedules: must be a list",
				"talktime.yaml line 5: derive.cron: must be a single value",
				"talktime.yaml line 6: guids.file: has no value",
			},
		},
		{
			"aliases", "time_zone: &z UTC\ndata_dir: *z\ngateway: *z\n", nil,
			[]string{
				"talktime.yaml line 2: data_dir: YAML aliases are not used here: write the value out",
				"talktime.yaml line 3: gateway: must hold keys (url, ca_file, timeout, concurrency, latency, max_rate, auth_mode)",
			},
		},
		{
			"values out of range", "time_zone: Mars/Olympus\nbusiness_day_start: 06:10\nextra_zones: [UTC, Local]\ngateway:\n  timeout: 3\n  concurrency: 0\n  max_rate: -1\n  auth_mode: 3\nagents: {max_id: 100}\nderive: {settle: 1.5ms}\n", nil,
			[]string{
				`talktime.yaml line 1: time_zone: "Mars/Olympus" is not a time zone such as Europe/Berlin or UTC`,
				`talktime.yaml line 2: business_day_start: 06:10 is not on a quarter-hour`,
				`talktime.yaml line 3: extra_zones[1]: "Local" is not a time zone such as Europe/Berlin or UTC`,
				`talktime.yaml line 5: gateway.timeout: "3" is not a duration such as 3s or 15m`,
				`talktime.yaml line 6: gateway.concurrency: "0" is not a whole number from 1 to 10000`,
				`talktime.yaml line 7: gateway.max_rate: "-1" is not a whole number from 0 to 1000000`,
				`talktime.yaml line 8: gateway.auth_mode: "3" is not a whole number from 1 to 2`,
				`talktime.yaml line 9: agents.max_id: "100" is not a whole number from 101 to 999999`,
				`talktime.yaml line 10: derive.settle: 1.5ms is not in whole milliseconds`,
			},
		},
		{
			"durations and zones at their ends", "gateway: {timeout: 61s}\nderive: {settle: -1s}\ntime_zone: Local\n", nil,
			[]string{
				"talktime.yaml line 1: gateway.timeout: 61s is not between 10ms and 1m0s",
				"talktime.yaml line 2: derive.settle: -1s is not between 0s and 168h0m0s",
				`talktime.yaml line 3: time_zone: "Local" is not a time zone such as Europe/Berlin or UTC`,
			},
		},
		{
			"sizes and ages", "spool:\n  max_bytes: 1GB\n  max_age: 7\n",
			[]string{"TALKTIME_SPOOL_MAX_BYTES="},
			[]string{
				`talktime.yaml line 2: spool.max_bytes: "1GB" is not a number of bytes such as 512MiB or 1GiB`,
				`talktime.yaml line 3: spool.max_age: "7" is not a duration such as 3s or 15m`,
			},
		},
		{
			"sizes and ages at their ends", "spool: {max_bytes: 1023KiB, max_age: 366d}\n",
			[]string{"TALKTIME_SPOOL_MAX_AGE=59s"},
			[]string{
				"talktime.yaml line 1: spool.max_bytes: 1023KiB is not between 1MiB and 1024TiB",
				"TALKTIME_SPOOL_MAX_AGE: spool.max_age: 59s is not between 1m0s and 8760h0m0s",
			},
		},
		{
			"sizes beyond numbers", "spool: {max_bytes: 9999999999TiB, max_age: 99999d}\n", nil,
			[]string{
				`talktime.yaml line 1: spool.max_bytes: "9999999999TiB" is not a number of bytes such as 512MiB or 1GiB`,
				`talktime.yaml line 1: spool.max_age: "99999d" is not a length of time such as 7d or 12h`,
			},
		},
		{
			"URLs", "gateway: {url: http://gateway}\ndatabase: {url: mysql://kim:hush@db}\n", nil,
			[]string{
				"talktime.yaml line 1: gateway.url: is not an https URL with a port, such as https://gateway:8043",
				"talktime.yaml line 2: database.url: is not a Postgres URL such as postgres://user@host:5432/name",
			},
		},
		{"an address of every network", "listen: {operations: ':9143'}", nil, []string{`talktime.yaml line 1: listen.operations: ":9143" is not an address and a port: 127.0.0.1:9143 is for this machine only, 0.0.0.0:9143 for every network`}},
		{"an address by name", "listen: {operations: 'monitor:9143'}", nil, []string{`talktime.yaml line 1: listen.operations: "monitor:9143" is not an address and a port: 127.0.0.1:9143 is for this machine only, 0.0.0.0:9143 for every network`}},
		{"something else to listen for", "listen: {bi: '127.0.0.1:1'}", nil, []string{"talktime.yaml line 1: listen.bi: is not a key"}},
		{"a gateway URL with a password", "gateway: {url: https://kim:hush@gateway:1}", nil, []string{"talktime.yaml line 1: gateway.url: must not hold a user or password"}},
		{"a gateway URL with a query", "gateway: {url: 'https://gateway:1?x=1'}", nil, []string{"talktime.yaml line 1: gateway.url: must end with the port, as in https://gateway:8043"}},
		{"a gateway URL with a path", "gateway: {url: 'https://gateway:1/agentgateway'}", nil, []string{"talktime.yaml line 1: gateway.url: must end with the port, as in https://gateway:8043"}},
		{"a gateway URL without a port", "gateway: {url: 'https://gateway'}", nil, []string{"talktime.yaml line 1: gateway.url: is not an https URL with a port, such as https://gateway:8043"}},
		{"a database URL that does not parse", `database: {url: "postgres://kim:hush%zz@db"}`, nil, []string{"talktime.yaml line 1: database.url: is not a Postgres URL such as postgres://user@host:5432/name"}},
		{
			"schedules", "schedules:\n- {name: a b, cron: 0 * * * * *}\n- {name: x, cron: 0 * * * * *, agents: 160-101}\n- name: x\n  cron: 0 * * * * *\n  time_zone: Nowhere\n  agents: '7'\n- {cron: 0 * * * * *}\n-\n- office\n", nil,
			[]string{
				`talktime.yaml line 2: schedules[0].name: the name must be 1-63 of a-z, 0-9, _ and -, and begin with a letter or digit`,
				`talktime.yaml line 3: schedules[1].agents: agents "160-101": range 160-101 runs backwards`,
				`talktime.yaml line 4: schedules[2].name: "x" is already the name of schedules[1]`,
				`talktime.yaml line 6: schedules[2].time_zone: "Nowhere" is not a time zone such as Europe/Berlin or UTC`,
				`talktime.yaml line 7: schedules[2].agents: agents "7": agent 7 is outside 101-59999`,
				`talktime.yaml line 8: schedules[3]: name is missing`,
				`talktime.yaml line 9: schedules[4]: name is missing`,
				`talktime.yaml line 9: schedules[4]: cron is missing`,
				`talktime.yaml line 10: schedules[5]: must hold keys (name, cron, time_zone, agents)`,
				`talktime.yaml line 10: schedules[5]: name is missing`,
				`talktime.yaml line 10: schedules[5]: cron is missing`,
			},
		},
		{
			"cron rules", "schedules:\n- {name: a, cron: \"61 * * * * *\"}\n- {name: b, cron: 0 0 30 2 *}\n- {name: c, cron: TZ=UTC}\n- {name: d, cron: \"@every 5s\"}\nderive: {cron: daily}\n", nil,
			[]string{
				`talktime.yaml line 2: schedules[0].cron: cron "61 * * * * *": end of range (61) above maximum (59): 61`,
				`talktime.yaml line 3: schedules[1].cron: cron "0 0 30 2 *": it never runs`,
				`talktime.yaml line 4: schedules[2].cron: cron "TZ=UTC": a zone inside the spec is refused, name it beside the spec`,
				`talktime.yaml line 5: schedules[3].cron: cron "@every 5s": @every has no fixed instants, write the fields instead`,
				`talktime.yaml line 6: derive.cron: cron "daily": expected 5 to 6 fields, found 1: [daily]`,
			},
		},
		{
			"ages", "retention:\n  samples: 30\n  segments: 1y\n  quarter_hours: 0mo\n  ticks: -1d\n  job_runs: 6d\ncompact_after: 7\n", nil,
			[]string{
				`talktime.yaml line 2: retention.samples: "30" is not an age such as 30d, 13mo or forever`,
				`talktime.yaml line 3: retention.segments: "1y" is not an age such as 30d, 13mo or forever`,
				"talktime.yaml line 4: retention.quarter_hours: 0mo is less than 2d",
				`talktime.yaml line 5: retention.ticks: "-1d" is not an age such as 30d, 13mo or forever`,
				"talktime.yaml line 6: retention.job_runs: 6d is less than 7d",
				`talktime.yaml line 7: compact_after: "7" is not an age such as 30d, 13mo or forever`,
			},
		},
		{
			"derived for less long than samples", "retention: {samples: forever, segments: 12mo, ticks: forever}\n", nil,
			[]string{
				"talktime.yaml line 1: retention.segments: segments is kept for 12mo and samples for forever: what is derived from samples is kept as long as they are",
				"talktime.yaml line 1: retention.samples: quarter_hours is kept for 13mo and samples for forever: what is derived from samples is kept as long as they are",
			},
		},
		{
			"rounds that come too late", "retention: {samples: 7d}\n", nil,
			[]string{
				"talktime.yaml line 1: retention.samples: samples are kept for 7d, and rounds may wait for the database for 7d (spool.max_age): those would come when their day is gone; keep samples for 8d or more",
			},
		},
		{
			"rounds that wait too long", "",
			[]string{"TALKTIME_SPOOL_MAX_AGE=30d"},
			[]string{
				"TALKTIME_SPOOL_MAX_AGE: spool.max_age: samples are kept for 30d, and rounds may wait for the database for 30d (spool.max_age): those would come when their day is gone; keep samples for 31d or more",
			},
		},
		{
			"variables", "time_zone: Nowhere\nguids: {fil: x}\n",
			[]string{
				"TALKTIME_TIMEZONE=UTC", "TALKTIME_GATEWAY_TIMEOUT=soon", "TALKTIME_SCHEDULES=[{name: x\n", "TALKTIME_DATABASE_URL=hush",
				"TALKTIME_EXPORTS=[{name: x}]", "NOT_TALKTIME_X=1", "TALKTIME_EMPTY=",
			},
			[]string{
				`talktime.yaml line 1: time_zone: "Nowhere" is not a time zone such as Europe/Berlin or UTC`,
				`talktime.yaml line 2: guids.fil: is not a key, did you mean "file"?`,
				`TALKTIME_TIMEZONE: is not a setting, did you mean "TALKTIME_TIME_ZONE"?`,
				`TALKTIME_SCHEDULES: not YAML: did not find expected ',' or '}'`,
				`TALKTIME_DATABASE_URL: database.url: is not a Postgres URL such as postgres://user@host:5432/name`,
				`TALKTIME_GATEWAY_TIMEOUT: gateway.timeout: "soon" is not a duration such as 3s or 15m`,
				"TALKTIME_EXPORTS: exports[0]: cron is missing", "TALKTIME_EXPORTS: exports[0]: report is missing",
				"TALKTIME_EXPORTS: exports[0]: window is missing", "TALKTIME_EXPORTS: exports[0]: to is missing",
			},
		},
		{"a schedule in a variable", "", []string{"TALKTIME_SCHEDULES=[{name: x}]"}, []string{"TALKTIME_SCHEDULES: schedules[0]: cron is missing"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := parseConfig(text(test.yaml, test.environ...), forDatabase)
			if err == nil {
				t.Fatal("no fault was found")
			}
			if d := cmp.Diff(test.want, strings.Split(err.Error(), "\n")); d != "" {
				t.Errorf("faults (-want +got):\n%s", d)
			}
		})
	}
}

func TestHomeIsNeededForTilde(t *testing.T) {
	homeless := text("data_dir: ~/x\n")
	homeless.home = ""
	_, err := parseConfig(homeless, forDatabase)
	if want := `talktime.yaml line 1: data_dir: "~/x" needs a home directory, and HOME is not set`; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}

// What counts is what a value says, not how it is written, and wherever.
func TestConfigDifferences(t *testing.T) {
	const before = "gateway: {url: 'https://gw:8043', max_rate: 10}\nschedules:\n  - {name: a, cron: '* * * * * *', agents: 101}\n"
	for name, c := range map[string]struct {
		yaml    string
		environ []string
		want    string
	}{
		"the same, written otherwise": {
			"# why\nschedules:\n  - cron: \"* * * * * *\" # each second\n    name: a\n    agents: 101\ngateway:\n  max_rate: 10\n  url: https://gw:8043\n", nil, "[]",
		},
		"a key more, a key less": {"derive: {settle: 1m}\ngateway: {url: 'https://gw:8043'}\n", nil, "[gateway.max_rate schedules derive.settle]"},
		"another list":           {before + "  - {name: b, cron: '* * * * * *'}\n", nil, "[schedules]"},
		"a variable":             {before, []string{"TALKTIME_DATABASE_URL=postgres://u:geheim@h/d", "TALKTIME_GATEWAY_URL=https://gw:8043"}, "[database.url]"},
	} {
		t.Run(name, func(t *testing.T) {
			was, err := parseConfig(configText{file: "f", yaml: []byte(before)}, forDatabase)
			if err != nil {
				t.Fatal(err)
			}
			is, err := parseConfig(configText{file: "f", yaml: []byte(c.yaml), environ: c.environ}, forDatabase)
			if err != nil {
				t.Fatal(err)
			}
			if got := fmt.Sprint(was.differences(is)); got != c.want {
				t.Errorf("got %s, want %s", got, c.want)
			}
			if text := fmt.Sprintf("%v %+v %#v", is.texts, is.texts, is.texts); strings.Contains(text, "geheim") {
				t.Errorf("a password is printed: %s", text)
			}
		})
	}
}
