package gatewaysim

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"talktime/ingest"
)

// maxLatency is the longest delay that can be asked for; what is longer is a
// timeout.
const maxLatency = 10 * time.Minute

// ParseFaults reads lists of faults separated by commas, each as ParseFault has
// it, and reports what is wrong with all of them. Empty texts are no faults.
func ParseFaults(texts ...string) ([]Fault, error) {
	var faults []Fault
	var wrong []error
	for _, text := range texts {
		for part := range strings.SplitSeq(text, ",") {
			if part = strings.TrimSpace(part); part == "" {
				continue
			}
			f, err := ParseFault(part)
			faults, wrong = append(faults, f), append(wrong, err)
		}
	}
	if err := errors.Join(wrong...); err != nil {
		return nil, err
	}
	return faults, nil
}

// ParseFault reads one fault:
//
//	KIND[=CHANCE][@FROM-TO][#AGENTS]                 http500=0.01   100-007=0.5@09:00-09:10
//	latency=TIME[..TIME][:CHANCE][@FROM-TO][#AGENTS] latency=20ms..50ms   latency=2s:0.01#101-110
//
// CHANCE is the share of requests it strikes, above 0 up to 1, by default 1.
// FROM and TO are times of day, HH:MM or HH:MM:SS, in the play's zone; TO may be
// 24:00, or before FROM to go over midnight. AGENTS is whom it strikes, an agent
// or a range of them, by default all. The error tells all that is wrong.
func ParseFault(text string) (Fault, error) {
	var wrong []error
	refuse := func(format string, args ...any) {
		wrong = append(wrong, fmt.Errorf("fault %q: "+format, append([]any{text}, args...)...))
	}
	rest, agents, hasAgents := strings.Cut(text, "#")
	rest, window, hasWindow := strings.Cut(rest, "@")
	kind, value, hasValue := strings.Cut(rest, "=")
	f := Fault{Kind: FaultKind(kind), Chance: 1}
	chance, hasChance := value, hasValue

	switch {
	case kind == "100-006" || kind == "100-008":
		refuse("%s at random would be a lie about where the agent is", kind)
	case !slices.Contains(faultKinds, f.Kind):
		refuse("%q is none of %s", kind, kindList())
	case f.Kind == FaultLatency:
		var delay string
		delay, chance, hasChance = strings.Cut(value, ":")
		var err error
		if f.Least, f.Most, err = parseDelay(delay); err != nil {
			refuse("%w", err)
		}
	}
	if hasChance {
		p, err := strconv.ParseFloat(chance, 64)
		if err != nil || !(p > 0 && p <= 1) { // the negation refuses NaN too
			refuse("%q is not a chance above 0 up to 1", chance)
		}
		f.Chance = p
	}
	if hasWindow {
		var err error
		if f.From, f.To, err = parseWindow(window); err != nil {
			refuse("%w", err)
		}
	}
	if hasAgents {
		set, err := ingest.ParseAgentSet(agents, ingest.LimitMaxAgentID)
		if err != nil {
			refuse("%w", err)
		} else {
			f.Agents = set.Ranges()[0]
		}
	}
	if len(wrong) > 0 {
		return Fault{}, errors.Join(wrong...)
	}
	return f, nil
}

func kindList() string {
	words := make([]string, len(faultKinds))
	for i, k := range faultKinds {
		words[i] = string(k)
	}
	return strings.Join(words, ", ")
}

// parseDelay reads "20ms..50ms" or "2s".
func parseDelay(s string) (least, most time.Duration, err error) {
	from, to, isRange := strings.Cut(s, "..")
	if !isRange {
		to = from
	}
	least, errLeast := time.ParseDuration(from)
	most, errMost := time.ParseDuration(to)
	if errLeast != nil || errMost != nil {
		return 0, 0, fmt.Errorf("%q is not a delay such as 50ms or 20ms..50ms", s)
	}
	if least < 0 || most < least || most > maxLatency {
		return 0, 0, fmt.Errorf("delay %q does not run upwards between 0s and %s", s, maxLatency)
	}
	return least, most, nil
}

// parseWindow reads "09:00-09:10".
func parseWindow(s string) (from, to time.Duration, err error) {
	first, last, isRange := strings.Cut(s, "-")
	from, errFrom := parseTimeOfDay(first)
	to, errTo := parseTimeOfDay(last)
	if !isRange || errFrom != nil || errTo != nil || from == 24*time.Hour {
		return 0, 0, fmt.Errorf("%q is not a window such as 09:00-09:10", s)
	}
	if from == to {
		return 0, 0, fmt.Errorf("window %q is empty", s)
	}
	return from, to, nil
}

// parseTimeOfDay reads HH:MM or HH:MM:SS up to 24:00.
func parseTimeOfDay(s string) (time.Duration, error) {
	if s == "24:00" || s == "24:00:00" {
		return 24 * time.Hour, nil
	}
	layout := "15:04"
	if len(s) > len(layout) {
		layout = time.TimeOnly
	}
	if len(s) != len(layout) { // time.Parse takes 9:00 and fractions of a second
		return 0, fmt.Errorf("%q is not HH:MM or HH:MM:SS", s)
	}
	t, err := time.Parse(layout, s)
	if err != nil {
		return 0, err
	}
	return sinceMidnight(t), nil
}
