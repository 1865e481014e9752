package operations

import (
	"context"
	"errors"
	"fmt"
	"time"

	"talktime/sql/store"
)

// How the database is asked: beside the scrapes, so that none waits for it.
const (
	askEvery = 5 * time.Second
	askLimit = 3 * time.Second
)

// databaseState is what is known of the database.
type databaseState struct {
	last     store.Condition // what it last answered
	answered time.Time       // when; zero before the first time
	asked    time.Time       // when it was last asked; zero before the first time
	err      error           // why it did not answer then; nil if it did
	since    time.Time       // since when it does not answer; zero while it does
}

// Conditions tells the condition of the recorder's database; it is a
// store.Store.
type Conditions interface {
	Condition(ctx context.Context, now time.Time, jobs []string) (store.Condition, error)
}

// lossRemembered is how long a recorder that lost polls counts as not recording:
// by then, where the trouble lasts, it has lost more.
const lossRemembered = 2 * time.Minute

// losses know when polls were last lost.
type losses struct {
	seen int64     // polls refused so far
	more int64     // of them, those of the last time there were more
	at   time.Time // that time
}

func (l *losses) note(refused int64, now time.Time) {
	if refused > l.seen {
		l.more, l.at = refused-l.seen, now
	}
	l.seen = refused
}

// lately tells how many were lost and by when; 0 where that is long ago.
func (l *losses) lately(now time.Time) (polls int64, by time.Time) {
	if l.at.IsZero() || now.Sub(l.at) > lossRemembered {
		return 0, time.Time{}
	}
	return l.more, l.at
}

// Follow asks the database now and then every 5 seconds, for 3 seconds at most,
// until ctx ends.
func (b *Board) Follow(ctx context.Context, c Conditions) {
	again := time.NewTicker(askEvery)
	defer again.Stop()
	for {
		b.Ask(ctx, c)
		select {
		case <-ctx.Done():
			return
		case <-again.C:
		}
	}
}

// Ask asks the database once.
func (b *Board) Ask(ctx context.Context, c Conditions) {
	b.mu.Lock()
	jobs := make([]string, 0, len(b.jobs))
	for name := range b.jobs {
		jobs = append(jobs, name)
	}
	b.mu.Unlock()

	limited, cancel := context.WithTimeout(ctx, askLimit)
	defer cancel()
	condition, err := c.Condition(limited, b.clock.Now(), jobs)
	if ctx.Err() != nil {
		return // nobody is interested any more
	}
	if errors.Is(err, context.DeadlineExceeded) {
		err = fmt.Errorf("no answer within %s", askLimit)
	}

	polls := b.ask().polls
	b.mu.Lock()
	defer b.mu.Unlock()
	if polls != nil {
		b.losses.note(polls.Refused, b.clock.Now())
	}
	d := &b.database
	d.asked, d.err = b.clock.Now(), err
	switch {
	case err == nil:
		d.last, d.answered, d.since = condition, d.asked, time.Time{}
	case d.since.IsZero():
		d.since = d.asked
	}
}
