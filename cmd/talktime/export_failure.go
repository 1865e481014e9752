package main

import (
	"bytes"
	"context"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"time"
)

// lastWordsLimit bounds what is done about a failure, on_failure included.
const lastWordsLimit = 30 * time.Second

// announce runs the export's on_failure command, with the facts in its
// environment. It is run without a shell.
func (w *editing) announce(ctx context.Context, why error) {
	if len(w.config.onFailure) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lastWordsLimit)
	defer cancel()
	e := &w.edition
	cmd := exec.CommandContext(ctx, w.config.onFailure[0], w.config.onFailure[1:]...)
	cmd.Env = append(slices.Clone(w.environ),
		"EXPORT_NAME="+e.Name,
		"EXPORT_PERIOD="+periodText(e.Span, w.config.calendar),
		"EXPORT_FROM="+e.From.Format(time.RFC3339),
		"EXPORT_TO="+e.To.Format(time.RFC3339),
		"EXPORT_REVISION="+strconv.Itoa(e.Revision),
		"EXPORT_STATUS="+string(e.Status),
		"EXPORT_ATTEMPTS="+strconv.Itoa(e.Attempts),
		"EXPORT_DESTINATION="+e.Destination,
		"EXPORT_ERROR="+why.Error(),
	)
	output, err := cmd.CombinedOutput()
	if err != nil {
		w.log.Error("on_failure failed", "export", e.Name, "command", w.config.onFailure[0], "error", err,
			"output", strings.TrimSpace(string(bytes.ToValidUTF8(output, nil))))
	}
}
