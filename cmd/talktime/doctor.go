package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"talktime/ingest/ccgateway"
)

func (a *app) doctorCommand() *cobra.Command {
	format := "text"
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Check everything a recorder needs, and say what to do",
		Long: `doctor looks at all that recording needs: the configuration, GUIDs, data_dir and
its disk, the clock, the gateway (name, connection, certificate, one poll), the
database, its schema and rights, partitions, what waits to be derived, who
records, and what disk all that will take. Each check is a line: what was seen and, where something is wrong, what
to do about it. It goes on after the first fault, changes nothing and prints no
secret. It may run beside a recorder.

A private Postgres that has been made and is not running is started for the look
and stopped again, as by every command.

Exit codes: 0 all well, warnings or not; 1 something failed; 2 the configuration.`,
		Example: `  talktime doctor
  talktime doctor --config /etc/talktime/talktime.yaml --format json`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "text" && format != "json" {
				return usageError(wordFault("--format", format, "text", "json"))
			}
			return a.doctor(cmd.Context(), format)
		},
	}
	cmd.Flags().StringVar(&format, "format", format, "`format`: text or json")
	offer(cmd.Flags(), "format", "text", "json")
	return cmd
}

// doctor is one look at a set-up.
type doctor struct {
	*app
	findings
	isRecorder  bool // the configuration is one to record with
	asksTooMuch bool // it is, but asks for more than can be done

	free, stored uint64 // bytes under data_dir, and of the database, as far as they were seen
	diskSeen     bool
}

func (a *app) doctor(ctx context.Context, format string) error {
	d := &doctor{app: a}
	if format == "text" {
		d.live = a.stdout
	}
	code := exitOK
	c, faulty := d.configuration()
	if faulty {
		code = exitUsage
	}
	if c != nil {
		d.lookAt(ctx, c)
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if d.asksTooMuch {
		code = exitUsage
	}
	if code == exitOK && d.count(verdictFailed) > 0 {
		code = exitFailed
	}
	if err := d.sum(a.stdout); err != nil {
		return err
	}
	if code == exitOK {
		return nil
	}
	return &exitError{code: code}
}

// lookAt makes all the checks, those first that others build on.
func (d *doctor) lookAt(ctx context.Context, c *config) {
	d.dataDir(c)
	d.machineClock()
	var guids ccgateway.GUIDFile
	if d.isRecorder {
		guids = d.guids(c)
		d.reach(c, guids)
		d.gateway(ctx, c, guids)
	}
	d.database(ctx, c)
	if d.isRecorder {
		d.forecast(c, guids.Agents)
	}
}

// examineLimit bounds one look at something that may not answer.
const examineLimit = 10 * time.Second

// tellAge words a length of time roughly, by its two largest units.
func tellAge(d time.Duration) string {
	d = d.Abs()
	switch {
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm %02ds", d/time.Minute, d%time.Minute/time.Second)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh %02dm", d/time.Hour, d%time.Hour/time.Minute)
	}
	return fmt.Sprintf("%d days", d/(24*time.Hour))
}

// tellBytes words a number of bytes with three digits or so.
func tellBytes(n uint64) string {
	units := []string{"bytes", "KiB", "MiB", "GiB", "TiB"}
	value, unit := float64(n), 0
	for value >= 1024 && unit < len(units)-1 {
		value, unit = value/1024, unit+1
	}
	if unit == 0 || value >= 100 {
		return fmt.Sprintf("%.0f %s", value, units[unit])
	}
	return fmt.Sprintf("%.1f %s", value, units[unit])
}
