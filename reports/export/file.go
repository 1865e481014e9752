package export

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
)

// File is a whole file, ready to be delivered.
type File struct {
	Name    string
	Content io.ReaderAt // of Size bytes; it may be read any number of times
	Size    int64
	SHA256  [sha256.Size]byte
}

// NewFile returns a file of these bytes.
func NewFile(name string, content []byte) File {
	return File{Name: name, Content: bytes.NewReader(content), Size: int64(len(content)), SHA256: sha256.Sum256(content)}
}

// Reader reads the file from its beginning.
func (f File) Reader() *io.SectionReader { return io.NewSectionReader(f.Content, 0, f.Size) }

// SumHex returns the checksum in hexadecimal.
func (f File) SumHex() string { return hex.EncodeToString(f.SHA256[:]) }

// SumFile returns the file that holds a file's checksum, as sha256sum writes it
// and sha256sum -c reads it.
func (f File) SumFile() File {
	return NewFile(SumName(f.Name), fmt.Appendf(nil, "%s  %s\n", f.SumHex(), f.Name))
}

// Matches reads a file that stands under f's name and reports whether it has f's
// bytes.
func (f File) Matches(there io.Reader) (bool, error) {
	sum := sha256.New()
	size, err := io.Copy(sum, there)
	if err != nil {
		return false, err
	}
	return size == f.Size && bytes.Equal(sum.Sum(nil), f.SHA256[:]), nil
}
