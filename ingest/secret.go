package ingest

import (
	"fmt"
	"io"
)

// Secret is a text that must not be seen: a GUID, a password, a database URL.
// Every way of printing or encoding it gives "[secret]"; Reveal is the one way
// to its content. The zero value is an empty secret.
type Secret struct{ text string }

const hidden = "[secret]"

// NewSecret wraps a text so that it cannot be printed by accident.
func NewSecret(text string) Secret { return Secret{text} }

// Reveal returns the text itself, for the place that must send or compare it.
func (s Secret) Reveal() string { return s.text }

// IsEmpty reports whether there is nothing to hide.
func (s Secret) IsEmpty() bool { return s.text == "" }

// Format prints "[secret]" whatever the verb, so that %v, %q, %x, %#v and %+v
// of a struct holding a Secret are all safe.
func (s Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hidden) }

// String implements fmt.Stringer for callers that do not go through fmt.
func (s Secret) String() string { return hidden }

// MarshalText keeps the content out of JSON, YAML and slog alike.
func (s Secret) MarshalText() ([]byte, error) { return []byte(hidden), nil }
