package operations_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"talktime/cmd/talktime/internal/operations"
	"talktime/ingest"
	"talktime/ingest/ccgateway"
	"talktime/sql/store"
)

// handClock is set by hand; nobody wakes from it.
type handClock struct {
	mu  sync.Mutex
	now time.Time
}

func (c *handClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *handClock) set(t time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = t
}

func (c *handClock) SleepUntil(ctx context.Context, _ time.Time) error {
	<-ctx.Done()
	return ctx.Err()
}

func at(clock string) time.Time {
	t, err := time.Parse(time.RFC3339, "2026-11-23T"+clock+"Z")
	if err != nil {
		panic(err)
	}
	return t
}

// recorder is a board whose recorder polls four agents each ten seconds and
// stands at 09:00:05.
type recorder struct {
	*operations.Board
	t        *testing.T
	clock    *handClock
	schedule ingest.Schedule
	guids    ccgateway.GUIDs
	steps    ingest.StepCounts
	asked    operations.Recorder
}

func newRecorder(t *testing.T) *recorder {
	t.Helper()
	agents := ingest.NewAgentSet(101, 102, 103, 104)
	s, err := ingest.NewSchedule("office", "*/10 * * * * *", "UTC", agents, false)
	if err != nil {
		t.Fatal(err)
	}
	clock := &handClock{now: at("09:00:05")}
	r := &recorder{
		Board: operations.NewBoard(clock, operations.Build{Version: "v1", Schema: 8}), t: t, clock: clock, schedule: s,
		guids: ccgateway.GUIDs{Agents: agents, Oldest: at("08:59:00"), Newest: at("08:59:30")},
	}
	r.asked = operations.Recorder{
		Schedules: func() []ingest.Schedule { return []ingest.Schedule{s} },
		GUIDs:     func() ccgateway.GUIDs { return r.guids },
		Steps:     func() ingest.StepCounts { return r.steps },
	}
	r.Watch(r.asked)
	r.Expect([]ingest.Job{{Name: "derive"}, {Name: "maintain"}})
	r.Enter(operations.Recording, "recording: office")
	return r
}

// withSpool gives the recorder a spool of 1,000 bytes.
func (r *recorder) withSpool(polls ingest.PollCounts, size ingest.SpoolSize) {
	r.asked.Polls = func() ingest.PollCounts { return polls }
	r.asked.Spool = func() ingest.SpoolSize { return size }
	r.asked.SpoolLimit = 1000
	r.Watch(r.asked)
}

// tick is a taken tick whose polls had these outcomes, one each.
func (r *recorder) tick(due time.Time, outcomes ...ingest.Outcome) ingest.Tick {
	tick := ingest.Tick{
		Schedule: "office", DueAt: due, Period: 10 * time.Second, Agents: r.schedule.Agents(),
		StartedAt: due, FinishedAt: due.Add(1500 * time.Millisecond),
	}
	for _, o := range outcomes {
		tick.Polls[o]++
	}
	return tick
}

// get asks the board and returns what it answers.
func (r *recorder) get(path string) (status int, body string) {
	r.t.Helper()
	answered := httptest.NewRecorder()
	r.Handler().ServeHTTP(answered, httptest.NewRequestWithContext(r.t.Context(), http.MethodGet, path, nil))
	text, err := io.ReadAll(answered.Result().Body)
	if err != nil {
		r.t.Fatal(err)
	}
	return answered.Code, string(text)
}

// database answers with what it holds.
type database struct {
	condition store.Condition
	err       error
}

func (d database) Condition(context.Context, time.Time, []string) (store.Condition, error) {
	return d.condition, d.err
}

var errGone = errors.New("cannot connect: dial tcp 127.0.0.1:5432: connect: connection refused")

func TestReadyz(t *testing.T) {
	const (
		observed     = ingest.Observed
		signedOut    = ingest.NotSignedIn
		unauthorized = ingest.Unauthorized
		unreachable  = ingest.Unreachable
	)
	for name, test := range map[string]struct {
		happens func(*recorder)
		status  int
		want    string
	}{
		"nothing was due yet": {
			func(*recorder) {}, http.StatusOK,
			"ready\nrecording: office\nschedule office: next due at 2026-11-23T09:00:10Z\n",
		},
		"all is well": {
			func(r *recorder) { r.Finished(r.tick(at("09:00:00"), observed, observed, signedOut, observed)) }, http.StatusOK,
			"ready\nrecording: office\nschedule office: 4 of 4 agents observed at 2026-11-23T09:00:00Z, next due at 2026-11-23T09:00:10Z\n",
		},
		"some fail": {
			func(r *recorder) { r.Finished(r.tick(at("09:00:00"), observed, unreachable, unreachable, unreachable)) }, http.StatusOK,
			"ready\nrecording: office\nschedule office: 1 of 4 agents observed at 2026-11-23T09:00:00Z, next due at 2026-11-23T09:00:10Z\n",
		},
		"starting": {
			func(r *recorder) { r.Enter(operations.Starting, "opening the database") }, http.StatusServiceUnavailable,
			"not ready\nstarting: opening the database\n",
		},
		"standby": {
			func(r *recorder) {
				r.Finished(r.tick(at("08:00:00"), unreachable)) // of an earlier reign
				r.Enter(operations.Standby, "standby: alpha:7 records, in epoch 3")
			}, http.StatusOK,
			"ready\nstandby: alpha:7 records, in epoch 3\n",
		},
		"standby without a database": {
			func(r *recorder) {
				r.Enter(operations.Standby, "standby: alpha:7 records, in epoch 3")
				r.Ask(t.Context(), database{err: errGone})
			}, http.StatusServiceUnavailable,
			"not ready\nthe database has not answered since 2026-11-23T09:00:05Z: cannot connect: dial tcp 127.0.0.1:5432: connect: connection refused: bring Postgres back; this standby cannot take over meanwhile\n",
		},
		"standby without GUIDs": {
			func(r *recorder) {
				r.Enter(operations.Standby, "standby: alpha:7 records, in epoch 3")
				r.guids = ccgateway.GUIDs{}
			}, http.StatusServiceUnavailable,
			"not ready\nno GUID is held: write the agents' GUIDs into guids.file, it is read within seconds\n",
		},
		"nothing comes after leaving": {
			func(r *recorder) {
				r.Enter(operations.Leaving, "told to stop")
				r.Enter(operations.Recording, "recording")
			}, http.StatusServiceUnavailable,
			"not ready\nleaving: told to stop\n",
		},
		"leaving": {
			func(r *recorder) { r.Enter(operations.Leaving, "told to stop") }, http.StatusServiceUnavailable,
			"not ready\nleaving: told to stop\n",
		},
		"the gateway is away": {
			func(r *recorder) {
				r.Finished(r.tick(at("09:00:00"), unreachable, unreachable, unauthorized, unreachable))
			}, http.StatusServiceUnavailable,
			"not ready\nschedule office: none of 4 agents was observed at 2026-11-23T09:00:00Z, 3 are unreachable: see that the gateway runs, and gateway.url, gateway.ca_file and the network between\n",
		},
		"the gateway is back": {
			func(r *recorder) {
				r.Finished(r.tick(at("08:59:50"), unreachable, unreachable, unreachable, unreachable))
				r.Finished(r.tick(at("09:00:00"), observed, observed, observed, observed))
			}, http.StatusOK,
			"ready\nrecording: office\nschedule office: 4 of 4 agents observed at 2026-11-23T09:00:00Z, next due at 2026-11-23T09:00:10Z\n",
		},
		"nobody is authorized": {
			func(r *recorder) {
				r.Finished(r.tick(at("09:00:00"), unauthorized, unauthorized, unauthorized, unauthorized))
			}, http.StatusServiceUnavailable,
			"not ready\nschedule office: none of 4 agents was observed at 2026-11-23T09:00:00Z, 4 are unauthorized: write fresh GUIDs into guids.file, and see that gateway.auth_mode is the gateway's AUTHMODE\n",
		},
		"a round was late and counts no more": {
			func(r *recorder) {
				r.Finished(r.tick(at("09:00:00"), observed, observed, observed, observed))
				r.Finished(r.tick(at("08:59:50"), unreachable, unreachable, unreachable, unreachable))
			}, http.StatusOK,
			"ready\nrecording: office\nschedule office: 4 of 4 agents observed at 2026-11-23T09:00:00Z, next due at 2026-11-23T09:00:10Z\n",
		},
		"a round without agents": {
			func(r *recorder) { r.Finished(r.tick(at("09:00:00"))) }, http.StatusOK,
			"ready\nrecording: office\nschedule office: 0 of 0 agents observed at 2026-11-23T09:00:00Z, next due at 2026-11-23T09:00:10Z\n",
		},
		"the last due instant was missed": {
			func(r *recorder) {
				r.Finished(r.tick(at("08:59:50"), observed, observed, observed, observed))
				r.Missed("office", 1, at("09:00:00"))
			}, http.StatusServiceUnavailable,
			"not ready\nschedule office: its due instant 2026-11-23T09:00:00Z was missed: see the log for why; a round that outlasts its period needs a longer one, or more gateway.concurrency\n",
		},
		"an earlier one was missed": {
			func(r *recorder) {
				r.Missed("office", 3, at("08:59:50"))
				r.Finished(r.tick(at("09:00:00"), observed, observed, observed, observed))
			}, http.StatusOK,
			"ready\nrecording: office\nschedule office: 4 of 4 agents observed at 2026-11-23T09:00:00Z, next due at 2026-11-23T09:00:10Z\n",
		},
		"the database is away": {
			func(r *recorder) {
				r.clock.set(at("09:00:01"))
				r.Ask(t.Context(), database{err: errGone})
				r.clock.set(at("09:00:05"))
				r.Ask(t.Context(), database{err: errGone})
			}, http.StatusServiceUnavailable,
			"not ready\nthe database has not answered since 2026-11-23T09:00:01Z: cannot connect: dial tcp 127.0.0.1:5432: connect: connection refused: bring Postgres back; rounds wait in memory meanwhile\n",
		},
		"the database is away and the spool takes the rounds": {
			func(r *recorder) {
				r.withSpool(ingest.PollCounts{Due: 12, Stored: 4, Spooled: 8}, ingest.SpoolSize{Rounds: 2, Bytes: 250})
				r.Ask(t.Context(), database{err: errGone})
			}, http.StatusOK,
			"ready\nrecording: office\nthe database has not answered since 2026-11-23T09:00:05Z: cannot connect: dial tcp 127.0.0.1:5432: connect: connection refused: bring Postgres back; 2 rounds wait in the spool, which is 25 % full\n" +
				"schedule office: next due at 2026-11-23T09:00:10Z\n",
		},
		"polls were lost": {
			func(r *recorder) {
				r.withSpool(ingest.PollCounts{Due: 12, Stored: 4, Refused: 8}, ingest.SpoolSize{})
				r.Ask(t.Context(), database{})
			}, http.StatusServiceUnavailable,
			"not ready\n8 polls were lost by 2026-11-23T09:00:05Z, neither database nor spool took them: bring Postgres back, make room in data_dir, or raise spool.max_bytes or spool.max_age\n",
		},
		"polls were lost a while ago": {
			func(r *recorder) {
				r.withSpool(ingest.PollCounts{Due: 12, Stored: 4, Refused: 8}, ingest.SpoolSize{})
				r.clock.set(at("08:58:00"))
				r.Ask(t.Context(), database{})
				r.clock.set(at("09:00:05"))
				r.Ask(t.Context(), database{})
			}, http.StatusOK,
			"ready\nrecording: office\nschedule office: next due at 2026-11-23T09:00:10Z\n",
		},
		"the database is back": {
			func(r *recorder) {
				r.Ask(t.Context(), database{err: errGone})
				r.Ask(t.Context(), database{})
			}, http.StatusOK,
			"ready\nrecording: office\nschedule office: next due at 2026-11-23T09:00:10Z\n",
		},
		"the clock was set back": {
			func(r *recorder) {
				r.steps = ingest.StepCounts{Back: 1, Last: -time.Hour, LastAt: at("09:00:00"), ResumesAt: at("10:00:00")}
			}, http.StatusServiceUnavailable,
			"not ready\nthe clock was set back at 2026-11-23T09:00:00Z: what it shows again is recorded already, and recording goes on at 2026-11-23T10:00:00Z; have a time server set the clock, or set it right\n",
		},
		"the clock was set back a little": {
			func(r *recorder) {
				r.steps = ingest.StepCounts{Back: 1, Last: -10 * time.Second, LastAt: at("09:00:00"), ResumesAt: at("09:00:10")}
			}, http.StatusOK,
			"ready\nrecording: office\nschedule office: next due at 2026-11-23T09:00:10Z\n",
		},
		"the clock was set back long ago": {
			func(r *recorder) {
				r.steps = ingest.StepCounts{Back: 1, Last: -time.Hour, LastAt: at("07:00:00"), ResumesAt: at("08:00:00")}
			}, http.StatusOK,
			"ready\nrecording: office\nschedule office: next due at 2026-11-23T09:00:10Z\n",
		},
		"no GUIDs": {
			func(r *recorder) { r.guids = ccgateway.GUIDs{} }, http.StatusServiceUnavailable,
			"not ready\nno GUID is held: write the agents' GUIDs into guids.file, it is read within seconds\n",
		},
		"old GUIDs": {
			func(r *recorder) { r.guids.Expired = 4 }, http.StatusServiceUnavailable,
			"not ready\nall 4 GUIDs are older than 120 s, the latest is of 2026-11-23T08:59:30Z: AUTHMODE 2 needs guids.file written anew each minute; see what writes it\n",
		},
		"some old GUIDs": {
			func(r *recorder) { r.guids.Expired = 3 }, http.StatusOK,
			"ready\nrecording: office\nschedule office: next due at 2026-11-23T09:00:10Z\n",
		},
		"the loop stands still": {
			func(r *recorder) { r.clock.set(at("09:00:35.001")) }, http.StatusServiceUnavailable,
			"not ready\nthe recording loop stands still, it was due at 2026-11-23T09:00:05Z: keep the log and restart the recorder\n",
		},
		"everything at once": {
			func(r *recorder) {
				r.Finished(r.tick(at("09:00:00"), ingest.Skipped))
				r.Ask(t.Context(), database{err: errors.New("a\nb")})
				r.guids = ccgateway.GUIDs{}
			}, http.StatusServiceUnavailable,
			"not ready\nthe database has not answered since 2026-11-23T09:00:05Z: a b: bring Postgres back; rounds wait in memory meanwhile\n" +
				"no GUID is held: write the agents' GUIDs into guids.file, it is read within seconds\n" +
				"schedule office: none of 1 agents was observed at 2026-11-23T09:00:00Z, 1 are skipped: the gateway answers too slowly for the period: see its load, gateway.concurrency and gateway.max_rate\n",
		},
	} {
		t.Run(name, func(t *testing.T) {
			r := newRecorder(t)
			test.happens(r)
			if status, body := r.get("/readyz"); status != test.status || body != test.want {
				t.Errorf("answered %d\n%swant %d\n%s", status, body, test.status, test.want)
			}
		})
	}
}
