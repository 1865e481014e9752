package main

import (
	"regexp"
	"strings"
	"testing"
)

// A fault names a line of the file or a variable; one of a whole file or of
// something missing names the file.
var faultPlace = regexp.MustCompile(`^(talktime\.yaml( line \d+)?|TALKTIME_.*): `)

// FuzzConfig feeds anything as file and as variable. Whatever it is, parsing
// ends with a configuration or with faults that say where they are; the fault of
// a database URL repeats nothing of it.
func FuzzConfig(f *testing.F) {
	f.Add(wholeConfig, "TIME_ZONE", "UTC")
	f.Add("a: &x [*x]", "SCHEDULES", "[{name: a, cron: '* * * * *'}]")
	f.Add("- ? {}\n  : 1", "SCHEDULES", "&a {b: *a}")
	f.Add("gateway: !!binary x\ndatabase: {url: 'postgres://kim:hush@db'}", "AGENTS_MAX_ID", "0x7f")
	f.Add("schedules: [{cron: TZ=}, {cron: '@every 1s'}, 7, ~]", "", "\x00")
	f.Add("time_zone: ../../etc/passwd\n<<: {}\n", "DERIVE_SETTLE", "1e9h")
	f.Add("\xff\xfe\x00", "GATEWAY_URL", "https://[::1")
	f.Fuzz(func(t *testing.T, yaml, variable, content string) {
		in := text(yaml, envPrefix+variable+"="+content)
		_, err := parseConfig(text("", "TALKTIME_DATABASE_URL="+content), forDatabase)
		if err != nil && err.Error() != "TALKTIME_DATABASE_URL: database.url: is not a Postgres URL such as postgres://user@host:5432/name" {
			t.Errorf("the fault of a database URL is %v", err)
		}
		c, err := parseConfig(in, forDatabase)
		if err == nil {
			if c.timeZone == nil || c.gateway.concurrency < 1 || c.maxAgentID < 101 || c.gateway.timeout <= 0 {
				t.Errorf("no fault in %+v", c)
			}
			return
		}
		if c != nil {
			t.Error("a faulty configuration came back")
		}
		for line := range strings.Lines(err.Error()) {
			if !faultPlace.MatchString(line) {
				t.Errorf("no place in %q", line)
			}
		}
	})
}
