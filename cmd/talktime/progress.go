package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/term"

	"talktime/ingest"
)

// progress tells a person at a terminal how far a piece of work is that takes
// longer than a second, and how long it will still take. It is one line on standard
// error that is rewritten and gone in the end; into pipes and files nothing is
// written. It uses no colours. Safe for concurrent use.
type progress struct {
	out         io.Writer // standard error
	clock       ingest.Clock
	began       time.Time
	done, total atomic.Int64 // parts; a total of 0 is of nobody knows how many

	mu        sync.Mutex
	what      string // "playing the day"
	width     int    // of the line that stands on the terminal
	isMidLine bool   // what was last written to the terminal beside it has no end yet

	stop func() // ends the rewriting and waits for it; nothing to end where no terminal is
}

// quietFor is how long work is done without a word, rewriteEvery how long a
// version of the line stands.
const (
	quietFor     = time.Second
	rewriteEvery = 200 * time.Millisecond
)

// newProgress begins to tell about what is being done, until end. Meanwhile what
// is written to standard output, if that is a terminal too, takes the line's place.
func (a *app) newProgress(what string) *progress {
	p := &progress{out: a.stderr, clock: a.clock, what: what, began: a.clock.Now(), stop: func() {}}
	if a.getenv("TERM") == "dumb" || !isTerminal(a.stderr) {
		return p
	}
	before, done, rewriting := a.stdout, make(chan struct{}), sync.WaitGroup{}
	if screen, ok := before.(*os.File); ok && isTerminal(screen) {
		a.stdout = &besideProgress{screen, p}
	}
	rewriting.Go(func() {
		tick := time.NewTicker(rewriteEvery)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				p.show()
			}
		}
	})
	p.stop = sync.OnceFunc(func() {
		close(done)
		rewriting.Wait()
		a.stdout = before
	})
	return p
}

// isTerminal reports whether what is written to is a terminal.
func isTerminal(w io.Writer) bool {
	f, ok := w.(interface{ Fd() uintptr })
	return ok && term.IsTerminal(int(f.Fd()))
}

// at tells that done of total parts are done.
func (p *progress) at(done, total int) {
	p.done.Store(int64(done))
	p.total.Store(int64(total))
}

// rename says what is being done now.
func (p *progress) rename(what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.what = what
}

// end leaves the terminal's line free for what comes next. It may be called again.
func (p *progress) end() {
	p.stop()
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erase()
}

// show writes the line anew, once the work takes longer.
func (p *progress) show() {
	p.mu.Lock()
	defer p.mu.Unlock()
	elapsed := p.clock.Now().Sub(p.began)
	if elapsed < quietFor || p.isMidLine {
		return
	}
	total := p.total.Load()
	line := fmt.Sprintf("%s: %s", p.what, elapsed.Truncate(time.Second))
	if done := min(max(p.done.Load(), 0), total); total > 0 {
		line = fmt.Sprintf("%s: %d %%%s", p.what, done*100/total, remaining(elapsed, done, total))
	}
	blanks := strings.Repeat(" ", max(0, p.width-len(line)))
	_, _ = io.WriteString(p.out, "\r"+line+blanks)
	p.width = len(line)
}

// erase takes the line away, if one stands.
func (p *progress) erase() {
	if p.width > 0 {
		_, _ = io.WriteString(p.out, "\r"+strings.Repeat(" ", p.width)+"\r")
		p.width = 0
	}
}

// remaining guesses what is left from the pace so far.
func remaining(elapsed time.Duration, done, total int64) string {
	if done == 0 || done == total {
		return ""
	}
	left := time.Duration(float64(elapsed) * float64(total-done) / float64(done))
	return fmt.Sprintf(", %s left", max(left.Round(time.Second), time.Second))
}

// besideProgress is a terminal on which a line of progress may stand.
type besideProgress struct {
	*os.File
	progress *progress
}

// Write takes the line away and writes in its place; it comes back below, where a
// line ends.
func (b *besideProgress) Write(text []byte) (int, error) {
	b.progress.mu.Lock()
	defer b.progress.mu.Unlock()
	b.progress.erase()
	if len(text) > 0 {
		b.progress.isMidLine = text[len(text)-1] != '\n'
	}
	return b.File.Write(text)
}
