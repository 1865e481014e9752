package store

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"

	"github.com/jackc/pgx/v5"

	"talktime/ingest"
	"talktime/sql/store/internal/db"
)

// agentSets remembers the ids of agent sets known to be stored, by the hash of
// their text: the text of a set with many holes is long.
type agentSets struct {
	mu  sync.Mutex
	ids map[[sha256.Size]byte]int64
}

// maxAgentSets bounds what is remembered: the set of all agents with a GUID is
// another one whenever somebody signs in.
const maxAgentSets = 1000

func (a *agentSets) get(key [sha256.Size]byte) (id int64, known bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	id, known = a.ids[key]
	return id, known
}

func (a *agentSets) put(key [sha256.Size]byte, id int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.ids == nil || len(a.ids) >= maxAgentSets {
		a.ids = map[[sha256.Size]byte]int64{}
	}
	a.ids[key] = id
}

func (a *agentSets) forget() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.ids = nil
}

// agentSetID returns the id of a set of agents, storing it first where it is
// new. It commits on its own, before the transaction that names the set: an id
// of a row that was rolled back would be remembered for ever.
func (s *Store) agentSetID(ctx context.Context, agents ingest.AgentSet) (int64, error) {
	text := multirangeOf(agents)
	key := sha256.Sum256([]byte(text))
	if id, known := s.agentSets.get(key); known {
		return id, nil
	}
	q := db.New(s.pool)
	id, err := q.AgentSetID(ctx, text)
	if errors.Is(err, pgx.ErrNoRows) {
		if err := q.PutAgentSet(ctx, text); err != nil {
			return 0, fmt.Errorf("store the set of agents: %w", plain(err))
		}
		id, err = q.AgentSetID(ctx, text)
	}
	if err != nil {
		return 0, fmt.Errorf("look up the set of agents: %w", plain(err))
	}
	s.agentSets.put(key, id)
	return id, nil
}

// multirangeOf writes a set of agents as Postgres writes an int4multirange:
// half-open, ascending.
func multirangeOf(agents ingest.AgentSet) string {
	b := []byte{'{'}
	for i, r := range agents.Ranges() {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(b, '[')
		b = strconv.AppendInt(b, int64(r.First), 10)
		b = append(b, ',')
		b = strconv.AppendInt(b, int64(r.Last)+1, 10)
		b = append(b, ')')
	}
	return string(append(b, '}'))
}

// agentsOf reads an int4multirange as Postgres writes it.
func agentsOf(multirange string) (ingest.AgentSet, error) {
	inner := strings.TrimSuffix(strings.TrimPrefix(multirange, "{"), "}")
	if inner == "" {
		return ingest.AgentSet{}, nil
	}
	var ranges []ingest.AgentRange
	for part := range strings.SplitSeq(strings.TrimSuffix(strings.TrimPrefix(inner, "["), ")"), "),[") {
		first, end, _ := strings.Cut(part, ",")
		a, errA := strconv.ParseInt(first, 10, 32)
		b, errB := strconv.ParseInt(end, 10, 32)
		if errA != nil || errB != nil {
			return ingest.AgentSet{}, fmt.Errorf("agent set %q is not of the form {[101,105),[200,201)}", multirange)
		}
		ranges = append(ranges, ingest.AgentRange{First: ingest.AgentID(a), Last: ingest.AgentID(b - 1)})
	}
	return ingest.NewAgentSetOfRanges(ranges...), nil
}
