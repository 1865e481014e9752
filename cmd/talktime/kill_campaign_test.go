package main

import (
	"cmp"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"talktime/ingest"
)

// campaign is recorders at work and everything around them that may be killed:
// the real program, a Postgres of its own behind proxies, and a gateway behind
// another.
type campaign struct {
	*centre // the test's own way to the database, which no trouble reaches
	t       *testing.T

	schedules []campaignSchedule
	postgres  *ownPostgres
	toGateway *proxy
	posts     []*post // one, or two for a pair

	began   time.Time
	lives   []*life // of all posts, in the order of their starts
	weather []weather
	tally   killTally
}

// post is a place for a recorder: its configuration, its way to the database,
// and the process that stands there now.
type post struct {
	config   string
	database *proxy
	*life
}

// weather is when the gateway was in trouble.
type weather struct{ from, to time.Time }

// campaignSchedule is one of a campaign's schedules.
type campaignSchedule struct {
	name   string
	period time.Duration
	cron   string
	agents ingest.AgentRange
}

// The schedules of a campaign overlap in time and share no agent. The quick one
// may have others than these.
var (
	quick = campaignSchedule{"quick", time.Second, "* * * * * *", ingest.AgentRange{First: 101, Last: 112}}
	slow  = campaignSchedule{"slow", 2 * time.Second, "*/2 * * * * *", ingest.AgentRange{First: 1201, Last: 1205}}
)

// scene says what a campaign is made of. The zero value is one recorder, and
// all files in a folder of their own.
type scene struct {
	data      string // data_dir of the recorders
	postgres  string // where Postgres keeps its files
	recorders int
}

// newCampaign brings everything up but the recorders.
func newCampaign(t *testing.T, of scene, schedules ...campaignSchedule) *campaign {
	t.Helper()
	dir := newDir(t)
	of = scene{cmp.Or(of.data, filepath.Join(dir, "data")), cmp.Or(of.postgres, filepath.Join(dir, "postgres")), max(1, of.recorders)}
	var agents []ingest.AgentRange
	for _, s := range schedules {
		agents = append(agents, s.agents)
	}
	gateway := openGateway(t, dir, newWallClock(), ingest.NewAgentSetOfRanges(agents...))
	c := &campaign{t: t, began: time.Now(), schedules: schedules, postgres: newOwnPostgres(t, of.postgres)}
	c.toGateway = newProxy(t, func() (net.Conn, error) {
		return (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(gateway.URL(), "https://"))
	})
	c.centre = &centre{t: t, clock: newWallClock(), gateway: gateway, dir: dir, config: filepath.Join(dir, "test.yaml")}
	c.writeConfig(c.config, of.data, c.postgres.url)
	for i := range of.recorders {
		p := &post{config: filepath.Join(dir, fmt.Sprintf("recorder%d.yaml", i+1)), database: newPostgresProxy(t, c.postgres.dial)}
		c.writeConfig(p.config, of.data, "postgres://talktime@"+p.database.address()+"/talktime?sslmode=disable&connect_timeout=5")
		c.posts = append(c.posts, p)
	}
	return c
}

func (c *campaign) writeConfig(path, data, databaseURL string) {
	c.t.Helper()
	text := fmt.Sprintf(`data_dir: %q
database: {url: %q}
gateway: {url: "https://%s", ca_file: ca.pem, auth_mode: 1}
guids: {file: guids.csv}
derive: {cron: "*/5 * * * * *", settle: 0s}
schedules:
`, data, databaseURL, c.toGateway.address())
	for _, s := range c.schedules {
		text += fmt.Sprintf("  - {name: %s, cron: %q, agents: %q}\n", s.name, s.cron, ingest.NewAgentSetOfRanges(s.agents))
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// start starts a recorder wherever none is.
func (c *campaign) start() {
	for _, p := range c.posts {
		if p.life == nil || p.isOver() {
			p.life = startLife(c.t, p.config)
			c.lives = append(c.lives, p.life)
		}
	}
}

// holder is the post whose recorder acknowledged a round last; standby is the
// other one, where there are two.
func (c *campaign) holder() *post { return c.inOrder()[0] }

func (c *campaign) standby() *post { return c.inOrder()[1] }

// inOrder are the posts, the holder's first.
func (c *campaign) inOrder() []*post {
	posts := slices.Clone(c.posts)
	slices.SortStableFunc(posts, func(p, q *post) int { return q.lastAcknowledged().Compare(p.lastAcknowledged()) })
	return posts
}

// suffer lets one blow fall, mends what it broke, and mostly returns when a round
// is acknowledged again.
func (c *campaign) suffer(b blow) {
	c.t.Helper()
	from := time.Now()
	posts := c.inOrder()
	if !b.everywhere {
		posts = posts[:1]
	}
	c.afflict(b.trouble, posts)
	<-time.After(b.before)
	c.strike(b.victim)
	<-time.After(b.dead)
	c.calm()
	if b.trouble.isGateways() {
		c.weather = append(c.weather, weather{from, time.Now()})
	}
	if b.recordersFirst {
		c.start()
	}
	c.postgres.start()
	c.start()
	if !b.hasty {
		c.awaitRound(time.Now())
	}
	c.tally.blows = append(c.tally.blows, b)
}

// calm ends every trouble.
func (c *campaign) calm() {
	c.toGateway.calm()
	for _, p := range c.posts {
		p.database.calm()
	}
}

// afflict begins a trouble, of the gateway or of some posts' way to the database.
func (c *campaign) afflict(t trouble, posts []*post) {
	switch t {
	case gatewayGone:
		c.toGateway.refuse()
	case gatewaySilent:
		c.toGateway.stall()
	default:
		for _, p := range posts {
			p.database.suffer(t)
		}
	}
}

// suffer begins a trouble of a database.
func (p *proxy) suffer(t trouble) {
	switch t {
	case resets:
		p.resetAll()
	case cuts:
		p.cutAll()
	case slowness:
		p.delay(200 * time.Millisecond)
	case silence:
		p.stall()
	case brokenCopy:
		p.lay(midCopy)
	case lostAnswer:
		p.lay(lostCommit)
	case unreachable:
		p.refuse()
	case noTrouble, gatewayGone, gatewaySilent: // not the database's
	}
}

// strike kills.
func (c *campaign) strike(v victim) {
	c.t.Helper()
	switch v {
	case theRecorder:
		c.end(c.holder(), syscall.SIGKILL)
	case theStandby:
		c.end(c.standby(), syscall.SIGKILL)
	case politely:
		c.end(c.holder(), syscall.SIGTERM)
	case thePostgres:
		c.postgres.kill()
	case both:
		c.postgres.kill()
		c.end(c.holder(), syscall.SIGKILL)
	case everything:
		c.postgres.kill()
		for _, p := range c.posts {
			c.end(p, syscall.SIGKILL)
		}
	case aBackend:
		// None is there while the database cannot be reached.
		for _, row := range c.query("SELECT pid FROM pg_stat_activity WHERE application_name = 'talktime' LIMIT 1") {
			c.postgres.killProcess(row[0])
		}
	}
}

// end ends a recorder and reads its log to the end.
func (c *campaign) end(p *post, signal syscall.Signal) {
	c.t.Helper()
	if err := p.cmd.Process.Signal(signal); err != nil && !p.isOver() {
		c.t.Fatal(err)
	}
	if code := p.leave(); signal == syscall.SIGTERM && code != exitOK {
		c.tally.impolite++
	}
}

// awaitRound waits until a round is acknowledged that was due after an instant.
// A recorder that ends by itself is started again, as its unit would: it may
// find Postgres not ready yet.
func (c *campaign) awaitRound(after time.Time) {
	c.t.Helper()
	look := time.NewTicker(20 * time.Millisecond)
	defer look.Stop()
	for limit := time.Now().Add(longEnough); ; <-look.C {
		for _, p := range c.posts {
			if p.lastAcknowledged().After(after) {
				return
			}
			if p.isOver() {
				if code := p.leave(); code != exitFailed {
					c.t.Fatalf("the recorder ended with exit code %d:\n%s", code, p.tail())
				}
				<-time.After(100 * time.Millisecond) // RestartSec of systemd
				c.start()
			}
			if time.Now().After(limit) {
				c.t.Fatalf("no round due after %s is acknowledged; the end of the log:\n%s", after.Format(time.RFC3339Nano), p.tail())
			}
		}
	}
}

// period is the distance of a schedule's due instants.
func (c *campaign) period(schedule string) time.Duration {
	for _, s := range c.schedules {
		if s.name == schedule {
			return s.period
		}
	}
	return 0
}

// awaitWord waits until the first post's recorder logs something.
func (c *campaign) awaitWord(wanted func(entry) bool) entry {
	c.t.Helper()
	l := c.posts[0].life
	e, err := l.await(0, wanted)
	if err != nil {
		c.t.Fatalf("%v; the end of the log:\n%s", err, l.tail())
	}
	return e
}

// awaitPolls waits until the first post's recorder has finished so many more rounds,
// stored or not.
func (c *campaign) awaitPolls(rounds int) {
	c.t.Helper()
	l := c.posts[0].life
	log, _ := l.entries()
	_, err := l.await(len(log), func(e entry) bool {
		if e.Msg == "round finished" || e.Msg == "polls failed" {
			rounds--
		}
		return rounds == 0
	})
	if err != nil {
		c.t.Fatalf("%v; the end of the log:\n%s", err, l.tail())
	}
}
