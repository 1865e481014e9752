package ccgateway

import (
	"context"
	"time"

	"github.com/cenkalti/backoff/v5"
	"golang.org/x/time/rate"

	"talktime/ingest"
)

// maxAttempts bounds the requests of one poll, so that a gateway in trouble
// gets four times its load at worst.
const maxAttempts = 4

// The pauses between the attempts of one poll: about 0.2, 0.4 and 0.8 s, half
// of each by chance, so that agents who failed together do not return together.
// After "repeated call" they are four times as long.
const (
	firstPause       = 200 * time.Millisecond
	maxPause         = 2 * time.Second
	repeatedCallRest = 4
)

// burst is the time whose requests may leave together under max_rate: to wake
// for every single one would cost more than the request.
const burst = 50 * time.Millisecond

// pace holds requests back: at most so many per second, so many at once.
type pace struct {
	clock ingest.Clock
	slots chan struct{}
	limit *rate.Limiter // nil: none
}

func newPace(cfg Config, clock ingest.Clock) *pace {
	p := &pace{clock: clock, slots: make(chan struct{}, cfg.Concurrency)}
	if cfg.MaxRate > 0 {
		p.limit = rate.NewLimiter(rate.Limit(cfg.MaxRate), max(1, int(cfg.MaxRate*burst.Seconds())))
	}
	return p
}

// take waits until a request may leave, or returns the context's error. After
// nil the caller must give back.
func (p *pace) take(ctx context.Context) error {
	if p.limit != nil {
		now := p.clock.Now()
		reserved := p.limit.ReserveN(now, 1)
		if wait := reserved.DelayFrom(now); wait > 0 {
			if err := p.clock.SleepUntil(ctx, now.Add(wait)); err != nil {
				reserved.CancelAt(p.clock.Now())
				return err
			}
		}
	}
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *pace) giveBack() { <-p.slots }

// pauses gives the lengths of one poll's pauses.
type pauses struct{ next backoff.ExponentialBackOff }

func newPauses() *pauses {
	return &pauses{backoff.ExponentialBackOff{
		InitialInterval:     firstPause,
		RandomizationFactor: 0.5,
		Multiplier:          2,
		MaxInterval:         maxPause,
	}}
}

// after is the length of the pause that follows an attempt answered with
// retcode.
func (p *pauses) after(retcode string) time.Duration {
	pause := p.next.NextBackOff()
	if retcode == retcodeRepeatedCall {
		pause *= repeatedCallRest
	}
	return pause
}
