package ccgateway

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// skewLimit is a difference between the clocks that is told.
	skewLimit = 2 * time.Second
	// maxReadingTime is how long a reply may take whose date is believed: the
	// longer it takes, the less it says.
	maxReadingTime = time.Second
)

// skew compares the gateway's clock, as its replies' Date header tells it, with
// ours. It changes nothing: samples are dated by our clock.
type skew struct {
	log     *slog.Logger
	latest  atomic.Int64 // ns the gateway is ahead
	changes atomic.Uint64
	header  atomic.Pointer[dateHeader] // the last one read: it is the same for a second

	mu     sync.Mutex
	told   time.Duration // the skew last told, 0 for none
	warned time.Time     // when it was last told at warn level
}

type dateHeader struct {
	text string
	at   time.Time
}

func newSkew(log *slog.Logger) *skew { return &skew{log: log} }

// see takes note of the date of a reply to a request that was out from sent to
// received, instants of our clock. Without a readable date there is nothing to
// see.
func (s *skew) see(ctx context.Context, date string, sent, received time.Time) {
	at, ok := s.read(date)
	if !ok {
		return
	}
	// The reply was made within [at, at + 1 s) of the gateway's clock and within
	// [sent, received] of ours.
	least, most := at.Sub(received), at.Add(time.Second).Sub(sent)
	if width := most - least - time.Second; width < 0 || width > maxReadingTime { // below 0 our clock was set back
		return
	}
	ahead := max(least, min(most, 0))
	if s.latest.Swap(int64(ahead)) != int64(ahead) {
		s.tell(ctx, ahead, received)
	}
}

func (s *skew) read(date string) (at time.Time, ok bool) {
	if date == "" {
		return at, false
	}
	if h := s.header.Load(); h != nil && h.text == date {
		return h.at, true
	}
	at, err := http.ParseTime(date)
	if err != nil {
		return at, false
	}
	s.header.Store(&dateHeader{date, at})
	return at, true
}

// tell says that the clocks begin to differ, differ in another way or agree
// again: once for each change, and once a minute at most at more than debug
// level, for the nodes of a cluster may have clocks of their own.
func (s *skew) tell(ctx context.Context, ahead time.Duration, now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	isSkewed := ahead.Abs() > skewLimit
	if isSkewed == (s.told != 0) && (!isSkewed || (ahead-s.told).Abs() <= skewLimit) {
		return
	}
	level, text := slog.LevelInfo, "the gateway's clock and ours agree again"
	s.told = 0
	if isSkewed {
		level, text = slog.LevelWarn, "the gateway's clock and ours differ; see that both follow a time server"
		s.told = ahead
		s.changes.Add(1)
	}
	if now.Sub(s.warned).Abs() < warnEvery {
		level = slog.LevelDebug
	} else if isSkewed {
		s.warned = now
	}
	s.log.Log(ctx, level, text, "method", method, "gateway_ahead", ahead.Round(time.Millisecond))
}
