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
		{"agent_id", Integer, func(e *Episode) string { return agentText(e.Agent) }},
		{"started_at", Text, func(e *Episode) string { return instantText(e.From) }},
		{"ended_at", Text, func(e *Episode) string { return instantText(e.To) }},
		{"seconds", Decimal, func(e *Episode) string { return thousandths(e.Within(m.Window.Span)) }},
		{"agent_state", Integer, observed(func(e *Episode) string { return strconv.Itoa(int(e.Status.AgentState)) })},
		{"is_working", Boolean, observed(func(e *Episode) string { return strconv.FormatBool(e.Status.IsWorking) })},
		{"measure", Text, observed(func(e *Episode) string { return e.Measure.String() })},
		{"cause", Text, func(e *Episode) string {
			if e.IsObserved() {
				return ""
			}
			return e.Measure.String()
		}},
		{"started_after", Text, func(e *Episode) string { return instantText(e.StartedAfter) }},
		{"started_before", Text, func(e *Episode) string { return instantText(e.StartedBefore) }},
		{"ended_after", Text, func(e *Episode) string { return instantText(e.EndedAfter) }},
		{"ended_before", Text, func(e *Episode) string { return instantText(e.EndedBefore) }},
		{"is_open", Boolean, observed(func(e *Episode) string { return strconv.FormatBool(e.IsOpen) })},
		{"is_cut_by_gap", Boolean, observed(func(e *Episode) string { return strconv.FormatBool(e.IsCutByGap()) })},
	}
}

// SessionColumns lists the columns of the report sessions in every machine
// format, in order. All of them are of the whole session, whatever the window.
func (Meta) SessionColumns() []ColumnOf[Session] {
	return []ColumnOf[Session]{
		{"agent_id", Integer, func(s *Session) string { return agentText(s.Agent) }},
		{"first_staffed_at", Text, func(s *Session) string { return instantText(s.FirstStaffed) }},
		{"last_staffed_at", Text, func(s *Session) string { return instantText(s.LastStaffed) }},
		{"seconds", Decimal, func(s *Session) string { return thousandths(s.LastStaffed.Sub(s.FirstStaffed).Milliseconds()) }},
		{"staffed_seconds", Decimal, func(s *Session) string { return thousandths(s.StaffedMS) }},
		{"unobserved_seconds", Decimal, func(s *Session) string { return thousandths(s.UnobservedMS()) }},
		{"talk_seconds", Decimal, func(s *Session) string { return thousandths(s.TalkMS) }},
		{"end_kind", Text, func(s *Session) string { return s.EndKind.String() }},
		{"started_after", Text, func(s *Session) string { return instantText(s.StartedAfter) }},
		{"started_before", Text, func(s *Session) string { return instantText(s.StartedBefore) }},
		{"ended_after", Text, func(s *Session) string { return instantText(s.EndedAfter) }},
		{"ended_before", Text, func(s *Session) string { return instantText(s.EndedBefore) }},
		{"suspected_left_signed_in", Boolean, func(s *Session) string { return strconv.FormatBool(s.SuspectedLeftSignedIn) }},
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
		{"agent_id", Integer, func(s *StateAt) string { return agentText(s.Agent) }},
		{"at", Text, func(*StateAt) string { return instantText(m.At) }},
		{"agent_state", Integer, observed(func(s *StateAt) string { return strconv.Itoa(int(s.Status.AgentState)) })},
		{"is_working", Boolean, observed(func(s *StateAt) string { return strconv.FormatBool(s.Status.IsWorking) })},
		{"measure", Text, observed(func(s *StateAt) string { return s.Measure.String() })},
		{"cause", Text, func(s *StateAt) string {
			if s.IsObserved() {
				return ""
			}
			return s.Measure.String()
		}},
		{"is_provisional", Boolean, func(s *StateAt) string { return strconv.FormatBool(s.IsProvisional) }},
	}
	columns = append(columns, m.sampleColumns("before_", "age", func(s *StateAt) *Observation { return &s.Before })...)
	columns = append(columns, m.sampleColumns("after_", "wait", func(s *StateAt) *Observation { return &s.After })...)
	return append(columns,
		ColumnOf[StateAt]{"last_poll_at", Text, func(s *StateAt) string { return instantText(s.LastPoll.PolledAt) }},
		ColumnOf[StateAt]{"last_poll_outcome", Text, func(s *StateAt) string {
			if s.LastPoll.PolledAt.IsZero() {
				return ""
			}
			return s.LastPoll.Outcome.String()
		}},
	)
}

// sampleColumns are those of one of the samples around the instant; its distance
// from the instant is called age or wait.
func (m Meta) sampleColumns(side, distance string, of func(*StateAt) *Observation) []ColumnOf[StateAt] {
	column := func(name string, kind Kind, text func(*Observation) string) ColumnOf[StateAt] {
		return ColumnOf[StateAt]{side + name, kind, func(s *StateAt) string {
			if of(s).At.IsZero() {
				return ""
			}
			return text(of(s))
		}}
	}
	return []ColumnOf[StateAt]{
		column("at", Text, func(o *Observation) string { return instantText(o.At) }),
		column(distance+"_seconds", Decimal, func(o *Observation) string { return thousandths(m.At.Sub(o.At).Abs().Milliseconds()) }),
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
