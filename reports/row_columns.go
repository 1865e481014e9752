package reports

import (
	"strconv"
	"time"

	"talktime/ingest"
)

// EpisodeColumns lists the columns of the report timeline in every machine
// format, in order. started_at and ended_at are an episode's true bounds;
// seconds is the part of it inside the window, so a window's rows sum to it.
func (m Meta) EpisodeColumns() []ColumnOf[Episode] {
	observed := func(text func(*Episode) string) func(*Episode) string {
		return func(e *Episode) string {
			if !e.IsObserved() {
				return ""
			}
			return text(e)
		}
	}
	return []ColumnOf[Episode]{
		{Name: "agent_id", Kind: Integer, Append: spelled(func(e *Episode) string { return agentText(e.Agent) })},
		{Name: "started_at", Kind: Instant, Append: spelled(func(e *Episode) string { return instantText(e.From) })},
		{Name: "ended_at", Kind: Instant, Append: spelled(func(e *Episode) string { return instantText(e.To) })},
		{Name: "seconds", Kind: Seconds, Append: spelled(func(e *Episode) string { return thousandths(e.Within(m.Window.Span)) })},
		{Name: "agent_state", Kind: Integer, Append: spelled(observed(func(e *Episode) string { return strconv.Itoa(int(e.Status.AgentState)) }))},
		{Name: "is_working", Kind: Boolean, Append: spelled(observed(func(e *Episode) string { return strconv.FormatBool(e.Status.IsWorking) }))},
		{Name: "measure", Kind: Text, Append: spelled(observed(func(e *Episode) string { return e.Measure.String() }))},
		{Name: "cause", Kind: Text, Append: spelled(func(e *Episode) string {
			if e.IsObserved() {
				return ""
			}
			return e.Measure.String()
		})},
		{Name: "started_after", Kind: Instant, Append: spelled(func(e *Episode) string { return instantText(e.StartedAfter) })},
		{Name: "started_before", Kind: Instant, Append: spelled(func(e *Episode) string { return instantText(e.StartedBefore) })},
		{Name: "ended_after", Kind: Instant, Append: spelled(func(e *Episode) string { return instantText(e.EndedAfter) })},
		{Name: "ended_before", Kind: Instant, Append: spelled(func(e *Episode) string { return instantText(e.EndedBefore) })},
		{Name: "is_open", Kind: Boolean, Append: spelled(observed(func(e *Episode) string { return strconv.FormatBool(e.IsOpen) }))},
		{Name: "is_cut_by_gap", Kind: Boolean, Append: spelled(observed(func(e *Episode) string { return strconv.FormatBool(e.IsCutByGap()) }))},
	}
}

// SessionColumns lists the columns of the report sessions in every machine
// format, in order. All of them are of the whole session, whatever the window.
func (Meta) SessionColumns() []ColumnOf[Session] {
	return []ColumnOf[Session]{
		{Name: "agent_id", Kind: Integer, Append: spelled(func(s *Session) string { return agentText(s.Agent) })},
		{Name: "first_staffed_at", Kind: Instant, Append: spelled(func(s *Session) string { return instantText(s.FirstStaffed) })},
		{Name: "last_staffed_at", Kind: Instant, Append: spelled(func(s *Session) string { return instantText(s.LastStaffed) })},
		{Name: "seconds", Kind: Seconds, Append: spelled(func(s *Session) string { return thousandths(s.LastStaffed.Sub(s.FirstStaffed).Milliseconds()) })},
		{Name: "staffed_seconds", Kind: Seconds, Append: spelled(func(s *Session) string { return thousandths(s.StaffedMS) })},
		{Name: "unobserved_seconds", Kind: Seconds, Append: spelled(func(s *Session) string { return thousandths(s.UnobservedMS()) })},
		{Name: "talk_seconds", Kind: Seconds, Append: spelled(func(s *Session) string { return thousandths(s.TalkMS) })},
		{Name: "end_kind", Kind: Text, Append: spelled(func(s *Session) string { return s.EndKind.String() })},
		{Name: "started_after", Kind: Instant, Append: spelled(func(s *Session) string { return instantText(s.StartedAfter) })},
		{Name: "started_before", Kind: Instant, Append: spelled(func(s *Session) string { return instantText(s.StartedBefore) })},
		{Name: "ended_after", Kind: Instant, Append: spelled(func(s *Session) string { return instantText(s.EndedAfter) })},
		{Name: "ended_before", Kind: Instant, Append: spelled(func(s *Session) string { return instantText(s.EndedBefore) })},
		{Name: "suspected_left_signed_in", Kind: Boolean, Append: spelled(func(s *Session) string { return strconv.FormatBool(s.SuspectedLeftSignedIn) })},
	}
}

// StateColumns lists the columns of the report at in every machine format, in
// order. before_ and after_ are the samples around the instant; last_poll_ is told
// of who was not observed.
func (m Meta) StateColumns() []ColumnOf[StateAt] {
	observed := func(text func(*StateAt) string) func(*StateAt) string {
		return func(s *StateAt) string {
			if !s.IsObserved() {
				return ""
			}
			return text(s)
		}
	}
	columns := []ColumnOf[StateAt]{
		{Name: "agent_id", Kind: Integer, Append: spelled(func(s *StateAt) string { return agentText(s.Agent) })},
		{Name: "at", Kind: Instant, Append: spelled(func(*StateAt) string { return instantText(m.At) })},
		{Name: "agent_state", Kind: Integer, Append: spelled(observed(func(s *StateAt) string { return strconv.Itoa(int(s.Status.AgentState)) }))},
		{Name: "is_working", Kind: Boolean, Append: spelled(observed(func(s *StateAt) string { return strconv.FormatBool(s.Status.IsWorking) }))},
		{Name: "measure", Kind: Text, Append: spelled(observed(func(s *StateAt) string { return s.Measure.String() }))},
		{Name: "cause", Kind: Text, Append: spelled(func(s *StateAt) string {
			if s.IsObserved() {
				return ""
			}
			return s.Measure.String()
		})},
		{Name: "is_provisional", Kind: Boolean, Append: spelled(func(s *StateAt) string { return strconv.FormatBool(s.IsProvisional) })},
	}
	columns = append(columns, m.sampleColumns("before_", "age", func(s *StateAt) *Observation { return &s.Before })...)
	columns = append(columns, m.sampleColumns("after_", "wait", func(s *StateAt) *Observation { return &s.After })...)
	return append(columns,
		ColumnOf[StateAt]{Name: "last_poll_at", Kind: Instant, Append: spelled(func(s *StateAt) string { return instantText(s.LastPoll.PolledAt) })},
		ColumnOf[StateAt]{Name: "last_poll_outcome", Kind: Text, Append: spelled(func(s *StateAt) string {
			if s.LastPoll.PolledAt.IsZero() {
				return ""
			}
			return s.LastPoll.Outcome.String()
		})},
	)
}

// sampleColumns are those of one of the samples around the instant; its distance
// from the instant is called age or wait.
func (m Meta) sampleColumns(side, distance string, of func(*StateAt) *Observation) []ColumnOf[StateAt] {
	column := func(name string, kind Kind, text func(*Observation) string) ColumnOf[StateAt] {
		return ColumnOf[StateAt]{Name: side + name, Kind: kind, Append: spelled(func(s *StateAt) string {
			if of(s).At.IsZero() {
				return ""
			}
			return text(of(s))
		})}
	}
	return []ColumnOf[StateAt]{
		column("at", Instant, func(o *Observation) string { return instantText(o.At) }),
		column(distance+"_seconds", Seconds, func(o *Observation) string { return thousandths(m.At.Sub(o.At).Abs().Milliseconds()) }),
		column("agent_state", Integer, func(o *Observation) string { return strconv.Itoa(int(o.Status.AgentState)) }),
		column("is_working", Boolean, func(o *Observation) string { return strconv.FormatBool(o.Status.IsWorking) }),
	}
}

func agentText(agent ingest.AgentID) string { return strconv.Itoa(int(agent)) }

// instantText writes an instant to the millisecond, nothing for none.
func instantText(at time.Time) string {
	if at.IsZero() {
		return ""
	}
	return at.UTC().Format("2006-01-02T15:04:05.000Z")
}
