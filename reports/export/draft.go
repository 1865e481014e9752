package export

import (
	"bufio"
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
)

// Draft is a file while it is made: on this machine's disk, so that its size is
// no matter, and without a name, so that nothing is left of it when the program
// ends in whatever way.
type Draft struct {
	file *os.File
	sum  hash.Hash
	out  *bufio.Writer // to both
	size int64
}

// NewDraft returns an empty draft on the disk of a folder. It must be closed.
func NewDraft(folder string) (*Draft, error) {
	file, err := os.CreateTemp(folder, ".draft-*"+partialSuffix)
	if err != nil {
		return nil, fmt.Errorf("draft a file: %w", err)
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, fmt.Errorf("draft a file: %w", errors.Join(err, file.Close()))
	}
	d := &Draft{file: file, sum: sha256.New()}
	d.out = bufio.NewWriterSize(io.MultiWriter(file, d.sum), 64<<10)
	return d, nil
}

// Write adds to the draft.
func (d *Draft) Write(p []byte) (int, error) {
	n, err := d.out.Write(p)
	d.size += int64(n)
	if err != nil {
		err = fmt.Errorf("draft a file: %w", whyLocal(err))
	}
	return n, err
}

// File returns what was written as a file of that name. It can be read until the
// draft is closed; nothing may be written any more.
func (d *Draft) File(name string) (File, error) {
	if err := d.out.Flush(); err != nil {
		return File{}, fmt.Errorf("draft %s: %w", name, whyLocal(err))
	}
	return File{Name: name, Content: d.file, Size: d.size, SHA256: [sha256.Size]byte(d.sum.Sum(nil))}, nil
}

// Close gives the draft's space back.
func (d *Draft) Close() error { return d.file.Close() }
