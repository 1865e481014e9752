package export_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"talktime/ingest"
	"talktime/reports/export"
)

// place is a destination in memory that fails as it is told to.
type place struct {
	files   map[string]string
	calls   []string
	trouble []error // of the calls to come, nil for none
}

func (p *place) String() string { return "the place" }

func (p *place) call(what string) error {
	p.calls = append(p.calls, what)
	if len(p.trouble) == 0 {
		return nil
	}
	err := p.trouble[0]
	p.trouble = p.trouble[1:]
	return err
}

func (p *place) Open(context.Context) (export.Inbox, error) { return p, p.call("open") }

func (p *place) Close() error { return p.call("close") }

func (p *place) Has(_ context.Context, file export.File) (bool, error) {
	if err := p.call("has " + file.Name); err != nil {
		return false, err
	}
	there, ok := p.files[file.Name]
	if !ok {
		return false, nil
	}
	if same, err := file.Matches(strings.NewReader(there)); err != nil || !same {
		return false, errors.Join(err, &export.ConflictError{Destination: "the place", Name: file.Name})
	}
	return true, nil
}

func (p *place) Put(_ context.Context, file export.File) error {
	if err := p.call("put " + file.Name); err != nil {
		return err
	}
	content := make([]byte, file.Size)
	if _, err := file.Content.ReadAt(content, 0); err != nil {
		return err
	}
	p.files[file.Name] = string(content)
	return nil
}

func (p *place) RemovePartials(_ context.Context, names []string) error {
	return p.call(fmt.Sprint("remove partials of ", names))
}

func abc() []export.File {
	return []export.File{export.NewFile("a", []byte("A")), export.NewFile("b", []byte("B")), export.NewFile("c", []byte("C"))}
}

func TestDeliver(t *testing.T) {
	const before = "open, remove partials of [a b c], has a, has b, has c, "
	final := errors.New("no such account")
	passing := fmt.Errorf("send: %w", export.Passing(errors.New("connection reset")))
	six := slices.Repeat([]error{passing}, 6)
	for _, c := range []struct {
		name    string
		files   map[string]string
		trouble []error
		want    export.Outcome
		calls   string
		wrong   string // in the error
	}{
		{
			"first time", nil, nil,
			export.Outcome{Put: []string{"a", "b", "c"}},
			before + "put a, put b, put c, close", "",
		},
		{
			"again",
			map[string]string{"a": "A", "b": "B", "c": "C"},
			nil,
			export.Outcome{Found: []string{"a", "b", "c"}},
			before + "close", "",
		},
		{
			"after a kill",
			map[string]string{"a": "A"},
			nil,
			export.Outcome{Put: []string{"b", "c"}, Found: []string{"a"}},
			before + "put b, put c, close", "",
		},
		{
			"other bytes",
			map[string]string{"b": "b", "c": "c"},
			nil,
			export.Outcome{},
			before + "close",
			"deliver to the place: the place holds another b already; what was delivered is not overwritten: deliver a new revision, or move that file away\nthe place holds another c already",
		},
		{
			"trouble that passes", nil,
			[]error{nil, nil, nil, nil, nil, nil, passing},
			export.Outcome{Put: []string{"a", "b", "c"}},
			before + "put a, put b, close, " + before + "put b, put c, close", "",
		},
		{
			"trouble that stays", nil,
			[]error{final},
			export.Outcome{},
			"open", "deliver to the place: no such account",
		},
		{
			"trouble that does not pass", nil, six,
			export.Outcome{},
			strings.Join(slices.Repeat([]string{"open"}, 6), ", "), "deliver to the place: send: connection reset",
		},
		{
			"cleaning fails", nil,
			[]error{nil, final},
			export.Outcome{},
			"open, remove partials of [a b c], close", "look for unfinished files: no such account",
		},
		{
			"closing fails", nil,
			[]error{nil, nil, nil, nil, nil, nil, nil, nil, final},
			export.Outcome{},
			before + "put a, put b, put c, close", "close: no such account",
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			p := &place{files: c.files, trouble: c.trouble}
			if p.files == nil {
				p.files = make(map[string]string)
			}
			got, err := newCourier().Deliver(t.Context(), p, abc())
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
			if calls := strings.Join(p.calls, ", "); calls != c.calls {
				t.Errorf("it called %s\nwant %s", calls, c.calls)
			}
			if (err == nil) != (c.wrong == "") || err != nil && !strings.Contains(err.Error(), c.wrong) {
				t.Errorf("got %v; want %q in it", err, c.wrong)
			}
		})
	}
}

// Each pause is about twice the one before, each is told, and the end of the
// context ends them.
func TestDeliverPauses(t *testing.T) {
	var log strings.Builder
	clock := ingest.NewSimClock(time.Unix(0, 0))
	courier := export.Courier{Clock: clock, Log: slog.New(slog.NewTextHandler(&log, nil))}
	passing := export.Passing(errors.New("it is raining"))
	if _, err := courier.Deliver(t.Context(), &place{trouble: slices.Repeat([]error{passing}, 6)}, abc()); !errors.Is(err, passing) {
		t.Error(err)
	}
	// 2+4+8+16+32 s, each half to one and a half times that.
	if took := clock.Now().Sub(time.Unix(0, 0)); took < 31*time.Second || took > 93*time.Second {
		t.Errorf("it took %s", took)
	}
	if told := strings.Count(log.String(), "it is raining"); told != export.Attempts-1 || !strings.Contains(log.String(), `destination="the place" attempt=5 of=6`) {
		t.Errorf("%d lines:\n%s", told, &log)
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer clock.Join()() // time stands still: the first pause never ends by itself
	ended := make(chan error)
	go func() {
		_, err := courier.Deliver(ctx, &place{trouble: slices.Repeat([]error{passing}, 6)}, abc())
		ended <- err
	}()
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Error(err)
	}
}

func TestDeliverRefusesNames(t *testing.T) {
	p := &place{}
	_, err := newCourier().Deliver(t.Context(), p, []export.File{export.NewFile("../a", nil)})
	if err == nil || len(p.calls) > 0 {
		t.Error(err, p.calls)
	}
}

// What is in the folder has the sums that sha256sum(1) gives; delivering it again
// changes nothing, and other bytes are refused.
func TestDeliverToFolder(t *testing.T) {
	folder := export.Folder(t.TempDir())
	data := export.NewFile("daily_r1.csv", []byte("agent_id\r\n101\r\n"))
	for _, left := range []string{export.PartialName(data.Name), export.PartialName(export.SumName(data.Name))} {
		if err := os.WriteFile(filepath.Join(string(folder), left), []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	others := export.PartialName("other_r1.csv")
	if err := os.WriteFile(filepath.Join(string(folder), others), []byte("half"), 0o600); err != nil {
		t.Fatal(err)
	}
	files := []export.File{data, data.SumFile()}
	for range 2 {
		if _, err := newCourier().Deliver(t.Context(), folder, files); err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		entries, _ := os.ReadDir(string(folder))
		for _, entry := range entries {
			content, err := os.ReadFile(filepath.Join(string(folder), entry.Name()))
			if err != nil {
				t.Fatal(err)
			}
			got[entry.Name()] = string(content)
		}
		want := map[string]string{
			others:                "half",
			"daily_r1.csv":        "agent_id\r\n101\r\n",
			"daily_r1.csv.sha256": "1fc5f6c6dd177cafe30f61bfea1c750a1e8bd80baacc39adfbc864f108d41907  daily_r1.csv\n",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	}
	elsewhere := filepath.Join(t.TempDir(), "same")
	if err := os.WriteFile(elsewhere, []byte("linked"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(elsewhere, filepath.Join(string(folder), "linked.csv")); err != nil {
		t.Fatal(err)
	}
	for _, other := range []export.File{
		export.NewFile(data.Name, []byte("agent_id\r\n102\r\n")),
		export.NewFile(data.Name, []byte("agent_id\r\n")),
		export.NewFile("linked.csv", []byte("linked")),
	} {
		_, err := newCourier().Deliver(t.Context(), folder, []export.File{other})
		if _, isConflict := errors.AsType[*export.ConflictError](err); !isConflict {
			t.Error(err)
		}
	}
}
