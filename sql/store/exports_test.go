package store_test

import (
	"bytes"
	"errors"
	"io"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"talktime/ingest"
	"talktime/reports"
	"talktime/sql/store"
)

// edition is an edition of export daily, of a day of the month, as it is
// delivered.
func edition(day, revision int) store.Edition {
	from := time.Date(2026, 11, day, 0, 0, 0, 0, time.UTC)
	coverage := 99.5
	return store.Edition{
		Name: "daily", Span: reports.Span{From: from, To: from.AddDate(0, 0, 1)}, Revision: revision, TimeZone: "UTC",
		DueAt: from.Add(26 * time.Hour), Status: store.Delivered, Reason: "first", Definition: "{}", Destination: "/srv",
		Files: []string{"a.csv", "a.csv.sha256"}, SHA256: "ab", Rows: 3, Bytes: 400, CoveragePct: &coverage, IsFinal: true,
		Basis: store.ExportBasis{DerivationID: 7, RosterSum: "sum"}, Horizon: from.Add(25 * time.Hour), Program: "talktime 1", Manifest: "{}\n",
		Attempts: 1, EnteredAt: from.Add(26 * time.Hour), AttemptedAt: from.Add(27 * time.Hour), DeliveredAt: from.Add(28 * time.Hour),
	}
}

func put(t *testing.T, d database, editions ...store.Edition) {
	t.Helper()
	for i := range editions {
		if err := d.PutExport(t.Context(), &editions[i]); err != nil {
			t.Fatal(err)
		}
	}
}

func TestLedgerOfExports(t *testing.T) {
	d := newDatabase(t)
	waiting := store.Edition{
		Name: "daily", Span: edition(18, 1).Span, Revision: 1, TimeZone: "UTC", DueAt: edition(18, 1).DueAt, Status: store.Waiting,
		Reason: "first", Definition: "{}", Destination: "/srv", EnteredAt: edition(18, 1).EnteredAt,
	}
	other := edition(16, 1)
	other.Name, other.CoveragePct = "weekly", nil
	second := edition(16, 2)
	put(t, d, other, second, waiting, edition(16, 1), edition(17, 1))
	got, err := d.Exports(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}
	waiting.Files, waiting.Basis = []string{}, store.ExportBasis{}
	if diff := cmp.Diff([]store.Edition{edition(16, 1), second, edition(17, 1), waiting, other}, got); diff != "" {
		t.Errorf("the ledger (-want +got):\n%s", diff)
	}

	second.Status, second.Error, second.Attempts = store.Failed, "no room", 2
	put(t, d, second)
	got, err = d.Exports(t.Context(), "daily")
	if err != nil || len(got) != 4 {
		t.Fatalf("%d editions, %v", len(got), err)
	}
	if diff := cmp.Diff(second, got[1]); diff != "" {
		t.Errorf("the edition put again (-want +got):\n%s", diff)
	}
	health, err := d.ExportHealth(t.Context())
	want := []store.ExportHealth{{"daily", edition(17, 1).DeliveredAt, 1}, {"weekly", other.DeliveredAt, 0}}
	if diff := cmp.Diff(want, health); diff != "" || err != nil {
		t.Errorf("health, %v (-want +got):\n%s", err, diff)
	}
	delivered := edition(16, 1)
	for _, e := range []*store.Edition{&second, &delivered} {
		if err := d.DropExport(t.Context(), e); err != nil {
			t.Fatal(err)
		}
	}
	if n := d.count(t, "SELECT count(*) FROM talktime.exports"); n != 4 {
		t.Errorf("%d editions are left; only what was not delivered may be dropped", n)
	}
}

// A copy of any size comes back as it was; of earlier revisions only those stay
// that are still wanted.
func TestCopiesOfExports(t *testing.T) {
	d := newDatabase(t)
	sizes := map[int]int{1: 0, 2: 1 << 20, 3: 5<<20 + 3}
	random := rand.NewChaCha8([32]byte{1})
	for revision := 1; revision <= 3; revision++ {
		e := edition(16, revision)
		rows := make([]byte, sizes[revision])
		_, _ = random.Read(rows)
		for range 2 { // the second time after a kill
			if err := d.BeginExport(t.Context(), &e, bytes.NewReader(rows)); err != nil {
				t.Fatal(err)
			}
		}
		got, err := io.ReadAll(d.ExportCopy(t.Context(), &e))
		if err != nil || !bytes.Equal(got, rows) {
			t.Errorf("revision %d came back with %d of %d bytes, %v", revision, len(got), len(rows), err)
		}
		if err := d.EndExport(t.Context(), &e, revision-1); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]int{2, 3}, all[int](t, d, "SELECT DISTINCT revision FROM talktime.export_copies ORDER BY 1")); diff != "" {
		t.Errorf("copies are of (-want +got):\n%s", diff)
	}
	e, broken := edition(17, 1), errors.New("disk full")
	if err := d.BeginExport(t.Context(), &e, io.MultiReader(bytes.NewReader([]byte("ab")), failingReader{broken})); !errors.Is(err, broken) {
		t.Errorf("a copy that cannot be read: %v", err)
	}
	if n := d.count(t, "SELECT count(*) FROM talktime.exports WHERE from_at = '2026-11-17'"); n != 0 {
		t.Error("an edition without a copy was entered")
	}
}

type failingReader struct{ err error }

func (f failingReader) Read([]byte) (int, error) { return 0, f.err }

func TestOneProgramWorksOnAnExport(t *testing.T) {
	d := newDatabase(t)
	unlock, err := d.LockExport(t.Context(), "daily")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.LockExport(t.Context(), "daily"); !errors.Is(err, store.ErrExportLocked) {
		t.Errorf("a second one is told %v", err)
	}
	other, err := d.LockExport(t.Context(), "weekly")
	if err != nil {
		t.Errorf("another export is locked too: %v", err)
	} else {
		other()
	}
	unlock()
	for { // the server may notice a little later
		unlock, err := d.LockExport(t.Context(), "daily")
		if err == nil {
			unlock()
			return
		}
		if !errors.Is(err, store.ErrExportLocked) {
			t.Fatal(err)
		}
	}
}

// What was delivered may not hold any more where something final was derived
// anew within it or the roster of its time is another one, and nowhere else.
func TestStaleExports(t *testing.T) {
	d := newDatabase(t)
	d.recordRounds(t, at(8, 0, 0), at(8, 10, 0), ingest.NewAgentSet(101), talking)
	d.deriveDirty(t, at(23, 0, 0))
	next := monday.AddDate(0, 0, 1)
	d.deriveDirty(t, next.Add(12*time.Hour))
	basis := func(e *store.Edition) {
		t.Helper()
		s, err := d.Snapshot(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close(t.Context())
		if e.Basis, err = s.ExportBasis(t.Context(), e.From, e.To); err != nil {
			t.Fatal(err)
		}
		if e.Basis.IsOpen {
			t.Errorf("the period from %s is open", e.From)
		}
		put(t, d, *e)
	}
	first, second := edition(16, 1), edition(17, 1)
	basis(&first)
	basis(&second)
	stale := func() string {
		t.Helper()
		var text string
		found, err := d.StaleExports(t.Context(), "daily", true)
		if err != nil {
			t.Fatal(err)
		}
		for _, s := range found {
			text += s.From.Format("02")
			if s.IsRederived {
				text += " rederived"
			}
			if s.HasOtherRoster {
				text += " roster"
			}
			text += ";"
		}
		return text
	}
	expectStale := func(what, want string) {
		t.Helper()
		if got := stale(); got != want {
			t.Errorf("%s: stale are %q, want %q", what, got, want)
		}
	}
	expectStale("as delivered", "")
	if _, err := d.DeriveRange(t.Context(), monday, next, deriving(next.Add(12*time.Hour))); err != nil {
		t.Fatal(err)
	}
	expectStale("derived again with nothing new", "")
	d.recordRounds(t, next.Add(11*time.Hour), next.Add(11*time.Hour+time.Minute), ingest.NewAgentSet(101), idle)
	d.deriveDirty(t, next.Add(13*time.Hour))
	expectStale("a round of the day after", "17 rederived;")
	tick, samples := roundAt(at(8, 10, 0), ingest.NewAgentSet(101), idle)
	d.record(t, tick, samples)
	d.deriveDirty(t, next.Add(13*time.Hour))
	expectStale("a late round", "16 rederived;17 rederived;")
	basis(&first)
	expectStale("delivered again", "17 rederived;")
	basis(&second)

	d.importRoster(t, []reports.Tenure{line(101, "Ann", "Sales", next)}, false)
	expectStale("a name from the day after on", "17 roster;")
	if found, err := d.StaleExports(t.Context(), "daily", false); err != nil || len(found) > 0 {
		t.Errorf("without a look at the roster %v are stale, %v", found, err)
	}
	first.IsFinal = false
	put(t, d, first)
	expectStale("one that was not final", "16;17 roster;")
	later := first
	later.Revision, later.Status = 2, store.Failed
	put(t, d, later)
	expectStale("one that has a next revision", "17 roster;")
}
