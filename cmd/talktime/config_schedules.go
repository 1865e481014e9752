package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"talktime/ingest"
)

// readSchedules reads the list of schedules; no two have the same name.
func readSchedules(c *config, v value) {
	named := make(map[string]string)
	for _, item := range v.items() {
		if s, ok := readSchedule(c, item, named); ok {
			c.schedules = append(c.schedules, s)
		}
	}
}

// readSchedule reads one schedule, records the faults of all its fields, and
// reports whether there were none. named holds the schedule of each name so far.
func readSchedule(c *config, item value, named map[string]string) (ingest.Schedule, bool) {
	var (
		name, cron string
		zone       = c.timeZone.String()
		agents     ingest.AgentSet
		all        = true
		given      []string
		faulty     bool
	)
	for _, field := range item.fields([]string{"name", "cron", "time_zone", "agents"}) {
		key := strings.TrimPrefix(field.key, item.key+".")
		given = append(given, key)
		text, ok := field.text()
		if !ok {
			faulty = true
			continue
		}
		var err error
		switch key {
		case "name":
			name, err = text, checkName(text)
			if first, twice := named[name]; twice {
				err = fmt.Errorf("%q is already the name of %s", name, first)
			} else {
				named[name] = item.key
			}
		case "cron":
			cron, err = text, checkCron(text)
		case "time_zone":
			_, ok = field.zone()
			zone, faulty = text, faulty || !ok
		case "agents":
			all = false
			agents, err = ingest.ParseAgentSet(text, c.maxAgentID)
		}
		if err != nil {
			field.fault("%v", err)
			faulty = true
		}
	}
	for _, key := range []string{"name", "cron"} {
		if !slices.Contains(given, key) {
			item.fault("%s is missing", key)
			faulty = true
		}
	}
	if faulty {
		return ingest.Schedule{}, false
	}
	s, err := ingest.NewSchedule(name, cron, zone, agents, all)
	if err != nil {
		item.fault("%v", err)
	}
	return s, err == nil
}

// jobTimes reads when a job is due. The rule is read in UTC, so that the job does
// not pause while a local hour is repeated.
func (v value) jobTimes() (ingest.JobTimes, bool) {
	text, ok := v.text()
	if !ok {
		return ingest.JobTimes{}, false
	}
	times, err := ingest.NewJobTimes(text, "UTC")
	if err != nil {
		v.fault("%v", err)
	}
	return times, err == nil
}

// The checks of single fields put them into a schedule that has no other fault.

func checkName(name string) error { return checkSchedule(name, "* * * * *") }
func checkCron(cron string) error { return checkSchedule("a", cron) }

// checkSchedule says what is wrong with the field, without the schedule's name,
// which the place in the file stands for.
func checkSchedule(name, cron string) error {
	_, err := ingest.NewSchedule(name, cron, "UTC", ingest.AgentSet{}, true)
	if err == nil {
		return nil
	}
	return errors.New(strings.TrimPrefix(err.Error(), fmt.Sprintf("schedule %q: ", name)))
}
