package main

import (
	"testing"

	"talktime/reports"
	"talktime/sql/store"
)

// A person is told for how long what is held is kept, as it is configured.
func TestKeptFor(t *testing.T) {
	kept := keptFor(store.Retention{
		Samples: store.Age{Days: 30}, Segments: store.Age{Months: 2}, QuarterHours: store.Age{Months: 13}, Ticks: store.Age{Months: 1},
	})
	want := map[string]string{
		"tenures": "until an import corrects them", "known_agents": "for ever", "schedules": "for ever", "ticks": "1 month", "hand_rounds": "1 month",
		"samples": "30 days", "quarter_hours": "13 months", "segments": "2 months", "days": "for ever", "gone_quarter_hours": "13 months",
		"exports": "for ever", "audit_log": "for ever", "recipients": "as their tables",
	}
	for _, section := range reports.SubjectSections() {
		if got := kept(section); got != want[section.Name] {
			t.Errorf("%s are kept %q, want %q", section.Name, got, want[section.Name])
		}
	}
}
