package main

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"io/fs"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// secrets are texts that nothing the program writes may hold, by what they are.
type secrets map[string]string

// spellings are the ways in which a secret may have slipped out.
func spellings(secret string) []string {
	whole, _, _ := strings.Cut(secret, ".AgentGateway") // what follows is no secret
	all := []string{
		whole, strings.ToUpper(whole), strings.ReplaceAll(whole, "-", ""),
		url.QueryEscape(whole), url.PathEscape(whole), url.UserPassword("", whole).String()[1:],
		hex.EncodeToString([]byte(whole)), strings.Trim(strconv.Quote(whole), `"`),
	}
	// Base64 depends on what stands before, so there are three of them.
	for before := range 3 {
		encoded := base64.RawStdEncoding.EncodeToString(append(make([]byte, before), whole...))
		encoded = encoded[2*before : len(encoded)-2]
		all = append(all, encoded, strings.NewReplacer("+", "-", "/", "_").Replace(encoded))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// in returns which secrets a text holds, in whatever spelling.
func (s secrets) in(text []byte) (found []string) {
	for name, secret := range s {
		if slices.ContainsFunc(spellings(secret), func(spelling string) bool { return bytes.Contains(text, []byte(spelling)) }) {
			found = append(found, name)
		}
	}
	slices.Sort(found)
	return found
}

// under returns which secrets the files of a folder hold, and which file does,
// but for those files that are there to hold them. Files that vanish meanwhile
// hold none.
func (s secrets) under(t *testing.T, root string, but ...string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || slices.Contains(but, entry.Name()) {
			return err
		}
		text, err := os.ReadFile(path)
		for _, name := range s.in(text) {
			found = append(found, name+" in "+path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

// The search finds what there is to be found.
func TestSecretsAreFound(t *testing.T) {
	t.Parallel()
	s := secrets{"guid": "0d4f7c1e-6d0a-4a3e-9d53-0123456789ab.AgentGateway1", "password": `p?ss/w%rd+"7Kq`}
	for name, secret := range s {
		for _, spelling := range spellings(secret) {
			text := "before " + spelling + " after"
			if found := s.in([]byte(text)); !slices.Equal(found, []string{name}) {
				t.Errorf("in %q are %q, want %q", text, found, name)
			}
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "log"), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if found := s.under(t, dir); len(found) != 1 {
				t.Errorf("under a folder with %q is %q", text, found)
			}
			if found := s.under(t, dir, "log"); len(found) > 0 {
				t.Errorf("in a file that is left out is %q", found)
			}
		}
		for before := range 3 {
			text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("x", before) + secret + "tail"))
			if found := s.in([]byte(text)); !slices.Contains(found, name) {
				t.Errorf("in the base64 text %q is %q", text, found)
			}
		}
	}
	if found := s.in([]byte("AgentGateway1 0d4f7c1e [secret] p?ss")); len(found) > 0 {
		t.Errorf("in a harmless text is %q", found)
	}
}
