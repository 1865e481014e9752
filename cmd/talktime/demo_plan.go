package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"talktime/ingest"
	"talktime/reports"
)

// demoFlags are the flags of talktime demo as they were typed.
type demoFlags struct {
	agents, day, period, zone, dir string
	seed                           uint64
	typed                          []*pflag.Flag // those that were given
}

// demoPlan is what a demo plays, and where.
type demoPlan struct {
	agents   ingest.AgentSet
	seed     uint64
	period   time.Duration
	window   reports.Window  // the whole local day
	schedule ingest.Schedule // polls from 08:00 to 18:00 of it
	dir      string          // absolute
	typed    []*pflag.Flag   // what it was made from
}

// date is the day as --from takes it.
func (p *demoPlan) date() string { return p.window.From.In(p.window.Zone).Format(time.DateOnly) }

// opens is the day's first due instant, lastDue its last one; closes is a period
// after that.
func (p *demoPlan) opens() time.Time   { return p.schedule.Next(p.window.From.Add(-1)) }
func (p *demoPlan) lastDue() time.Time { return p.schedule.Prev(p.window.To) }
func (p *demoPlan) closes() time.Time  { return p.lastDue().Add(p.period) }

// hours words when the agents are polled.
func (p *demoPlan) hours(layout string) (from, to string) {
	return p.opens().In(p.window.Zone).Format(layout), p.closes().In(p.window.Zone).Format(layout)
}

// planDemo reads the flags and tells all that is wrong with them at once.
func (a *app) planDemo(f demoFlags) (*demoPlan, error) {
	var faults []error
	flag := func(name string, err error) {
		if err != nil {
			faults = append(faults, fmt.Errorf("--%s: %w", name, err))
		}
	}
	if a.configFile != "" {
		faults = append(faults, errors.New("--config: the demo writes a configuration of its own and takes none"))
	}
	p := &demoPlan{seed: f.seed, typed: f.typed}
	var err error
	p.agents, err = ingest.ParseAgentSet(f.agents, ingest.DefaultMaxAgentID)
	flag("agents", err)
	cron, err := p.readPeriod(f.period)
	flag("period", err)
	p.dir, err = a.demoPath(f.dir)
	flag("dir", err)
	zone, err := a.demoZone(f.zone)
	flag("tz", err)
	if err == nil {
		flag("day", p.readDay(f.day, zone, a.clock.Now()))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	p.schedule, err = ingest.NewSchedule("demo", cron, zone.String(), p.agents, false)
	return p, err
}

// The periods a cron spec can keep over minute and hour.
var (
	demoSeconds = []int{1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30}
	demoMinutes = []int{1, 2, 3, 4, 5, 6, 10, 12, 15}
)

// readPeriod reads the period and returns the cron spec that polls so often.
func (p *demoPlan) readPeriod(text string) (cron string, err error) {
	p.period, err = time.ParseDuration(text)
	seconds, minutes := int(p.period/time.Second), int(p.period/time.Minute)
	switch {
	case err != nil:
	case p.period == time.Duration(seconds)*time.Second && slices.Contains(demoSeconds, seconds):
		return fmt.Sprintf("%s * 8-17 * * *", every(seconds)), nil
	case p.period == time.Duration(minutes)*time.Minute && slices.Contains(demoMinutes, minutes):
		return fmt.Sprintf("0 %s 8-17 * * *", every(minutes)), nil
	}
	return "", fmt.Errorf("%q is none of %s seconds (such as 10s) and %s minutes (such as 5m)", text, listed(demoSeconds), listed(demoMinutes))
}

// every is the cron field that counts in steps of n.
func every(n int) string {
	if n == 1 {
		return "*"
	}
	return fmt.Sprintf("*/%d", n)
}

// listed writes "1, 2, 3".
func listed(numbers []int) string {
	return strings.ReplaceAll(strings.Trim(fmt.Sprint(numbers), "[]"), " ", ", ")
}

// readDay reads the date to play, a day that is over; empty is yesterday.
func (p *demoPlan) readDay(text string, zone *time.Location, now time.Time) error {
	yesterday, err := reports.ParseWindow("", "", zone, now)
	if err != nil {
		return err
	}
	p.window = yesterday
	if text == "" {
		return nil
	}
	last := p.date()
	switch date, err := time.Parse(time.DateOnly, text); {
	case err != nil:
		return fmt.Errorf("%q is not a date like %s", text, last)
	case text > last:
		return fmt.Errorf("%s is not over yet in %s; the last day to play is %s", text, zone, last)
	case date.Year() < 2000:
		return fmt.Errorf("%s is too long ago; reports begin with the year 2000", text)
	}
	if p.window, err = reports.ParseWindow(text, "", zone, now); err == nil && p.date() != text {
		return fmt.Errorf("%s never was in %s", text, zone)
	}
	return err
}

// rootDemoDir is root's default: the private Postgres, which is another user's
// process, must be able to reach it.
const rootDemoDir = "/var/cache/talktime-demo"

// demoPath resolves --dir.
func (a *app) demoPath(text string) (string, error) {
	if text != "" {
		return filepath.Abs(text)
	}
	if os.Geteuid() == 0 {
		return rootDemoDir, nil
	}
	if cache := a.getenv("XDG_CACHE_HOME"); filepath.IsAbs(cache) {
		return filepath.Join(cache, "talktime-demo"), nil
	}
	if home := a.getenv("HOME"); filepath.IsAbs(home) {
		return filepath.Join(home, ".cache", "talktime-demo"), nil
	}
	return "", errors.New("it must be given, for HOME is not set")
}
