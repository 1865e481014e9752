package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"talktime/sql/store"
)

// verifyFlags are the flags of talktime verify.
type verifyFlags struct {
	from, to string
	sample   int
	seed     uint64
	isSeeded bool
}

func (a *app) verifyCommand() *cobra.Command {
	var f verifyFlags
	cmd := &cobra.Command{
		Use:   "verify",
		Short: "Recompute quarter-hours from samples and compare every cell",
		Long: `verify derives quarter-hours and their segments from the samples once more and
compares the result with what is stored: every column of every row, and rows that
are missing or too many. It prints what differs and changes nothing. With --from
and --to it compares a window, otherwise quarter-hours chosen at random.

It may run beside a recorder and beside derive. Rows that are not final yet and
quarter-hours that still have to be derived are counted and not compared; a window
whose samples are gone is refused. revision, updated_at and derivation_id say when
a row was derived, not what from, and are not compared.

Exit codes: 0 nothing differs, 1 something does or the work failed, 2 usage.`,
		Example: `  talktime verify
  talktime verify --sample 1000 --seed 7
  talktime verify --from 2026-11-16 --to 2026-11-17`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error {
			f.isSeeded = cmd.Flags().Changed("seed")
			return a.verify(cmd.Context(), f)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&f.from, "from", "", "first `day or instant`, on a quarter-hour")
	flags.StringVar(&f.to, "to", "", "`day or instant` to end before (default the day after --from)")
	flags.IntVar(&f.sample, "sample", 100, "compare this `number` of quarter-hours chosen at random")
	flags.Uint64Var(&f.seed, "seed", 0, "`number` that chooses the same quarter-hours again (default another one each time)")
	for _, window := range []string{"from", "to"} {
		cmd.MarkFlagsMutuallyExclusive(window, "sample")
		cmd.MarkFlagsMutuallyExclusive(window, "seed")
	}
	return cmd
}

func (a *app) verify(ctx context.Context, f verifyFlags) error {
	c, err := a.loadConfig(forDatabase)
	if err != nil {
		return err
	}
	window, err := c.calendar().ParseWindow(f.from, f.to, a.clock.Now())
	if f.sample < 1 {
		err = errors.Join(err, fmt.Errorf("--sample %d is not a number of quarter-hours", f.sample))
	}
	if err != nil {
		return usageError(err)
	}
	if !f.isSeeded {
		f.seed = uint64(a.clock.Now().UnixNano()) % 1_000_000
	}
	return a.withStore(ctx, c, func(s *store.Store) error {
		p := a.newProgress("verifying")
		v := store.Verifying{Settle: c.derive.settle, Progress: p.at, Differ: func(d store.Difference) error {
			_, err := io.WriteString(a.stdout, tellDifference(d))
			return err
		}}
		var verified store.Verified
		if f.from == "" {
			verified, err = s.VerifySample(ctx, f.sample, f.seed, v)
		} else {
			verified, err = s.VerifyRange(ctx, window.From, window.To, v)
		}
		p.end()
		if err != nil {
			return err
		}
		if f.from == "" {
			_, err = fmt.Fprintf(a.stdout, "chosen with --seed %d: ", f.seed)
		}
		if err == nil {
			_, err = io.WriteString(a.stdout, tellVerified(verified))
		}
		if err == nil && verified.Differences > 0 {
			const told = "%d %s between what is stored and what the samples say: `talktime derive --from … --to …` corrects %s"
			if verified.Differences == 1 {
				return fmt.Errorf(told, 1, "difference", "it")
			}
			return fmt.Errorf(told, verified.Differences, "differences", "them")
		}
		return err
	})
}

// tellDifference words one difference, a line.
func tellDifference(d store.Difference) string {
	return fmt.Sprintf("agent %d, %s, %s: stored %s, recomputed %s\n", d.Agent, d.Start.Format(time.RFC3339), d.Column, d.Stored, d.Recomputed)
}

// tellVerified words what was compared and what was not.
func tellVerified(v store.Verified) string {
	different := "none different"
	switch {
	case v.Rows == 0:
		different = "nothing to compare"
	case v.Differences > 0:
		different = fmt.Sprintf("%d different", v.Differences)
	}
	told := fmt.Sprintf("compared %d cells (%d rows of %d columns, %d segments of %d) of %d quarter-hours: %s\n",
		v.Cells, v.Rows, v.RowColumns, v.Segments, v.SegmentColumns, v.QuarterHours, different)
	if v.Days > 0 {
		told += fmt.Sprintf("compared %d rows of whole days with the sums of their quarter-hours\n", v.Days)
	}
	if v.OpenRows > 0 {
		told += fmt.Sprintf("not compared: %d rows that are not final yet\n", v.OpenRows)
	}
	if v.Dirty > 0 {
		told += fmt.Sprintf("not compared: %d quarter-hours that still have to be derived\n", v.Dirty)
	}
	if !v.KeptFrom.IsZero() {
		told += fmt.Sprintf("not compared: what lies before %s, of which the samples are no longer kept (retention.samples)\n", v.KeptFrom.Format(time.DateOnly))
	}
	if v.Lost > 0 {
		told += fmt.Sprintf("passed over: %d quarter-hours whose samples are gone\n", v.Lost)
	}
	return told
}
