package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"talktime/ingest"
	"talktime/reports"
)

// configFileName is what a configuration is called where none is named.
const configFileName = "talktime.yaml"

// config is a checked configuration: every value is in its range and every
// path is absolute.
type config struct {
	file        string         // where it was read; empty when there is no file
	timeZone    *time.Location // the reports' default zone
	extraZones  []*time.Location
	dayStart    time.Duration // see reports.Calendar
	dataDir     string        // of the private Postgres and the spool; empty when no home directory is known
	databaseURL ingest.Secret // empty: the private Postgres
	gateway     gatewayConfig
	guidsFile   string
	maxAgentID  ingest.AgentID
	schedules   []ingest.Schedule
	derive      deriveConfig
	maintain    maintainConfig
	spool       spoolConfig
	operations  string // host:port where health and metrics are served; empty: nowhere
	exports     []*exportConfig
	texts       map[string]ingest.Secret // each given key's value as it was written
}

// differences returns the keys whose values are written differently in d, in
// their order.
func (c *config) differences(d *config) []string {
	var keys []string
	for _, s := range settings {
		if c.texts[s.key].Reveal() != d.texts[s.key].Reveal() {
			keys = append(keys, s.key)
		}
	}
	return keys
}

// gatewayConfig says how to reach the CC-Gateway.
type gatewayConfig struct {
	url         string        // https://host:port; empty when not configured
	caFile      string        // PEM; empty: the system's authorities
	authorities string        // its content, where it was looked at
	timeout     time.Duration // of one request
	concurrency int           // requests in flight at once
	latency     time.Duration // of a reply, as far as known
	maxRate     int           // requests a second, 0 for no limit
	authMode    int           // AUTHMODE 1 (static GUIDs) or 2 (rotating)
}

// deriveConfig says when quarter-hours are derived and when they may be final.
type deriveConfig struct {
	times  ingest.JobTimes // read in UTC
	settle time.Duration
	// calendars are those whose days are kept.
	calendars []reports.Calendar
}

// purpose is what a command wants of its configuration beyond that it is free
// of faults.
type purpose int

const (
	// forDatabase asks for nothing more: a command that reads or derives what
	// is stored must work for a user who may not see GUIDs.
	forDatabase purpose = iota
	// forDelivering asks for destinations that can be opened.
	forDelivering
	// forPolling asks for a gateway, readable GUIDs and authorities, and at
	// least one schedule, and for destinations.
	forPolling
	// forDoctor asks for the same, but leaves the files to talktime doctor.
	forDoctor
)

// loadConfig reads the configuration: the file of --config, else talktime.yaml
// in the working directory, else in the user's configuration directory, else
// nothing but defaults; TALKTIME_… variables override its keys. All its faults
// come back in one usage error, one line each.
func (a *app) loadConfig(p purpose) (*config, error) {
	text, err := a.findConfig()
	if err != nil {
		return nil, usageError(fmt.Errorf("read the configuration: %w", err))
	}
	cfg, err := parseConfig(text, p)
	return cfg, usageError(err)
}

// configText is a configuration as it was found, before it is understood.
type configText struct {
	file    string // as messages name it; empty where there is none
	yaml    []byte
	dir     string   // what the file's relative paths are relative to
	workDir string   // what the variables' relative paths are relative to
	home    string   // stands for a leading ~; empty when not known
	environ []string // of which TALKTIME_… are overrides
	asRoot  bool
}

// findConfig reads the first configuration file there is.
func (a *app) findConfig() (configText, error) {
	workDir, err := os.Getwd()
	if err != nil {
		return configText{}, err
	}
	text := configText{
		dir: workDir, workDir: workDir, home: a.getenv("HOME"),
		environ: a.environ, asRoot: os.Geteuid() == 0,
	}
	candidates := []string{a.configFile}
	if a.configFile == "" {
		candidates = []string{configFileName}
		if dir := a.userConfigDir(); dir != "" {
			candidates = append(candidates, filepath.Join(dir, "talktime", configFileName))
		}
	}
	for _, file := range candidates {
		content, err := readConfigFile(file)
		if errors.Is(err, fs.ErrNotExist) && a.configFile == "" {
			continue
		}
		if err != nil {
			return configText{}, err
		}
		text.file, text.yaml = file, content
		text.dir = filepath.Dir(absolute(workDir, file))
		break
	}
	return text, nil
}

// userConfigDir is the user's configuration directory by the XDG rules, empty
// when not even a home directory is known.
func (a *app) userConfigDir() string {
	if dir := a.getenv("XDG_CONFIG_HOME"); filepath.IsAbs(dir) {
		return dir
	}
	if home := a.getenv("HOME"); home != "" {
		return filepath.Join(home, ".config")
	}
	return ""
}

// maxConfigBytes bounds a configuration file; the largest plausible one is a
// few hundred schedules.
const maxConfigBytes = 1 << 20

func readConfigFile(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, maxConfigBytes+1))
	if err != nil {
		return nil, err
	}
	if len(content) > maxConfigBytes {
		return nil, fmt.Errorf("%s is larger than %d bytes", file, maxConfigBytes)
	}
	return content, nil
}

// absolute resolves path against dir, which is absolute.
func absolute(dir, path string) string {
	if filepath.IsAbs(path) {
		return filepath.Clean(path)
	}
	return filepath.Join(dir, path)
}
