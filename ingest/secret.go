package ingest

import (
	"fmt"
	"io"
)

// Secret is a text that must not be seen: a GUID, a password, a database URL.
// Every way of printing or encoding it gives "[secret]"; Reveal is the one way
// to its content. The zero value is an empty secret. Secrets do not compare with
// ==, which would say nothing of their content.
type Secret struct {
	_ [0]func()
	// A pointer, because fmt asks no methods of an unexported field and prints
	// what is in it: of a Secret there it finds an address.
	text *string
}

const hidden = "[secret]"

// NewSecret wraps a text so that it cannot be printed by accident.
func NewSecret(text string) Secret { return Secret{text: &text} }

// Reveal returns the text itself, for the place that must send or compare it.
func (s Secret) Reveal() string {
	if s.text == nil {
		return ""
	}
	return *s.text
}

// IsEmpty reports whether there is nothing to hide.
func (s Secret) IsEmpty() bool { return s.Reveal() == "" }

// Format prints "[secret]" whatever the verb: %v, %q, %x, %#v and %+v.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// String implements fmt.Stringer for callers that do not go through fmt.
func (s Secret) String() string { return hidden }

// MarshalText keeps the content out of JSON, YAML and slog alike.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
