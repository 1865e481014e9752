package operations

import (
	"strconv"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// described describes a metric that is read when somebody asks.
func described(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

// The gauges. What is not known is left out, not shown as 0. An age is shown as
// the instant it counts from: time() minus it, in Prometheus.
var (
	gaugeReady   = described("ready", "1 while /readyz answers 200: the recorder records, or is standby and can take over.")
	gaugeHolds   = described("lease_held", "1 while this recorder holds the lease: one of a pair does.")
	gaugeEpoch   = described("lease_epoch", "Epoch of the lease this recorder holds or last held; absent where it never did.")
	gaugeHorizon = described("horizon_timestamp_seconds",
		"Instant before which every due tick is stored, as this process's last derive found it: figures are complete up to there.")
	gaugeDeriveLag = described("derive_lag_seconds",
		"How far what is derived lies behind the horizon.")
	gaugeJobSuccess = described("job_last_success_timestamp_seconds",
		"When the job's last run that went well ended, in this process or as the database has it.", labelName)
	gaugeJobTook = described("job_last_duration_seconds",
		"How long the job's last run in this process took.", labelName)

	gaugeDatabaseUp = described("database_up",
		"1 if the database answered when it was last asked, some seconds ago.")
	gaugeDatabaseRead = described("database_last_read_timestamp_seconds",
		"When the database last answered. What comes from it is as old as that.")
	gaugeDirty = described("derive_dirty_marks",
		"Marks of stored samples that are not derived yet, or lie past the horizon.")
	gaugePartitions = described("partitions_ahead_seconds",
		"How long the partitions made ahead last from now on. At 0 a table takes no more rows until one is made.", labelTable)
	gaugePartitionCount = described("partitions_ahead",
		"How many partitions of the table are made ahead of the one in use, without a gap.", labelTable)

	gaugeExportSuccess = described("export_last_success_timestamp_seconds",
		"When the export last delivered a period.", labelName)
	gaugeExportFailed = described("export_failed_periods",
		"Periods of the export whose last attempt failed; talktime export list says why and what to do.", labelName)

	gaugeLastTickTaken = described("schedule_last_tick_timestamp_seconds", "Due instant of the schedule's last taken tick.", labelSchedule)
)

// register fills the registry.
func (b *Board) register(build Build) {
	info := prometheus.NewGauge(prometheus.GaugeOpts{
		Namespace: namespace, Name: "build_info",
		Help: "1; the labels say which program this is and which schema it works with.",
		ConstLabels: prometheus.Labels{
			"version": build.Version, "revision": build.Revision, "schema": strconv.FormatInt(build.Schema, 10),
		},
	})
	info.Set(1)
	b.registry.MustRegister(
		collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		info, gauges{b})
	b.registry.MustRegister(b.counters.all()...)
}

// gauges reads the board for one scrape.
type gauges struct{ board *Board }

// Describe sends nothing: which gauges there are depends on what is known.
func (gauges) Describe(chan<- *prometheus.Desc) {}

// Collect reads what the recorder answers, then what the board knows, each of one
// instant.
func (g gauges) Collect(out chan<- prometheus.Metric) {
	b := g.board
	send := func(desc *prometheus.Desc, value float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
	}
	at := func(desc *prometheus.Desc, t time.Time, labels ...string) {
		if !t.IsZero() {
			send(desc, timestamp(t), labels...)
		}
	}
	now := b.clock.Now()
	b.ask().collect(now, out)
	send(gaugeReady, zeroOrOne(b.readiness().isReady()))

	b.mu.Lock()
	defer b.mu.Unlock()
	send(gaugeHolds, zeroOrOne(b.holds))
	if b.epoch > 0 {
		send(gaugeEpoch, float64(b.epoch))
	}
	derived := later(b.derived, b.database.last.DerivedTo)
	at(gaugeHorizon, b.horizon)
	if !b.horizon.IsZero() {
		lag := time.Duration(0)
		if !derived.IsZero() {
			lag = b.horizon.Sub(derived)
		}
		send(gaugeDeriveLag, seconds(lag))
	}
	for name, job := range b.jobs {
		at(gaugeJobSuccess, later(job.lastSuccess, b.database.last.JobSuccess[name]), name)
		if job.lastTook > 0 {
			send(gaugeJobTook, seconds(job.lastTook), name)
		}
	}
	for name, s := range b.schedules {
		at(gaugeLastTickTaken, s.last.DueAt, name)
	}

	if !b.database.asked.IsZero() {
		send(gaugeDatabaseUp, zeroOrOne(b.database.err == nil))
	}
	if at(gaugeDatabaseRead, b.database.answered); !b.database.answered.IsZero() {
		send(gaugeDirty, float64(b.database.last.DirtyMarks))
		for table, until := range b.database.last.PartitionsUntil {
			send(gaugePartitions, seconds(until.Sub(now)), table)
		}
		for table, ahead := range b.database.last.PartitionsAhead {
			send(gaugePartitionCount, float64(ahead), table)
		}
		for _, e := range b.database.last.Exports {
			at(gaugeExportSuccess, e.DeliveredAt, e.Name)
			send(gaugeExportFailed, float64(e.Failed), e.Name)
		}
	}
}

func zeroOrOne(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
