package export_test

import (
	"bufio"
	"context"
	"crypto/sha256"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/reports/export"
)

// numbered returns the delivery of a number: data whose bytes follow from it, its
// checksum, its manifest.
func numbered(n int) ([]export.File, error) {
	data := make([]byte, 100_000+n%7*100_000)
	_, _ = rand.NewChaCha8(sha256.Sum256([]byte{byte(n), byte(n >> 8)})).Read(data)
	file := export.NewFile(fmt.Sprintf("daily_%d_r1.csv", n), data)
	m := export.Manifest{Export: "daily", Resources: []export.Resource{export.NewResource("data", file, "csv", nil, 1, nil)}}
	return m.Sealed(file)
}

func newCourier() export.Courier {
	return export.Courier{Clock: ingest.NewSimClock(time.Unix(0, 0)), Log: slog.New(slog.DiscardHandler)}
}

// deliverForEver delivers to a folder, beginning with a number, and prints the
// number of each delivery begun.
func deliverForEver(args []string) error {
	first, err := strconv.Atoi(args[1])
	if err != nil {
		return err
	}
	for n := first; ; n++ {
		fmt.Println(n)
		files, err := numbered(n)
		if err != nil {
			return err
		}
		if _, err := newCourier().Deliver(context.Background(), export.Folder(args[0]), files); err != nil {
			return err
		}
	}
}

// A deliverer killed at any instant leaves nothing under a final name that is
// not whole, nothing without what must come before it, and nothing that the next
// delivery does not clean up.
func TestKilledDelivery(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	last, partials := 1, 0
	const kills = 40
	for range kills {
		cmd := child(t, "deliver", folder, strconv.Itoa(last))
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		begun := bufio.NewScanner(out)
		begun.Scan() // the first delivery has begun
		time.AfterFunc(rand.N(15*time.Millisecond), func() { _ = cmd.Process.Kill() })
		for more := true; more; more = begun.Scan() {
			if last, err = strconv.Atoi(begun.Text()); err != nil {
				t.Fatal(err, cmd.Stderr)
			}
		}
		_ = cmd.Wait() // killed
		partials += inspect(t, folder, last)
	}
	t.Logf("%d kills, %d deliveries, %d unfinished files seen", kills, last, partials)
	if partials == 0 {
		t.Error("no kill came in the middle of a file")
	}
	for n := 1; n <= last; n++ {
		files, err := numbered(n)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := newCourier().Deliver(t.Context(), export.Folder(folder), files); err != nil {
			t.Fatal(err)
		}
	}
	if left := inspect(t, folder, last); left > 0 {
		t.Errorf("%d unfinished files were left", left)
	}
}

// inspect holds a folder against the deliveries 1 to last and returns how many
// unfinished files are in it.
func inspect(t *testing.T, folder string, last int) (partials int) {
	t.Helper()
	entries, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	there := make(map[string]bool)
	for _, entry := range entries {
		there[entry.Name()] = true
		if strings.HasSuffix(entry.Name(), ".part") {
			partials++
		}
	}
	whole := 0
	for n := 1; n <= last; n++ {
		files, err := numbered(n)
		if err != nil {
			t.Fatal(err)
		}
		isEnd := false
		for _, file := range files {
			if !there[file.Name] {
				isEnd = true
				continue
			}
			if isEnd {
				t.Fatalf("%s is there, a file that comes before it is not", file.Name)
			}
			whole++
			content, err := os.ReadFile(filepath.Join(folder, file.Name))
			if err != nil {
				t.Fatal(err)
			}
			if sha256.Sum256(content) != file.SHA256 {
				t.Fatalf("%s is not whole: %d of %d bytes", file.Name, len(content), file.Size)
			}
		}
	}
	if len(entries) != whole+partials {
		t.Fatalf("%d files, of which %d are whole and %d unfinished", len(entries), whole, partials)
	}
	return partials
}
