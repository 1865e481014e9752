package main

import (
	"errors"
	"fmt"
	"io"
	"math"
	"time"

	"talktime/ingest"
	"talktime/ingest/gatewaysim"
	"talktime/reports"
)

// talkComparison says how near the reported talk times are to the true ones.
// Times are in ms.
type talkComparison struct {
	agents          int
	reported, truth int64 // of all agents
	sumOff          int64 // Σ |reported - true| over agents
	worst           agentTalk
	withInterval    int   // agents whose report has a 95 % interval
	inInterval      int   // of these, agents whose true talk lies in it
	inBounds        int   // agents whose true talk lies between low and high
	unobserved      int64 // time that no poll saw
	residual        int64 // time that no measure accounts for
	window          int64 // the agents' time
}

// agentTalk is one agent's talk time, reported and true, in ms.
type agentTalk struct {
	agent           ingest.AgentID
	reported, truth int64
}

func (t agentTalk) off() int64 { return max(t.reported-t.truth, t.truth-t.reported) }

// compareTalk holds a report's rows, one for each agent, against the truth.
func compareTalk(rows []reports.Row, total *reports.Row, truth map[ingest.AgentID]gatewaysim.Totals) talkComparison {
	c := talkComparison{agents: len(rows), unobserved: total.Unobserved(), residual: total.Residual(), window: total.Time}
	for i := range rows {
		row := &rows[i]
		one := agentTalk{row.Agent, row.MS[reports.Talk], truth[row.Agent][reports.Talk.String()].Milliseconds()}
		c.reported += one.reported
		c.truth += one.truth
		c.sumOff += one.off()
		if i == 0 || one.off() > c.worst.off() {
			c.worst = one
		}
		if stderr, seen := row.StdErr(reports.Evidence(reports.Talk)); seen {
			c.withInterval++
			if float64(one.off()) <= 1.96*stderr {
				c.inInterval++
			}
		}
		if low, high := row.Bounds(reports.Evidence(reports.Talk)); low <= one.truth && one.truth <= high {
			c.inBounds++
		}
	}
	return c
}

// tell prints the comparison.
func (c talkComparison) tell(w io.Writer) error {
	if c.agents == 0 {
		return errors.New("no agent has a quarter-hour of the day that was played")
	}
	_, err := fmt.Fprintf(w, `
How true is that? The simulator knows, and the recorder saw only its polls:

  talk of all agents      %s reported, %s true: off by %s (%s)
  talk of one agent       off by %s on average, by %s at most (agent %d: %s reported, %s true)
  truth within ± 95 %%     for %s
  truth within the bounds for %s (from "at least" to "at most")
  time not observed       %s, where two polls in a row failed; no figure guesses what was in it
  time not accounted for  %d ms of %s
`,
		hms(c.reported), hms(c.truth), signed(c.reported-c.truth), share(c.reported-c.truth, c.truth),
		hms(c.sumOff/int64(c.agents)), hms(c.worst.off()), c.worst.agent, hms(c.worst.reported), hms(c.worst.truth),
		ofAgents(c.inInterval, c.withInterval), ofAgents(c.inBounds, c.agents), hms(c.unobserved), c.residual, hms(c.window))
	return err
}

// ofAgents writes "23 of 24 agents, 95.8 %".
func ofAgents(n, all int) string {
	if all == 0 {
		return "no agent: no change was seen"
	}
	return fmt.Sprintf("%d of %d agents, %.1f %%", n, all, 100*float64(n)/float64(all))
}

// share writes part of whole in percent, with its sign.
func share(part, whole int64) string {
	if whole == 0 {
		return "of nothing"
	}
	return fmt.Sprintf("%+.3f %%", 100*float64(part)/float64(whole))
}

// signed writes a difference of ms in seconds, with its sign.
func signed(ms int64) string {
	if ms < 0 {
		return "-" + hms(-ms)
	}
	return "+" + hms(ms)
}

// hms writes ms, not negative, as "4h 05m 09s", rounded to the second.
func hms(ms int64) string {
	d := time.Duration(math.Round(float64(ms)/1000)) * time.Second
	hours, minutes, seconds := int(d.Hours()), int(d.Minutes())%60, int(d.Seconds())%60
	switch {
	case hours > 0:
		return fmt.Sprintf("%dh %02dm %02ds", hours, minutes, seconds)
	case minutes > 0:
		return fmt.Sprintf("%dm %02ds", minutes, seconds)
	default:
		return fmt.Sprintf("%ds", seconds)
	}
}
