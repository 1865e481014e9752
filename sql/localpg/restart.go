package localpg

import (
	"context"
	"fmt"
)

// Restart starts the server again where it has ended while this hold lasts: it was
// killed, or ended itself over a full disk. It reports whether it had to. The
// server is at the same address, and connections must be made anew; what was
// committed is there.
func (s *Server) Restart(ctx context.Context) (restarted bool, err error) {
	_, running, err := readPostmaster(s.cluster.data)
	if err != nil {
		return false, fmt.Errorf("look at the private Postgres in %s: %w", s.cluster.dir.path, err)
	}
	if running {
		return false, nil
	}
	again, err := Start(ctx, s.cluster.options)
	if err != nil {
		return false, err
	}
	return true, again.Close(ctx) // s still holds the server
}
