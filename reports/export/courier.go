package export

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"

	"talktime/ingest"
)

// Destination is a place that files are delivered to.
type Destination interface {
	// String names the place for people, without any secret.
	String() string
	// Open reaches it. An error that may pass is a PassingError.
	Open(ctx context.Context) (Inbox, error)
}

// Inbox is a destination while it is open. Its methods are called one at a
// time. An error that may pass is a PassingError, after which the Inbox is
// closed and the destination opened anew.
type Inbox interface {
	// Has reports whether the file stands there under its name, with the same
	// bytes. Other bytes under the name are a ConflictError.
	Has(ctx context.Context, file File) (bool, error)
	// Put makes the file appear under its name, whole and on stable storage, at
	// one instant. When it fails, the name shows the whole file or nothing, and
	// what is unfinished is removed as far as the destination can be reached.
	Put(ctx context.Context, file File) error
	// RemovePartials removes what earlier Puts of files of these names have left
	// unfinished.
	RemovePartials(ctx context.Context, names []string) error
	// Close leaves the destination.
	Close() error
}

// Attempts is how often a delivery is tried at most when trouble may pass: for
// about a minute, and again when the caller delivers again.
const Attempts = 6

// The pauses between attempts are about 2, 4, 8, ... s, half of each by chance.
const (
	firstPause = 2 * time.Second
	maxPause   = time.Minute
)

// cleaningTime is what is left to remove an unfinished file once a delivery is
// called off.
const cleaningTime = 10 * time.Second

// Courier delivers files.
type Courier struct {
	Clock ingest.Clock
	Log   *slog.Logger // is told of every attempt that failed
}

// Outcome is what a delivery has done: the names it put there, and those it
// found there with the same bytes.
type Outcome struct{ Put, Found []string }

// Deliver makes the files appear at the destination, one after the other in
// their order, so the last one says that all are there. It first looks at all of
// them: where one stands there with other bytes, a ConflictError is returned
// before anything is put. Delivering the same files again changes nothing.
// The error is that of the last attempt.
func (c Courier) Deliver(ctx context.Context, to Destination, files []File) (Outcome, error) {
	names := make([]string, len(files))
	for i, file := range files {
		if err := CheckName(file.Name); err != nil {
			return Outcome{}, fmt.Errorf("deliver to %s: %w", to, err)
		}
		names[i] = file.Name
	}
	pauses := backoff.ExponentialBackOff{InitialInterval: firstPause, RandomizationFactor: 0.5, Multiplier: 2, MaxInterval: maxPause}
	var put []string
	for attempt := 1; ; attempt++ {
		found, err := deliverOnce(ctx, to, files, names, &put)
		if err == nil {
			return Outcome{put, found}, nil
		}
		if ctx.Err() != nil {
			return Outcome{}, fmt.Errorf("deliver to %s: %w", to, context.Cause(ctx))
		}
		if !MayPass(err) || attempt == Attempts {
			return Outcome{}, fmt.Errorf("deliver to %s: %w", to, err)
		}
		pause := pauses.NextBackOff()
		c.Log.Warn("delivery failed, trying again", "destination", to.String(), "attempt", attempt, "of", Attempts,
			"pause", pause.Round(100*time.Millisecond), "error", err)
		if err := c.Clock.SleepUntil(ctx, c.Clock.Now().Add(pause)); err != nil {
			return Outcome{}, fmt.Errorf("deliver to %s: %w", to, err)
		}
	}
}

// deliverOnce opens the destination and puts what is not there yet. It adds to
// put what this attempt has put, and returns what earlier deliveries had.
func deliverOnce(ctx context.Context, to Destination, files []File, names []string, put *[]string) (found []string, err error) {
	inbox, err := to.Open(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if closing := inbox.Close(); err == nil && closing != nil {
			err = fmt.Errorf("close: %w", closing)
		}
	}()
	if err := inbox.RemovePartials(ctx, names); err != nil {
		return nil, fmt.Errorf("look for unfinished files: %w", err)
	}
	missing, err := missingFiles(ctx, inbox, files)
	if err != nil {
		return nil, err
	}
	for _, file := range missing {
		if err := inbox.Put(ctx, file); err != nil {
			return nil, fmt.Errorf("put %s: %w", file.Name, err)
		}
		*put = append(*put, file.Name)
	}
	for _, name := range names {
		if !slices.Contains(*put, name) {
			found = append(found, name)
		}
	}
	return found, nil
}

// missingFiles returns the files that are not there, or all conflicts.
func missingFiles(ctx context.Context, inbox Inbox, files []File) ([]File, error) {
	var missing []File
	var conflicts []error
	for _, file := range files {
		isThere, err := inbox.Has(ctx, file)
		_, isConflict := errors.AsType[*ConflictError](err)
		switch {
		case isConflict:
			conflicts = append(conflicts, err)
		case err != nil:
			return nil, fmt.Errorf("look for %s: %w", file.Name, err)
		case !isThere:
			missing = append(missing, file)
		}
	}
	return missing, errors.Join(conflicts...)
}

// Cleaning returns a context for removing what is unfinished, which outlives a
// delivery that was called off by a little.
func Cleaning(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(context.WithoutCancel(ctx), cleaningTime)
}
