package ingest

import (
	"context"
	"fmt"
	"time"
)

// Status is what the gateway says of one agent: the pair (agentState,
// isWorking) of the page "Getting Agent Status", Table 4. The codes are those
// of the page "Agent Status", Table 1; undocumented codes are kept as they
// come, within the range of an int16.
type Status struct {
	AgentState int32
	IsWorking  bool // documented as "the agent is talking"
}

// Outcome is what became of a poll; its words are those stored in the database
// (enum talktime.outcome).
type Outcome uint8

// The outcomes of a poll. Only Observed and NotSignedIn say where the agent
// was; after any other one the agent was not observed.
const (
	Observed     Outcome = iota // retcode 0 with a usable result
	NotSignedIn                 // 100-006 or 100-008 under a GUID believed good
	Unauthorized                // no right, GUID expired, just replaced, or none held
	BadRequest                  // 000-002: URL, parameter or agent id refused
	GatewayError                // any other retcode
	Unreachable                 // time-out, refused connection, TLS failure
	BadReply                    // HTTP status other than 200, oversized or unparsable body
	Skipped                     // the tick's deadline came first
	outcomes                    // their number
)

var outcomeWords = [outcomes]string{
	"observed", "not_signed_in", "unauthorized", "bad_request",
	"gateway_error", "unreachable", "bad_reply", "skipped",
}

// Outcomes returns all outcomes in their fixed order.
func Outcomes() []Outcome {
	all := make([]Outcome, outcomes)
	for i := range all {
		all[i] = Outcome(i)
	}
	return all
}

// String returns the outcome's stored word, such as "not_signed_in".
func (o Outcome) String() string {
	if o >= outcomes {
		return fmt.Sprintf("outcome(%d)", uint8(o))
	}
	return outcomeWords[o]
}

// IsObservation reports whether the outcome says where the agent was
// (metrics.md §1).
func (o Outcome) IsObservation() bool { return o == Observed || o == NotSignedIn }

// Poll is what came of one agent's poll after its last attempt.
type Poll struct {
	// PolledAt is the midpoint of request and reply of the last attempt, UTC,
	// truncated to the millisecond.
	PolledAt time.Time
	Outcome  Outcome
	Status   Status // meaningful only when Outcome is Observed
	Retcode  string // the gateway's code where it gave one other than "0"
}

// Sample is one agent's poll as it is stored: one row of the time series.
type Sample struct {
	AgentID AgentID
	Period  time.Duration // p of the tick it was taken for (metrics.md §1), in ms
	Poll
}

// TickStatus says whether a due instant was served.
type TickStatus uint8

// A tick is taken when its round was made, missed when no recorder made one.
const (
	Taken TickStatus = iota
	Missed
)

// String returns the stored word.
func (s TickStatus) String() string {
	if s == Missed {
		return "missed"
	}
	return "taken"
}

// Tick is a due instant of a schedule and what became of its round.
type Tick struct {
	Schedule string // the schedule's name
	DueAt    time.Time
	Period   time.Duration // p in force at DueAt (metrics.md §1), in ms
	Agents   AgentSet      // who was due
	Status   TickStatus
	Epoch    int64 // the reign it was taken in; 0: without a lease
	// StartedAt and FinishedAt bound the round's polls; zero for a missed tick.
	StartedAt, FinishedAt time.Time
	// Polls counts the round's own samples by outcome. An agent whose poll is
	// shared with a schedule of shorter period is counted there only.
	Polls [outcomes]int
}

// Clock tells the time and waits. The program's own is the machine's; the demo
// and tests play another. Instants are UTC.
type Clock interface {
	Now() time.Time
	// SleepUntil returns nil when the clock has reached t, at once if it is
	// past, or the context's error if that ends first.
	SleepUntil(ctx context.Context, t time.Time) error
}
