package reports

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/unicode/norm"
)

// mostText bounds names, teams and persons, in characters.
const mostText = 200

// decodeText takes a byte order mark away, makes all line ends LF, and tells the
// lines that are not UTF-8.
func decodeText(content string) (string, lineFaults) {
	var faults lineFaults
	if strings.HasPrefix(content, "\xff\xfe") || strings.HasPrefix(content, "\xfe\xff") {
		faults.add(1, errors.New("this is UTF-16: save the file as UTF-8"))
		return "", faults
	}
	content = strings.TrimPrefix(content, "\ufeff")
	content = strings.ReplaceAll(content, "\r\n", "\n")
	content = strings.ReplaceAll(content, "\r", "\n")
	number := 0
	for line := range strings.SplitSeq(content, "\n") {
		number++
		switch {
		case !utf8.ValidString(line):
			faults.add(number, errors.New("not UTF-8: save the file as UTF-8"))
		case strings.ContainsRune(line, utf8.RuneError):
			faults.add(number, errors.New("a character was lost when the file was saved (U+FFFD): export it again as UTF-8"))
		}
	}
	return content, faults
}

// cleanText returns a field without blanks around it, with single ones inside,
// and in composed form (NFC), so that a name is the same however it was typed.
func cleanText(column, field string) (string, error) {
	text := norm.NFC.String(strings.Join(strings.Fields(field), " "))
	if utf8.RuneCountInString(text) > mostText {
		return "", fmt.Errorf("the %s is longer than %d characters", column, mostText)
	}
	if at := strings.IndexFunc(text, isInvisible); at >= 0 {
		r, _ := utf8.DecodeRuneInString(text[at:])
		return "", fmt.Errorf("%s %q has the character %U, which cannot be seen", column, text, r)
	}
	if isTwiceEncoded(field) {
		return "", fmt.Errorf("%s %q looks like UTF-8 that was read as Windows-1252: export the file again as UTF-8", column, text)
	}
	return text, nil
}

// isInvisible finds control characters and those that turn the direction of
// writing. Joiners, of which emoji and some scripts are made, are good.
func isInvisible(r rune) bool {
	return unicode.IsControl(r) || r >= '\u202a' && r <= '\u202e' || r >= '\u2066' && r <= '\u2069' || r == '\ufeff'
}

// isTwiceEncoded recognizes "MÃ¼ller": what is UTF-8 once more when its
// characters are taken for the bytes of Windows-1252.
func isTwiceEncoded(s string) bool {
	bytes, err := charmap.Windows1252.NewEncoder().String(s)
	return err == nil && len(bytes) < len(s) && utf8.ValidString(bytes)
}

// lineFaults collects what is wrong with a file, by line.
type lineFaults struct {
	path  string
	lines []lineFault
	count int
}

type lineFault struct {
	line  int
	fault error
}

// mostFaults bounds the faults told one by one.
const mostFaults = 100

func (f *lineFaults) add(line int, faults ...error) {
	for _, fault := range faults {
		if f.count++; f.count <= mostFaults {
			f.lines = append(f.lines, lineFault{line, fault})
		}
	}
}

// join returns all faults in order of lines, nil where there are none.
func (f *lineFaults) join() error {
	slices.SortStableFunc(f.lines, func(a, b lineFault) int { return cmp.Compare(a.line, b.line) })
	var all []error
	for _, l := range f.lines {
		all = append(all, fmt.Errorf("read %s line %d: %w", f.path, l.line, l.fault))
	}
	if more := f.count - len(f.lines); more > 0 {
		all = append(all, fmt.Errorf("read %s: %d more faults", f.path, more))
	}
	return errors.Join(all...)
}
