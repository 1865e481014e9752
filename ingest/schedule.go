package ingest

import (
	"errors"
	"fmt"
	"iter"
	"regexp"
	"strings"
	"time"
)

// MaxPeriod is the longest period a tick can have (metrics.md §1).
const MaxPeriod = time.Hour

// Schedule says when which agents are due: a cron rule in a zone and a set of
// agents. Make it with NewSchedule; the zero value never runs. A Schedule is
// immutable and may be shared.
type Schedule struct {
	name, cron, zone string
	agents           AgentSet
	all              bool
	calendar         calendar
}

var scheduleName = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,62}$`)

// NewSchedule makes a schedule named name (a-z, 0-9, _ and -, at most 63
// characters). spec is a cron spec of six fields, seconds first (five mean
// second 0), zone an IANA name such as "Europe/Berlin". With all set every
// agent with a GUID is due and agents is who that is, as far as known; without
// it agents must not be empty. All faults are reported at once.
//
// Refused beside plain mistakes: TZ= and CRON_TZ= inside the spec, @every,
// specs that never run, specs that restrict day of month and weekday at once,
// the zone "Local". Weekday 7 is Sunday.
func NewSchedule(name, spec, zone string, agents AgentSet, all bool) (Schedule, error) {
	spec = strings.Join(strings.Fields(spec), " ")
	var faults []error
	if !scheduleName.MatchString(name) {
		faults = append(faults, errors.New("the name must be 1-63 of a-z, 0-9, _ and -, and begin with a letter or digit"))
	}
	calendar, bad := newCalendar(spec, zone)
	faults = append(faults, bad...)
	if !all && agents.IsEmpty() {
		faults = append(faults, errors.New("no agent is named"))
	}
	for i, f := range faults {
		faults[i] = fmt.Errorf("schedule %q: %w", name, f)
	}
	if len(faults) > 0 {
		return Schedule{}, errors.Join(faults...)
	}
	return Schedule{name, spec, zone, agents, all, calendar}, nil
}

// Name returns the schedule's name.
func (s Schedule) Name() string { return s.name }

// Cron returns the cron spec, single blanks between its fields.
func (s Schedule) Cron() string { return s.cron }

// Zone returns the IANA name of the zone the spec is read in.
func (s Schedule) Zone() string { return s.zone }

// Agents returns who is due, as far as known where All is set.
func (s Schedule) Agents() AgentSet { return s.agents }

// All reports whether every agent with a GUID is due.
func (s Schedule) All() bool { return s.all }

// WithAgents returns the same schedule with other agents due.
func (s Schedule) WithAgents(agents AgentSet) Schedule {
	s.agents = agents
	return s
}

// Equal reports whether both schedules say the same in every respect.
func (s Schedule) Equal(t Schedule) bool {
	return s.name == t.name && s.cron == t.cron && s.zone == t.zone && s.all == t.all && s.agents.Equal(t.agents)
}

// Next returns the first due instant after t, in UTC. Due instants follow real
// time over a clock change: both 02:00 hours are served, none is invented for
// one that does not exist. The zero time means there is none within nine years.
func (s Schedule) Next(t time.Time) time.Time { return s.calendar.next(t) }

// Prev returns the last due instant before t, in UTC; the zero time means there
// is none within nine years.
func (s Schedule) Prev(t time.Time) time.Time { return s.calendar.prev(t) }

// Period returns the period in force at a due instant: the smaller of its
// distances to the previous and the next one, at most MaxPeriod, in whole
// milliseconds (metrics.md §1). So the last tick before a night keeps the day's
// period.
func (s Schedule) Period(due time.Time) time.Duration {
	p := MaxPeriod
	if next := s.Next(due); !next.IsZero() {
		p = min(p, next.Sub(due))
	}
	if prev := s.Prev(due); !prev.IsZero() {
		p = min(p, due.Sub(prev))
	}
	return p
}

// Due yields the due instants in [from, to), ascending.
func (s Schedule) Due(from, to time.Time) iter.Seq[time.Time] {
	return func(yield func(time.Time) bool) {
		for due := s.Next(from.Add(-1)); !due.IsZero() && due.Before(to); due = s.Next(due) {
			if !yield(due) {
				return
			}
		}
	}
}
