package operations

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"talktime/ingest"
)

// namespace begins every name of a metric of ours.
const namespace = "talktime"

// Labels. None is called job or instance: Prometheus sets those itself, and
// would rename ours.
const (
	labelSchedule  = "schedule"
	labelStatus    = "status"
	labelOutcome   = "outcome"
	labelName      = "name" // of a job
	labelTable     = "table"
	labelDirection = "direction"
)

// roundBuckets reach from a round of a few agents nearby to the longest: a round
// is spread over at most a minute, and cut at its period's end.
var roundBuckets = []float64{0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120}

// lagBuckets reach from a round stored at once to one that waited an hour.
var lagBuckets = []float64{0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 5, 30, 300, 3600}

// counters are the metrics that only events move.
type counters struct {
	polls       *prometheus.CounterVec
	ticks       *prometheus.CounterVec
	foundMissed prometheus.Counter
	rounds      *prometheus.HistogramVec
	storingLag  prometheus.Histogram
	jobFailures *prometheus.CounterVec
}

func newCounters() counters {
	c := counters{
		polls: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "polls_total",
			Help: "Polls that are over, by outcome; each counts once, with its last attempt.",
		}, []string{labelOutcome}),
		ticks: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "ticks_total",
			Help: "Due instants of a schedule while this recorder ran: taken when the round's polls are over, missed when there was no round or it was given up.",
		}, []string{labelSchedule, labelStatus}),
		foundMissed: prometheus.NewCounter(prometheus.CounterOpts{
			Namespace: namespace, Name: "ticks_without_recorder_total",
			Help: "Due instants from before this recorder's start that no recorder took; they are stored as missed.",
		}),
		rounds: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Namespace: namespace, Name: "round_duration_seconds", Buckets: roundBuckets,
			Help: "From a round's first poll to the end of its last one.",
		}, []string{labelSchedule}),
		storingLag: prometheus.NewHistogram(prometheus.HistogramOpts{
			Namespace: namespace, Name: "storing_lag_seconds", Buckets: lagBuckets,
			Help: "From the end of a round's last poll to its being stored in the database.",
		}),
		jobFailures: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "job_failures_total",
			Help: "Runs of a job that failed.",
		}, []string{labelName}),
	}
	// What has not happened yet is 0, so that a first failure is an increase.
	for _, o := range ingest.Outcomes() {
		c.polls.WithLabelValues(o.String())
	}
	return c
}

func (c counters) all() []prometheus.Collector {
	return []prometheus.Collector{c.polls, c.ticks, c.foundMissed, c.rounds, c.storingLag, c.jobFailures}
}

// beginSchedule shows a schedule of which nothing has been heard yet.
func (c counters) beginSchedule(name string) {
	c.ticks.WithLabelValues(name, ingest.Taken.String())
	c.ticks.WithLabelValues(name, ingest.Missed.String())
	c.rounds.WithLabelValues(name)
}

// beginJob shows a job that has not run yet.
func (c counters) beginJob(name string) { c.jobFailures.WithLabelValues(name) }

func (c counters) finished(tick ingest.Tick) {
	for _, o := range ingest.Outcomes() {
		c.polls.WithLabelValues(o.String()).Add(float64(tick.Polls[o]))
	}
	c.ticks.WithLabelValues(tick.Schedule, ingest.Taken.String()).Inc()
	c.rounds.WithLabelValues(tick.Schedule).Observe(seconds(tick.FinishedAt.Sub(tick.StartedAt)))
}

func (c counters) stored(tick ingest.Tick, now time.Time) {
	c.storingLag.Observe(seconds(now.Sub(tick.FinishedAt)))
}

func (c counters) missed(schedule string, ticks int) {
	c.ticks.WithLabelValues(schedule, ingest.Missed.String()).Add(float64(ticks))
}

func (c counters) jobRan(run ingest.JobRun) {
	if run.Err != nil {
		c.jobFailures.WithLabelValues(run.Name).Inc()
	}
}

// seconds is a length of time as metrics have it; a clock that was set back
// makes it 0.
func seconds(d time.Duration) float64 { return max(0, d.Seconds()) }

// timestamp is an instant as metrics have it: Unix time in seconds.
func timestamp(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
