package gatewaysim

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"
)

// trickle is the pause between the bytes of a body without end.
const trickle = 50 * time.Millisecond

// sendBadly writes the body of a reply that does not end as it should. Where
// the connection closes it does not return, but panics as net/http has it.
func (r *reply) sendBadly(w http.ResponseWriter, to *http.Request) {
	conn := http.NewResponseController(w)
	if r.end == FaultUnasked {
		_, _ = w.Write(r.body)
		_ = conn.Flush()
		unasked(conn, to.Header.Get("Guid"))
		return
	}
	_, _ = w.Write(r.body[:len(r.body)/2])
	_ = conn.Flush()
	switch r.end {
	case FaultStall:
		<-to.Context().Done()
	case FaultEndless:
		for pause(to.Context(), trickle) {
			if _, err := io.WriteString(w, " "); err != nil || conn.Flush() != nil {
				return
			}
		}
	case FaultReset:
		reset(conn)
	default: // FaultCut
	}
	panic(http.ErrAbortHandler)
}

// unasked says more than it was asked, and hangs up.
func unasked(conn *http.ResponseController, guid string) {
	raw, _, err := conn.Hijack()
	if err != nil {
		return
	}
	_, _ = fmt.Fprintf(raw, "HTTP/1.1 200 OK\r\nGuid: %s\r\nContent-Length: 0\r\n\r\n", guid)
	_ = raw.Close()
}

// reset ends the connection without the farewells of TLS and TCP.
func reset(conn *http.ResponseController) {
	raw, _, err := conn.Hijack()
	if err != nil {
		return
	}
	if secure, ok := raw.(*tls.Conn); ok {
		if plain, ok := secure.NetConn().(*net.TCPConn); ok {
			_ = plain.SetLinger(0)
			_ = plain.Close()
		}
	}
}
