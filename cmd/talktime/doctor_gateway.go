package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"talktime/ingest"
	"talktime/ingest/ccgateway"
)

// How old GUIDs may be: in AUTHMODE 2 one is dead after two minutes, in
// AUTHMODE 1 it lasts for a sign-in, and who works today signed in today.
const (
	dynamicGUIDLife = 2 * time.Minute
	staticGUIDLife  = 24 * time.Hour
)

// guids checks the file of GUIDs against the schedules.
func (d *doctor) guids(c *config) (file ccgateway.GUIDFile) {
	const check = "GUIDs"
	if c.guidsFile == "" {
		return file // the configuration's fault
	}
	file, err := ccgateway.ExamineGUIDs(c.guidsFile, c.maxAgentID)
	if file.Mode != "" && !file.IsPrivate {
		d.fail("GUID file", "chmod 600 "+c.guidsFile, "%s has mode %s: others may read GUIDs, and record refuses it", c.guidsFile, file.Mode)
	}
	if err != nil {
		d.failWith("GUID file", "", err)
		return file
	}
	if file.IsPrivate {
		d.ok("GUID file", "%s, mode %s, %s", c.guidsFile, file.Mode, plural(file.Agents.Len(), "agent", "agents"))
	}
	age := d.clock.Now().Sub(file.ChangedAt)
	switch {
	case c.gateway.authMode == ccgateway.AuthModeDynamic && age > dynamicGUIDLife:
		d.fail("GUID age", "have it written each minute, or set gateway.auth_mode: 1 if the gateway's AUTHMODE is 1",
			"the file was written %s ago: with AUTHMODE 2 all %d GUIDs are dead after two minutes", tellAge(age), file.Agents.Len())
	case age > staticGUIDLife:
		d.warn("GUID age", "have it written when agents sign in", "the file was written %s ago: who signed in since then has another GUID", tellAge(age))
	case age < -time.Minute:
		d.warn("GUID age", "set the clock of the machine that writes it", "the file is from %s ahead of this machine's clock", tellAge(age))
	default:
		d.ok("GUID age", "written %s ago", tellAge(max(age, 0)))
	}
	named, without := 0, []ingest.AgentID{}
	for agent := range dueAgents(c).All() {
		named++
		if !file.Agents.Contains(agent) {
			without = append(without, agent)
		}
	}
	switch {
	case named == 0 && file.Agents.IsEmpty(), named > 0 && len(without) == named:
		d.fail(check, "write their lines agentid,guid into "+c.guidsFile, "no agent that is due has a GUID")
	case len(without) > 0:
		d.warn(check, "write their GUIDs, or take them out of the schedules", "%d of %d agents due have none and count as unauthorized: %s",
			len(without), named, shorten(ingest.NewAgentSet(without...).String(), 60))
	case named > 0:
		d.ok(check, "%d of %d agents due have one", named, named)
	}
	return file
}

// dueAgents are those any schedule names.
func dueAgents(c *config) ingest.AgentSet {
	var ranges []ingest.AgentRange
	for _, s := range c.schedules {
		if !s.All() {
			ranges = append(ranges, s.Agents().Ranges()...)
		}
	}
	return ingest.NewAgentSetOfRanges(ranges...)
}

// agentToAsk is the first who is due and has a GUID, 0 where there is none.
func agentToAsk(c *config, held ingest.AgentSet) ingest.AgentID {
	due := dueAgents(c)
	for agent := range held.All() {
		if due.IsEmpty() || due.Contains(agent) {
			return agent
		}
	}
	return 0
}

// Limits of what is said of the gateway without a warning.
const (
	certificateWarning = 30 * 24 * time.Hour
	certificateFailing = 3 * 24 * time.Hour
	clockTolerance     = 2 * time.Second
)

// gateway walks to the gateway and polls once.
func (d *doctor) gateway(ctx context.Context, c *config, file ccgateway.GUIDFile) {
	if c.gateway.url == "" || !d.authorities(c) {
		return
	}
	x, err := ccgateway.Examine(ctx, c.ccgateway(), file, agentToAsk(c, file.Agents), d.clock)
	switch {
	case err != nil:
		d.failWith("gateway", "", err)
		return
	case x.NameErr != nil:
		d.fail("gateway name", "correct gateway.url, or the machine's DNS", "%s is not found: %v", x.Host, x.NameErr)
		return
	case x.ConnectErr != nil:
		d.fail("gateway", connectRemedy(x.ConnectErr), "%s cannot be connected to: %v", c.gateway.url, x.ConnectErr)
		return
	}
	d.ok("gateway", "%s is at %s", c.gateway.url, x.Address)
	if x.TLSErr != nil {
		d.fail("gateway TLS", certificateRemedy(x.TLSErr, c), "%v", plainTLS(x.TLSErr))
		return
	}
	d.certificate("gateway TLS", x.TLS+", chain and name verified", x.NotAfter)
	d.answer(x, c)
	d.reachAsSeen(x, c, file)
}

// authorities checks the file of certificates that the gateway's must go back to.
func (d *doctor) authorities(c *config) bool {
	const check = "CA file"
	if c.gateway.caFile == "" {
		d.ok(check, "none: the system's authorities")
		return true
	}
	pem, err := os.ReadFile(c.gateway.caFile)
	switch {
	case err != nil:
		d.failWith(check, "make it readable for this user", err)
	case !x509.NewCertPool().AppendCertsFromPEM(pem):
		d.fail(check, "write the certificate of the gateway's authority into it, PEM", "%s holds no certificate in PEM", c.gateway.caFile)
	default:
		d.ok(check, "%s", c.gateway.caFile)
		return true
	}
	return false
}

func connectRemedy(err error) string {
	if errors.Is(err, syscall.ECONNREFUSED) {
		return "start the gateway, or correct the port in gateway.url"
	}
	return "let this machine through to that port: firewall, route, VPN"
}

// plainTLS leaves out who reports an error and keeps what is wrong.
func plainTLS(err error) error {
	if unverified, ok := errors.AsType[*tls.CertificateVerificationError](err); ok {
		return unverified.Err
	}
	return err
}

func certificateRemedy(err error, c *config) string {
	if _, ok := errors.AsType[x509.HostnameError](err); ok {
		return "write the host into gateway.url as the certificate names it, or give the gateway a certificate for this one"
	}
	if _, ok := errors.AsType[x509.UnknownAuthorityError](err); ok {
		if c.gateway.caFile == "" {
			return "name the authority that signed the gateway's certificate with gateway.ca_file"
		}
		return "put the authority that signed the gateway's certificate into " + c.gateway.caFile
	}
	if invalid, ok := errors.AsType[x509.CertificateInvalidError](err); ok && invalid.Reason == x509.Expired {
		return "give the gateway a new certificate, or set the clock that is wrong"
	}
	if _, ok := errors.AsType[tls.RecordHeaderError](err); ok {
		return "this port does not speak TLS: name the gateway's HTTPS port in gateway.url"
	}
	return "see that the gateway speaks TLS 1.2 or later on this port"
}

// certificate tells for how long a verified certificate is good.
func (d *doctor) certificate(check, seen string, notAfter time.Time) {
	left := notAfter.Sub(d.clock.Now())
	switch {
	case left < certificateFailing:
		d.fail(check, "give the server a new certificate now", "%s; the certificate expires in %s", seen, tellAge(left))
	case left < certificateWarning:
		d.warn(check, "have the server's certificate renewed", "%s; the certificate expires in %s", seen, tellAge(left))
	default:
		d.ok(check, "%s; the certificate expires in %s", seen, tellAge(left))
	}
}

// answer tells of the poll.
func (d *doctor) answer(x ccgateway.Examination, c *config) {
	const check = "gateway poll"
	asked := fmt.Sprintf("agent %d", x.Agent)
	switch {
	case x.Agent == 0:
		d.warn(check, "see GUIDs", "nobody could be asked about: no agent that is due has a GUID")
		return
	case x.AnswerErr != nil && x.Status >= 300 && x.Status < 400:
		d.fail(check, "name the gateway itself in gateway.url: redirects are not followed, the GUID would go along", "%s: %v", asked, x.AnswerErr)
	case x.AnswerErr != nil:
		d.fail(check, "see that a CC-Gateway answers at gateway.url, not another server or a proxy", "%s: %v", asked, x.AnswerErr)
	case x.Outcome == ingest.Unauthorized:
		d.fail(check, "have fresh GUIDs written; gateway.auth_mode must be the gateway's AUTHMODE", "%s: unauthorized (%s) after %s", asked, x.Retcode, tellAge(x.Latency))
	case x.Outcome.IsObservation() && x.Latency > c.gateway.timeout/2:
		d.warn(check, "see why the gateway is slow, or raise gateway.timeout", "%s: %s after %s, of gateway.timeout %s", asked, x.Outcome, tellAge(x.Latency), c.gateway.timeout)
	case x.Outcome.IsObservation():
		d.ok(check, "%s: %s after %s", asked, x.Outcome, tellAge(x.Latency))
	default:
		d.warn(check, "run it again; if it stays, the gateway's own log tells more", "%s: %s (%s) after %s", asked, x.Outcome, x.Retcode, tellAge(x.Latency))
	}
	if x.Dated {
		d.clockOf("gateway clock", "the gateway's", x.Ahead)
	}
}

// clockOf compares another machine's clock with this one's.
func (d *doctor) clockOf(check, whose string, ahead time.Duration) {
	side := "ahead of"
	if ahead < 0 {
		side = "behind"
	}
	if ahead.Abs() <= clockTolerance {
		d.ok(check, "%s and this machine's agree within %s", whose, clockTolerance)
		return
	}
	d.warn(check, "keep both by a time server: figures follow this machine's clock", "%s is %s %s this machine's", whose, tellAge(ahead), side)
}

// shorten cuts a text that may be long.
func shorten(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return text[:strings.LastIndexByte(text[:most], ',')+1] + "…"
}
