package reports_test

import (
	"fmt"
	"testing"
	"time"

	"talktime/reports"
)

func sessionWord(s *reports.Session) string {
	word := fmt.Sprintf("%d@%s-%s:%s", s.Agent, s.FirstStaffed.Format("02T15:04:05"), s.LastStaffed.Format("02T15:04:05"), s.EndKind)
	if s.SuspectedLeftSignedIn {
		word += "!"
	}
	return word
}

func TestSessions(t *testing.T) {
	for name, c := range map[string]struct{ lived, horizon, want string }{
		"signed out in the end": {
			"16T08:00 signed_out 16T09:00 available 16T09:20 talk 16T12:00 signed_out 16T13:00", "17T00:00", "101@16T09:00:00-16T12:00:00:observed",
		},
		"a hole of 9:59 is gone over": {
			"16T09:00 available 16T10:00 failed 16T10:09:59 talk 16T12:00 signed_out 16T13:00", "17T00:00", "101@16T09:00:00-16T12:00:00:observed",
		},
		"a hole of 10:00 too": {
			"16T09:00 available 16T10:00 -- 16T10:10 talk 16T12:00 signed_out 16T13:00", "17T00:00", "101@16T09:00:00-16T12:00:00:observed",
		},
		"one of 10:01 ends it": {
			"16T09:00 available 16T10:00 recorder_down 16T10:10:01 talk 16T12:00 signed_out 16T13:00", "17T00:00",
			"101@16T09:00:00-16T10:00:00:unknown 101@16T10:10:01-16T12:00:00:observed",
		},
		"a sign-out ends it, however short": {
			"16T09:00 available 16T10:00 signed_out 16T10:00:20 talk 16T12:00 signed_out 16T13:00", "17T00:00",
			"101@16T09:00:00-16T10:00:00:observed 101@16T10:00:20-16T12:00:00:observed",
		},
		"a sign-out seen in a hole ends it": {
			"16T09:00 available 16T10:00 failed 16T10:02 signed_out 16T10:03 failed 16T10:05 talk 16T12:00 -- 16T13:00", "17T00:00",
			"101@16T09:00:00-16T10:00:00:unknown 101@16T10:05:00-16T12:00:00:unknown",
		},
		"open":                     {"16T09:00 available 16T13:00", "16T12:07", "101@16T09:00:00-16T12:00:00:open"},
		"open in a hole of 10 min": {"16T09:00 available 16T11:50 failed 16T13:00", "16T12:07", "101@16T09:00:00-16T11:50:00:open"},
		"not open after a longer":  {"16T09:00 available 16T11:49:59 failed 16T13:00", "16T12:07", "101@16T09:00:00-16T11:49:59:unknown"},
		"signed out just before":   {"16T09:00 available 16T11:55 signed_out 16T13:00", "16T12:07", "101@16T09:00:00-16T11:55:00:observed"},
		"nobody staffed":           {"16T09:00 signed_out 16T13:00", "17T00:00", ""},

		// Midnight in Berlin is 23:00 UTC.
		"left signed in": {
			"16T09:00 talk 16T17:00 available 17T06:00 signed_out 17T07:00", "18T00:00", "101@16T09:00:00-17T06:00:00:observed!",
		},
		"four hours over midnight are not enough": {
			"16T09:00 talk 16T21:00 available 17T01:00 signed_out 17T07:00", "18T00:00", "101@16T09:00:00-17T01:00:00:observed",
		},
		"a second more is": {
			"16T09:00 talk 16T21:00 available 17T01:00:01 signed_out 17T07:00", "18T00:00", "101@16T09:00:00-17T01:00:01:observed!",
		},
		"up to midnight is not over it": {
			"16T09:00 talk 16T17:00 available 16T23:00 signed_out 17T07:00", "18T00:00", "101@16T09:00:00-16T23:00:00:observed",
		},
		"a night shift that talks": {
			"16T20:00 available 16T22:50 talk 16T22:51 available 17T02:00 signed_out 17T07:00", "18T00:00", "101@16T20:00:00-17T02:00:00:observed",
		},
		"talk after the night": {
			"16T09:00 available 17T08:00 talk 17T09:00 signed_out 17T10:00", "18T00:00", "101@16T09:00:00-17T09:00:00:observed!",
		},
	} {
		t.Run(name, func(t *testing.T) {
			source := &lives{horizon: november(t, c.horizon)}
			source.live(t, 101, c.lived)
			var sink kept[reports.Session]
			if err := reports.Sessions(t.Context(), source, novemberWindow(t, "16T00:00", "17T12:00"), &sink); err != nil {
				t.Fatal(err)
			}
			if got := words(sink.rows, sessionWord); got != c.want {
				t.Errorf("got  %s\nwant %s", got, c.want)
			}
		})
	}
}

func TestSessionFigures(t *testing.T) {
	source := &lives{horizon: november(t, "18T00:00")}
	source.live(t, 101, "16T08:00 signed_out 16T09:00 available 16T10:00 failed 16T10:05 talk 16T10:35 acw 16T11:00 signed_out 16T12:00")
	source.live(t, 102, "16T13:00 talk 16T14:00")
	var sink kept[reports.Session]
	if err := reports.Sessions(t.Context(), source, novemberWindow(t, "16T10:00", "16T10:15"), &sink); err != nil {
		t.Fatal(err)
	}
	if len(sink.rows) != 1 {
		t.Fatalf("%d sessions touch the window, want 1", len(sink.rows))
	}
	s := sink.rows[0]
	if s.StaffedMS != (115*time.Minute).Milliseconds() || s.TalkMS != (30*time.Minute).Milliseconds() || s.UnobservedMS() != (5*time.Minute).Milliseconds() {
		t.Errorf("staffed, talk, unobserved are %d, %d, %d ms", s.StaffedMS, s.TalkMS, s.UnobservedMS())
	}
	want := reports.Ends{
		StartedAfter: november(t, "16T08:59:55"), StartedBefore: november(t, "16T09:00:05"),
		EndedAfter: november(t, "16T10:59:55"), EndedBefore: november(t, "16T11:00:05"),
	}
	if s.Ends != want {
		t.Errorf("the samples around it are %v, want %v", s.Ends, want)
	}
}
