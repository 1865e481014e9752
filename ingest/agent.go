package ingest

import (
	"fmt"
	"iter"
	"slices"
	"strconv"
	"strings"
)

// AgentID is the gateway's number for an agent, MinAgentID to a configured
// upper bound (page "Getting Agent Status", Table 1).
type AgentID int32

// The range of agent ids in the editions up to early 2025. Later ones go up to
// 999999, so the upper bound is configuration (agents.max_id).
const (
	MinAgentID        AgentID = 101
	DefaultMaxAgentID AgentID = 59999
	LimitMaxAgentID   AgentID = 999999
)

// ParseAgentID reads a decimal agent id between MinAgentID and maxID.
func ParseAgentID(s string, maxID AgentID) (AgentID, error) {
	n, err := strconv.ParseUint(s, 10, 31)
	if err != nil || s[0] == '+' {
		return 0, fmt.Errorf("agent %q is not a number in %d-%d", s, MinAgentID, maxID)
	}
	if n < uint64(MinAgentID) || n > uint64(maxID) {
		return 0, fmt.Errorf("agent %s is outside %d-%d", s, MinAgentID, maxID)
	}
	return AgentID(n), nil
}

// AgentRange is the agents from First to Last, both included.
type AgentRange struct{ First, Last AgentID }

// AgentSet is a set of agents kept as ascending ranges that neither overlap
// nor touch. The zero value is the empty set.
type AgentSet struct{ ranges []AgentRange }

// NewAgentSet makes the set of the given agents, in any order, duplicates
// allowed.
func NewAgentSet(agents ...AgentID) AgentSet {
	ranges := make([]AgentRange, len(agents))
	for i, a := range agents {
		ranges[i] = AgentRange{a, a}
	}
	return NewAgentSetOfRanges(ranges...)
}

// NewAgentSetOfRanges makes the union of the given ranges, in any order,
// overlaps allowed. A range whose Last is below its First is empty.
func NewAgentSetOfRanges(ranges ...AgentRange) AgentSet {
	sorted := slices.DeleteFunc(slices.Clone(ranges), func(r AgentRange) bool { return r.Last < r.First })
	slices.SortFunc(sorted, func(a, b AgentRange) int { return int(a.First) - int(b.First) })
	var merged []AgentRange
	for _, r := range sorted {
		if n := len(merged); n > 0 && r.First <= merged[n-1].Last+1 {
			merged[n-1].Last = max(merged[n-1].Last, r.Last)
			continue
		}
		merged = append(merged, r)
	}
	return AgentSet{merged}
}

// ParseAgentSet reads ranges and single agents such as "101-160,200".
// Every id must lie between MinAgentID and maxID; an empty text is refused.
func ParseAgentSet(s string, maxID AgentID) (AgentSet, error) {
	var ranges []AgentRange
	for part := range strings.SplitSeq(s, ",") {
		first, last, isRange := strings.Cut(strings.TrimSpace(part), "-")
		if !isRange {
			last = first
		}
		a, err := ParseAgentID(strings.TrimSpace(first), maxID)
		if err != nil {
			return AgentSet{}, fmt.Errorf("agents %q: %w", s, err)
		}
		b, err := ParseAgentID(strings.TrimSpace(last), maxID)
		if err != nil {
			return AgentSet{}, fmt.Errorf("agents %q: %w", s, err)
		}
		if b < a {
			return AgentSet{}, fmt.Errorf("agents %q: range %d-%d runs backwards", s, a, b)
		}
		ranges = append(ranges, AgentRange{a, b})
	}
	return NewAgentSetOfRanges(ranges...), nil
}

// Ranges returns the set's ranges, ascending, disjoint and not touching.
func (s AgentSet) Ranges() []AgentRange { return slices.Clone(s.ranges) }

// IsEmpty reports whether the set holds no agent.
func (s AgentSet) IsEmpty() bool { return len(s.ranges) == 0 }

// Len returns the number of agents in the set.
func (s AgentSet) Len() int {
	n := 0
	for _, r := range s.ranges {
		n += int(r.Last-r.First) + 1
	}
	return n
}

// Contains reports whether the set holds agent a.
func (s AgentSet) Contains(a AgentID) bool {
	_, found := slices.BinarySearchFunc(s.ranges, a, func(r AgentRange, a AgentID) int {
		switch {
		case r.Last < a:
			return -1
		case r.First > a:
			return 1
		}
		return 0
	})
	return found
}

// Equal reports whether both sets hold the same agents.
func (s AgentSet) Equal(t AgentSet) bool { return slices.Equal(s.ranges, t.ranges) }

// All yields the agents in ascending order.
func (s AgentSet) All() iter.Seq[AgentID] {
	return func(yield func(AgentID) bool) {
		for _, r := range s.ranges {
			for a := r.First; a <= r.Last; a++ {
				if !yield(a) {
					return
				}
			}
		}
	}
}

// String writes the set as ParseAgentSet reads it: "101-160,200".
func (s AgentSet) String() string {
	var b strings.Builder
	for i, r := range s.ranges {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.Itoa(int(r.First)))
		if r.Last > r.First {
			b.WriteByte('-')
			b.WriteString(strconv.Itoa(int(r.Last)))
		}
	}
	return b.String()
}
