// Package systemd tells the service manager how the program is: the protocol of
// sd_notify(3), a line or two by datagram over a Unix socket. That is all there
// is to it, which is why no library stands here.
package systemd

import (
	"fmt"
	"math"
	"net"
	"strconv"
	"time"
)

// The variables by which systemd asks to be told (sd_notify(3),
// sd_watchdog_enabled(3)).
const (
	socketVariable      = "NOTIFY_SOCKET"
	watchdogVariable    = "WATCHDOG_USEC"
	watchdogPIDVariable = "WATCHDOG_PID"
)

// longestTelling bounds how long a state waits for room in systemd's socket: who
// does not read must not keep the program from leaving.
const longestTelling = time.Second

// Notifier tells systemd. Its zero value, a program that systemd did not start
// or did not ask, tells nobody. What cannot be told is an error that only a log
// is interested in.
type Notifier struct {
	address  *net.UnixAddr
	watchdog time.Duration
}

// New reads from the environment whether systemd wants to be told, and how
// often that process pid lives.
func New(getenv func(string) string, pid int) Notifier {
	var n Notifier
	if name := getenv(socketVariable); name != "" {
		// A leading @ stands for an abstract socket, in Go as in systemd.
		n.address = &net.UnixAddr{Name: name, Net: "unixgram"}
	}
	usec, err := strconv.ParseInt(getenv(watchdogVariable), 10, 64)
	if of := getenv(watchdogPIDVariable); err == nil && usec > 0 && usec <= math.MaxInt64/1000 && (of == "" || of == strconv.Itoa(pid)) {
		n.watchdog = time.Duration(usec) * time.Microsecond
	}
	return n
}

// WatchdogInterval is how often Alive is to be told, half of what systemd allows
// as sd_watchdog_enabled(3) advises; 0 where it does not want to know.
func (n Notifier) WatchdogInterval() time.Duration {
	if n.address == nil {
		return 0
	}
	return n.watchdog / 2
}

// Ready tells that the program does its work, or does it again after Reloading,
// and in words what that is.
func (n Notifier) Ready(status string) error { return n.tell("READY=1\nSTATUS=" + status) }

// Reloading tells that the program reads its configuration again; Ready ends
// that.
func (n Notifier) Reloading() error { return n.tell("RELOADING=1") }

// Status tells in words what the program is about.
func (n Notifier) Status(status string) error { return n.tell("STATUS=" + status) }

// Alive tells that the program still does its work.
func (n Notifier) Alive() error { return n.tell("WATCHDOG=1") }

// Stopping tells that the program is leaving.
func (n Notifier) Stopping() error { return n.tell("STOPPING=1\nSTATUS=leaving") }

func (n Notifier) tell(state string) error {
	if n.address == nil {
		return nil
	}
	conn, err := net.DialUnix("unixgram", nil, n.address)
	if err == nil {
		if err = conn.SetWriteDeadline(time.Now().Add(longestTelling)); err == nil {
			_, err = conn.Write([]byte(state))
		}
		_ = conn.Close()
	}
	if err != nil {
		return fmt.Errorf("tell systemd: %w", err)
	}
	return nil
}
