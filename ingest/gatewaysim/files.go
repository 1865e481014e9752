package gatewaysim

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/google/renameio/v2"
)

// The files a gateway leaves in its directory.
const (
	CAFile    = "ca.pem"      // for gateway.ca_file
	GUIDFile  = "guids.csv"   // for guids.file; 0600
	URLFile   = "gateway.url" // for gateway.url; written last
	TruthFile = "truth.csv"
	KeyFile   = "ca-key.pem" // the authority's, of KeepAuthority; 0600
)

// WriteFiles writes ca.pem, guids.csv with the GUIDs of this instant, and
// gateway.url into an existing directory, each atomically.
func (g *Gateway) WriteFiles(dir string) error {
	if err := writeFile(dir, CAFile, 0o644, g.caPEM); err != nil {
		return err
	}
	if err := g.writeGUIDs(dir, g.generation(g.opts.Clock.Now())); err != nil {
		return err
	}
	return writeFile(dir, URLFile, 0o644, []byte(g.url+"\n"))
}

func (g *Gateway) writeGUIDs(dir string, generation int64) error {
	return writeFile(dir, GUIDFile, 0o600, g.appendGUIDs(nil, generation))
}

// writeFile replaces a file atomically. Its mode is the given one (less the
// umask) even where the file it replaces had another.
func writeFile(dir, name string, mode os.FileMode, content []byte) (err error) {
	path := filepath.Join(dir, name)
	defer func() {
		if err != nil {
			err = fmt.Errorf("write %s: %w", path, err)
		}
	}()
	file, err := renameio.NewPendingFile(path, renameio.WithPermissions(mode))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, file.Cleanup()) }()
	if _, err := file.Write(content); err != nil {
		return err
	}
	return file.CloseAtomicallyReplace()
}

// WriteTruth writes the true timeline of all agents over [from, to) to a file
// as CSV, as Play.WriteTruth has it.
func (g *Gateway) WriteTruth(path string, from, to time.Time) (err error) {
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	return g.opts.WriteTruth(out, g.opts.Agents, from, to)
}
