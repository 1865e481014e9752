package main

import (
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// ownLogLevel annotates a command whose log begins at another level than warn
// where --log-level says nothing.
const ownLogLevel = "log-level"

// newLogger makes the program's log from its two flags. Both may be wrong at
// once, and both are then named.
func newLogger(w io.Writer, level, format string) (*slog.Logger, error) {
	var faults []error
	var least slog.Level
	if err := least.UnmarshalText([]byte(level)); err != nil {
		faults = append(faults, fmt.Errorf("--log-level %q is not debug, info, warn or error", level))
	}
	options := &slog.HandlerOptions{Level: least}
	var handler slog.Handler
	switch format {
	case "text":
		handler = slog.NewTextHandler(w, options)
	case "json":
		options.ReplaceAttr = durationsAsText
		handler = slog.NewJSONHandler(w, options)
	default:
		faults = append(faults, wordFault("--log-format", format, "text", "json"))
	}
	if len(faults) > 0 {
		return nil, errors.Join(faults...)
	}
	return slog.New(handler), nil
}

// durationsAsText writes lengths of time as the text format does, 1.5s, where
// JSON would have a number of nanoseconds.
func durationsAsText(_ []string, attr slog.Attr) slog.Attr {
	if attr.Value.Kind() == slog.KindDuration {
		attr.Value = slog.StringValue(attr.Value.Duration().String())
	}
	return attr
}
