package localpg

import (
	"cmp"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// logFile is where the server writes, in the directory.
const logFile = "log/postgres.log"

// maxLog is the size in bytes from which a starting server begins a new log.
const maxLog = 8 << 20

// logTail is the server's log from where one server began to write.
type logTail struct {
	file  *os.File
	path  string
	start int64
}

// openLog opens the log for a starting server. One earlier log is kept.
func openLog(d directory) (*logTail, error) {
	if err := d.mkdir(filepath.Dir(logFile)); err != nil {
		return nil, err
	}
	path := d.join(logFile)
	if info, err := os.Lstat(path); err == nil && info.Size() > maxLog {
		if err := os.Rename(path, path+".1"); err != nil {
			return nil, err
		}
	}
	file, err := d.open(logFile, os.O_WRONLY|os.O_APPEND)
	if err != nil {
		return nil, err
	}
	info, err := file.Stat()
	if err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &logTail{file, path, info.Size()}, nil
}

func (l *logTail) close() { _ = l.file.Close() } // the server writes to its own copy

// fatal returns the last line in which process pid says why it gave up, else one
// of its children does, such as the process that replays the log. Backends of a
// killed server may write to the same log meanwhile, and clients are turned away.
func (l *logTail) fatal(pid int) string {
	file, err := os.Open(l.path)
	if err != nil {
		return err.Error()
	}
	defer file.Close() //nolint:errcheck // opened for reading
	text, err := io.ReadAll(io.NewSectionReader(file, l.start, 1<<20))
	if err != nil {
		return err.Error()
	}
	own, child, mark := "", "", "["+strconv.Itoa(pid)+"] FATAL:"
	for line := range strings.Lines(string(text)) {
		before, reason, found := strings.Cut(line, "FATAL:")
		reason = strings.TrimSpace(reason)
		switch {
		case !found:
		case strings.HasSuffix(before+"FATAL:", mark):
			own = reason
		case !strings.HasPrefix(reason, "the database system is "):
			child = reason
		}
	}
	return cmp.Or(own, child, lastLines(string(text), 2))
}
