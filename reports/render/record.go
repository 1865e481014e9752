package render

import (
	"bytes"
	"unicode"
	"unicode/utf8"
)

// bufferSize is how much is gathered before it is written: a record is some 500
// bytes, and a system call for every few of them costs more than making them.
const bufferSize = 64 << 10

// quoteCell puts the cell that line has from start on into quotes if a reader of
// CSV could take it for anything but one cell (RFC 4180), as encoding/csv does: a
// line break within is CRLF like those between records.
//
// It is not that package's Writer, which takes every cell as a string of its own
// and looks for quotes in numbers too: that took a third of the time of a report.
func quoteCell(line []byte, start int, comma byte) []byte {
	cell := line[start:]
	if !needsQuotes(cell, comma) {
		return line
	}
	text := bytes.Clone(cell)
	line = append(line[:start], '"')
	for _, c := range text {
		switch c {
		case '"':
			line = append(line, `""`...)
		case '\r':
		case '\n':
			line = append(line, "\r\n"...)
		default:
			line = append(line, c)
		}
	}
	return append(line, '"')
}

func needsQuotes(cell []byte, comma byte) bool {
	if len(cell) == 0 {
		return false
	}
	for _, c := range cell {
		if c == comma || c == '"' || c == '\r' || c == '\n' {
			return true
		}
	}
	first, _ := utf8.DecodeRune(cell)
	return unicode.IsSpace(first) || string(cell) == `\.` // the end of data to Postgres
}

// endRecord ends a line. One that is empty, as of one cell without a value, would
// be none at all to most readers.
func endRecord(line []byte) []byte {
	if len(line) == 0 {
		line = append(line, `""`...)
	}
	return append(line, "\r\n"...)
}
