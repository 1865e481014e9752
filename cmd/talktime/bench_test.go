package main

import (
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// benchSize returns a size that .ci/bench sets by a variable, such as
// TALKTIME_BENCH_AGENTS, or the given one where a benchmark is run by hand.
func benchSize(b *testing.B, variable string, byHand int) int {
	b.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return byHand
	}
	size, err := strconv.Atoi(text)
	if err != nil || size < 1 {
		b.Fatalf("%s is %q, want a number", variable, text)
	}
	return size
}

// benchEnviron is the environment without .ci/bench's variables, which a command
// would take for settings that it does not know.
func benchEnviron() []string {
	return slices.DeleteFunc(os.Environ(), func(s string) bool { return strings.HasPrefix(s, "TALKTIME_BENCH_") })
}

// compare runs both in turns until the benchmark ends and reports the medians of
// what they cost, in a unit, the medians' ratio ("times") and how far the ratios
// of single turns spread (10th and 90th percentile).
func compare(b *testing.B, unit string, product, baseline func() float64) {
	b.Helper()
	var took, based, times []float64
	for b.Loop() {
		base := baseline()
		mine := product()
		took, based, times = append(took, mine), append(based, base), append(times, mine/base)
	}
	b.ReportMetric(0, "ns/op") // both together, and preparing: says nothing
	b.ReportMetric(quantile(took, 0.5), unit)
	b.ReportMetric(quantile(based, 0.5), "baseline-"+unit)
	b.ReportMetric(quantile(took, 0.5)/quantile(based, 0.5), "times")
	b.ReportMetric(quantile(times, 0.1), "times-p10")
	b.ReportMetric(quantile(times, 0.9), "times-p90")
}

func quantile(of []float64, q float64) float64 {
	slices.Sort(of)
	return of[int(q*float64(len(of)-1)+0.5)]
}
