package ingest_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"talktime/ingest"
)

func TestSecretCannotBePrinted(t *testing.T) {
	const text = "9f0e-very-secret"
	s := ingest.NewSecret(text)
	holder := struct {
		Name string
		GUID ingest.Secret
		Many map[string]*ingest.Secret
	}{"x", s, map[string]*ingest.Secret{"k": &s}}
	type inner struct{ guid ingest.Secret }
	unexported := struct {
		guid  ingest.Secret
		many  []ingest.Secret
		by    map[string]inner
		any   any
		inner inner
	}{s, []ingest.Secret{s}, map[string]inner{"k": {s}}, s, inner{s}}

	var out bytes.Buffer
	for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%T"} {
		fmt.Fprintf(&out, verb+"\n", s)
		fmt.Fprintf(&out, verb+"\n", &s)
		fmt.Fprintf(&out, verb+"\n", holder)
		fmt.Fprintf(&out, verb+"\n", unexported)
		fmt.Fprintf(&out, verb+"\n", &unexported)
	}
	fmt.Fprintln(&out, s.String(), fmt.Errorf("dial: %v", s))
	slog.New(slog.NewTextHandler(&out, nil)).Info("m", "guid", s, "holder", holder, "unexported", unexported)
	slog.New(slog.NewJSONHandler(&out, nil)).Info("m", "guid", s, "holder", holder, "unexported", unexported)
	if err := json.NewEncoder(&out).Encode(holder); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(out.String(), text) || strings.Contains(out.String(), fmt.Sprintf("%x", text)) {
		t.Errorf("the secret was printed:\n%s", &out)
	}
	if !strings.Contains(out.String(), "[secret]") {
		t.Error("nothing stands in for the secret")
	}
	if s.Reveal() != text || s.IsEmpty() || !(ingest.Secret{}).IsEmpty() {
		t.Error("the secret's content is not what was put in")
	}
}
