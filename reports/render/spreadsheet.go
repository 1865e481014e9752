package render

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/number"

	"talktime/reports"
)

// hasDecimalComma reports whether numbers are written 1,5 in a place. Spreadsheet
// programs there separate the cells of a CSV file by semicolons.
func hasDecimalComma(locale language.Tag) bool {
	return strings.Contains(message.NewPrinter(locale).Sprint(number.Decimal(1.5)), ",")
}

// spreadsheetCell returns a cell as a spreadsheet program takes it for what it is:
// numbers with the place's decimal mark, instants as they are, and texts and ids
// never as a formula, a number or a date.
func spreadsheetCell(name string, kind reports.Kind, text string, isDecimalComma bool) string {
	switch {
	case text == "":
		return ""
	case name == "agent_id":
		return protected(text)
	case kind.IsNumber() && isDecimalComma:
		return strings.Replace(text, ".", ",", 1)
	case kind == reports.Text && isFormula(text):
		return "'" + text
	case kind == reports.Text && isTakenForNumber(text):
		return protected(text)
	default:
		return text
	}
}

// protected writes a text as the formula that is this text: the one way in CSV to
// keep "0042" from becoming 42. It is only given characters that need no escape.
func protected(text string) string { return `="` + text + `"` }

// isFormula reports whether a spreadsheet program may execute a text, by its first
// character (OWASP, CSV injection) or a full-width form of it.
func isFormula(text string) bool {
	first, _ := utf8.DecodeRuneInString(text)
	return strings.ContainsRune("=+-@\t\r\n\x00＝＋－＠", first)
}

// isTakenForNumber reports whether a program may make a number or a date of a
// text and lose its zeros: it begins with a digit and has nothing but digits and
// the marks of numbers and dates.
func isTakenForNumber(text string) bool {
	if text[0] < '0' || text[0] > '9' {
		return false
	}
	return strings.Trim(text, "0123456789.,:/-eE ") == ""
}
