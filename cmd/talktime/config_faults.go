package main

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
)

// faults collects everything that is wrong with a configuration.
type faults struct{ found []fault }

type fault struct {
	line int // in the file; 0 elsewhere
	text string
}

func (f *faults) add(line int, text string) { f.found = append(f.found, fault{line, text}) }

// err joins the faults, the file's by line, then the others as they were found.
// It is nil when there are none.
func (f *faults) err() error {
	slices.SortStableFunc(f.found, func(a, b fault) int {
		if a.line == 0 || b.line == 0 {
			return cmp.Compare(b.line, a.line)
		}
		return cmp.Compare(a.line, b.line)
	})
	errs := make([]error, len(f.found))
	for i, fault := range f.found {
		errs[i] = errors.New(fault.text)
	}
	return errors.Join(errs...)
}

// origin is a text that values come from: the file, or one variable.
type origin struct {
	name   string // the file as it was named, or the variable's name
	isFile bool
	dir    string // what relative paths are relative to
	home   string // stands for a leading ~; empty when not known
	faults *faults
}

// fault records what is wrong at a line of the origin, 0 for all of it.
func (o *origin) fault(line int, format string, args ...any) {
	text := fmt.Sprintf(format, args...)
	switch {
	case !o.isFile:
		line = 0
		text = o.name + ": " + text
	case line > 0:
		text = fmt.Sprintf("%s line %d: %s", o.name, line, text)
	case o.name != "":
		text = o.name + ": " + text
	}
	o.faults.add(line, printable(text))
}

// printable puts a blank for whatever would break the line or the terminal:
// keys and values are quoted from a file that anyone may have written.
func printable(text string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return ' '
	}, text)
}
