package s3

import (
	"context"
	"fmt"
	"io"
	"time"
)

// alive returns a context that ends when the pulse has stood still for the
// time-out: a transfer may take as long as it needs while it moves.
func (in *inbox) alive(ctx context.Context) (context.Context, pulse, func()) {
	ctx, cancel := context.WithCancelCause(ctx)
	timer := time.AfterFunc(in.cfg.Timeout, func() {
		cancel(fmt.Errorf("%w for %s", errSilent, in.cfg.Timeout))
	})
	return ctx, pulse{timer, in.cfg.Timeout}, func() {
		timer.Stop()
		cancel(nil)
	}
}

// pulse beats with everything that is read or written.
type pulse struct {
	timer   *time.Timer
	timeout time.Duration
}

func (p pulse) beat() { p.timer.Reset(p.timeout) }

func (p pulse) Write(b []byte) (int, error) {
	p.beat()
	return len(b), nil
}

// watched is content whose every reading is a beat, and which cannot be read
// once the context has ended: nothing more of it is sent then.
type watched struct {
	io.ReaderAt
	ctx   context.Context
	pulse pulse
}

func (w watched) ReadAt(b []byte, at int64) (int, error) {
	if err := w.ctx.Err(); err != nil {
		return 0, err
	}
	w.pulse.beat()
	return w.ReaderAt.ReadAt(b, at)
}
