package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// life is one process of talktime record from its start to its end, with what
// it logged.
type life struct {
	cmd *exec.Cmd

	mu    sync.Mutex
	log   []entry
	acked time.Time     // the latest due instant it acknowledged
	news  chan struct{} // closed at the next line
	gone  chan struct{} // closed when the process has ended and its log is read to the end
	ended time.Time     // when that was
}

// entry is a line of the log. What is no JSON, such as a panic, has only text.
type entry struct {
	Time     time.Time
	Level    string
	Msg      string
	Schedule string
	DueAt    time.Time `json:"due_at"`
	From     time.Time
	Last     time.Time
	Samples  int
	Cause    string

	text string
}

// The log's words that the harness goes by.
const (
	saidStored      = "round stored"
	saidSpooled     = "round spooled"
	saidRefused     = "round refused"
	saidSpoolBegins = "rounds go to the spool"
	saidSpoolHolds  = "the spool holds what an earlier recorder"
	saidSpoolEmpty  = "the spool is empty again"
	saidSuperseded  = "another recorder took over while"
)

// isAcknowledged reports whether the line says that a tick is safe.
func (e entry) isAcknowledged() bool { return e.Msg == saidStored || e.Msg == saidSpooled }

// startLife starts a recorder with a configuration; its log is JSON from debug up
// unless flags say otherwise. It is killed when the test ends, if it still lives.
func startLife(t *testing.T, config string, flags ...string) *life {
	t.Helper()
	l := &life{news: make(chan struct{}), gone: make(chan struct{})}
	args := append([]string{"record", "--config", config, "--log-level", "debug", "--log-format", "json"}, flags...)
	l.cmd = exec.Command(realProgram(t), args...)
	l.cmd.Env = append(os.Environ(), "GOTRACEBACK=all")
	stderr, err := l.cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	l.cmd.Stdout = l.cmd.Stderr // it ought to write nothing there
	if err := l.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go l.read(bufio.NewReader(stderr))
	t.Cleanup(func() {
		_ = l.cmd.Process.Kill() // mostly it has ended
		l.leave()
	})
	return l
}

// read follows the log to its end, and the process.
func (l *life) read(stderr *bufio.Reader) {
	for {
		text, err := stderr.ReadString('\n')
		if text = strings.TrimSuffix(text, "\n"); text != "" {
			e := entry{text: text}
			_ = json.Unmarshal([]byte(text), &e) // else it is only text
			l.add(e)
		}
		if err != nil {
			break
		}
	}
	_ = l.cmd.Wait() // its exit code says it all
	l.ended = time.Now()
	close(l.gone)
}

func (l *life) add(e entry) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.log = append(l.log, e)
	if e.isAcknowledged() && e.DueAt.After(l.acked) {
		l.acked = e.DueAt
	}
	close(l.news)
	l.news = make(chan struct{})
}

// entries returns what was logged so far, and what tells of more.
func (l *life) entries() (log []entry, news <-chan struct{}) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clip(l.log), l.news
}

// lastAcknowledged is the latest due instant of which it acknowledged the round.
func (l *life) lastAcknowledged() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.acked
}

// isBehind reports whether its spool holds something.
func (l *life) isBehind() bool {
	accounts := accountsOf(l)
	return accounts[len(accounts)-1].isBehind
}

// isOver reports whether the process has ended.
func (l *life) isOver() bool {
	select {
	case <-l.gone:
		return true
	default:
		return false
	}
}

var (
	errOver = errors.New("the recorder has ended")
	errLate = errors.New("nothing of that kind came")
)

// longEnough is how long anything may take on a machine that is busy with other
// things.
const longEnough = 90 * time.Second

// await returns the first line from the n-th on that is wanted.
func (l *life) await(n int, wanted func(entry) bool) (entry, error) {
	limit := time.After(longEnough)
	for over := false; ; over = l.isOver() {
		log, news := l.entries()
		for ; n < len(log); n++ {
			if wanted(log[n]) {
				return log[n], nil
			}
		}
		if over {
			return entry{}, errOver
		}
		select {
		case <-news:
		case <-l.gone:
		case <-limit:
			return entry{}, errLate
		}
	}
}

// leave returns the exit code when the process is gone: -1 where a signal ended
// it, as one does here where it does not go by itself.
func (l *life) leave() int {
	select {
	case <-l.gone:
	case <-time.After(longEnough):
		_ = l.cmd.Process.Kill() // it may go this very moment
		<-l.gone
	}
	return l.cmd.ProcessState.ExitCode()
}

// tail is the end of the log, for a message.
func (l *life) tail() string {
	log, _ := l.entries()
	var b strings.Builder
	for _, e := range log[max(0, len(log)-40):] {
		fmt.Fprintln(&b, e.text)
	}
	return b.String()
}
