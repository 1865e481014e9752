package reports

// Measure indexes the thirteen measures that divide all time (metrics.md §2):
// nine states an agent was seen in, then why he was not seen.
type Measure int

// The measures in their fixed order.
const (
	Talk Measure = iota
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
)

// How many measures there are, and how many of them are states.
const (
	Measures = 13
	States   = 9
)

// String returns the measure's stored word, such as "pre_rest".
func (m Measure) String() string {
	return [Measures]string{
		"talk", "reserved", "acw", "available", "busy", "rest", "pre_rest", "other", "signed_out",
		"failed", "recorder_down", "unscheduled", "pending",
	}[m]
}

// Evidence indexes what bounds and standard errors are kept for (metrics.md
// §5): the nine states, numbered as their Measure, then three groups with edges
// of their own.
type Evidence int

// The groups that follow the nine states.
const (
	Handle   Evidence = States + iota // talk, acw
	NotReady                          // busy, rest, pre_rest
	Staffed                           // every state but signed_out
)

// Evidences is how many figures carry evidence.
const Evidences = 12

// String returns the state's or group's stored word, such as "not_ready".
func (e Evidence) String() string {
	if e < States {
		return Measure(e).String()
	}
	return [Evidences - States]string{"handle", "not_ready", "staffed"}[e-States]
}

// Sums is the additive content of quarter-hours, in integer milliseconds
// (ms² for ChangeSq, plain counts for the last two).
type Sums struct {
	MS               [Measures]int64
	Low, Reach, Edge [Evidences]int64
	// ChangeMS and ChangeSq are Σ g and Σ g² over all changes. They are read
	// for an agent's local day at most; over very long ranges ChangeSq wraps.
	ChangeMS, ChangeSq     int64
	TalkEntries, Conflicts int64
}

// Add adds t to s.
func (s *Sums) Add(t *Sums) {
	for i, ms := range t.MS {
		s.MS[i] += ms
	}
	for i := range Evidences {
		s.Low[i] += t.Low[i]
		s.Reach[i] += t.Reach[i]
		s.Edge[i] += t.Edge[i]
	}
	s.ChangeMS += t.ChangeMS
	s.ChangeSq += t.ChangeSq
	s.TalkEntries += t.TalkEntries
	s.Conflicts += t.Conflicts
}

// Total returns the sum of the thirteen measures, in ms.
func (s *Sums) Total() int64 {
	var total int64
	for _, ms := range s.MS {
		total += ms
	}
	return total
}

// Value returns the time of a state or group, in ms.
func (s *Sums) Value(e Evidence) int64 {
	switch e {
	case Handle:
		return s.MS[Talk] + s.MS[ACW]
	case NotReady:
		return s.MS[Busy] + s.MS[Rest] + s.MS[PreRest]
	case Staffed:
		return s.Observed() - s.MS[SignedOut]
	default:
		return s.MS[e]
	}
}

// Observed returns the time the agents were seen in any state, in ms.
func (s *Sums) Observed() int64 {
	var observed int64
	for _, ms := range s.MS[:States] {
		observed += ms
	}
	return observed
}

// Unobserved returns the time a tick was due for and brought no observation,
// in ms.
func (s *Sums) Unobserved() int64 { return s.MS[Failed] + s.MS[RecorderDown] }
