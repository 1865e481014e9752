package main

import (
	"path/filepath"
	"time"

	"talktime/ingest"
	"talktime/reports"
)

// setting is one key of the configuration: its place in the file, its variable
// (see envName), and how it is read.
type setting struct {
	key     string // "gateway.url" is url in the section gateway
	isList  bool   // its variable is written as YAML
	atStart bool   // a recorder reads it when it starts, and no more on SIGHUP
	// set puts the value into the configuration, or records its faults.
	set func(*config, value)
}

// settings are all keys, in the order in which they are read: schedules need
// time_zone and agents.max_id, exports business_day_start too.
var settings = []setting{
	{key: "time_zone", set: func(c *config, v value) { keep(&c.timeZone)(v.zone()) }},
	{key: "extra_zones", isList: true, set: readExtraZones},
	{key: "business_day_start", set: readBusinessDayStart},
	{key: "data_dir", atStart: true, set: func(c *config, v value) { keep(&c.dataDir)(v.path()) }},
	{key: "database.url", atStart: true, set: func(c *config, v value) { keep(&c.databaseURL)(v.databaseURL()) }},
	{key: "gateway.url", set: func(c *config, v value) { keep(&c.gateway.url)(v.gatewayURL()) }},
	{key: "gateway.ca_file", set: func(c *config, v value) { keep(&c.gateway.caFile)(v.path()) }},
	{key: "gateway.timeout", set: func(c *config, v value) {
		keep(&c.gateway.timeout)(v.duration(10*time.Millisecond, time.Minute))
	}},
	{key: "gateway.concurrency", set: func(c *config, v value) { keep(&c.gateway.concurrency)(v.integer(1, mostConcurrency)) }},
	{key: "gateway.latency", set: func(c *config, v value) {
		keep(&c.gateway.latency)(v.duration(time.Millisecond, time.Minute))
	}},
	{key: "gateway.max_rate", set: func(c *config, v value) { keep(&c.gateway.maxRate)(v.integer(0, 1_000_000)) }},
	{key: "gateway.auth_mode", set: func(c *config, v value) { keep(&c.gateway.authMode)(v.integer(1, 2)) }},
	{key: "guids.file", set: func(c *config, v value) { keep(&c.guidsFile)(v.path()) }},
	{key: "agents.max_id", set: readMaxAgentID},
	{key: "schedules", isList: true, set: readSchedules},
	{key: "derive.cron", atStart: true, set: func(c *config, v value) { keep(&c.derive.times)(v.jobTimes()) }},
	{key: "derive.settle", set: func(c *config, v value) { keep(&c.derive.settle)(v.duration(0, 7*24*time.Hour)) }},
	{key: "maintain.cron", atStart: true, set: func(c *config, v value) { keep(&c.maintain.times)(v.jobTimes()) }},
	{key: "retention.samples", set: func(c *config, v value) { keep(&c.maintain.retention.Samples)(v.retentionAge(leastSamplesDays)) }},
	{key: "retention.segments", set: func(c *config, v value) { keep(&c.maintain.retention.Segments)(v.retentionAge(leastDerivedDays)) }},
	{key: "retention.quarter_hours", set: func(c *config, v value) { keep(&c.maintain.retention.QuarterHours)(v.retentionAge(leastDerivedDays)) }},
	{key: "retention.ticks", set: func(c *config, v value) { keep(&c.maintain.retention.Ticks)(v.retentionAge(leastDerivedDays)) }},
	{key: "retention.job_runs", set: func(c *config, v value) { keep(&c.maintain.retention.JobRuns)(v.retentionAge(leastJobRunsDays)) }},
	{key: "compact_after", set: func(c *config, v value) { keep(&c.maintain.compactAfter)(v.compactAge()) }},
	{key: "spool.max_bytes", atStart: true, set: func(c *config, v value) { keep(&c.spool.maxBytes)(v.bytes(leastSpoolBytes, mostSpoolBytes)) }},
	{key: "spool.max_age", atStart: true, set: func(c *config, v value) { keep(&c.spool.maxAge)(v.age(leastSpoolAge, mostSpoolAge)) }},
	{key: "listen.operations", atStart: true, set: func(c *config, v value) { keep(&c.operations)(v.listenAddress()) }},
	{key: "exports", isList: true, set: readExports},
}

// mostConcurrency is the most of gateway.concurrency.
const mostConcurrency = 10_000

// keep returns what stores a value that could be read and leaves the default
// otherwise.
func keep[T any](target *T) func(T, bool) {
	return func(v T, ok bool) {
		if ok {
			*target = v
		}
	}
}

// rootDataDir is the default data_dir of root, who has no use for one in a
// home directory.
const rootDataDir = "/var/lib/talktime"

// defaultDeriveCron derives at the full minute.
const defaultDeriveCron = "0 * * * * *"

func defaultConfig(text configText) *config {
	c := &config{
		file:       text.file,
		timeZone:   time.UTC,
		maxAgentID: ingest.DefaultMaxAgentID,
		gateway:    gatewayConfig{timeout: 3 * time.Second, concurrency: 64, latency: 45 * time.Millisecond, authMode: 2},
		derive:     deriveConfig{settle: 15 * time.Minute},
		maintain:   maintainConfig{retention: defaultRetention, compactAfter: defaultCompactAfter},
		texts:      make(map[string]ingest.Secret),
		spool:      spoolConfig{maxBytes: 1 << 30, maxAge: 7 * day},
	}
	// The defaults are good, as the tests see.
	c.derive.times, _ = ingest.NewJobTimes(defaultDeriveCron, "UTC")
	c.maintain.times, _ = ingest.NewJobTimes(defaultMaintainCron, "UTC")
	switch {
	case text.asRoot:
		c.dataDir = rootDataDir
	case text.home != "":
		c.dataDir = filepath.Join(text.home, ".local", "share", "talktime")
	}
	return c
}

// readExtraZones reads the zones that days are kept for beside time_zone. One that
// is named again is no fault.
func readExtraZones(c *config, v value) {
	for _, item := range v.items() {
		if zone, ok := item.zone(); ok {
			c.extraZones = append(c.extraZones, zone)
		}
	}
}

func readBusinessDayStart(c *config, v value) {
	text, ok := v.text()
	if !ok {
		return
	}
	start, err := reports.ParseDayStart(text)
	if err != nil {
		v.fault("%v", err)
	}
	c.dayStart = start
}

// calendar is the one that dates are read by where no other zone is asked for.
func (c *config) calendar() reports.Calendar {
	return reports.Calendar{Zone: c.timeZone, DayStart: c.dayStart}
}

// keepDays has days kept for time_zone and each of extra_zones, once.
func (c *config) keepDays() {
	named := make(map[string]bool)
	for _, zone := range append([]*time.Location{c.timeZone}, c.extraZones...) {
		if !named[zone.String()] {
			named[zone.String()] = true
			c.derive.calendars = append(c.derive.calendars, reports.Calendar{Zone: zone, DayStart: c.dayStart})
		}
	}
}

func readMaxAgentID(c *config, v value) {
	if n, ok := v.integer(int(ingest.MinAgentID), int(ingest.LimitMaxAgentID)); ok {
		c.maxAgentID = ingest.AgentID(n)
	}
}
