package systemd

import (
	_ "embed"
	"io"
	"strings"
	"text/template"
)

// Unit says what the service of a recorder is like. Paths are absolute.
type Unit struct {
	Program   string   // talktime's own file
	Config    string   // talktime.yaml
	User      string   // whom it runs as
	State     string   // its folder, relative to /var/lib, which systemd makes; empty: another one, in Writable
	Writable  []string // folders beside State that it writes to, which are there
	IsPrivate bool     // its Postgres is its own: whose JIT needs memory that is written and executed
	Pgpass    string   // the file with the password of a Postgres elsewhere; empty: none is handed over
}

//go:embed talktime.service
var unitText string

var unitTemplate = template.Must(template.New("unit").Funcs(template.FuncMap{
	"path":    func(s string) string { return quote(s, "%", "%%") },
	"command": func(s string) string { return quote(s, "%", "%%", "$", "$$") },
}).Parse(unitText))

// Write writes the unit as a file for systemd (systemd.exec(5), systemd.syntax(7)).
func (u Unit) Write(w io.Writer) error { return unitTemplate.Execute(w, u) }

// quote writes a word so that systemd reads it as it is, whatever is in it.
func quote(word string, special ...string) string {
	written := strings.NewReplacer(append([]string{`\`, `\\`, `"`, `\"`}, special...)...).Replace(word)
	if written == word && !strings.ContainsAny(word, " \t'") {
		return word
	}
	return `"` + written + `"`
}
