package gatewaysim

import (
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"time"

	"talktime/ingest"
)

// AuthMode is how the gateway knows its clients (AUTHMODE in the page "Getting
// Agent Status", Table 2).
type AuthMode int

// The two modes of the page.
const (
	AuthStatic  AuthMode = 1 // one GUID an agent, for as long as the gateway runs
	AuthDynamic AuthMode = 2 // a new GUID every GUIDPeriod
)

// Under AuthDynamic every agent gets a new GUID each GUIDPeriod, counted from
// the gateway's start, and each lives for GUIDLife.
const (
	GUIDPeriod = 60 * time.Second
	GUIDLife   = 120 * time.Second
)

// guidNode is the cluster node a GUID ends with.
const guidNode = ".AgentGateway1"

const guidLength = 36 + len(guidNode)

// guid is an agent's GUID of one generation. It follows from the seed, so that
// two runs of a test hand out the same ones.
type guid [guidLength]byte

func newGUID(seed uint64, agent ingest.AgentID, generation int64) (g guid) {
	random := newStream(seed, forGUID, uint64(agent), uint64(generation))
	var raw [16]byte
	binary.BigEndian.PutUint64(raw[:8], random.next())
	binary.BigEndian.PutUint64(raw[8:], random.next())
	for i, part := range [][2]int{{0, 4}, {4, 6}, {6, 8}, {8, 10}, {10, 16}} {
		at := 2*part[0] + i
		hex.Encode(g[at:], raw[part[0]:part[1]])
		if i > 0 {
			g[at-1] = '-'
		}
	}
	copy(g[36:], guidNode)
	return g
}

// generation numbers the GUIDs in force at an instant, from 0 at the start.
func (g *Gateway) generation(now time.Time) int64 {
	if g.opts.AuthMode == AuthStatic {
		return 0
	}
	return max(0, int64(now.Sub(g.startedAt)/GUIDPeriod))
}

// isGood reports whether the GUID is one of the agent's that is alive: that of
// the present generation, or of the one before, which is less than GUIDLife old.
func (g *Gateway) isGood(sent string, agent ingest.AgentID, now time.Time) bool {
	newest := g.generation(now)
	oldest := max(0, newest-int64((GUIDLife-1)/GUIDPeriod))
	for n := newest; n >= oldest; n-- {
		if held := newGUID(g.opts.Seed, agent, n); sent == string(held[:]) {
			return true
		}
	}
	return false
}

// GUIDs returns the newest GUID of every agent, as the agents' desktops hold
// them at this instant.
func (g *Gateway) GUIDs() map[ingest.AgentID]ingest.Secret {
	generation := g.generation(g.opts.Clock.Now())
	guids := make(map[ingest.AgentID]ingest.Secret, g.opts.Agents.Len())
	for agent := range g.opts.Agents.All() {
		held := newGUID(g.opts.Seed, agent, generation)
		guids[agent] = ingest.NewSecret(string(held[:]))
	}
	return guids
}

// appendGUIDs adds the content of guids.csv for one generation.
func (g *Gateway) appendGUIDs(b []byte, generation int64) []byte {
	b = append(b, "agentid,guid\n"...)
	for agent := range g.opts.Agents.All() {
		held := newGUID(g.opts.Seed, agent, generation)
		b = fmt.Appendf(b, "%d,%s\n", agent, held[:])
	}
	return b
}
