package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"talktime/ingest"
	"talktime/ingest/gatewaysim"
)

// gatewayFlags are the flags of talktime gateway as they were typed.
type gatewayFlags struct {
	dir         string
	listen      string
	agents      string
	maxAgentID  int32
	seed        uint64
	timeZone    string
	shift       string
	authMode    int
	result      string
	signedOut   string
	faults      []string
	certificate string
	ahead       time.Duration
}

func (a *app) gatewayCommand() *cobra.Command {
	var f gatewayFlags
	cmd := &cobra.Command{
		Use:   "gateway --dir DIR",
		Short: "Play a CC-Gateway of scripted agents to try things on",
		Long: `gateway serves a simulated CC-Gateway over HTTPS, on this machine only, until it
is stopped. Its agents live by a script that follows from --seed, with calls,
wrap-up, breaks and a few oddities, and the truth of it is written down:

  ca.pem       the authority that signed its certificate (gateway.ca_file)
  guids.csv    the agents' GUIDs (guids.file), replaced every minute with
               --auth-mode 2
  gateway.url  where it listens (gateway.url)
  ca-key.pem   the authority's key, for when it is started again
  truth.csv    agent_id,from,to,agent_state,is_working since the start; a span
               is written within seconds of its end, open ones when it stops

Agents are on shift around the clock; --shift day gives them days from about
08:00 to 18:00 in --time-zone.

--fault makes requests fail. It can be repeated, or hold a list with commas:

  KIND[=CHANCE][@FROM-TO][#AGENTS]                  http500=0.01  timeout@09:00-09:10
  latency=TIME[..TIME][:CHANCE][@FROM-TO][#AGENTS]  latency=20ms..50ms  stall#101-103

KIND is one of
` + wrapWords(gatewaysim.FaultKinds(), 76) + `
CHANCE is the share of requests it strikes (default 1), FROM and TO are times of
day in --time-zone, AGENTS is whom it strikes (default all). --certificate and
--ahead let the gateway be one that cannot be verified, or whose clock is wrong.`,
		Example: `  talktime gateway --dir play
  talktime gateway --listen 127.0.0.1:8043 --agents 101-124 --auth-mode 2 --dir play
  talktime gateway --dir play --fault 'latency=20ms..50ms,http500=0.01' --fault 100-007@12:00-12:10
  talktime gateway --dir play --fault 'timeout#103' --ahead 5m`,
		Args: noArguments,
		RunE: func(cmd *cobra.Command, _ []string) error { return a.gateway(cmd.Context(), f) },
	}
	flags := cmd.Flags()
	flags.StringVar(&f.dir, "dir", "", "`directory` to write the files to, made if it is not there")
	flags.StringVar(&f.listen, "listen", "127.0.0.1:0", "loopback `address` to serve on; port 0 takes a free one")
	flags.StringVar(&f.agents, "agents", "101-124", "`agents` to play, such as 101-160,200")
	flags.Int32Var(&f.maxAgentID, "max-agent-id", int32(ingest.DefaultMaxAgentID), "highest agent `id` the gateway takes")
	flags.Uint64Var(&f.seed, "seed", 1, "`number` that decides what the agents do and what fails")
	flags.StringVar(&f.timeZone, "time-zone", "UTC", "`zone` whose days the agents live by, such as Europe/Berlin")
	flags.StringVar(&f.shift, "shift", "always", "when agents work: always or day")
	flags.IntVar(&f.authMode, "auth-mode", 1, "AUTHMODE: 1, GUIDs stay, or 2, new ones every 60 s")
	flags.StringVar(&f.result, "result", "object", "shape of result in a reply: object or array")
	flags.StringVar(&f.signedOut, "signed-out", "retcode", "how a signed-out agent is told: retcode (100-006) or state (2)")
	flags.StringArrayVar(&f.faults, "fault", nil, "`faults` to play, see above")
	flags.StringVar(&f.certificate, "certificate", "good", "`certificate` to show: good, expired, wrong-name or unknown-ca")
	flags.DurationVar(&f.ahead, "ahead", 0, "`time` its Date header is ahead, such as 5m or -90s")
	offer(flags, "shift", "always", "day")
	offer(flags, "auth-mode", "1", "2")
	offer(flags, "result", "object", "array")
	offer(flags, "signed-out", "retcode", "state")
	offer(flags, "certificate", "good", "expired", "wrong-name", "unknown-ca")
	_ = cmd.MarkFlagRequired("dir") // fails only for a flag there is not
	return cmd
}

// wrapWords lists fault kinds in indented lines of at most a width.
func wrapWords(kinds []gatewaysim.FaultKind, width int) string {
	lines, line := "", " "
	for _, kind := range kinds {
		if len(line)+1+len(kind) > width {
			lines, line = lines+line+"\n", " "
		}
		line += " " + string(kind)
	}
	return lines + line
}

// options reads the flags and reports all that is wrong with them.
func (f gatewayFlags) options(clock ingest.Clock) (gatewaysim.Options, error) {
	var wrong []error
	flag := func(name string, err error) {
		if err != nil {
			wrong = append(wrong, fmt.Errorf("--%s: %w", name, err))
		}
	}
	o := gatewaysim.Options{
		Clock: clock, MachineTime: clock.Now(), Listen: f.listen,
		MaxAgentID: ingest.AgentID(f.maxAgentID), AuthMode: gatewaysim.AuthMode(f.authMode),
		ResultArray: f.result == "array", SignOutAsState2: f.signedOut == "state",
		Certificate: gatewaysim.Certificate(f.certificate), Ahead: f.ahead,
	}
	o.Seed = f.seed
	var err error
	o.Agents, err = ingest.ParseAgentSet(f.agents, o.MaxAgentID)
	flag("agents", err)
	o.Shift, err = gatewaysim.ParseShift(f.shift)
	flag("shift", err)
	o.Faults, err = gatewaysim.ParseFaults(f.faults...)
	flag("fault", err)
	flag("result", oneOf(f.result, "object", "array"))
	flag("signed-out", oneOf(f.signedOut, "retcode", "state"))
	o.Zone, err = time.LoadLocation(f.timeZone)
	if err != nil || f.timeZone == "" || f.timeZone == "Local" {
		flag("time-zone", fmt.Errorf("%q is not a time zone such as Europe/Berlin or UTC", f.timeZone))
	}
	if f.dir == "" {
		flag("dir", errors.New("it is empty"))
	}
	if len(wrong) == 0 {
		return o, usageError(o.Validate())
	}
	return o, usageError(errors.Join(wrong...))
}

func oneOf(s, first, second string) error {
	if s != first && s != second {
		return fmt.Errorf("%q is neither %s nor %s", s, first, second)
	}
	return nil
}

// gateway plays until the context ends.
func (a *app) gateway(ctx context.Context, f gatewayFlags) (err error) {
	options, err := f.options(a.clock)
	if err != nil {
		return err
	}
	dir, err := filepath.Abs(f.dir)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	if options.Authority, err = gatewaysim.KeepAuthority(dir, options.MachineTime); err != nil {
		return err
	}
	g, err := gatewaysim.Start(options)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, g.Close()) }()
	tellGateway(a.stderr, g, options, dir)
	if err := g.Follow(ctx, dir); err != nil {
		return err
	}
	_, _ = fmt.Fprintf(a.stderr, "stopped after %d requests; %s is complete\n", g.Requests(), filepath.Join(dir, gatewaysim.TruthFile))
	return nil
}

// tellGateway says where the gateway is and what to paste to use it.
func tellGateway(w io.Writer, g *gatewaysim.Gateway, o gatewaysim.Options, dir string) {
	ca, guids := filepath.Join(dir, gatewaysim.CAFile), filepath.Join(dir, gatewaysim.GUIDFile)
	first := o.Agents.Ranges()[0].First
	_, _ = fmt.Fprintf(w, `playing agents %[1]s at %[2]s until stopped; files in %[3]s

to record it, in talktime.yaml:

gateway: {url: %[4]q, ca_file: %[5]q, auth_mode: %[6]d}
guids: {file: %[7]q}
agents: {max_id: %[8]d}
schedules:
  - {name: play, cron: "* * * * * *", agents: %[9]q}

and then: talktime record --config talktime.yaml

to see one reply (the GUID is read from the file, it stays off the command line):

(echo 'Content-Type: application/json; charset=UTF-8'; sed -n 's/^%[10]d,/Guid: /p' %[11]s) |
  curl --cacert %[12]s -H @- %[2]s/agentgateway/resource/onlineagent/%[10]d/agentstatus

`, o.Agents, g.URL(), dir, g.URL(), ca, o.AuthMode, guids, o.MaxAgentID, o.Agents.String(), first, shellQuote(guids), shellQuote(ca))
}

// shellQuote makes a text one word of a POSIX shell.
func shellQuote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }
