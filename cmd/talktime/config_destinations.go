package main

import (
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"talktime/reports"
	"talktime/reports/export"
	"talktime/reports/export/s3"
	"talktime/reports/export/sftp"
)

// destinationConfig is where an export goes. Only who delivers opens it: it may
// name files that others must not read.
type destinationConfig struct {
	text string // for people and to tell destinations apart; no secret
	open func() (export.Destination, error)
	at   value // where it stands
}

// The keys of a destination beside its url, by the scheme.
var destinationKeys = map[string][]string{
	"sftp": {"known_hosts", "key_file", "password_file", "timeout"},
	"s3":   {"endpoint", "region", "path_style", "ca_file", "credentials_file", "allow_plain_loopback", "timeout"},
}

// destination reads where an export is delivered to: the path of a folder on this
// machine, or a section with the url of one elsewhere and how to reach it.
func (v value) destination() (destinationConfig, bool) {
	if !v.isSection() {
		return v.folder()
	}
	found := len(v.origin.faults.found)
	allowed := slices.Concat([]string{"url"}, destinationKeys["sftp"], destinationKeys["s3"])
	fields := make(map[string]value)
	for _, field := range v.fields(allowed) {
		fields[strings.TrimPrefix(field.key, v.key+".")] = field
	}
	at, given := fields["url"]
	if !given {
		v.fault("url is missing")
		return destinationConfig{}, false
	}
	text, ok := at.text()
	if !ok {
		return destinationConfig{}, false
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || destinationKeys[u.Scheme] == nil || u.Host == "" || u.RawQuery != "" || u.Fragment != "":
		at.fault("is not of the form sftp://user@host/folder or s3://bucket/prefix")
		return destinationConfig{}, false
	case hasPassword(u):
		at.fault("must hold no password: name a file with it")
		return destinationConfig{}, false
	}
	for key, field := range fields {
		if key != "url" && !slices.Contains(destinationKeys[u.Scheme], key) {
			field.fault("is none of the keys of %s", u.Scheme)
		}
	}
	d := destinationConfig{text: u.String(), at: v}
	if u.Scheme == "sftp" {
		d.open = fields["url"].sftp(u, fields)
	} else {
		d.open = fields["url"].s3(u, fields)
	}
	return d, len(v.origin.faults.found) == found
}

func hasPassword(u *url.URL) bool {
	_, has := u.User.Password()
	return has
}

func (v value) folder() (destinationConfig, bool) {
	text, ok := v.text()
	if !ok {
		return destinationConfig{}, false
	}
	if scheme, _, isURL := strings.Cut(text, "://"); isURL {
		if destinationKeys[scheme] != nil {
			v.fault("write it as {url: %s://…} with %s", scheme, strings.Join(destinationKeys[scheme], ", "))
		} else {
			v.fault("%s:// is no destination: name a folder, or a url of sftp:// or s3://", scheme)
		}
		return destinationConfig{}, false
	}
	path, ok := v.path()
	return destinationConfig{path, func() (export.Destination, error) { return export.Folder(path), nil }, v}, ok
}

// longestSilence bounds a timeout; the destinations have bounds of their own.
const longestSilence = time.Hour

// sftp reads sftp://user@host:port/folder. A folder that begins with /~/ is
// relative to where the account begins.
func (v value) sftp(u *url.URL, fields map[string]value) func() (export.Destination, error) {
	cfg := sftp.Config{Host: u.Hostname(), User: u.User.Username(), Folder: u.Path}
	if relative, isRelative := strings.CutPrefix(u.Path, "/~/"); isRelative || u.Path == "" {
		cfg.Folder = relative
		if relative == "" {
			cfg.Folder = "."
		}
	}
	if port := u.Port(); port != "" {
		var err error
		if cfg.Port, err = strconv.Atoi(port); err != nil {
			v.fault("port %q is not a number", port)
		}
	}
	keepPath(&cfg.KnownHosts, fields, "known_hosts")
	keepPath(&cfg.KeyFile, fields, "key_file")
	keepPath(&cfg.PasswordFile, fields, "password_file")
	keepTimeout(&cfg.Timeout, fields)
	return func() (export.Destination, error) { return sftp.New(cfg) }
}

// s3 reads s3://bucket/prefix.
func (value) s3(u *url.URL, fields map[string]value) func() (export.Destination, error) {
	cfg := s3.Config{Bucket: u.Host, Prefix: u.Path}
	for key, target := range map[string]*string{"endpoint": &cfg.Endpoint, "region": &cfg.Region} {
		if field, given := fields[key]; given {
			keep(target)(field.text())
		}
	}
	for key, target := range map[string]*bool{"path_style": &cfg.PathStyle, "allow_plain_loopback": &cfg.AllowPlainLoopback} {
		if field, given := fields[key]; given {
			keep(target)(field.boolean())
		}
	}
	keepPath(&cfg.CAFile, fields, "ca_file")
	keepPath(&cfg.CredentialsFile, fields, "credentials_file")
	keepTimeout(&cfg.Timeout, fields)
	return func() (export.Destination, error) { return s3.New(cfg) }
}

func keepPath(target *string, fields map[string]value, key string) {
	if field, given := fields[key]; given {
		keep(target)(field.path())
	}
}

func keepTimeout(target *time.Duration, fields map[string]value) {
	if field, given := fields["timeout"]; given {
		keep(target)(field.duration(time.Second, longestSilence))
	}
}

// boolean reads true or false.
func (v value) boolean() (isTrue, ok bool) {
	text, ok := v.text()
	if ok && text != "true" && text != "false" {
		v.fault("%q is not true or false", text)
		return false, false
	}
	return text == "true", ok
}

// checkDestinations records what is wrong with the files that destinations name.
// Only commands that deliver look at them: a report must work for a user who may
// not read them.
func checkDestinations(c *config) {
	for _, e := range c.exports {
		if _, err := e.to.open(); err != nil {
			for fault := range strings.Lines(err.Error()) {
				e.to.at.fault("%s", strings.TrimSpace(fault))
			}
		}
	}
}

// checkApart records a fault where two editions of the exports would have one
// name. Exports to different destinations may share theirs.
func checkApart(c *config, v value) {
	byPlace := make(map[string][]export.Series)
	for _, e := range c.exports {
		byPlace[e.to.text] = append(byPlace[e.to.text], export.Series{
			Template: e.file, Edition: e.edition(reports.Window{}, 0), Windows: e.twoYears(),
		})
	}
	for _, e := range c.exports {
		series := byPlace[e.to.text]
		delete(byPlace, e.to.text)
		if err := export.CheckApart(series...); err != nil {
			for fault := range strings.Lines(err.Error()) {
				v.fault("%s", strings.TrimSpace(fault))
			}
		}
	}
}

// edition is what names its files.
func (e *exportConfig) edition(w reports.Window, revision int) export.Edition {
	return export.Edition{
		Export: e.name, Report: e.report, Profile: e.profile(), Extension: e.format, Window: w, Revision: revision,
	}
}

// twoYears returns the periods of two years, in which every name that repeats
// itself does so.
func (e *exportConfig) twoYears() []reports.Window {
	if e.window.fixed != nil {
		return []reports.Window{*e.window.fixed}
	}
	var windows []reports.Window
	first := time.Date(2026, 1, 1, 12, 0, 0, 0, time.UTC)
	for day := first; day.Before(first.AddDate(2, 0, 0)); day = day.AddDate(0, 0, 1) {
		w := e.calendar.Rolling(e.window.rolling, day)
		if len(windows) == 0 || windows[len(windows)-1].Span != w.Span {
			windows = append(windows, w)
		}
	}
	return windows
}
