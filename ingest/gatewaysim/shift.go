package gatewaysim

import "fmt"

// Shift says when agents work.
type Shift uint8

const (
	// ShiftDay has every agent work once a day, from between 07:50 and 10:10 by
	// the play's zone for eight hours or a little more. There are no days off,
	// so that any day can be played.
	ShiftDay Shift = iota
	// ShiftAlways has every agent on shift around the clock, three shifts of
	// eight hours a day with a minute or three signed out between them, at
	// hours that differ by agent: at any instant there is something to see.
	ShiftAlways
)

var shiftWords = [...]string{ShiftDay: "day", ShiftAlways: "always"}

// ParseShift reads "day" or "always".
func ParseShift(s string) (Shift, error) {
	for shift, word := range shiftWords {
		if s == word {
			return Shift(shift), nil
		}
	}
	return 0, fmt.Errorf("shift %q is neither day nor always", s)
}

// String returns the word ParseShift reads.
func (s Shift) String() string {
	if int(s) >= len(shiftWords) {
		return fmt.Sprintf("shift(%d)", uint8(s))
	}
	return shiftWords[s]
}
