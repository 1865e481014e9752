package main

import (
	"cmp"
	"net/url"
	"os"
	"strings"
)

// configuration reads it as record would and tells all its faults. It returns
// nil where nothing else can be looked at; what only polling lacks leaves the
// rest to look at.
func (d *doctor) configuration() (c *config, faulty bool) {
	const check = "configuration"
	text, err := d.findConfig()
	if err != nil {
		d.failWith(check, "name one that can be read with --config", err)
		return nil, true
	}
	c, err = parseConfig(text, forDatabase)
	if err != nil {
		for fault := range strings.Lines(err.Error()) {
			d.fail(check, "", "%s", strings.TrimSpace(fault))
		}
		return nil, true
	}
	if c.gateway.url == "" && c.guidsFile == "" && len(c.schedules) == 0 {
		d.warn(check, "a recorder needs all three", "%s names no gateway, GUIDs and schedules: good for reports only", cmp.Or(c.file, "no file: defaults; it"))
		return c, false
	}
	d.isRecorder = true
	if _, err := parseConfig(text, forDoctor); err != nil {
		for fault := range strings.Lines(err.Error()) {
			d.fail(check, "", "%s", strings.TrimSpace(fault))
		}
		return c, true
	}
	if d.tellsPassword(c) {
		return c, false
	}
	d.ok(check, "%s, %s", cmp.Or(c.file, "no file"), plural(len(c.schedules), "schedule", "schedules"))
	return c, false
}

// tellsPassword warns of a password in a file that others may read.
func (d *doctor) tellsPassword(c *config) bool {
	u, err := url.Parse(c.databaseURL.Reveal())
	if err != nil || c.file == "" || d.getenv(envName("database.url")) != "" {
		return false
	}
	_, inUser := u.User.Password()
	file, err := os.Stat(c.file)
	if err != nil || !inUser && !u.Query().Has("password") || file.Mode().Perm()&0o077 == 0 {
		return false
	}
	d.warn("configuration", "chmod 600 "+c.file+", or move the password to ~/.pgpass",
		"%s holds the database's password and has mode %#o", c.file, file.Mode().Perm())
	return true
}
