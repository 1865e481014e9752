package main

import (
	"errors"
	"net/netip"
	"net/url"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v4"

	"talktime/ingest"
)

// value is one value of a configuration and where it stands. Its readers
// record a fault and report false when it is not what they read.
type value struct {
	key    string // "schedules[0].cron", empty for a whole file
	node   *yaml.Node
	origin *origin
}

// fault records what is wrong with the value. The text must not repeat a value
// that may be secret.
func (v value) fault(format string, args ...any) {
	if v.key != "" {
		format = "%s: " + format
		args = append([]any{v.key}, args...)
	}
	v.origin.fault(v.node.Line, format, args...)
}

// parse reads YAML as the value of a key. An empty text is an empty value.
func (o *origin) parse(key string, text []byte) (value, bool) {
	var documents []yaml.Node
	err := yaml.Load(text, &documents, yaml.WithAllDocuments())
	if syntax, ok := errors.AsType[*yaml.LoadError](err); ok {
		o.fault(syntax.Mark.Line, "not YAML: %s", syntax.Message)
		return value{}, false
	}
	if err != nil {
		o.fault(0, "not YAML: %v", err)
		return value{}, false
	}
	if len(documents) > 1 {
		o.fault(documents[1].Line, "a second YAML document begins; only one is read")
		return value{}, false
	}
	node := &yaml.Node{Kind: yaml.ScalarNode, Tag: "!!null"}
	if len(documents) == 1 && len(documents[0].Content) == 1 {
		node = documents[0].Content[0]
	}
	return value{key, node, o}, true
}

// written returns the value as text, the same for the same value whatever
// comments and blanks are around it. It is secret, for some are.
func (v value) written() ingest.Secret {
	var plain any
	_ = v.node.Decode(&plain)      // it is YAML, and its faults are told elsewhere
	text, _ := yaml.Marshal(plain) // so is this
	return ingest.NewSecret(string(text))
}

func (v value) isNull() bool { return v.node.Kind == yaml.ScalarNode && v.node.ShortTag() == "!!null" }

// fields returns the values of a section in their order. Keys other than the
// allowed ones, and those given twice, are faults. An empty section has none.
func (v value) fields(allowed []string) []value {
	if v.isNull() {
		return nil
	}
	if v.node.Kind != yaml.MappingNode {
		v.fault("must hold keys (%s)", strings.Join(allowed, ", "))
		return nil
	}
	var values []value
	seen := make(map[string]int)
	for i := 0; i+1 < len(v.node.Content); i += 2 {
		name, content := v.node.Content[i], v.node.Content[i+1]
		field := value{v.join(name.Value), content, v.origin}
		at := value{field.key, name, v.origin}
		switch first, twice := seen[name.Value]; {
		case name.Kind != yaml.ScalarNode:
			v.origin.fault(name.Line, "a key must be a word")
		case !slices.Contains(allowed, name.Value):
			at.fault("is not a key%s", didYouMean(name.Value, allowed))
		case twice:
			at.fault("is given twice, first in line %d", first)
		default:
			seen[name.Value] = name.Line
			values = append(values, field)
		}
	}
	return values
}

func (v value) join(name string) string {
	if v.key == "" {
		return name
	}
	return v.key + "." + name
}

// items returns the values of a list. Nothing at all is an empty list.
func (v value) items() []value {
	if v.isNull() {
		return nil
	}
	if v.node.Kind != yaml.SequenceNode {
		v.fault("must be a list")
		return nil
	}
	items := make([]value, len(v.node.Content))
	for i, node := range v.node.Content {
		items[i] = value{v.key + "[" + strconv.Itoa(i) + "]", node, v.origin}
	}
	return items
}

func (v value) isList() bool { return v.node.Kind == yaml.SequenceNode }

func (v value) isSection() bool { return v.node.Kind == yaml.MappingNode }

// isEmpty reports a list of nothing.
func (v value) isEmpty() bool {
	return v.isNull() || v.node.Kind == yaml.SequenceNode && len(v.node.Content) == 0
}

// text reads a scalar as it is written, so that numbers and dates need no
// quotes.
func (v value) text() (string, bool) {
	switch {
	case v.node.Kind == yaml.AliasNode:
		v.fault("YAML aliases are not used here: write the value out")
	case v.node.Kind != yaml.ScalarNode:
		v.fault("must be a single value")
	case v.isNull() || v.node.Value == "":
		v.fault("has no value")
	default:
		return v.node.Value, true
	}
	return "", false
}

// integer reads a decimal number from least to most.
func (v value) integer(least, most int) (int, bool) {
	text, ok := v.text()
	if !ok {
		return 0, false
	}
	n, err := strconv.Atoi(text)
	if err != nil || n < least || n > most {
		v.fault("%q is not a whole number from %d to %d", text, least, most)
		return 0, false
	}
	return n, true
}

// duration reads a length of time such as 3s or 1h30m, in whole milliseconds,
// from least to most.
func (v value) duration(least, most time.Duration) (time.Duration, bool) {
	text, ok := v.text()
	if !ok {
		return 0, false
	}
	d, err := time.ParseDuration(text)
	switch {
	case err != nil:
		v.fault("%q is not a duration such as 3s or 15m", text)
	case d < least || d > most:
		v.fault("%s is not between %s and %s", text, least, most)
	case d%time.Millisecond != 0:
		v.fault("%s is not in whole milliseconds", text)
	default:
		return d, true
	}
	return 0, false
}

// zone reads the name of a time zone of the tz database.
func (v value) zone() (*time.Location, bool) {
	text, ok := v.text()
	if !ok {
		return nil, false
	}
	zone, err := time.LoadLocation(text)
	if err != nil || text == "Local" {
		v.fault("%q is not a time zone such as Europe/Berlin or UTC", text)
		return nil, false
	}
	return zone, true
}

// path reads the name of a file or folder and makes it absolute: ~/ is the home
// directory, anything relative belongs to the origin's directory.
func (v value) path() (string, bool) {
	text, ok := v.text()
	if !ok {
		return "", false
	}
	if rest, isHome := strings.CutPrefix(text, "~/"); isHome {
		if v.origin.home == "" {
			v.fault("%q needs a home directory, and HOME is not set", text)
			return "", false
		}
		return filepath.Join(v.origin.home, rest), true
	}
	return absolute(v.origin.dir, text), true
}

// gatewayURL reads https://host:port and nothing more. A fault does not repeat
// it: there may be a password in it.
func (v value) gatewayURL() (string, bool) {
	text, ok := v.text()
	if !ok {
		return "", false
	}
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme != "https" || u.Hostname() == "" || u.Port() == "":
		v.fault("is not an https URL with a port, such as https://gateway:8043")
	case u.User != nil:
		v.fault("must not hold a user or password")
	case strings.TrimRight(u.Path, "/") != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "":
		v.fault("must end with the port, as in https://gateway:8043")
	default:
		return "https://" + u.Host, true
	}
	return "", false
}

// listenAddress reads an address to listen on, of a host and a port. The host
// is never left out: that would mean every network.
func (v value) listenAddress() (string, bool) {
	text, ok := v.text()
	if !ok {
		return "", false
	}
	address, err := netip.ParseAddrPort(strings.Replace(text, "localhost:", "127.0.0.1:", 1))
	if err != nil {
		v.fault("%q is not an address and a port: 127.0.0.1:9143 is for this machine only, 0.0.0.0:9143 for every network", text)
		return "", false
	}
	return address.String(), true
}

// databaseURL reads a Postgres URL, which may hold a password: no fault
// repeats any of it.
func (v value) databaseURL() (ingest.Secret, bool) {
	text, ok := v.text()
	if !ok {
		return ingest.Secret{}, false
	}
	u, err := url.Parse(text)
	if err != nil || (u.Scheme != "postgres" && u.Scheme != "postgresql") {
		v.fault("is not a Postgres URL such as postgres://user@host:5432/name")
		return ingest.Secret{}, false
	}
	return ingest.NewSecret(text), true
}
