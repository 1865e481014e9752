package reports

import "slices"

// SubjectSection is one kind of what is held about a person.
type SubjectSection struct {
	Name    string
	Tables  []string // where it is held
	What    string
	Purpose string // what talktime needs it for
	At      string // the column that dates a row; rows ascend by it
}

// SamplesSection is the section that is told in number unless it is asked for whole.
const SamplesSection = "samples"

// RecipientsSection is the section of who was given, or may see, a person's figures.
const RecipientsSection = "recipients"

// subjectSections are in the order in which they are told. A test holds their
// tables against the database: whatever names agents is in one.
var subjectSections = []SubjectSection{
	{"tenures", []string{"agent_history", "agents"}, "names, teams, agent ids, and since when", "to name figures and to group them by team", "valid_from"},
	{"known_agents", []string{"known_agents"}, "that the agent id was to be polled", "to show agents without a name", ""},
	{"schedules", []string{"schedules", "agent_sets"}, "the schedules the agent id was polled on", "to know when figures were due", "valid_from"},
	{"ticks", []string{"ticks"}, "how many due instants of each schedule there were", "to tell why something was not observed", "first_at"},
	{"hand_rounds", []string{"hand_rounds"}, "polls outside of schedules", "to know how far samples reach", "taken_from"},
	{SamplesSection, []string{"samples", "sample_runs"}, "each answer of the gateway: the state at an instant", "to derive everything below", "polled_at"},
	{"quarter_hours", []string{"quarter_hours"}, "time in each state, and time not observed, per quarter-hour", "reports, exports and bi_v1", "bin_start_at"},
	{"segments", []string{"segments"}, "when each state began and ended", "timelines and sessions", "from_at"},
	{"days", []string{"days"}, "sums of local days", "to make reports of months faster", "from_at"},
	{"gone_quarter_hours", []string{"gone_quarter_hours"}, "quarter-hours that vanished, without figures", "to keep copies outside up to date", "bin_start_at"},
	{"exports", []string{"exports", "export_copies"}, "delivered files with the person in them; has_copy: and their rows", "to deliver once, and again when figures change", "from_at"},
	{"audit_log", []string{"audit_log"}, "reports and exports that asked for the agent id by number", "to know who has seen what", "at"},
	{RecipientsSection, []string{"exports", "audit_log", "bi_grants"}, "who was given figures of the person, or may see them", "", ""},
}

// SubjectSections returns everything that may be held about a person, in order.
func SubjectSections() []SubjectSection { return slices.Clone(subjectSections) }

// Holding is how much of a section is held.
type Holding struct {
	Section     SubjectSection
	Kept        string // for how long
	Rows        int64
	First, Last string // of the rows' At, as the database writes instants; empty where there are none
	IsCounted   bool   // its rows are not told, only their number
}

// Meaning is what a column of a table means.
type Meaning struct {
	Table, Column, Text string
}
