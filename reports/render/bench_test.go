package render_test

import (
	"io"
	"testing"
	"time"

	"talktime/reports"
	"talktime/reports/render"
)

// One agent-quarter-hour after the other for a week, as each format writes it.
func BenchmarkWrite(b *testing.B) {
	r := request(b, "states", "2026-11-16", "2026-11-23", "agent,15m")
	source := day{horizon: time.Date(2026, 11, 30, 0, 0, 0, 0, time.UTC)}
	for name, sink := range map[string]func() reports.Sink{
		"table": func() reports.Sink { return render.NewTable(io.Discard, false) },
		"csv":   func() reports.Sink { return render.NewCSV(io.Discard, machine) },
		"xlsx":  func() reports.Sink { return render.NewXLSX(io.Discard) },
		"json":  func() reports.Sink { return render.NewJSON(io.Discard) },
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				summarize(b, source, r, sink())
			}
			const rows = 6 * 7 * 96
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*rows), "ns/row")
		})
	}
}
