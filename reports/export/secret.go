package export

import (
	"errors"
	"fmt"
	"os"

	"talktime/ingest"
)

// maxSecret refuses a file that cannot be a secret.
const maxSecret = 64 << 10

// ReadSecret reads a file that holds a secret: a regular file that only its
// owner can read or write (0600 or stricter), not empty.
func ReadSecret(path string) (ingest.Secret, error) {
	stat, err := os.Stat(path)
	if err != nil {
		return ingest.Secret{}, fmt.Errorf("read a secret: %w", err)
	}
	switch mode := stat.Mode(); {
	case !mode.IsRegular():
		err = errors.New("it is not a regular file")
	case mode.Perm()&0o077 != 0:
		err = fmt.Errorf("its mode %#o is wider than 0600; run: chmod 600 %s", mode.Perm(), path)
	case stat.Size() == 0:
		err = errors.New("it is empty")
	case stat.Size() > maxSecret:
		err = fmt.Errorf("it has %d bytes; a secret has %d at most", stat.Size(), maxSecret)
	}
	if err != nil {
		return ingest.Secret{}, fmt.Errorf("read the secret %s: %w", path, err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return ingest.Secret{}, fmt.Errorf("read a secret: %w", err)
	}
	return ingest.NewSecret(string(text)), nil
}
