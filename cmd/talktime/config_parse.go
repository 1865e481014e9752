package main

import (
	"slices"
	"strings"

	"go.yaml.in/yaml/v4"
)

// envPrefix begins the environment variables that override keys.
const envPrefix = "TALKTIME_"

// parseConfig understands a configuration. The error joins all its faults.
func parseConfig(text configText, p purpose) (*config, error) {
	found := new(faults)
	values := fileValues(text, found)
	overrideByEnv(values, text, found)

	cfg := defaultConfig(text)
	for _, s := range settings {
		if v, given := values[s.key]; given {
			cfg.texts[s.key] = v.written()
			s.set(cfg, v)
		}
	}
	checkRetention(cfg, values)
	if p != forDatabase && p != forDelivering {
		checkPolling(cfg, values, found)
	}
	if p == forPolling {
		checkFiles(cfg, values)
	}
	if p == forPolling || p == forDelivering {
		checkDestinations(cfg)
	}
	if err := found.err(); err != nil {
		return nil, err
	}
	cfg.keepDays()
	return cfg, nil
}

// fileValues returns the file's values by their keys, and faults for what is
// not YAML, not a key, or given twice.
func fileValues(text configText, found *faults) map[string]value {
	values := make(map[string]value)
	file := &origin{name: text.file, dir: text.dir, home: text.home, isFile: true, faults: found}
	root, ok := file.parse("", text.yaml)
	if !ok {
		return values
	}
	for _, v := range root.fields(keysIn("")) {
		if findSetting(v.key) != nil {
			values[v.key] = v
			continue
		}
		for _, w := range v.fields(keysIn(v.key + ".")) {
			values[w.key] = w
		}
	}
	return values
}

// overrideByEnv replaces values by those of the TALKTIME_… variables. An empty
// variable counts as not set. A list is written as YAML, anything else as it is.
func overrideByEnv(values map[string]value, text configText, found *faults) {
	names := make(map[string]setting, len(settings))
	for _, s := range settings {
		names[envName(s.key)] = s
	}
	for _, entry := range text.environ {
		name, content, _ := strings.Cut(entry, "=")
		if !strings.HasPrefix(name, envPrefix) || content == "" {
			continue
		}
		variable := &origin{name: name, dir: text.workDir, home: text.home, faults: found}
		s, known := names[name]
		switch {
		case !known:
			variable.fault(0, "is not a setting%s", didYouMean(name, envNames()))
		case s.isList:
			if v, ok := variable.parse(s.key, []byte(content)); ok {
				values[s.key] = v
			}
		default:
			node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!str", Value: content}
			values[s.key] = value{key: s.key, node: node, origin: variable}
		}
	}
}

// envName is the variable that overrides a key: "gateway.ca_file" is
// TALKTIME_GATEWAY_CA_FILE.
func envName(key string) string {
	return envPrefix + strings.ToUpper(strings.ReplaceAll(key, ".", "_"))
}

func envNames() []string {
	names := make([]string, len(settings))
	for i, s := range settings {
		names[i] = envName(s.key)
	}
	return names
}

// keysIn lists what may stand in the section whose settings begin with prefix;
// the empty prefix is the top.
func keysIn(prefix string) []string {
	var keys []string
	for _, s := range settings {
		if rest, inside := strings.CutPrefix(s.key, prefix); inside {
			key, _, _ := strings.Cut(rest, ".")
			if !slices.Contains(keys, key) {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// findSetting returns the setting of a key, or nil for a section or a key that
// does not exist.
func findSetting(key string) *setting {
	i := slices.IndexFunc(settings, func(s setting) bool { return s.key == key })
	if i < 0 {
		return nil
	}
	return &settings[i]
}
