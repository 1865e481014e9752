package localpg_test

import (
	"os"
	"path/filepath"
	"testing"

	"talktime/sql/localpg"
)

func TestExamineSeesWithoutTouching(t *testing.T) {
	dir := filepath.Join(tempDir(t, 0), "there", "yet")
	var url string
	expect := func(when string, exists, running bool) {
		t.Helper()
		var found bool
		if url, found = localpg.RunningURL(dir); found != running {
			t.Errorf("%s: it is found running: %t", when, found)
		}
		x, err := localpg.Examine(t.Context(), dir)
		if err != nil {
			t.Fatal(err)
		}
		if x.Exists != exists || x.Running != running || x.Major < 15 || !filepath.IsAbs(x.Programs) {
			t.Errorf("%s: %+v", when, x)
		}
	}
	expect("before the first start", false, false)
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("the look has made %s (%v)", dir, err)
	}
	server := start(t, localpg.Options{Dir: dir, Disposable: true})
	expect("while it runs", true, true)
	if url != server.URL() {
		t.Errorf("it is found at %s, and is at %s", url, server.URL())
	}
	closeServer(t, server)
	expect("when it is stopped", true, false)

	if err := os.WriteFile(filepath.Join(dir, "cluster", "PG_VERSION"), []byte("9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, err := localpg.Examine(t.Context(), dir)
	wantWords(t, err, `is of Postgres "9"`, "restore a dump")
}
