package store_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// lockWaits watches how long the busy ones wait for locks, until stop, which returns
// the longest.
func (d database) lockWaits(t testing.TB) (stop func() time.Duration) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), d.url)
	if err != nil {
		t.Fatal(err)
	}
	stopping, longest := make(chan struct{}), make(chan time.Duration)
	go func() {
		defer func() { _ = conn.Close(context.WithoutCancel(t.Context())) }()
		var most float64
		for {
			var ms float64
			err := conn.QueryRow(t.Context(), `SELECT coalesce(max(extract(epoch FROM clock_timestamp() - l.waitstart)) * 1000, 0)::float8
				FROM pg_locks AS l JOIN pg_stat_activity AS a ON a.pid = l.pid WHERE NOT l.granted AND a.application_name = 'busy'`).Scan(&ms)
			if err != nil {
				t.Error(err)
			}
			most = max(most, ms)
			select {
			case <-stopping:
				longest <- time.Duration(most * float64(time.Millisecond))
				return
			default:
			}
		}
	}()
	return func() time.Duration {
		close(stopping)
		return <-longest
	}
}

// How long a round or a look waits for a lock at most while tables are maintained
// under a long report: the bar is 50 ms. How long they take then, and how long
// without, is for a machine that does nothing else.
func BenchmarkMaintenanceWaits(b *testing.B) {
	const bar = 50 * time.Millisecond
	var waits, beside, alone []float64
	for b.Loop() {
		d := newDatabase(b)
		d.tenDays(b)
		load := d.keepBusy(b, "0")
		load.await()
		began, watched := time.Now(), d.lockWaits(b)
		d.maintainUnderReport(b)
		took := time.Since(began)
		waits = append(waits, watched().Seconds())
		beside = append(beside, load.end(b).Seconds())
		load = d.keepBusy(b, "0")
		load.await()
		<-time.After(took)
		alone = append(alone, load.end(b).Seconds())
	}
	for name, values := range map[string][]float64{"wait-ms": waits, "longest-ms": beside, "longest-alone-ms": alone} {
		slices.Sort(values)
		b.ReportMetric(values[len(values)/2]*1e3, name)
	}
	b.ReportMetric(bar.Seconds()*1e3, "bar-wait-ms")
}
