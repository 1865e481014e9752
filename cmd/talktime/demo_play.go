package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"talktime/cmd/talktime/internal/operations"
	"talktime/ingest"
	"talktime/ingest/gatewaysim"
	"talktime/sql/store"
)

// demoFaults befall about one request in a hundred. 000-004 and 100-007 are
// asked again within their tick; the others cost a poll.
const demoFaults = "http503=0.002,html=0.001,garbage=0.001,cut=0.001,000-003=0.001,000-004=0.003,100-007=0.001"

// demoGateway is the folder, in the demo's directory, of the files the gateway
// writes.
const demoGateway = "gateway"

// demoPlay is a demo under way: the program on a clock that is played, with the
// configuration written for it.
type demoPlay struct {
	app     *app
	plan    *demoPlan
	dir     *demoDir
	clock   *ingest.SimClock
	told    *progress
	command string // how this program is called

	overrides []string // variables set for real work, left out here

	rounds int
	polls  map[ingest.Outcome]int
	took   time.Duration // from starting Postgres to the last quarter-hour's being final
	truth  map[ingest.AgentID]gatewaysim.Totals
}

func (a *app) newDemoPlay(plan *demoPlan, dir *demoDir) *demoPlay {
	p := &demoPlay{
		plan: plan, dir: dir, clock: ingest.NewSimClock(plan.opens()),
		told: a.newProgress("starting a private Postgres"), command: thisCommand(), polls: map[ingest.Outcome]int{},
	}
	played := *a
	played.clock = p.clock
	played.configFile = dir.join(configFileName)
	// The demo is the same whatever overrides are set for real work.
	played.environ = nil
	for _, entry := range a.environ {
		if !strings.HasPrefix(entry, envPrefix) {
			played.environ = append(played.environ, entry)
		} else if name, content, _ := strings.Cut(entry, "="); content != "" {
			p.overrides = append(p.overrides, name)
		}
	}
	p.app = &played
	return p
}

// play has a gateway play the day, records it, and derives until it is final.
func (p *demoPlay) play(ctx context.Context) (err error) {
	g, err := p.startGateway()
	if err != nil {
		return fmt.Errorf("start the simulated gateway: %w", err)
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	if err := p.writeConfig(g.URL()); err != nil {
		return err
	}
	c, err := p.app.loadConfig(forPolling)
	if err != nil {
		return err
	}
	if err := p.record(ctx, c); err != nil {
		return err
	}
	p.took = p.told.clock.Now().Sub(p.told.began)
	p.truth = g.Truth(p.plan.opens(), p.plan.closes())
	return g.WriteTruth(p.dir.join(gatewaysim.TruthFile), p.plan.window.From, p.plan.window.To)
}

// startGateway starts the gateway and writes the files a recorder needs.
func (p *demoPlay) startGateway() (*gatewaysim.Gateway, error) {
	faults, err := gatewaysim.ParseFaults(demoFaults)
	if err != nil {
		return nil, err
	}
	g, err := gatewaysim.Start(gatewaysim.Options{
		Play:   gatewaysim.Play{Seed: p.plan.seed, Zone: p.plan.window.Zone, Shift: gatewaysim.ShiftDay},
		Agents: p.plan.agents, Clock: p.clock, MachineTime: p.told.began, Faults: faults,
	})
	if err != nil {
		return nil, err
	}
	files := p.dir.join(demoGateway)
	if err := errors.Join(os.MkdirAll(files, 0o700), g.WriteFiles(files)); err != nil {
		return nil, errors.Join(err, g.Close())
	}
	return g, nil
}

// writeConfig writes the configuration that the recorder and every later
// command on this data use.
func (p *demoPlay) writeConfig(gatewayURL string) error {
	text := fmt.Sprintf(`# Written by talktime demo, anew at each run. A real one looks just like it, with
# your gateway, its CA, a file of the agents' GUIDs, and when to poll whom. This
# gateway was played; it ended with the demo.
time_zone: %[1]s
data_dir: .
gateway: {url: %[2]q, ca_file: %[3]s/%[4]s, auth_mode: 1}
guids: {file: %[3]s/%[5]s}
schedules:
  - {name: %[6]s, cron: %[7]q, agents: %[8]q}
derive: {cron: "0 */15 * * * *"}
`, p.plan.window.Zone, gatewayURL, demoGateway, gatewaysim.CAFile, gatewaysim.GUIDFile,
		p.plan.schedule.Name(), p.plan.schedule.Cron(), p.plan.agents)
	return replaceFile(p.app.configFile, func(w io.Writer) error {
		_, err := io.WriteString(w, text)
		return err
	})
}

// record empties the database, records the day as talktime record does, and
// lets the clock run on until every quarter-hour of it is final.
func (p *demoPlay) record(ctx context.Context, c *config) error {
	c.gateway.latency = 0 // replies take no time by the clock that is played
	poller, err := p.app.openPoller(c)
	if err != nil {
		return err
	}
	defer poller.Close()
	return p.app.withAnySchema(ctx, c, func(s *store.Store) error {
		if err := p.empty(ctx, s); err != nil {
			return err
		}
		r := recording{
			store: s, poller: poller, clock: p.clock, orders: newOrders(c), log: p.app.log,
			onRound: p.stored, until: p.plan.lastDue().Add(time.Millisecond),
			board: operations.NewBoard(p.clock, programBuild()),
		}
		err := r.run(ctx)
		p.told.end()
		if err := errors.Join(err, ctx.Err()); err != nil {
			return err
		}
		// Nothing is due any more: no later derive is to miss a recorder.
		if err := s.Declare(ctx, ingest.Declaration{At: p.plan.closes()}); err != nil {
			return err
		}
		if err := p.sleepUntil(ctx, p.plan.window.To.Add(ingest.MaxPeriod+c.derive.settle)); err != nil {
			return err
		}
		return r.deriveNow(ctx)
	})
}

// empty makes the tables anew.
func (p *demoPlay) empty(ctx context.Context, s *store.Store) error {
	if err := s.MigrateDown(ctx, p.app.log); err != nil {
		return fmt.Errorf("empty the earlier demo's database: %w; remove %s and try again", err, p.dir.path)
	}
	_, err := s.Migrate(ctx, p.app.log)
	return err
}

// sleepUntil lets the played clock jump, with nobody else on it.
func (p *demoPlay) sleepUntil(ctx context.Context, t time.Time) error {
	defer p.clock.Join()()
	return p.clock.SleepUntil(ctx, t)
}

// stored hears of each round once it is stored.
func (p *demoPlay) stored(tick ingest.Tick) {
	p.rounds++
	for _, o := range ingest.Outcomes() {
		p.polls[o] += tick.Polls[o]
	}
	reached := tick.DueAt.Add(p.plan.period)
	p.told.rename("playing " + reached.In(p.plan.window.Zone).Format("Mon 2006-01-02 15:04"))
	p.told.at(p.rounds, p.allRounds())
}

// allRounds is how many rounds the day has.
func (p *demoPlay) allRounds() int { return int(p.plan.closes().Sub(p.plan.opens()) / p.plan.period) }
