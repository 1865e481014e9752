package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"talktime/ingest"
	"talktime/reports"
	"talktime/reports/render"
	"talktime/sql/store"
)

// subjectFlags is what report subject is asked with, as typed.
type subjectFlags struct {
	agent, person       string
	unassigned, samples bool
	zone, format, out   string
}

func (a *app) subjectCommand() *cobra.Command {
	var flags subjectFlags
	cmd := &cobra.Command{
		Use:   "subject",
		Short: "Everything held about one person, for whoever asks what that is",
		Long: `subject tells what talktime holds about a person who has held an agent id: how much
of what, from when to when, what for and for how long, and who was given it or may
see it (GDPR Art. 15). As csv or json it is everything, row by row, with what each
column means, to hand over: a folder, or a file whose name ends in .zip, that must
not be there yet and that nobody else may read. json can go to standard output.

It is about one person. Time in which the id was another's is never told, and time
on other ids that were this person's is. Where several have held the id, name one
with --person; agents list --history shows the keys.

It reads every sample of the person's time, which takes minutes in a large centre.`,
		Example: `  talktime report subject --agent 1042
  talktime report subject --agent 1042 --format csv --samples --out 1042.zip
  talktime report subject --agent 1042 --person "agent 1042: Ann Mayr" --format json --out 1042`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.reportSubject(cmd.Context(), flags) },
	}
	f := cmd.Flags()
	f.StringVar(&flags.agent, "agent", "", "the `agent` id the person has held, or holds")
	f.StringVar(&flags.person, "person", "", "the person's `key` in the roster, where several have held the id")
	f.BoolVar(&flags.unassigned, "unassigned", false, "take in time of the id that the roster gives to nobody, such as before its first line")
	f.BoolVar(&flags.samples, "samples", false, "tell every sample, not only how many there are")
	f.StringVar(&flags.zone, "tz", "", "time `zone` of instants that people read (default: time_zone of the configuration)")
	f.StringVar(&flags.format, "format", "table", "`format`: table, csv or json")
	f.StringVar(&flags.out, "out", toStdout, "`folder`, or file that ends in .zip, to make; - for standard output")
	offer(f, "format", subjectFormats...)
	_ = cmd.MarkFlagRequired("agent") // fails only for a flag there is not
	return cmd
}

var subjectFormats = []string{"table", "csv", "json"}

// subjectAudit is what report subject was asked for, as the audit log has it.
type subjectAudit struct {
	Agents     string `json:"agents"`
	Person     string `json:"person,omitempty"`
	From       string `json:"from,omitempty"` // of the person's time, nothing where it is open
	To         string `json:"to,omitempty"`
	Unassigned bool   `json:"unassigned,omitempty"`
	Samples    bool   `json:"samples,omitempty"`
	Format     string `json:"format"`
	Out        string `json:"out,omitempty"`
}

func (a *app) reportSubject(ctx context.Context, flags subjectFlags) error {
	c, err := a.loadConfig(forDatabase)
	if err != nil {
		return err
	}
	meta := reports.SubjectMeta{
		PrintedAt: a.clock.Now(), Program: programVersion(), WithSamples: flags.samples, Unassigned: flags.unassigned, Kept: keptFor(c.maintain.retention),
	}
	agent, err := flags.check(c)
	if err == nil {
		meta.Zone, err = zoneOf(flags.zone, c)
	}
	if err != nil {
		return usageError(err)
	}
	asked := &subjectAudit{Agents: flags.agent, Format: flags.format, Samples: flags.samples, Unassigned: flags.unassigned}
	if flags.out != toStdout {
		asked.Out = flags.out
	}
	return a.withAudit(ctx, c, "subject", asked, func(s *store.Snapshot) (int64, error) {
		roster, err := s.Roster(ctx)
		if err != nil {
			return 0, err
		}
		if meta.Subject, err = roster.Subject(agent, flags.person, flags.unassigned); err != nil {
			return 0, personFault(err)
		}
		asked.enter(meta.Subject)
		return a.tellSubject(ctx, s, meta, flags)
	})
}

// check reads the flags and tells all their faults at once.
func (flags subjectFlags) check(c *config) (ingest.AgentID, error) {
	agent, err := ingest.ParseAgentID(flags.agent, c.maxAgentID)
	if err != nil {
		err = fmt.Errorf("--agent: %w", err)
	}
	faults := []error{err}
	switch flags.format {
	case "table":
		if flags.out != toStdout {
			faults = append(faults, errors.New("--out takes --format csv or json: a table is for reading here"))
		}
	case "csv":
		if flags.out == toStdout {
			faults = append(faults, errors.New("--format csv is of several files: name a folder, or a file that ends in .zip, with --out"))
		}
	case "json":
	default:
		faults = append(faults, wordFault("--format", flags.format, subjectFormats...))
	}
	if flags.out != toStdout {
		faults = append(faults, checkBundle(flags.out))
	}
	return agent, errors.Join(faults...)
}

// enter adds whom it turned out to be about.
func (asked *subjectAudit) enter(subject reports.Subject) {
	asked.Person = subject.Person
	var from, to time.Time
	var agents []ingest.AgentID
	isOpen := false
	for i, p := range subject.Parts {
		agents = append(agents, p.Agent)
		if i == 0 || p.From.Before(from) {
			from = p.From
		}
		isOpen = isOpen || p.To.IsZero()
		if p.To.After(to) {
			to = p.To
		}
	}
	asked.Agents = ingest.NewAgentSet(agents...).String()
	if !from.IsZero() {
		asked.From = from.Format(instantFormat)
	}
	if !isOpen {
		asked.To = to.Format(instantFormat)
	}
}

// personFault makes an error of what was typed one of usage.
func personFault(err error) error {
	if _, ok := errors.AsType[*reports.ManyPersonsError](err); ok {
		return usagef("report subject: %w; say which with --person", err)
	}
	if unknown, ok := errors.AsType[*reports.UnknownPersonError](err); ok {
		return usagef("report subject: %w%s", err, didYouMean(unknown.Person, unknown.Known))
	}
	return err
}

// keptFor says how long a section's rows are kept. What retention has no age for is
// never deleted.
func keptFor(r store.Retention) func(reports.SubjectSection) string {
	kept := map[string]string{
		"tenures":                 "until an import corrects them",
		"ticks":                   ageInWords(r.Ticks),
		"hand_rounds":             ageInWords(r.Ticks),
		reports.SamplesSection:    ageInWords(r.Samples),
		"quarter_hours":           ageInWords(r.QuarterHours),
		"gone_quarter_hours":      ageInWords(r.QuarterHours),
		"segments":                ageInWords(r.Segments),
		reports.RecipientsSection: "as their tables",
	}
	return func(section reports.SubjectSection) string {
		return cmp.Or(kept[section.Name], ageInWords(store.Age{}))
	}
}

// tellSubject writes the report to where the flags say and returns how many rows it
// has.
func (a *app) tellSubject(ctx context.Context, s *store.Snapshot, meta reports.SubjectMeta, flags subjectFlags) (rows int64, err error) {
	if flags.out == toStdout {
		var sink reports.SubjectSink = render.NewSubject(a.stdout, a.isColored(a.stdout))
		if flags.format == "json" {
			sink = render.NewSubjectJSON(a.stdout)
		}
		return reports.TellSubject(ctx, s, meta, sink)
	}
	err = writeBundle(flags.out, func(create func(string) (io.Writer, error)) error {
		var sink reports.SubjectSink = render.NewSubjectFiles(create)
		if flags.format == "json" {
			file, err := create("subject.json")
			if err != nil {
				return err
			}
			sink = render.NewSubjectJSON(file)
		}
		rows, err = reports.TellSubject(ctx, s, meta, sink)
		return err
	})
	return rows, err
}
