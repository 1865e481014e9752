package ingest_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"talktime/ingest"
)

func TestParseAgentID(t *testing.T) {
	for text, want := range map[string]ingest.AgentID{"101": 101, "59999": 59999, "00101": 101} {
		if got, err := ingest.ParseAgentID(text, ingest.DefaultMaxAgentID); err != nil || got != want {
			t.Errorf("%q: %d, %v", text, got, err)
		}
	}
	for _, text := range []string{"", "100", "60000", "-101", "+101", " 101", "1e3", "99999999999999999999", "a"} {
		if got, err := ingest.ParseAgentID(text, ingest.DefaultMaxAgentID); err == nil {
			t.Errorf("%q was read as %d", text, got)
		}
	}
	if _, err := ingest.ParseAgentID("999999", ingest.LimitMaxAgentID); err != nil {
		t.Error(err)
	}
}

func TestParseAgentSet(t *testing.T) {
	for text, want := range map[string]string{
		"101":             "101",
		"101-160,200":     "101-160,200",
		"200 , 101 - 160": "101-160,200",
		"101,102,103":     "101-103",
		"101-110,105-120": "101-120",
		"101-110,111":     "101-111",
		"110-120,101-200": "101-200",
		"150-150":         "150",
	} {
		got, err := ingest.ParseAgentSet(text, ingest.DefaultMaxAgentID)
		if err != nil || got.String() != want {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
	}
	for text, want := range map[string]string{
		"":        "not a number",
		",":       "not a number",
		"101,":    "not a number",
		"101--3":  "not a number",
		"120-110": "backwards",
		"99-110":  "outside 101-59999",
		"101-1e5": "not a number",
	} {
		if got, err := ingest.ParseAgentSet(text, ingest.DefaultMaxAgentID); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %q, %v, want an error with %q", text, got, err, want)
		}
	}
}

// A set of ranges holds what its ranges hold, in ascending ranges that neither
// overlap nor touch, and is read back from its text.
func TestAgentSetOfRanges(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var ranges []ingest.AgentRange
		members := map[ingest.AgentID]bool{}
		for range rapid.IntRange(0, 8).Draw(t, "ranges") {
			first := rapid.IntRange(101, 160).Draw(t, "first")
			r := ingest.AgentRange{First: ingest.AgentID(first), Last: ingest.AgentID(first + rapid.IntRange(-2, 12).Draw(t, "length"))}
			ranges = append(ranges, r)
			for a := r.First; a <= r.Last; a++ {
				members[a] = true
			}
		}
		set := ingest.NewAgentSetOfRanges(ranges...)
		for a := ingest.AgentID(95); a < 180; a++ {
			if set.Contains(a) != members[a] {
				t.Fatalf("agent %d in %v: %v, want %v", a, set, set.Contains(a), members[a])
			}
		}
		all := slices.Collect(set.All())
		if set.Len() != len(members) || len(all) != len(members) || !slices.IsSorted(all) || set.IsEmpty() != (len(members) == 0) {
			t.Fatalf("%v holds %d agents, want %d", set, set.Len(), len(members))
		}
		for i, r := range set.Ranges() {
			if r.Last < r.First || i > 0 && r.First <= set.Ranges()[i-1].Last+1 {
				t.Fatalf("ranges %v", set.Ranges())
			}
		}
		if one := ingest.NewAgentSet(append(all, all...)...); !one.Equal(set) {
			t.Fatalf("%v one by one is %v", set, one)
		}
		if !set.IsEmpty() {
			if again, err := ingest.ParseAgentSet(set.String(), ingest.DefaultMaxAgentID); err != nil || !again.Equal(set) {
				t.Fatalf("%v is read back as %v, %v", set, again, err)
			}
		}
	})
}

func TestAgentSetAllStops(t *testing.T) {
	for a := range ingest.NewAgentSetOfRanges(ingest.AgentRange{First: 101, Last: 999999}).All() {
		if a == 103 {
			return
		}
	}
	t.Error("All went on after the last wanted agent")
}

func FuzzParseAgentSet(f *testing.F) {
	for _, seed := range []string{"101", "101-160,200", "", ",", "-", "101-", "999999999999", "101-59999,101-59999", " 101 - 102 "} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		set, err := ingest.ParseAgentSet(text, ingest.DefaultMaxAgentID)
		if err != nil {
			if !set.IsEmpty() {
				t.Errorf("%q: an error and %v", text, set)
			}
			return
		}
		again, err := ingest.ParseAgentSet(set.String(), ingest.DefaultMaxAgentID)
		if err != nil || !again.Equal(set) || set.IsEmpty() {
			t.Errorf("%q is %v, read back as %v, %v", text, set, again, err)
		}
		for _, r := range set.Ranges() {
			if r.First < ingest.MinAgentID || r.Last > ingest.DefaultMaxAgentID {
				t.Errorf("%q holds %v", text, r)
			}
		}
	})
}
