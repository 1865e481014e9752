package operations

import (
	"fmt"
	"strings"
	"time"

	"talktime/ingest"
)

// readiness says whether a recorder records now. Not ready, its reasons say what
// stands in the way and what to do; ready, its notes say what it is about.
type readiness struct {
	reasons []string
	notes   []string
}

func (r readiness) isReady() bool { return len(r.reasons) == 0 }

func (r *readiness) because(format string, args ...any) {
	r.reasons = append(r.reasons, fmt.Sprintf(format, args...))
}

func (r *readiness) note(format string, args ...any) {
	r.notes = append(r.notes, fmt.Sprintf(format, args...))
}

// readiness judges the recorder as of now.
func (b *Board) readiness() readiness {
	var r readiness
	_, stalled := b.Moves()
	told := b.ask()
	b.mu.Lock()
	defer b.mu.Unlock()
	switch b.phase {
	case Starting:
		r.because("starting: %s", b.about)
		return r
	case Leaving:
		r.because("leaving: %s", b.about)
		return r
	case Standby, Recording:
		r.note("%s", b.about)
	}
	if !stalled.IsZero() {
		r.because("the recording loop stands still, it was due at %s: keep the log and restart the recorder", instant(stalled))
	}
	b.judgeStoring(told, &r)
	if b.phase == Standby {
		told.judgeGUIDs(&r)
		return r
	}
	told.judgeClock(b.clock.Now(), &r)
	told.judgeGUIDs(&r)
	for _, s := range told.schedules {
		state := b.schedule(s.Name())
		state.judge(s.Name(), &r)
		r.note("schedule %s: %s", s.Name(), state.tell(s, b.clock.Now()))
	}
	return r
}

// judgeStoring finds that what is seen is not kept. While the database is away
// and the spool takes the rounds, a recorder records.
func (b *Board) judgeStoring(told answers, r *readiness) {
	if d := b.database; d.err != nil {
		away := fmt.Sprintf("the database has not answered since %s: %s: bring Postgres back", instant(d.since), oneLine(d.err))
		switch {
		case b.phase == Standby:
			r.because("%s; this standby cannot take over meanwhile", away)
		case told.spool == nil:
			r.because("%s; rounds wait in memory meanwhile", away)
		default:
			r.note("%s; %d rounds wait in the spool, which is %.0f %% full", away,
				told.spool.Rounds, 100*float64(told.spool.Bytes)/float64(told.spoolMost))
		}
	}
	if polls, by := b.losses.lately(b.clock.Now()); polls > 0 {
		r.because("%d polls were lost by %s, neither database nor spool took them: bring Postgres back, make room in data_dir, or raise spool.max_bytes or spool.max_age",
			polls, instant(by))
	}
}

// judgeClock finds that the clock shows instants again that were recorded.
func (a answers) judgeClock(now time.Time, r *readiness) {
	if s := a.steps; s != nil && s.ResumesAt.After(now) && s.ResumesAt.Sub(s.LastAt) > loopGrace {
		r.because("the clock was set back at %s: what it shows again is recorded already, and recording goes on at %s; have a time server set the clock, or set it right",
			instant(s.LastAt), instant(s.ResumesAt))
	}
}

// judgeGUIDs finds that nobody could be observed for want of GUIDs.
func (a answers) judgeGUIDs(r *readiness) {
	switch guids := a.guids; {
	case guids == nil:
	case guids.Agents.IsEmpty():
		r.because("no GUID is held: write the agents' GUIDs into guids.file, it is read within seconds")
	case guids.Expired == guids.Agents.Len():
		r.because("all %d GUIDs are older than 120 s, the latest is of %s: AUTHMODE 2 needs guids.file written anew each minute; see what writes it",
			guids.Expired, instant(guids.Newest))
	}
}

// judge finds what went wrong with a schedule's last due instant, as far as it
// kept everyone from being observed.
func (s *scheduleState) judge(name string, r *readiness) {
	if s.lastMissed.After(s.last.DueAt) {
		r.because("schedule %s: its due instant %s was missed: see the log for why; a round that outlasts its period needs a longer one, or more gateway.concurrency",
			name, instant(s.lastMissed))
		return
	}
	polls, observed, most := countPolls(s.last)
	if polls > 0 && observed == 0 {
		r.because("schedule %s: none of %d agents was observed at %s, %d are %s: %s",
			name, polls, instant(s.last.DueAt), s.last.Polls[most], most, adviceOn(most))
	}
}

// tell says what became of a schedule's last tick, and when the next is due.
func (s *scheduleState) tell(schedule ingest.Schedule, now time.Time) string {
	next := "nothing is due any more"
	if due := schedule.Next(now); !due.IsZero() {
		next = "next due at " + instant(due)
	}
	if s.last.DueAt.IsZero() {
		return next
	}
	polls, observed, _ := countPolls(s.last)
	return fmt.Sprintf("%d of %d agents observed at %s, %s", observed, polls, instant(s.last.DueAt), next)
}

// countPolls counts a tick's polls, those that say where the agent was, and
// tells the outcome that most of them had.
func countPolls(tick ingest.Tick) (polls, observed int, most ingest.Outcome) {
	for _, o := range ingest.Outcomes() {
		n := tick.Polls[o]
		polls += n
		if o.IsObservation() {
			observed += n
		}
		if n > tick.Polls[most] {
			most = o
		}
	}
	return polls, observed, most
}

// adviceOn says what to do where most polls end in an outcome.
func adviceOn(o ingest.Outcome) string {
	switch o {
	case ingest.Unauthorized:
		return "write fresh GUIDs into guids.file, and see that gateway.auth_mode is the gateway's AUTHMODE"
	case ingest.BadRequest:
		return "see that the gateway knows these agent ids"
	case ingest.GatewayError:
		return "see the retcodes in the log; the gateway has trouble of its own"
	case ingest.BadReply:
		return "see that gateway.url is a CC-Gateway and no proxy stands before it"
	case ingest.Skipped:
		return "the gateway answers too slowly for the period: see its load, gateway.concurrency and gateway.max_rate"
	default:
		return "see that the gateway runs, and gateway.url, gateway.ca_file and the network between"
	}
}

// instant prints an instant for people.
func instant(t time.Time) string { return t.UTC().Format(time.RFC3339) }

func oneLine(err error) string { return strings.Join(strings.Fields(err.Error()), " ") }
