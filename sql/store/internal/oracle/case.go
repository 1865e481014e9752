package oracle

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
)

// Case is everything stored about some agents and, where it is known, the
// quarter-hours it must give.
type Case struct {
	Name      string     `json:"name"`
	Why       string     `json:"why,omitempty"`
	Horizon   int64      `json:"horizon_ms"` // everything from here on is pending
	Schedules []Schedule `json:"schedules"`
	Samples   []Sample   `json:"samples"` // in any order, duplicates allowed
	Expect    []Row      `json:"expect"`  // by agent, then bin; complete
}

// Schedule is a schedule's stored ticks; Agents are due at each of them.
type Schedule struct {
	Name   string  `json:"name"`
	Agents []int32 `json:"agents"`
	Ticks  []Tick  `json:"ticks"` // at most one per due instant, in any order
}

// Tick is a due instant. Its Period (p in metrics.md §1) is given, 1 ms to 1 h;
// its Status, Taken or Missed, decides nothing.
type Tick struct {
	Due    int64  `json:"due_ms"`
	Period int64  `json:"period_ms"`
	Status string `json:"status"`
}

// The words of Tick.Status.
const (
	Taken  = "taken"
	Missed = "missed"
)

// Sample is a stored poll. State and Working are null unless the outcome is
// Observed.
type Sample struct {
	AgentID  int32  `json:"agent_id"`
	PolledAt int64  `json:"polled_ms"`
	Period   int64  `json:"period_ms"`
	State    *int32 `json:"agent_state"`
	Working  *bool  `json:"is_working"`
	Outcome  string `json:"outcome"`
}

// The two outcomes that say where the agent was.
const (
	Observed    = "observed"
	NotSignedIn = "not_signed_in"
)

// ReadCases reads a file of cases, one JSON object after the other. Unknown
// fields and missing figures are errors.
func ReadCases(path string) ([]Case, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, fmt.Errorf("read cases: %w", err)
	}
	defer file.Close()

	var cases []Case
	decoder := json.NewDecoder(file)
	decoder.DisallowUnknownFields()
	for {
		var c Case
		err := decoder.Decode(&c)
		if errors.Is(err, io.EOF) {
			return cases, nil
		}
		if err != nil {
			return nil, fmt.Errorf("read cases %s: case %d: %w", path, len(cases)+1, err)
		}
		cases = append(cases, c)
	}
}
