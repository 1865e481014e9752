package main

import (
	"path/filepath"
	"strings"
	"time"

	"talktime/reports"
)

// demoZone returns the zone to play in: the one named, else the machine's.
func (a *app) demoZone(name string) (*time.Location, error) {
	if name != "" {
		return reports.ParseZone(name)
	}
	return localZone(a.getenv("TZ"), "/etc/localtime"), nil
}

// localZone finds the name of the machine's zone, which a report must print and
// Go does not tell: in TZ, else in where the link localtime points to. It is UTC
// where neither names a zone.
func localZone(tz, localtime string) *time.Location {
	name := strings.TrimPrefix(tz, ":")
	if name == "" {
		if target, err := filepath.EvalSymlinks(localtime); err == nil {
			_, name, _ = strings.Cut(target, "zoneinfo/")
		}
	}
	zone, err := reports.ParseZone(name)
	if err != nil || name == "Etc/UTC" {
		return time.UTC
	}
	return zone
}
