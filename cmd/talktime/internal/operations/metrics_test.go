package operations_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"talktime/cmd/talktime/internal/operations"
	"talktime/ingest"
	"talktime/ingest/ccgateway"
	"talktime/sql/store"
)

// value returns the sample of a metric with its labels as they are printed,
// such as `talktime_polls_total{outcome="observed"}`; false where there is none.
func value(metrics, series string) (string, bool) {
	for line := range strings.Lines(metrics) {
		if rest, found := strings.CutPrefix(line, series+" "); found {
			return strings.TrimSpace(rest), true
		}
	}
	return "", false
}

func (r *recorder) expectMetrics(want map[string]string) {
	r.t.Helper()
	_, metrics := r.get("/metrics")
	for series, want := range want {
		if got, found := value(metrics, series); got != want {
			r.t.Errorf("%s is %q (there: %t), want %q", series, got, found, want)
		}
	}
}

func TestMetricsFollowEvents(t *testing.T) {
	r := newRecorder(t)
	r.expectMetrics(map[string]string{
		"talktime_ready": "1", `talktime_agents_due{schedule="office"}`: "4",
		"talktime_guids_held": "4", "talktime_guids_missing": "0",
		`talktime_polls_total{outcome="unreachable"}`:                "0",
		`talktime_ticks_total{schedule="office",status="missed"}`:    "0",
		`talktime_job_failures_total{name="derive"}`:                 "0",
		`talktime_build_info{revision="",schema="8",version="v1"}`:   "1",
		`talktime_round_duration_seconds_count{schedule="office"}`:   "0",
		`talktime_horizon_timestamp_seconds`:                         "", // not known yet
		`talktime_database_up`:                                       "",
		`talktime_job_last_success_timestamp_seconds{name="derive"}`: "",
		`talktime_partitions_ahead_seconds{table="samples"}`:         "",
		`talktime_ticks_without_recorder_total`:                      "0",
		`talktime_guids_oldest_timestamp_seconds`:                    "1.79542434e+09",
		`talktime_guids_newest_timestamp_seconds`:                    "1.79542437e+09",
		`talktime_storing_lag_seconds_bucket{le="+Inf"}`:             "0",
	})

	tick := r.tick(at("09:00:00"), ingest.Observed, ingest.Observed, ingest.NotSignedIn, ingest.Unreachable)
	r.Finished(tick)
	r.clock.set(at("09:00:05.5"))
	r.Stored(tick)
	r.Missed("office", 3, at("08:59:50"))
	r.FoundMissed(17)
	r.Settled(at("09:00:00"))
	r.Derived(at("08:45:00"))
	ledger := r.Ledger(ledgerOf{})
	for _, run := range []ingest.JobRun{
		{Name: "derive", StartedAt: at("08:59:00"), FinishedAt: at("08:59:02")},
		{Name: "derive", StartedAt: at("09:00:00"), FinishedAt: at("09:00:05"), Err: errors.New("the disk is full")},
	} {
		if err := ledger.JobRan(t.Context(), run); err == nil || err.Error() != "the ledger is away" {
			t.Errorf("the ledger's own answer is lost: %v", err)
		}
	}
	r.expectMetrics(map[string]string{
		`talktime_polls_total{outcome="observed"}`:                         "2",
		`talktime_polls_total{outcome="not_signed_in"}`:                    "1",
		`talktime_polls_total{outcome="unreachable"}`:                      "1",
		`talktime_ticks_total{schedule="office",status="taken"}`:           "1",
		`talktime_ticks_total{schedule="office",status="missed"}`:          "3",
		`talktime_ticks_without_recorder_total`:                            "17",
		`talktime_round_duration_seconds_sum{schedule="office"}`:           "1.5",
		`talktime_storing_lag_seconds_sum`:                                 "4",
		`talktime_schedule_last_tick_timestamp_seconds{schedule="office"}`: "1.7954244e+09",
		`talktime_horizon_timestamp_seconds`:                               "1.7954244e+09",
		`talktime_derive_lag_seconds`:                                      "900",
		`talktime_job_failures_total{name="derive"}`:                       "1",
		`talktime_job_last_duration_seconds{name="derive"}`:                "5",
		`talktime_job_last_success_timestamp_seconds{name="derive"}`:       "1.795424342e+09",
		`talktime_job_last_success_timestamp_seconds{name="maintain"}`:     "",
	})
	// Another process may have done it later, and derived further.
	r.Ask(t.Context(), database{condition: store.Condition{
		DerivedTo: at("08:55:00"), DirtyMarks: 42,
		JobSuccess:      map[string]time.Time{"derive": at("08:58:00"), "maintain": at("00:07:01")},
		PartitionsUntil: map[string]time.Time{"samples": at("09:00:05.5").Add(48 * time.Hour), "segments": at("09:00:05.5")},
		PartitionsAhead: map[string]int{"samples": 2, "segments": 0},
		Exports:         []store.ExportHealth{{Name: "daily", DeliveredAt: at("00:07:01"), Failed: 2}, {Name: "new"}},
	}})
	r.expectMetrics(map[string]string{
		`talktime_database_up`:                                         "1",
		`talktime_derive_lag_seconds`:                                  "300",
		`talktime_derive_dirty_marks`:                                  "42",
		`talktime_job_last_success_timestamp_seconds{name="derive"}`:   "1.795424342e+09",
		`talktime_job_last_success_timestamp_seconds{name="maintain"}`: "1.795392421e+09",
		`talktime_partitions_ahead_seconds{table="samples"}`:           "172800",
		`talktime_partitions_ahead_seconds{table="segments"}`:          "0",
		`talktime_partitions_ahead{table="samples"}`:                   "2",
		`talktime_partitions_ahead{table="segments"}`:                  "0",
		`talktime_export_last_success_timestamp_seconds{name="daily"}`: "1.795392421e+09",
		`talktime_export_last_success_timestamp_seconds{name="new"}`:   "",
		`talktime_export_failed_periods{name="daily"}`:                 "2",
		`talktime_export_failed_periods{name="new"}`:                   "0",
		`talktime_ready`: "1",
	})
	// What it said last stays while it is away.
	r.clock.set(at("09:00:15.5"))
	r.Ask(t.Context(), database{err: errGone})
	r.expectMetrics(map[string]string{
		`talktime_database_up`:                                "0",
		`talktime_database_last_read_timestamp_seconds`:       "1.7954244055e+09",
		`talktime_derive_dirty_marks`:                         "42",
		`talktime_partitions_ahead_seconds{table="samples"}`:  "172790",
		`talktime_partitions_ahead_seconds{table="segments"}`: "0",
		`talktime_ready`:                                      "0",
	})

	_, metrics := r.get("/metrics")
	problems, err := promlint.New(strings.NewReader(metrics)).Lint()
	if err != nil || len(problems) > 0 {
		t.Errorf("against the conventions: %v, %v", problems, err)
	}
}

func TestMetricsOfTheGateway(t *testing.T) {
	r := newRecorder(t)
	r.Watch(operations.Recorder{Gateway: func() ccgateway.Counts {
		return ccgateway.Counts{Requests: 7, HeldBack: 5, Down: true, Openings: 2, ClockSkew: -1500 * time.Millisecond, ClockSkews: 3}
	}})
	r.expectMetrics(map[string]string{
		"talktime_gateway_requests_total":           "7",
		"talktime_gateway_requests_held_back_total": "5",
		"talktime_gateway_down":                     "1",
		"talktime_gateway_outages_total":            "2",
		"talktime_gateway_clock_skew_seconds":       "-1.5",
		"talktime_gateway_clock_skews_total":        "3",
	})
}

func TestMetricsOfTheSpool(t *testing.T) {
	r := newRecorder(t)
	r.withSpool(ingest.PollCounts{Due: 12, Stored: 4, Spooled: 5, Refused: 3}, ingest.SpoolSize{Rounds: 2, Bytes: 250, Oldest: at("09:00:00")})
	r.expectMetrics(map[string]string{
		"talktime_polls_due_total":     "12",
		"talktime_polls_stored_total":  "4",
		"talktime_polls_spooled":       "5",
		"talktime_polls_refused_total": "3",
		"talktime_spool_bytes":         "250",
		"talktime_spool_limit_bytes":   "1000",
		"talktime_spool_rounds":        "2",
		"talktime_spool_age_seconds":   "5",
	})
	r.withSpool(ingest.PollCounts{}, ingest.SpoolSize{})
	r.expectMetrics(map[string]string{"talktime_spool_bytes": "0", "talktime_spool_age_seconds": "0"})
}

func TestMetricsOfTheLease(t *testing.T) {
	r := newRecorder(t)
	r.expectMetrics(map[string]string{"talktime_lease_held": "0", "talktime_lease_epoch": ""})
	r.Reigns(7, true)
	r.expectMetrics(map[string]string{"talktime_lease_held": "1", "talktime_lease_epoch": "7"})
	r.Reigns(7, false)
	r.expectMetrics(map[string]string{"talktime_lease_held": "0", "talktime_lease_epoch": "7"})
}

func TestMetricsOfTheClock(t *testing.T) {
	r := newRecorder(t)
	r.steps = ingest.StepCounts{Forward: 2, Back: 1, Last: -1500 * time.Millisecond}
	r.expectMetrics(map[string]string{
		`talktime_clock_steps_total{direction="forward"}`: "2",
		`talktime_clock_steps_total{direction="back"}`:    "1",
		"talktime_clock_last_step_seconds":                "-1.5",
	})
}

// ledgerOf is a ledger that is away.
type ledgerOf struct{}

func (ledgerOf) JobRan(context.Context, ingest.JobRun) error {
	return errors.New("the ledger is away")
}

// silent is a database that never answers, and says when it is asked.
type silent chan struct{}

func (s silent) Condition(ctx context.Context, _ time.Time, _ []string) (store.Condition, error) {
	s <- struct{}{}
	<-ctx.Done()
	return store.Condition{}, fmt.Errorf("read: %w", ctx.Err())
}

// A database that hangs makes nobody wait, and is told as away in its time.
func TestScrapesDoNotWaitForTheDatabase(t *testing.T) {
	r := newRecorder(t)
	asked := make(silent)
	ctx, stop := context.WithCancel(t.Context())
	var following sync.WaitGroup
	following.Go(func() { r.Follow(ctx, asked) })
	<-asked
	// It is being asked: what is served now does not wait for the answer.
	r.expectMetrics(map[string]string{"talktime_ready": "1", "talktime_database_up": ""})
	stop()
	following.Wait()
	r.expectMetrics(map[string]string{"talktime_ready": "1", "talktime_database_up": ""})
}

func TestDatabaseThatHangsIsAway(t *testing.T) {
	r := newRecorder(t)
	limited, cancel := context.WithDeadline(t.Context(), time.Now().Add(time.Millisecond))
	defer cancel()
	<-limited.Done()
	r.Ask(t.Context(), database{err: fmt.Errorf("read: %w", limited.Err())})
	if _, body := r.get("/readyz"); !strings.Contains(body, "since 2026-11-23T09:00:05Z: no answer within 3s: bring Postgres back") {
		t.Errorf("/readyz says %s", body)
	}
}

func TestServe(t *testing.T) {
	r := newRecorder(t)
	quiet := slog.New(slog.DiscardHandler)
	server, err := r.Serve("127.0.0.1:0", quiet)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := r.Serve(server.Addr(), quiet); err == nil || !strings.HasSuffix(err.Error(), "address already in use; free that port or give listen.operations another") {
		t.Errorf("the port is taken, and serving says %v", err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for _, test := range []struct {
		method, path string
		status       int
		want         string
	}{
		{"GET", "/", 200, "/readyz"},
		{"GET", "/healthz", 200, "ok"},
		{"HEAD", "/healthz", 200, ""},
		{"GET", "/readyz", 200, "ready"},
		{"GET", "/metrics", 200, "go_goroutines"},
		{"POST", "/healthz", 405, "Method Not Allowed"},
		{"GET", "/debug/pprof/", 404, "404"},
		{"GET", "/healthz/", 404, "404"},
	} {
		request, err := http.NewRequestWithContext(t.Context(), test.method, "http://"+server.Addr()+test.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		reply, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(reply.Body)
		_ = reply.Body.Close()
		if err != nil || reply.StatusCode != test.status || !strings.Contains(string(body), test.want) {
			t.Errorf("%s %s answers %d %s, %v", test.method, test.path, reply.StatusCode, body, err)
		}
	}
	if err := server.Close(); err != nil {
		t.Error(err)
	}
	again, err := r.Serve(server.Addr(), quiet)
	if err != nil {
		t.Fatal("the port is not free after Close:", err)
	}
	if err := again.Close(); err != nil {
		t.Error(err)
	}
}

// Many may ask while everything happens.
func TestBoardIsSafeForConcurrentUse(t *testing.T) {
	r := newRecorder(t)
	var all sync.WaitGroup
	for i := range 4 {
		all.Go(func() {
			for n := range 50 {
				due := at("09:00:00").Add(time.Duration(n) * 10 * time.Second)
				tick := r.tick(due, ingest.Observed)
				r.Finished(tick)
				r.Stored(tick)
				r.Missed("office", 1, due)
				r.Settled(due)
				r.Derived(due)
				r.Enter(operations.Recording, "recording")
				_ = r.Ledger(ledgerOf{}).JobRan(t.Context(), ingest.JobRun{Name: fmt.Sprint("job", i)})
			}
		})
		all.Go(func() {
			for range 20 {
				for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
					if status, body := r.get(path); status == http.StatusInternalServerError {
						t.Errorf("%s: %s", path, body)
					}
				}
			}
		})
	}
	all.Wait()
	r.expectMetrics(map[string]string{
		`talktime_polls_total{outcome="observed"}`:                "200",
		`talktime_ticks_total{schedule="office",status="missed"}`: "200",
	})
}
