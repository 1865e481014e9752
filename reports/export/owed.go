package export

import (
	"time"

	"talktime/ingest"
	"talktime/reports"
)

// Due is a run of an export: when it is due, and the period it is of.
type Due struct {
	At     time.Time
	Window reports.Window
}

// Owed lists the runs that were due after an instant and by now, in order, each
// period once. A window that is not over when a run is due is not owed by it.
// Without an instant an export is new: it owes the latest run alone.
func Owed(times ingest.JobTimes, window func(at time.Time) reports.Window, after, now time.Time) []Due {
	due := times.Next(after)
	if after.IsZero() {
		due = latest(times, now)
	}
	var owed []Due
	seen := make(map[reports.Span]bool)
	for ; !due.IsZero() && !due.After(now); due = times.Next(due) {
		w := window(due)
		if due.Before(w.To) || seen[w.Span] {
			continue
		}
		seen[w.Span] = true
		owed = append(owed, Due{due, w})
	}
	return owed
}

// furthestBack is how far back the latest due instant is looked for.
const furthestBack = 10 * 366 * 24 * time.Hour

// latest returns the last due instant by now, the zero time where there is none.
func latest(times ingest.JobTimes, now time.Time) time.Time {
	for back := time.Hour; back < furthestBack; back *= 2 {
		var last time.Time
		for due := times.Next(now.Add(-back)); !due.IsZero() && !due.After(now); due = times.Next(due) {
			last = due
		}
		if !last.IsZero() {
			return last
		}
	}
	return time.Time{}
}
