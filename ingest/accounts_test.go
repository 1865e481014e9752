package ingest_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"talktime/ingest"
)

// unreliable is a Recorder that fails at random: before it has stored, after it,
// or by taking its time; that refuses some ticks for good, and has others
// superseded.
type unreliable struct {
	mu       sync.Mutex
	random   *rand.Rand
	trouble  int // percent of the calls
	kinds    []string
	sound    bool
	stored   map[key]int // samples
	missed   map[key]bool
	order    []time.Time
	conflict error
}

var errLost = errors.New("connection reset")

// fate is what a tick of a due instant meets however often it is tried.
func fate(due time.Time) error {
	switch due.Second() % 20 {
	case 7:
		return fmt.Errorf("violates a constraint: %w", ingest.ErrRefused)
	case 13:
		return fmt.Errorf("epoch 3 is over: %w", ingest.ErrSuperseded)
	}
	return nil
}

// meet draws what happens before and after a call does its work.
func (u *unreliable) meet(ctx context.Context) (before, after error) {
	u.mu.Lock()
	kind, takes := u.kinds[u.random.IntN(len(u.kinds))], time.Duration(u.random.IntN(4000))*time.Millisecond
	if u.sound || u.random.IntN(100) >= u.trouble {
		kind = ""
	}
	u.mu.Unlock()
	switch kind {
	case "fails":
		return errLost, nil
	case "stores and fails":
		return nil, errLost
	case "takes its time":
		select {
		case <-ctx.Done():
			return ctx.Err(), nil
		case <-time.After(takes):
		}
	}
	return nil, nil
}

func (u *unreliable) Declare(ctx context.Context, _ ingest.Declaration) error {
	before, after := u.meet(ctx)
	return errors.Join(before, after)
}

func (u *unreliable) Record(ctx context.Context, tick ingest.Tick, samples []ingest.Sample) error {
	if err := fate(tick.DueAt); err != nil {
		return err
	}
	before, after := u.meet(ctx)
	if before != nil {
		return before
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	k := key{tick.Schedule, tick.DueAt}
	if _, again := u.stored[k]; !again {
		u.stored[k] = len(samples)
		if n := len(u.order); n > 0 && tick.DueAt.Before(u.order[n-1]) {
			u.conflict = fmt.Errorf("tick %v is stored after that of %v", tick.DueAt, u.order[n-1])
		}
		u.order = append(u.order, tick.DueAt)
	}
	return after
}

func (u *unreliable) RecordMissed(ctx context.Context, ticks []ingest.Tick) error {
	before, after := u.meet(ctx)
	if before == nil {
		u.mu.Lock()
		defer u.mu.Unlock()
		for _, t := range ticks {
			u.missed[key{t.Schedule, t.DueAt}] = true
		}
	}
	return errors.Join(before, after)
}

// shaky is a spool that fails at random.
type shaky struct {
	ingest.Spool
	mu      sync.Mutex
	random  *rand.Rand
	trouble int // percent of the calls
	sound   bool
}

func (s *shaky) fails() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.sound && s.random.IntN(100) < s.trouble {
		return errors.New("no space left on device")
	}
	return nil
}

func (s *shaky) Append(e ingest.Entry) error {
	s.mu.Lock()
	takes := time.Duration(max(0, s.random.IntN(3000)-2000)) * time.Millisecond
	s.mu.Unlock()
	pass(takes)
	if err := s.fails(); err != nil {
		return err
	}
	return s.Spool.Append(e)
}

func (s *shaky) Oldest() (ingest.Entry, bool, error) {
	if err := s.fails(); err != nil {
		return ingest.Entry{}, false, err
	}
	return s.Spool.Oldest()
}

func (s *shaky) Remove() error { return errors.Join(s.Spool.Remove(), s.fails()) }

func (s *shaky) SetAside(reason string) (ingest.SpoolSize, error) {
	if err := s.fails(); err != nil {
		return ingest.SpoolSize{}, err
	}
	return s.Spool.SetAside(reason)
}

// Whatever Recorder and Spool do: at every instant the polls due are those
// stored, spooled and refused, and in the end these are what the Recorder has,
// what the spool holds, and nothing else; what was stored came in order, and
// every round refused at a bound is a missed tick.
func TestAccountsAlwaysBalance(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		seed := rapid.Uint64().Draw(t, "seed")
		recorder := &unreliable{
			random: rand.New(rand.NewPCG(seed, 1)), trouble: rapid.SampledFrom([]int{0, 10, 50, 100}).Draw(t, "recorder's trouble, %"),
			kinds: rapid.SampledFrom([][]string{
				{"fails"}, {"takes its time"}, {"fails", "takes its time"}, {"fails", "stores and fails", "takes its time"},
			}).Draw(t, "recorder's trouble"),
			stored: map[key]int{}, missed: map[key]bool{},
		}
		bound := rapid.SampledFrom([]int{1, 60, 100_000}).Draw(t, "spool's room")
		memory := ingest.NewMemorySpool(bound)
		kept := &shaky{Spool: memory, random: rand.New(rand.NewPCG(seed, 2)), trouble: rapid.SampledFrom([]int{0, 10, 50, 100}).Draw(t, "spool's trouble, %")}
		mends := rapid.Bool().Draw(t, "all is well in the end")
		backlog := rapid.SampledFrom([]int{1, 40, 100_000}).Draw(t, "memory's room")
		left := rapid.IntRange(0, 3).Draw(t, "rounds of an earlier recorder")

		rapid.SyncTest(t, func(t *rapid.T) {
			b := newBench(schedule2(t, "a", "* * * * * *", 10), schedule2(t, "b", "*/3 * * * * *", 5))
			for i := range left {
				early := ingest.Entry{Tick: ingest.Tick{Schedule: "a", DueAt: b.start.Add(time.Duration(i-left) * 20 * time.Second)}, Samples: make([]ingest.Sample, 10)}
				if err := memory.Append(early); err != nil && !errors.Is(err, ingest.ErrSpoolFull) {
					t.Fatal(err)
				}
			}
			found := memory.Size().Polls
			b.Recorder, b.Spool, b.Backlog, b.Accounts = recorder, kept, backlog, new(ingest.Accounts)
			b.Until = b.start.Add(time.Minute)
			recorder.sound = true // for the first declaration
			ctx, stop := context.WithCancel(context.Background())
			b.OnBegin = func() {
				recorder.mu.Lock()
				defer recorder.mu.Unlock()
				recorder.sound = false
			}
			watching := make(chan error, 1)
			go func() { watching <- watch(ctx, b.Accounts) }()
			if mends {
				time.AfterFunc(50*time.Second, func() {
					recorder.mu.Lock()
					recorder.sound = true
					recorder.mu.Unlock()
					kept.mu.Lock()
					kept.sound = true
					kept.mu.Unlock()
				})
			}
			if err := b.Run(ctx); err != nil {
				t.Error(err)
			}
			stop()
			if err := <-watching; err != nil {
				t.Error(err)
			}

			got := b.Accounts.Polls()
			asked := int64(0)
			for _, polls := range b.gateway.asked {
				asked += int64(len(polls))
			}
			stored := int64(0)
			for _, samples := range recorder.stored {
				stored += int64(samples)
			}
			if got.Due != asked+found || got.Spooled != memory.Size().Polls || got.Due != got.Stored+got.Spooled+got.Refused {
				t.Errorf("%+v of %d polls, %d found in the spool and %d there now", got, asked, found, memory.Size().Polls)
			}
			// A call that failed may have stored all the same what is still spooled,
			// or was refused then.
			if isSure := !slices.Contains(recorder.kinds, "stores and fails"); got.Stored > stored || isSure && got.Stored != stored {
				t.Errorf("%d polls count as stored, the Recorder has %d", got.Stored, stored)
			}
			if recorder.conflict != nil {
				t.Error(recorder.conflict)
			}
			if mends && got.Spooled > 0 {
				t.Errorf("%d polls are still spooled though all is well again", got.Spooled)
			}
			if mends {
				for due := range b.Schedules[0].Due(b.start, b.Until) {
					k := key{"a", due}
					if _, taken := recorder.stored[k]; !taken && !recorder.missed[k] && !errors.Is(fate(due), ingest.ErrSuperseded) {
						t.Errorf("tick %v is neither taken nor missed", due.Sub(b.start))
					}
				}
			}
		})
	})
}

// watch reads accounts until ctx ends and returns what never may be.
func watch(ctx context.Context, accounts *ingest.Accounts) error {
	var before ingest.PollCounts
	for ctx.Err() == nil {
		now := accounts.Polls()
		if now.Due != now.Stored+now.Spooled+now.Refused || min(now.Due, now.Stored, now.Spooled, now.Refused) < 0 ||
			now.Due < before.Due || now.Stored < before.Stored || now.Refused < before.Refused {
			return fmt.Errorf("accounts went from %+v to %+v", before, now)
		}
		before = now
		select {
		case <-ctx.Done():
		case <-time.After(37 * time.Millisecond):
		}
	}
	return nil
}

func schedule2(t *rapid.T, name, spec string, agents int) ingest.Schedule {
	first := ingest.AgentID(101)
	if name == "b" {
		first = 1001 // no poll is shared
	}
	set := ingest.NewAgentSetOfRanges(ingest.AgentRange{First: first, Last: first + ingest.AgentID(agents-1)})
	s, err := ingest.NewSchedule(name, spec, "UTC", set, false)
	if err != nil {
		t.Fatal(err)
	}
	return s
}
