package main

import (
	"context"
	"log/slog"
	"strings"
)

// takeStrayLog sends what libraries print through the standard library's package
// log to the program's own, at debug level. It is the whole process's.
func takeStrayLog(log *slog.Logger) {
	slog.SetLogLoggerLevel(slog.LevelDebug)
	slog.SetDefault(slog.New(strayLog{log.Handler()}))
}

// strayLog is a handler for lines that are not the program's own. A library may
// quote what somebody sent, as net/http does at times, and there may be a GUID
// in it: only the text before the first quotation is kept, and no attributes.
type strayLog struct{ to slog.Handler }

func (l strayLog) Enabled(ctx context.Context, _ slog.Level) bool {
	return l.to.Enabled(ctx, slog.LevelDebug)
}

func (l strayLog) Handle(ctx context.Context, r slog.Record) error {
	text := r.Message
	if quote := strings.IndexAny(text, "\"'`\n"); quote >= 0 {
		text = strings.TrimSpace(text[:quote]) + " …"
	}
	clean := slog.NewRecord(r.Time, slog.LevelDebug, "printed by a library", 0)
	clean.AddAttrs(slog.String("text", text))
	return l.to.Handle(ctx, clean)
}

func (l strayLog) WithAttrs([]slog.Attr) slog.Handler { return l }
func (l strayLog) WithGroup(string) slog.Handler      { return l }
