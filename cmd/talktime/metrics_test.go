package main

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"go.yaml.in/yaml/v4"

	"talktime/cmd/talktime/internal/operations"
)

// number returns the value of a series.
func number(t *testing.T, metrics, series string) float64 {
	t.Helper()
	for line := range strings.Lines(metrics) {
		if rest, found := strings.CutPrefix(line, series+" "); found {
			value, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				t.Fatal(err)
			}
			return value
		}
	}
	t.Errorf("there is no %s", series)
	return 0
}

// describeMetrics lists the program's own metrics: name, kind, labels and help.
func describeMetrics(metrics string) string {
	help, kind, labels := map[string]string{}, map[string]string{}, labelsOf(metrics)
	for line := range strings.Lines(metrics) {
		fields := strings.SplitN(strings.TrimSpace(line), " ", 4)
		if len(fields) < 4 || !strings.HasPrefix(fields[2], "talktime_") {
			continue
		}
		switch fields[1] {
		case "HELP":
			help[fields[2]] = fields[3]
		case "TYPE":
			kind[fields[2]] = fields[3]
		}
	}
	var lines []string
	for name := range help {
		series := name
		if kind[name] == "histogram" {
			series += "_count"
		}
		lines = append(lines, fmt.Sprintf("%s %s {%s}\n    %s\n", name, kind[name], strings.Join(slices.Sorted(maps.Keys(labels[series])), ","), help[name]))
	}
	slices.Sort(lines)
	return strings.Join(lines, "")
}

var seriesLine = regexp.MustCompile(`^([a-z_]+)(?:\{(.*)\})? [^ ]+$`)

// labelsOf returns the values of each label of each metric.
func labelsOf(metrics string) map[string]map[string][]string {
	found := map[string]map[string][]string{}
	for line := range strings.Lines(metrics) {
		parts := seriesLine.FindStringSubmatch(strings.TrimSpace(line))
		if parts == nil {
			continue
		}
		if found[parts[1]] == nil {
			found[parts[1]] = map[string][]string{}
		}
		for _, label := range labelPair.FindAllStringSubmatch(parts[2], -1) {
			found[parts[1]][label[1]] = append(found[parts[1]][label[1]], label[3])
		}
	}
	return found
}

var (
	labelPair = regexp.MustCompile(`([a-z_]+)(=~|!~|!=|=)"([^"]*)"`)
	selector  = regexp.MustCompile(`\b((?:talktime|process|go)_[a-z_]+)(?:\{([^}]*)\})?`)
)

// checkAlerts holds the alert rules against what a recorder serves: each
// metric they read is there, with the labels they choose by and print.
func checkAlerts(t *testing.T, metrics string) {
	t.Helper()
	var rules struct {
		Groups []struct {
			Name  string
			Rules []struct {
				Alert, Expr, For    string
				Labels, Annotations map[string]string
			}
		}
	}
	if err := yaml.Load([]byte(operations.AlertRules), &rules, yaml.WithKnownFields()); err != nil {
		t.Fatal(err)
	}
	labels := labelsOf(metrics)
	printed := regexp.MustCompile(`\$labels\.([a-z_]+)`)
	count := 0
	for _, group := range rules.Groups {
		for _, rule := range group.Rules {
			count++
			if rule.Alert == "" || rule.Labels["severity"] == "" || rule.Annotations["summary"] == "" || rule.Annotations["action"] == "" {
				t.Errorf("rule %q needs a name, a severity, a summary and an action", rule.Alert)
			}
			reads := selector.FindAllStringSubmatch(rule.Expr, -1)
			if len(reads) == 0 {
				t.Errorf("%s reads nothing: %s", rule.Alert, rule.Expr)
			}
			has := map[string]bool{"instance": true} // Prometheus adds it
			for _, read := range reads {
				known, served := labels[read[1]]
				if !served {
					t.Errorf("%s reads %s, which is not served", rule.Alert, read[1])
				}
				for name := range known {
					has[name] = true
				}
				for _, label := range labelPair.FindAllStringSubmatch(read[2], -1) {
					for value := range strings.SplitSeq(label[3], "|") {
						if !slices.Contains(known[label[1]], value) {
							t.Errorf("%s reads %s, and there is no %s=%q", rule.Alert, read[0], label[1], value)
						}
					}
				}
			}
			for _, text := range rule.Annotations {
				for _, label := range printed.FindAllStringSubmatch(text, -1) {
					if !has[label[1]] {
						t.Errorf("%s prints the label %s, which what it reads does not have", rule.Alert, label[1])
					}
				}
			}
		}
	}
	if count < 10 {
		t.Errorf("%d rules were read", count)
	}
}
