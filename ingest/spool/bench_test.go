package spool_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/ingest/spool"
)

// BenchmarkAppend spools a round of 60,000 samples on a real disk, and beside it
// writes and syncs the same bytes to a plain file: ms/append, ms/write and their
// ratio.
func BenchmarkAppend(b *testing.B) {
	dir := b.TempDir()
	s := folderAt(b, filepath.Join(dir, "spool")).open()
	defer closed(b, s)
	round := roundAt(0, 60_000)
	plain, err := os.Create(filepath.Join(dir, "plain"))
	if err != nil {
		b.Fatal(err)
	}
	defer plain.Close()
	bytes := spool.Encode(round)

	var spooled, written time.Duration
	for b.Loop() {
		began := time.Now()
		mustAppend(b, s, round)
		spooled += time.Since(began)

		began = time.Now()
		if _, err := plain.Write(bytes); err != nil {
			b.Fatal(err)
		}
		if err := plain.Sync(); err != nil {
			b.Fatal(err)
		}
		written += time.Since(began)
		if err := s.Remove(); err != nil {
			b.Fatal(err)
		}
	}
	perRound := func(d time.Duration) float64 { return d.Seconds() * 1000 / float64(b.N) }
	b.ReportMetric(perRound(spooled), "ms/append")
	b.ReportMetric(perRound(written), "ms/write")
	b.ReportMetric(spooled.Seconds()/written.Seconds(), "times")
	b.ReportMetric(float64(len(bytes))/60_000, "bytes/sample")
}

// BenchmarkReplay reads and removes rounds of 60,000 samples as replaying does.
func BenchmarkReplay(b *testing.B) {
	s := folderAt(b, filepath.Join(b.TempDir(), "spool")).open()
	defer closed(b, s)
	round := roundAt(0, 60_000)
	for b.Loop() {
		b.StopTimer()
		mustAppend(b, s, round)
		b.StartTimer()
		var e ingest.Entry
		var err error
		if e, _, err = s.Oldest(); err != nil || len(e.Samples) != 60_000 {
			b.Fatal(err)
		}
		if err := s.Remove(); err != nil {
			b.Fatal(err)
		}
	}
}
