package store_test

import (
	"slices"
	"testing"
	"time"

	"talktime/sql/store"
)

// Compacting a day at 10 s, in minutes, by an hour of it: its quarter-hours cost the
// same, and are gone through one by one. The two inside the hour are counted for the
// proof of figures: those at its ends have holes, as a recorder's first ones have.
func BenchmarkCompact(b *testing.B) {
	const polls, ofDay = 4 * 90, 96
	agents := benchSize(b, "TALKTIME_BENCH_DAY_AGENTS", 1000)
	d := newDatabase(b)
	f := newFloor(agents)
	day := monday
	var making, proving []float64
	for b.Loop() {
		f.fill(b, d, day.Add(8*time.Hour), day.Add(9*time.Hour))
		d.exec(b, "VACUUM ANALYZE talktime.samples, talktime.ticks")
		d.deriveDirty(b, day.AddDate(0, 0, 2))
		m := d.maintain(b)
		var took []float64 // of each quarter-hour, as runs and then as figures
		last := time.Now()
		c := store.Compacting{Now: day.AddDate(0, 0, 8), After: store.Age{Days: 7}, Settle: 15 * time.Minute}
		c.Progress = func(time.Time, int, int) {
			now := time.Now()
			took, last = append(took, now.Sub(last).Seconds()), now
		}
		told, err := compact(b.Context(), m, c)
		if err != nil || len(told) != 1 || told[0].Polls != int64(agents*polls) {
			b.Fatalf("compacting told %+v, %v", told, err)
		}
		figures := took[ofDay:]
		making = append(making, took[32:36]...)
		proving = append(proving, figures[len(figures)/2-1:len(figures)/2+1]...)
		m.Close(b.Context())
		day = day.AddDate(0, 0, 1)
	}
	minutes := func(of []float64) float64 { return slices.Sorted(slices.Values(of))[len(of)/2] * ofDay / 60 }
	b.ReportMetric(0, "ns/op") // filling is in it
	b.ReportMetric(minutes(making)+minutes(proving), "min/day")
	b.ReportMetric(float64(agents)*144/59_899, "bar-min/day") // a tenth of a day, of a whole centre
	b.ReportMetric(minutes(making), "min-runs")
	b.ReportMetric(minutes(proving), "min-figures")
}
