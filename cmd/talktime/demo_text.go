package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"talktime/ingest/gatewaysim"
)

// tellPlayed prints what was done.
func (p *demoPlay) tellPlayed(w io.Writer) error {
	polls, failed := 0, 0
	for o, n := range p.polls {
		polls += n
		if !o.IsObservation() {
			failed += n
		}
	}
	from, to := p.plan.hours("15:04")
	_, err := fmt.Fprintf(w, `Played %s from %s to %s (%s) in %.1f s: %d agents behind a simulated CC-Gateway,
polled every %s over HTTPS. %s rounds, %s polls, %s of them failed on purpose; all stored and derived.

`,
		p.plan.window.From.In(p.plan.window.Zone).Format("Mon 2006-01-02"), from, to, p.plan.window.Zone,
		p.took.Seconds(), p.plan.agents.Len(), inWords(p.plan.period), grouped(p.rounds), grouped(polls), grouped(failed))
	return err
}

// tellNext prints commands that work on what is kept.
func (p *demoPlay) tellNext(w io.Writer) error {
	config := " --config " + shellWord(p.app.configFile)
	from, to := p.plan.hours(time.RFC3339)
	other := 60 // seconds
	if p.plan.period >= time.Minute {
		other = 10
	}
	_, err := fmt.Fprintf(w, `
All of it is kept in %[1]s; %[2]s there says what the agents truly did. To try next:

  One agent's hours, every state:
    %[3]s report states%[4]s --from %[5]s --to %[6]s --agent %[7]d --by 60m
  Every agent's hours with every column, for a spreadsheet:
    %[3]s report talk-time%[4]s --from %[8]s --by agent,60m --format csv --out %[9]s
  What came of the polls:
    %[3]s psql%[4]s -- -c 'SELECT outcome, retcode, count(*) FROM samples GROUP BY 1, 2 ORDER BY 3 DESC'
  The same day polled every %[10]d s, in place of this one; watch ± and the errors:
    %[3]s demo --day %[8]s --period %[10]ds%[11]s
`,
		p.dir.path, gatewaysim.TruthFile, p.command, config, from, to, p.plan.agents.Ranges()[0].First,
		p.plan.date(), shellWord(p.dir.join("hours.csv")), other, sameFlags(p.plan.typed))
	if overrides := p.overrides; err == nil && len(overrides) > 0 {
		_, err = fmt.Fprintf(w, "  (unset %s first: what is set there comes before the configuration)\n", strings.Join(overrides, " "))
	}
	return err
}

// sameFlags writes the flags that were typed, other than those the line has.
func sameFlags(typed []*pflag.Flag) string {
	var b strings.Builder
	for _, flag := range typed {
		if flag.Name != "day" && flag.Name != "period" {
			fmt.Fprintf(&b, " --%s %s", flag.Name, shellWord(flag.Value.String()))
		}
	}
	return b.String()
}

// inWords writes a period: 10 s, 60 s, 5 min.
func inWords(d time.Duration) string {
	if d <= time.Minute {
		return fmt.Sprintf("%d s", d/time.Second)
	}
	return fmt.Sprintf("%d min", d/time.Minute)
}

// grouped writes 86,400.
func grouped(n int) string {
	digits := strconv.Itoa(n)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

var plainWord = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,-]+$`)

// shellWord makes a text one word of a POSIX shell, quoted where it has to be.
func shellWord(s string) string {
	if plainWord.MatchString(s) {
		return s
	}
	return shellQuote(s)
}

// thisCommand is how to call this program again.
func thisCommand() string {
	executable, err := os.Executable()
	if err != nil {
		executable = "" // then it is called as it was
	}
	_, missing := os.Stat(filepath.Join("cmd", "talktime", "main.go"))
	return commandName(os.Args[0], executable, missing == nil)
}

// commandName is how to call a program that was called as name and runs from
// executable: what go run builds is gone when it ends.
func commandName(name, executable string, atRoot bool) string {
	built := strings.Contains(executable, "/go-build") && filepath.Base(filepath.Dir(executable)) == "exe"
	switch {
	case built && atRoot:
		return "go run ./cmd/talktime"
	case built:
		return "go run talktime/cmd/talktime"
	default:
		return shellWord(name)
	}
}
