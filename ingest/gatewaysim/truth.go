package gatewaysim

import (
	"bufio"
	"io"
	"strconv"
	"time"

	"talktime/ingest"
)

// Totals are the true durations of an agent's measures in a window, whole
// milliseconds, by the words of metrics.md §2 (talk, reserved, acw, available,
// busy, rest, pre_rest, other, signed_out). They sum to the window.
type Totals map[string]time.Duration

// Totals sums the script over [from, to).
func (s *Script) Totals(from, to time.Time) Totals {
	totals := Totals{}
	for start, run := range s.runs(from.UnixMilli(), to.UnixMilli()) {
		totals[measures[run.pair]] += time.Duration(run.end-start) * time.Millisecond
	}
	return totals
}

// truthHeader and instantLayout are the format of truth.csv: one line a span,
// instants RFC 3339 in UTC with milliseconds. Signed out is 2,false.
const (
	truthHeader   = "agent_id,from,to,agent_state,is_working\n"
	instantLayout = "2006-01-02T15:04:05.000Z"
)

// WriteTruth writes the true timeline of the given agents over [from, to) as
// CSV: agent_id, from, to, agent_state, is_working; ordered by agent and
// instant. Nothing is held in memory beyond a day of one agent.
func (p Play) WriteTruth(w io.Writer, agents ingest.AgentSet, from, to time.Time) error {
	out := bufio.NewWriter(w)
	if _, err := out.WriteString(truthHeader); err != nil {
		return err
	}
	var line []byte
	for agent := range agents.All() {
		for start, run := range p.Script(agent).runs(from.UnixMilli(), to.UnixMilli()) {
			line = appendTruth(line[:0], agent, start, run)
			if _, err := out.Write(line); err != nil {
				return err
			}
		}
	}
	return out.Flush()
}

// appendTruth adds one line of truth.csv.
func appendTruth(b []byte, agent ingest.AgentID, start int64, run run) []byte {
	b = strconv.AppendInt(b, int64(agent), 10)
	b = append(b, ',')
	b = time.UnixMilli(start).UTC().AppendFormat(b, instantLayout)
	b = append(b, ',')
	b = time.UnixMilli(run.end).UTC().AppendFormat(b, instantLayout)
	b = append(b, ',')
	b = strconv.AppendInt(b, int64(statuses[run.pair].AgentState), 10)
	b = append(b, ',')
	b = strconv.AppendBool(b, statuses[run.pair].IsWorking)
	return append(b, '\n')
}
