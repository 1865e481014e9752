package operations

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Limits of the server. What it answers is a few kilobytes from memory, so that
// whoever takes longer is not asking.
const (
	requestLimit = 5 * time.Second
	replyLimit   = 10 * time.Second
	idleLimit    = 2 * time.Minute
	maxHeader    = 16 << 10
	maxScrapes   = 4 // at once; a further one is answered 503
	// answerLimit is for a disk that hangs under the spool: nothing else can keep
	// an answer waiting.
	answerLimit = 5 * time.Second
)

// Server answers for a Board over HTTP.
type Server struct {
	http   *http.Server
	at     net.Addr
	served chan error
}

// Serve listens on an address of the form host:port and answers for the board
// until the server is closed. A port that is taken is an error at once.
func (b *Board) Serve(address string, log *slog.Logger) (*Server, error) {
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("serve operations: %w; free that port or give listen.operations another", err)
	}
	s := &Server{
		at: listener.Addr(), served: make(chan error, 1),
		http: &http.Server{
			Handler: b.Handler(), ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
			ReadTimeout: requestLimit, WriteTimeout: replyLimit, IdleTimeout: idleLimit, MaxHeaderBytes: maxHeader,
		},
	}
	go func() { s.served <- s.http.Serve(listener) }()
	return s, nil
}

// Addr is where the server listens.
func (s *Server) Addr() string { return s.at.String() }

// Close stops listening and ends every connection.
func (s *Server) Close() error {
	err := s.http.Close()
	if served := <-s.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

const index = `talktime operations

/healthz   200 while the recording loop moves
/readyz    200 while the recorder records, else 503 and why
/metrics   for Prometheus; talktime alerts prints rules for them
`

// Handler answers /healthz, /readyz and /metrics.
func (b *Board) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) { answer(w, http.StatusOK, index) })
	mux.HandleFunc("GET /healthz", b.health)
	mux.HandleFunc("GET /readyz", b.ready)
	mux.Handle("GET /metrics", promhttp.HandlerFor(b.registry, promhttp.HandlerOpts{MaxRequestsInFlight: maxScrapes}))
	return http.TimeoutHandler(mux, answerLimit, "not ready\nthe recorder does not answer: see whether the disk of data_dir hangs\n")
}

func (b *Board) health(w http.ResponseWriter, _ *http.Request) {
	if moves, since := b.Moves(); !moves {
		answer(w, http.StatusServiceUnavailable, fmt.Sprintf("the recording loop stands still, it was due at %s\n", instant(since)))
		return
	}
	answer(w, http.StatusOK, "ok\n")
}

func (b *Board) ready(w http.ResponseWriter, _ *http.Request) {
	r := b.readiness()
	status, lines := http.StatusOK, append([]string{"ready"}, r.notes...)
	if !r.isReady() {
		status, lines = http.StatusServiceUnavailable, append([]string{"not ready"}, r.reasons...)
	}
	answer(w, status, strings.Join(lines, "\n")+"\n")
}

func answer(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text)) // who asked may be gone
}

// Watchdog calls alive at every interval while the recording loop moves, until
// ctx ends.
func (b *Board) Watchdog(ctx context.Context, interval time.Duration, alive func()) {
	again := time.NewTicker(interval)
	defer again.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-again.C:
			if moves, _ := b.Moves(); moves {
				alive()
			}
		}
	}
}
