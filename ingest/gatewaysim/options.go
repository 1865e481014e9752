package gatewaysim

import (
	"errors"
	"fmt"
	"net"
	"strconv"
	"time"

	"talktime/ingest"
)

// Options say what a gateway plays and how it behaves.
type Options struct {
	Play
	Agents ingest.AgentSet // who is played; not empty
	Clock  ingest.Clock    // what time it is in the play

	// MachineTime is the time by the machine's clock, which TLS clients hold
	// certificates against whatever the play's clock shows. The gateway's are
	// valid from an hour before it for a year.
	MachineTime time.Time
	// Listen is the loopback address to serve on, host:port; port 0 takes a
	// free one. Empty is 127.0.0.1:0.
	Listen string

	MaxAgentID      ingest.AgentID // ids above are 000-002; 0 is ingest.DefaultMaxAgentID
	AuthMode        AuthMode       // 0 is AuthStatic
	ResultArray     bool           // result as an array of one object instead of the object
	SignOutAsState2 bool           // signed out is state 2 instead of 100-006
	Faults          []Fault        // the first that strikes wins; latencies add up
	Authority       *Authority     // signs the certificate; nil is one of its own, whose key is forgotten
	Certificate     Certificate    // what is wrong with the server's certificate, if anything
	Ahead           time.Duration  // how far the gateway's Date header is ahead of Clock
}

// withDefaults fills in what was left out.
func (o Options) withDefaults() Options {
	if o.Listen == "" {
		o.Listen = "127.0.0.1:0"
	}
	if o.MaxAgentID == 0 {
		o.MaxAgentID = ingest.DefaultMaxAgentID
	}
	if o.AuthMode == 0 {
		o.AuthMode = AuthStatic
	}
	if o.Certificate == "" {
		o.Certificate = CertificateGood
	}
	return o
}

// Validate reports everything about the options that Start would refuse.
func (o Options) Validate() error {
	o = o.withDefaults()
	var wrong []error
	refuse := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	if o.Zone == nil {
		refuse("the play has no time zone")
	}
	if int(o.Shift) >= len(shiftWords) {
		refuse("%s is not known", o.Shift)
	}
	if o.Clock == nil {
		refuse("the play has no clock")
	}
	if o.MachineTime.IsZero() {
		refuse("the machine's time is missing, certificates need it")
	}
	if o.MaxAgentID < ingest.MinAgentID || o.MaxAgentID > ingest.LimitMaxAgentID {
		refuse("highest agent id %d is outside %d-%d", o.MaxAgentID, ingest.MinAgentID, ingest.LimitMaxAgentID)
	}
	if ranges := o.Agents.Ranges(); len(ranges) == 0 {
		refuse("there is no agent to play")
	} else if first, last := ranges[0].First, ranges[len(ranges)-1].Last; first < ingest.MinAgentID || last > o.MaxAgentID {
		refuse("agents %s are not all within %d-%d", o.Agents, ingest.MinAgentID, o.MaxAgentID)
	}
	if o.AuthMode != AuthStatic && o.AuthMode != AuthDynamic {
		refuse("auth mode %d is neither 1 (static) nor 2 (dynamic)", o.AuthMode)
	}
	if !o.Certificate.isKnown() {
		refuse("certificate %q is none of good, expired, wrong-name and unknown-ca", o.Certificate)
	}
	if _, err := loopbackHost(o.Listen); err != nil {
		wrong = append(wrong, err)
	}
	return errors.Join(wrong...)
}

// loopbackHost returns the host of a listen address and refuses any that other
// machines could reach.
func loopbackHost(listen string) (string, error) {
	host, port, err := net.SplitHostPort(listen)
	if _, notPort := strconv.ParseUint(port, 10, 16); err != nil || notPort != nil {
		return "", fmt.Errorf("listen address %q is not host:port, such as 127.0.0.1:0", listen)
	}
	if ip := net.ParseIP(host); host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "", fmt.Errorf("listen address %q is not a loopback address: this is a simulator whose GUIDs anyone can guess, take 127.0.0.1 or [::1]", listen)
	}
	return host, nil
}
