package ingest_test

import (
	"testing"

	"talktime/ingest"
)

// The words are stored; changing one is a migration.
func TestOutcomeWords(t *testing.T) {
	want := []string{
		"observed", "not_signed_in", "unauthorized", "bad_request",
		"gateway_error", "unreachable", "bad_reply", "skipped",
	}
	all := ingest.Outcomes()
	if len(all) != len(want) {
		t.Fatalf("%d outcomes, want %d", len(all), len(want))
	}
	for i, o := range all {
		if o.String() != want[i] || o.IsObservation() != (i < 2) {
			t.Errorf("outcome %d is %v, observation: %v", i, o, o.IsObservation())
		}
	}
	if got := ingest.Outcome(99).String(); got != "outcome(99)" {
		t.Errorf("an unknown outcome is %q", got)
	}
	if ingest.Taken.String() != "taken" || ingest.Missed.String() != "missed" {
		t.Error("the words of a tick's status have changed")
	}
}
