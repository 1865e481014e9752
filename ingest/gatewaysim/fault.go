package gatewaysim

import (
	"fmt"
	"strconv"
	"time"

	"talktime/ingest"
)

// FaultKind says what goes wrong with a request.
type FaultKind string

// The faults that are no code of the gateway's own. Beside them stand the
// retcodes that say nothing of where the agent is (page "Error codes"), such as
// "000-004" and "100-007".
const (
	FaultLatency   FaultKind = "latency"   // the reply comes late
	FaultTimeout   FaultKind = "timeout"   // no reply until the client leaves
	FaultHTTP500   FaultKind = "http500"   // HTTP 500 with a page of HTML
	FaultHTTP502   FaultKind = "http502"   // HTTP 502, as from a proxy
	FaultHTTP503   FaultKind = "http503"   // HTTP 503, as from a container that starts
	FaultRedirect  FaultKind = "redirect"  // HTTP 302 to a page of HTML
	FaultHTML      FaultKind = "html"      // HTTP 200 with a page of HTML
	FaultGarbage   FaultKind = "garbage"   // HTTP 200 with a body that is no reply
	FaultOversize  FaultKind = "oversize"  // HTTP 200 with a body of 1 MiB
	FaultEndless   FaultKind = "endless"   // HTTP 200 with a body that trickles for ever
	FaultStall     FaultKind = "stall"     // nothing comes after half of the reply
	FaultCut       FaultKind = "cut"       // the connection closes within the body
	FaultReset     FaultKind = "reset"     // the connection is reset within the body
	FaultUnasked   FaultKind = "unasked"   // a second reply nobody asked for, with the Guid in it
	FaultWrongGUID FaultKind = "wrongguid" // the Guid is taken for a wrong one
)

// faultKinds are all kinds, in the order they are listed to a reader. 100-006
// and 100-008 are not among them: played at random they would be lies about
// where the agent is, and no recorder could tell.
var faultKinds = []FaultKind{
	FaultLatency, FaultTimeout, FaultHTTP500, FaultHTTP502, FaultHTTP503, FaultRedirect,
	FaultHTML, FaultGarbage, FaultOversize, FaultEndless, FaultStall, FaultCut, FaultReset,
	FaultUnasked, FaultWrongGUID,
	"000-000", "000-003", "000-004", "000-007", "100-007",
}

// FaultKinds returns all kinds of fault in their fixed order.
func FaultKinds() []FaultKind { return append([]FaultKind(nil), faultKinds...) }

// Fault is something that goes wrong with some requests.
type Fault struct {
	Kind   FaultKind
	Chance float64 // share of the requests it strikes, above 0 up to 1
	// Least and Most bound the delay, which is drawn evenly between them. Both
	// are 0 unless Kind is FaultLatency.
	Least, Most time.Duration
	// From and To are the times of day, in the play's zone, it happens between;
	// To before From goes over midnight. Both are 0 for the whole day.
	From, To time.Duration
	// Agents are whose requests it strikes; the zero range is all agents.
	Agents ingest.AgentRange
}

// String writes the fault as ParseFault reads it.
func (f Fault) String() string {
	s := string(f.Kind)
	if f.Kind == FaultLatency {
		s += "=" + f.Least.String() + ".." + f.Most.String() + ":"
	} else {
		s += "="
	}
	s += strconv.FormatFloat(f.Chance, 'g', -1, 64)
	if f.From != f.To {
		s += "@" + timeOfDay(f.From) + "-" + timeOfDay(f.To)
	}
	if f.Agents != (ingest.AgentRange{}) {
		s += "#" + ingest.NewAgentSetOfRanges(f.Agents).String()
	}
	return s
}

func timeOfDay(d time.Duration) string {
	return fmt.Sprintf("%02d:%02d:%02d", int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60)
}

// strikes reports whether the fault may befall an agent.
func (f Fault) strikes(agent ingest.AgentID) bool {
	return f.Agents == (ingest.AgentRange{}) || f.Agents.First <= agent && agent <= f.Agents.Last
}

// isOpen reports whether the fault may happen at a time of day.
func (f Fault) isOpen(at time.Duration) bool {
	switch {
	case f.From == f.To:
		return true
	case f.From < f.To:
		return f.From <= at && at < f.To
	default:
		return at >= f.From || at < f.To
	}
}

// lot is what the faults have drawn for one request.
type lot struct {
	latency time.Duration // the sum of all that struck
	kind    FaultKind     // the first that struck, or empty
	luck    stream        // for what is left to chance within a kind
}

// draw decides what befalls an agent's n-th request, the same at every run with
// this seed; only a window makes it depend on the instant.
func draw(faults []Fault, seed uint64, agent ingest.AgentID, n uint64, now time.Time, zone *time.Location) lot {
	var l lot
	for i, f := range faults {
		luck := newStream(seed, forFault, uint64(agent), n, uint64(i))
		if !f.strikes(agent) || !luck.chance(f.Chance) || f.From != f.To && !f.isOpen(sinceMidnight(now.In(zone))) {
			continue
		}
		switch {
		case f.Kind == FaultLatency:
			l.latency += f.Least + time.Duration(luck.float()*float64(f.Most-f.Least))
		case l.kind == "":
			l.kind, l.luck = f.Kind, luck
		}
	}
	return l
}

// sinceMidnight is what the clock on the wall shows.
func sinceMidnight(t time.Time) time.Duration {
	h, m, s := t.Clock()
	return time.Duration(h)*time.Hour + time.Duration(m)*time.Minute + time.Duration(s)*time.Second + time.Duration(t.Nanosecond())
}
