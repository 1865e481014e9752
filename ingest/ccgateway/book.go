package ccgateway

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"talktime/ingest"
)

// lookEvery is how often the file is looked at while GUIDs are asked for.
const lookEvery = time.Second

// maxBookBytes refuses a file that cannot be one of GUIDs.
const maxBookBytes = 256 << 20

// Book holds the agents' GUIDs, read from a file that others write: one line
// "agentid,guid" for each agent. It is safe for use by any number of
// goroutines.
//
// The file is looked at again when GUIDs are asked for, at most once a second
// by the Book's clock, and on Refresh. A changed file replaces the whole book;
// one that cannot be read, or has a single fault, leaves the book as it was and
// is told once, with line numbers, at warn level. Who writes the file should
// write a new one and rename it. One written in place is read too, but not
// while it changes under the reading, and, if it is empty or does not end with a
// line break, not before it was seen unchanged a second time.
type Book struct {
	path  string
	maxID ingest.AgentID
	clock ingest.Clock
	log   *slog.Logger

	current atomic.Pointer[edition]
	looked  atomic.Int64 // when the file was last looked at, Unix ns

	mu      sync.Mutex  // held while looking
	version os.FileInfo // the file version last judged
	pending os.FileInfo // a version that may be half written
	told    string      // what was last wrong with the file
}

// errChanging means that the next look may find the file whole.
var errChanging = errors.New("it changed while it was read; write a new file and rename it")

// edition is the content of one version of the file; it never changes.
type edition struct {
	guids  []*guid // by agent id; nil where none is held
	agents ingest.AgentSet
}

func (e *edition) guid(agent ingest.AgentID) *guid {
	if agent < 0 || int(agent) >= len(e.guids) {
		return nil
	}
	return e.guids[agent]
}

// guid is one GUID of one agent. It is the same value for as long as the file
// gives the agent the same text.
type guid struct {
	text ingest.Secret
	// born is when the GUID appeared: the time of the first file that held it,
	// or of its reading where the clock says that the file is of the future.
	born time.Time
	// fresh is true for a GUID that came into an open book, until the gateway
	// has answered a poll made with it.
	fresh atomic.Bool
}

// OpenBook reads the GUIDs of agents from ingest.MinAgentID to maxID. The file
// must be a regular file that only its owner can read or write (0600 or
// stricter). Every fault of the file is in the one error; none shows a GUID.
func OpenBook(path string, maxID ingest.AgentID, clock ingest.Clock, log *slog.Logger) (*Book, error) {
	if err := checkMaxID(maxID); err != nil {
		return nil, err
	}
	b := &Book{path: path, maxID: maxID, clock: clock, log: log}
	content, version, err := b.read()
	if err != nil {
		return nil, err
	}
	texts, err := parseGUIDs(path, content, maxID)
	if err != nil {
		return nil, err
	}
	b.version = version
	b.current.Store(newEdition(&edition{}, texts, b.birth(version), false))
	b.looked.Store(clock.Now().UnixNano())
	return b, nil
}

// Agents returns the agents with a GUID now.
func (b *Book) Agents() ingest.AgentSet {
	b.glance()
	return b.current.Load().agents
}

// guid returns the agent's GUID, nil if none is held.
func (b *Book) guid(agent ingest.AgentID) *guid {
	b.glance()
	return b.current.Load().guid(agent)
}

// glance refreshes the book if the last look was a second ago. While one
// goroutine looks, others take the book as it is.
func (b *Book) glance() {
	since := b.clock.Now().UnixNano() - b.looked.Load()
	if time.Duration(since).Abs() < lookEvery || !b.mu.TryLock() {
		return
	}
	defer b.mu.Unlock()
	b.look()
}

// Refresh looks at the file now and reports whether the book has changed.
func (b *Book) Refresh() (changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.look()
}

// look takes over a new version of the file if there is one and it is sound.
func (b *Book) look() (changed bool) {
	b.looked.Store(b.clock.Now().UnixNano())
	seen, err := os.Stat(b.path)
	if err == nil && sameVersion(seen, b.version) {
		b.told = ""
		return false
	}
	content, version, err := b.read()
	if errors.Is(err, errChanging) {
		return false
	}
	if err != nil {
		b.refuse(nil, err)
		return false
	}
	if !strings.HasSuffix(content, "\n") && !sameVersion(version, b.pending) {
		b.pending = version
		return false
	}
	texts, err := parseGUIDs(b.path, content, b.maxID)
	if err != nil {
		b.refuse(version, err)
		return false
	}
	old := b.current.Load()
	next := newEdition(old, texts, b.birth(version), true)
	b.version, b.told = version, ""
	b.current.Store(next)
	b.log.Info("GUIDs read", "file", b.path, "agents", next.agents.Len())
	return !slices.Equal(old.guids, next.guids)
}

// refuse keeps the book as it is and says why, once for each version of the
// file and reason.
func (b *Book) refuse(version os.FileInfo, reason error) {
	text := strings.ReplaceAll(reason.Error(), "\n", "; ")
	if text != b.told || version != nil {
		b.log.Warn("GUIDs not read, those held before are kept", "file", b.path, "agents", b.current.Load().agents.Len(), "why", text)
	}
	b.told = text
	if version != nil {
		b.version = version
	}
}

// read returns the file's content and the version it is of.
func (b *Book) read() (content string, version os.FileInfo, err error) {
	content, version, err = readGUIDs(b.path)
	if err == nil && !isPrivate(version.Mode().Perm()) {
		return "", nil, fmt.Errorf("read %s: its mode %#o is wider than 0600 and GUIDs are secrets; run: chmod 600 %s",
			b.path, version.Mode().Perm(), b.path)
	}
	return content, version, err
}

func isPrivate(mode os.FileMode) bool { return mode&^0o600 == 0 }

// readGUIDs returns a file's content and the version it is of, whoever may read
// it.
func readGUIDs(path string) (content string, version os.FileInfo, err error) {
	before, err := os.Stat(path)
	if err != nil {
		return "", nil, fmt.Errorf("read guids: %w; guids.file must name a file of lines agentid,guid", err)
	}
	switch mode := before.Mode(); {
	case !mode.IsRegular():
		return "", nil, fmt.Errorf("read %s: not a regular file", path)
	case before.Size() > maxBookBytes:
		return "", nil, fmt.Errorf("read %s: %d bytes are too many for a file of GUIDs", path, before.Size())
	}
	file, err := os.Open(path)
	if err != nil {
		return "", nil, fmt.Errorf("read guids: %w", err)
	}
	defer file.Close() //nolint:errcheck // nothing was written
	var text strings.Builder
	text.Grow(int(before.Size()))
	if _, err := io.Copy(&text, file); err != nil {
		return "", nil, fmt.Errorf("read guids: %w", err)
	}
	after, err := file.Stat()
	if err != nil {
		return "", nil, fmt.Errorf("read guids: %w", err)
	}
	if !sameVersion(before, after) || int64(text.Len()) != after.Size() {
		return "", nil, fmt.Errorf("read %s: %w", path, errChanging)
	}
	return text.String(), after, nil
}

// birth is the age given to GUIDs that appear with a version of the file.
func (b *Book) birth(version os.FileInfo) time.Time {
	if now := b.clock.Now(); version.ModTime().After(now) {
		return now
	}
	return version.ModTime()
}

// sameVersion reports whether two looks at the file saw the same content, as
// far as inode, size, mode and time of change tell.
func sameVersion(a, b os.FileInfo) bool {
	return a != nil && b != nil && os.SameFile(a, b) &&
		a.Size() == b.Size() && a.Mode() == b.Mode() && a.ModTime().Equal(b.ModTime())
}

// newEdition makes the book's next content. A GUID that old holds for the same
// agent keeps its age; the texts of others are copied, so that the file's whole
// text is not held in memory.
func newEdition(old *edition, texts []string, born time.Time, fresh bool) *edition {
	guids := make([]*guid, len(texts))
	var agents []ingest.AgentID
	for id, text := range texts {
		if text == "" {
			continue
		}
		agent := ingest.AgentID(id)
		agents = append(agents, agent)
		if held := old.guid(agent); held != nil && held.text.Reveal() == text {
			guids[id] = held
			continue
		}
		g := &guid{text: ingest.NewSecret(strings.Clone(text)), born: born}
		g.fresh.Store(fresh)
		guids[id] = g
	}
	return &edition{guids: guids, agents: ingest.NewAgentSet(agents...)}
}
