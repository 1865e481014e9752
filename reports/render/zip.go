package render

import (
	"archive/zip"
	"bufio"
	"bytes"
	"compress/flate"
	"errors"
	"hash/crc32"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
)

// sortedZip writes the files of an archive in the order of their names when it is
// closed, whatever order they come in: the parts of a workbook come in none.
type sortedZip struct {
	out   *zip.Writer
	files []*zipped // those that are there already are not taken again
}

// Create begins the next file. What comes for one that is there already is
// dropped.
func (z *sortedZip) Create(name string) (io.Writer, error) {
	if slices.ContainsFunc(z.files, func(file *zipped) bool { return file.header.Name == name }) {
		return io.Discard, nil
	}
	file, err := newZipped(name, &bytes.Buffer{})
	if err != nil {
		return nil, err
	}
	z.files = append(z.files, file)
	return file, nil
}

// AddFS is of the interface, and nobody's need.
func (z *sortedZip) AddFS(fs.FS) error { return errors.ErrUnsupported }

// Close writes the archive.
func (z *sortedZip) Close() error {
	slices.SortFunc(z.files, func(a, b *zipped) int { return strings.Compare(a.header.Name, b.header.Name) })
	for _, file := range z.files {
		if err := file.writeTo(z.out); err != nil {
			return err
		}
	}
	return z.out.Close()
}

// zipped is a file of an archive, compressed as it comes: a little less than could
// be, in a third of the time.
type zipped struct {
	header   zip.FileHeader
	content  content
	deflated *flate.Writer
}

// content keeps what is compressed: a bytes.Buffer or a spill.
type content interface {
	io.Writer
	io.WriterTo
}

func newZipped(name string, kept content) (*zipped, error) {
	z := &zipped{header: zip.FileHeader{Name: name, Method: zip.Deflate}, content: kept}
	var err error
	z.deflated, err = flate.NewWriter(compressedSize{z}, flate.BestSpeed)
	return z, err
}

func (z *zipped) Write(p []byte) (int, error) {
	z.header.CRC32 = crc32.Update(z.header.CRC32, crc32.IEEETable, p)
	z.header.UncompressedSize64 += uint64(len(p))
	return z.deflated.Write(p)
}

// compressedSize counts what comes out of compressing a file and keeps it.
type compressedSize struct{ of *zipped }

func (c compressedSize) Write(p []byte) (int, error) {
	c.of.header.CompressedSize64 += uint64(len(p))
	return c.of.content.Write(p)
}

func (z *zipped) writeTo(archive *zip.Writer) error {
	if err := z.deflated.Close(); err != nil {
		return err
	}
	out, err := archive.CreateRaw(&z.header)
	if err != nil {
		return err
	}
	_, err = z.content.WriteTo(out)
	return err
}

// spill keeps on disk what is too much for memory. Its file has no name: the
// system takes it back whatever becomes of the process.
type spill struct {
	file *os.File
	out  *bufio.Writer
}

func newSpill() (*spill, error) {
	file, err := os.CreateTemp("", "talktime-")
	if err != nil {
		return nil, err
	}
	if err := os.Remove(file.Name()); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return &spill{file, bufio.NewWriterSize(file, bufferSize)}, nil
}

func (s *spill) Write(p []byte) (int, error) { return s.out.Write(p) }

// WriteTo gives everything back.
func (s *spill) WriteTo(w io.Writer) (int64, error) {
	if err := s.out.Flush(); err != nil {
		return 0, err
	}
	if _, err := s.file.Seek(0, io.SeekStart); err != nil {
		return 0, err
	}
	return io.Copy(w, s.file)
}

func (s *spill) Close() error { return s.file.Close() }
