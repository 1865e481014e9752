package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
)

func TestDemoPeriods(t *testing.T) {
	for text, want := range map[string]string{
		"10s": "*/10 * 8-17 * * *", "1s": "* * 8-17 * * *", "30000ms": "*/30 * 8-17 * * *",
		"60s": "0 * 8-17 * * *", "5m": "0 */5 8-17 * * *", "15m": "0 */15 8-17 * * *",
	} {
		var p demoPlan
		if cron, err := p.readPeriod(text); err != nil || cron != want {
			t.Errorf("%s is %q, %v, want %q", text, cron, err, want)
		}
	}
	for _, text := range []string{"", "10", "0s", "-10s", "7s", "1500ms", "90s", "20m", "1h"} {
		var p demoPlan
		if cron, err := p.readPeriod(text); err == nil {
			t.Errorf("%q is taken for %q", text, cron)
		}
	}
}

// A plan polls ten hours of the day, on the days when clocks change too.
func TestDemoPlan(t *testing.T) {
	now := time.Date(2026, 11, 22, 0, 30, 0, 0, time.UTC)
	a := &app{clock: ingest.NewSimClock(now)}
	for _, test := range []struct{ day, zone, opens, date string }{
		{"", "UTC", "2026-11-21T08:00:00Z", "2026-11-21"},
		{"", "America/New_York", "2026-11-20T08:00:00-05:00", "2026-11-20"},
		{"2026-10-25", "Europe/Berlin", "2026-10-25T08:00:00+01:00", "2026-10-25"},
		{"2026-03-29", "Europe/Berlin", "2026-03-29T08:00:00+02:00", "2026-03-29"},
		{"2026-11-22", "Asia/Kathmandu", "", ""},
		{"2011-12-30", "Pacific/Apia", "", ""}, // a day that never was
	} {
		t.Run(test.zone+" "+test.day, func(t *testing.T) {
			p, err := a.planDemo(demoFlags{agents: "101-103", day: test.day, zone: test.zone, period: "15m", dir: "d"})
			if test.opens == "" {
				if err == nil || !strings.HasPrefix(err.Error(), "--day: ") {
					t.Errorf("the plan is %+v, %v", p, err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			opens, _ := p.hours(time.RFC3339)
			if opens != test.opens || p.date() != test.date || p.closes().Sub(p.opens()) != 10*time.Hour {
				t.Errorf("polled from %s for %s, the day is %s", opens, p.closes().Sub(p.opens()), p.date())
			}
		})
	}
}

func TestDemoDirWhereNoneIsNamed(t *testing.T) {
	if os.Geteuid() == 0 {
		a := &app{environ: []string{"HOME=/root"}}
		if dir, err := a.demoPath(""); err != nil || dir != rootDemoDir {
			t.Errorf("root's is %s, %v", dir, err)
		}
		return
	}
	for want, environ := range map[string][]string{
		"/home/kim/.cache/talktime-demo": {"HOME=/home/kim", "XDG_CACHE_HOME=relative"},
		"/cache/talktime-demo":           {"HOME=/home/kim", "XDG_CACHE_HOME=/cache"},
		"":                               {"HOME="},
	} {
		a := &app{environ: environ}
		if dir, err := a.demoPath(""); dir != want || (err == nil) != (want != "") {
			t.Errorf("with %v it is %q, %v, want %q", environ, dir, err, want)
		}
	}
}

func TestLocalZone(t *testing.T) {
	dir := t.TempDir()
	at := filepath.Join(dir, "zoneinfo", "Europe")
	if err := os.MkdirAll(at, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(at, "Berlin"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(dir, "localtime")
	if err := os.Symlink(filepath.Join(at, "Berlin"), link); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ tz, localtime, want string }{
		{"", link, "Europe/Berlin"},
		{"America/New_York", link, "America/New_York"},
		{":Asia/Tokyo", link, "Asia/Tokyo"},
		{"CET-1CEST", link, "UTC"}, // a rule, not a name
		{"Etc/UTC", link, "UTC"},
		{"", filepath.Join(at, "Berlin") + "/none", "UTC"},
		{"", dir, "UTC"},
	} {
		if zone := localZone(test.tz, test.localtime); zone.String() != test.want {
			t.Errorf("TZ=%s and %s is %s, want %s", test.tz, test.localtime, zone, test.want)
		}
	}
}
