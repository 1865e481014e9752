package gatewaysim_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"talktime/ingest/gatewaysim"
)

// A gateway started again on a kept authority is trusted by who trusted it
// before.
func TestKeepAuthority(t *testing.T) {
	dir, now := t.TempDir(), time.Now()
	keep := func(at time.Time) *gatewaysim.Authority {
		t.Helper()
		a, err := gatewaysim.KeepAuthority(dir, at)
		if err != nil {
			t.Fatal(err)
		}
		return a
	}
	first := start(t, func(o *gatewaysim.Options) { o.Authority = keep(now) })
	again := start(t, func(o *gatewaysim.Options) { o.Authority = keep(now.Add(time.Minute)) })
	if !bytes.Equal(first.CAPEM(), again.CAPEM()) {
		t.Error("the authority is another")
	}
	request := again.request(t, 101)
	response, err := first.client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	_ = response.Body.Close()
	file := filepath.Join(dir, gatewaysim.KeyFile)
	if held, err := os.Stat(file); err != nil || held.Mode().Perm() != 0o600 {
		t.Errorf("the key's file: %v, %v", held, err)
	}
	later := start(t, func(o *gatewaysim.Options) { o.Authority = keep(now.Add(364*24*time.Hour + time.Hour)) })
	if bytes.Equal(first.CAPEM(), later.CAPEM()) {
		t.Error("an authority that is about to end is kept")
	}

	sound, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	key, certificate, _ := bytes.Cut(sound, []byte("-----END EC PRIVATE KEY-----\n"))
	for name, content := range map[string]string{
		"empty": "", "no PEM": "x", "the key alone": string(key) + "-----END EC PRIVATE KEY-----\n",
		"the certificate alone": string(certificate),
		"a broken key":          strings.Replace(string(sound), "KEY-----\nM", "KEY-----\nA", 1),
	} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := gatewaysim.KeepAuthority(dir, now); err == nil || !strings.Contains(err.Error(), "remove "+file) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
