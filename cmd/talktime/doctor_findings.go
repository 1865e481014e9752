package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
)

// verdict is how a check ended.
type verdict string

const (
	verdictOK      verdict = "ok"
	verdictWarning verdict = "warning"
	verdictFailed  verdict = "failed"
)

// finding is the result of one check.
type finding struct {
	Check   string  `json:"check"`
	Verdict verdict `json:"verdict"`
	Seen    string  `json:"seen"`
	Remedy  string  `json:"remedy,omitempty"` // what to do
}

// line words a finding for people, aligned with all others.
func (f finding) line() string {
	word := string(f.Verdict)
	if f.Verdict == verdictFailed {
		word = "FAILED"
	}
	line := fmt.Sprintf("%-7s  %-16s  %s", word, f.Check, f.Seen)
	if f.Remedy != "" {
		line += " → " + f.Remedy
	}
	return line
}

// findings are what the checks so far have found.
type findings struct {
	all  []finding
	live io.Writer // told of each at once; nil if nobody is
	err  error     // of the first line that could not be written
}

func (f *findings) ok(check, seen string, args ...any) { f.add(check, verdictOK, "", seen, args...) }

func (f *findings) warn(check, remedy, seen string, args ...any) {
	f.add(check, verdictWarning, remedy, seen, args...)
}

func (f *findings) fail(check, remedy, seen string, args ...any) {
	f.add(check, verdictFailed, remedy, seen, args...)
}

// failWith fails a check with an error, whose text may have several lines and
// say what to do itself.
func (f *findings) failWith(check, remedy string, err error) {
	f.fail(check, remedy, "%s", strings.ReplaceAll(strings.TrimSpace(err.Error()), "\n", "; "))
}

func (f *findings) add(check string, v verdict, remedy, seen string, args ...any) {
	found := finding{check, v, fmt.Sprintf(seen, args...), remedy}
	f.all = append(f.all, found)
	if f.live != nil && f.err == nil {
		_, f.err = fmt.Fprintln(f.live, found.line())
	}
}

func (f *findings) count(v verdict) (n int) {
	for _, found := range f.all {
		if found.Verdict == v {
			n++
		}
	}
	return n
}

// sum writes what is left to write: the sum, or all as JSON.
func (f *findings) sum(w io.Writer) error {
	if f.err != nil {
		return f.err
	}
	if f.live != nil {
		warnings := "warnings"
		if f.count(verdictWarning) == 1 {
			warnings = "warning"
		}
		_, err := fmt.Fprintf(w, "\n%d ok, %d %s, %d failed\n", f.count(verdictOK), f.count(verdictWarning), warnings, f.count(verdictFailed))
		return err
	}
	out := json.NewEncoder(w)
	out.SetEscapeHTML(false)
	out.SetIndent("", "  ")
	return out.Encode(struct {
		OK       int       `json:"ok"`
		Warnings int       `json:"warnings"`
		Failed   int       `json:"failed"`
		Checks   []finding `json:"checks"`
	}{f.count(verdictOK), f.count(verdictWarning), f.count(verdictFailed), f.all})
}

// plural words a number of things.
func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
