package main

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"

	"golang.org/x/term"

	"talktime/ingest"
)

// progress tells a person how far a long piece of work is. On a terminal it is
// one line that is rewritten; elsewhere a line for every tenth, so that a log
// stays short. It uses no colours. Safe for concurrent use.
type progress struct {
	out      io.Writer
	clock    ingest.Clock
	what     string // "playing the day"
	terminal bool

	mu      sync.Mutex
	began   time.Time
	written time.Time // when the line was last rewritten
	width   int       // of the line that stands on the terminal
	tenth   int       // of the last line written elsewhere
}

// rewriteEvery is the shortest time between two versions of the line.
const rewriteEvery = 100 * time.Millisecond

// newProgress begins to tell about what is being done, on standard error.
func (a *app) newProgress(what string) *progress {
	return &progress{
		out: a.stderr, clock: a.clock, what: what, began: a.clock.Now(),
		terminal: a.getenv("TERM") != "dumb" && isTerminal(a.stderr),
	}
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// at tells that done of total parts are done.
func (p *progress) at(done, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if total <= 0 {
		return
	}
	done = min(max(done, 0), total)
	now := p.clock.Now()
	line := fmt.Sprintf("%s: %d %%", p.what, done*100/total)
	switch tenth := done * 10 / total; {
	case p.terminal:
		if now.Sub(p.written) >= rewriteEvery || done == total {
			p.written = now
			p.rewrite(line + remaining(now.Sub(p.began), done, total))
		}
	case tenth > p.tenth:
		p.tenth = tenth
		_, _ = fmt.Fprintln(p.out, line)
	}
}

// end leaves the terminal's line free for what comes next.
func (p *progress) end() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.width > 0 {
		p.rewrite("")
		_, _ = io.WriteString(p.out, "\r")
	}
}

// rewrite puts a line over the one before it.
func (p *progress) rewrite(line string) {
	blanks := strings.Repeat(" ", max(0, p.width-len(line)))
	_, _ = io.WriteString(p.out, "\r"+line+blanks)
	p.width = len(line)
}

// remaining guesses what is left from the pace so far, once there is one.
func remaining(elapsed time.Duration, done, total int) string {
	if elapsed < time.Second || done == 0 || done == total {
		return ""
	}
	left := time.Duration(float64(elapsed) * float64(total-done) / float64(done))
	return fmt.Sprintf(", %s left", max(left.Round(time.Second), time.Second))
}
