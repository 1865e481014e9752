package oracle

import (
	"encoding/json"
	"fmt"
)

// QuarterHour is the length of a row's bin; bins are aligned to UTC.
const QuarterHour = int64(15 * 60 * 1000)

// The thirteen measures, in the order of Measures.
const (
	Talk = iota
	Reserved
	ACW
	Available
	Busy
	Rest
	PreRest
	Other
	SignedOut
	Failed
	RecorderDown
	Unscheduled
	Pending
	measures // their number
)

// What low, reach and edge are kept for, in the order of Evidence: the nine
// states, under their names as measures, and three groups.
const (
	states = SignedOut + 1

	Handle   = states
	NotReady = states + 1
	Staffed  = states + 2
	evidence = states + 3 // their number
)

// MeasureNames are the names of the measures, in the order of Measures.
var MeasureNames = [measures]string{
	"talk", "reserved", "acw", "available", "busy", "rest", "pre_rest", "other", "signed_out",
	"failed", "recorder_down", "unscheduled", "pending",
}

// EvidenceNames are the names of what Evidence is kept for, in its order.
var EvidenceNames = [evidence]string{
	"talk", "reserved", "acw", "available", "busy", "rest", "pre_rest", "other", "signed_out",
	"handle", "not_ready", "staffed",
}

// belongsTo says whether time in a state counts for a kind of evidence: a
// state's own, or that of a group (metrics.md §2).
func belongsTo(state, kind int) bool {
	switch kind {
	case Handle:
		return state == Talk || state == ACW
	case NotReady:
		return state == Busy || state == Rest || state == PreRest
	case Staffed:
		return state != SignedOut
	default:
		return state == kind
	}
}

// Measures is a length for each measure; JSON names them.
type Measures [measures]int64

// Evidence is a length for each of the nine states and the three groups; JSON
// names them.
type Evidence [evidence]int64

// Row is an agent's quarter-hour. Two rows are the same if they are ==.
type Row struct {
	AgentID     int32    `json:"agent_id"`
	Bin         int64    `json:"bin_ms"` // its start
	MS          Measures `json:"ms"`     // sums to QuarterHour
	Low         Evidence `json:"low"`
	Reach       Evidence `json:"reach"`
	Edge        Evidence `json:"edge"`
	ChangeMS    int64    `json:"change_ms"`
	ChangeSq    int64    `json:"change_sq"` // ms², passes 2³¹
	Conflicts   int64    `json:"conflicts"`
	TalkEntries int64    `json:"talk_entries"`
}

// UnmarshalJSON reads an object that has exactly the thirteen names.
func (m *Measures) UnmarshalJSON(text []byte) error {
	return readFigures(text, MeasureNames[:], m[:])
}

// MarshalJSON writes the measures by name.
func (m Measures) MarshalJSON() ([]byte, error) { return writeFigures(MeasureNames[:], m[:]) }

// UnmarshalJSON reads an object that has exactly the twelve names.
func (e *Evidence) UnmarshalJSON(text []byte) error {
	return readFigures(text, EvidenceNames[:], e[:])
}

// MarshalJSON writes the evidence by name.
func (e Evidence) MarshalJSON() ([]byte, error) { return writeFigures(EvidenceNames[:], e[:]) }

func readFigures(text []byte, names []string, figures []int64) error {
	var byName map[string]int64
	if err := json.Unmarshal(text, &byName); err != nil {
		return err
	}
	for i, name := range names {
		figure, found := byName[name]
		if !found {
			return fmt.Errorf("figure %s is missing", name)
		}
		figures[i] = figure
		delete(byName, name)
	}
	for name := range byName {
		return fmt.Errorf("figure %s is unknown", name)
	}
	return nil
}

func writeFigures(names []string, figures []int64) ([]byte, error) {
	byName := make(map[string]int64, len(names))
	for i, name := range names {
		byName[name] = figures[i]
	}
	return json.Marshal(byName)
}
