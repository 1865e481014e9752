package gatewaysim

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"time"
)

// truthStep is how far truth.csv is behind at most, beside the spans that have
// not ended. GUIDPeriod is a multiple of it.
const truthStep = 5 * time.Second

// Follow writes the files of WriteFiles and truth.csv, and keeps them up to
// date until the context ends, by the play's clock: guids.csv is replaced at
// each rotation, as the desktop's back end would, and truth.csv, which begins at
// the gateway's start, gets the spans that ended, at most some seconds later.
// When the context ends it adds the spans still open, cut there, and returns
// nil. Lines of an agent are in order, those of several agents mixed.
func (g *Gateway) Follow(ctx context.Context, dir string) (err error) {
	path := filepath.Join(dir, TruthFile)
	out, err := os.Create(path)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, out.Close()) }()
	if _, err := out.WriteString(truthHeader); err != nil {
		return err
	}
	if err := g.WriteFiles(dir); err != nil {
		return err
	}
	told := g.newTelling()
	written := g.generation(g.opts.Clock.Now())
	for next := g.startedAt.Add(truthStep); ; {
		stopped := g.opts.Clock.SleepUntil(ctx, next) != nil
		now := g.opts.Clock.Now()
		if _, err := out.Write(told.upTo(now, stopped)); err != nil {
			return err
		}
		if stopped {
			return nil
		}
		if generation := g.generation(now); generation != written {
			if err := g.writeGUIDs(dir, generation); err != nil {
				return err
			}
			written = generation
		}
		next = next.Add(now.Sub(next).Truncate(truthStep) + truthStep)
	}
}

// telling is how far the truth has been told of each agent.
type telling struct {
	agents  []*player
	told    []int64 // Unix ms; where the open span of each agent begins
	scratch []byte
}

func (g *Gateway) newTelling() *telling {
	t := &telling{}
	for agent := range g.opts.Agents.All() {
		t.agents = append(t.agents, g.players[agent])
		t.told = append(t.told, g.startedAt.UnixMilli())
	}
	return t
}

// upTo returns the lines of the spans that ended before now, each once; at the
// end also those still open, cut at now.
func (t *telling) upTo(now time.Time, isEnd bool) []byte {
	t.scratch = t.scratch[:0]
	end := now.UnixMilli()
	for i, p := range t.agents {
		for start, run := range p.script.runs(t.told[i], end) {
			if run.end == end && !isEnd {
				t.told[i] = start
				break
			}
			t.scratch = appendTruth(t.scratch, p.agent, start, run)
			t.told[i] = run.end
		}
	}
	return t.scratch
}
