package systemd_test

import (
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"talktime/cmd/talktime/internal/systemd"
)

// listen opens a socket such as systemd's and returns its name and how to read
// the next datagram.
func listen(t *testing.T, name string) (next func() string) {
	t.Helper()
	conn, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: name, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return func() string {
		t.Helper()
		buffer := make([]byte, 4096)
		n, err := conn.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		return string(buffer[:n])
	}
}

func environment(variables map[string]string) func(string) string {
	return func(name string) string { return variables[name] }
}

func TestTells(t *testing.T) {
	dir, err := os.MkdirTemp("", "sd") // t.TempDir may be too long for a socket
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	for name, socket := range map[string]string{"a path": filepath.Join(dir, "notify"), "abstract": "@talktime-test-" + filepath.Base(dir)} {
		t.Run(name, func(t *testing.T) {
			next := listen(t, socket)
			n := systemd.New(environment(map[string]string{"NOTIFY_SOCKET": socket}), 1)
			var got []string
			for _, told := range []error{n.Status("opening the database"), n.Ready("recording"), n.Alive(), n.Stopping()} {
				if told != nil {
					t.Fatal(told)
				}
				got = append(got, next())
			}
			want := []string{"STATUS=opening the database", "READY=1\nSTATUS=recording", "WATCHDOG=1", "STOPPING=1\nSTATUS=leaving"}
			if d := cmp.Diff(want, got); d != "" {
				t.Errorf("told (-want +got):\n%s", d)
			}
		})
	}
}

func TestTellsNobodyWhereNobodyAsks(t *testing.T) {
	n := systemd.New(environment(map[string]string{"WATCHDOG_USEC": "30000000"}), 1)
	if err := n.Ready("recording"); err != nil {
		t.Error(err)
	}
	if every := n.WatchdogInterval(); every != 0 {
		t.Errorf("the watchdog is fed each %s", every)
	}
	gone := systemd.New(environment(map[string]string{"NOTIFY_SOCKET": "/nowhere/notify"}), 1)
	if err := gone.Alive(); err == nil {
		t.Error("telling a socket that is not there worked")
	}
}

func TestWatchdogInterval(t *testing.T) {
	for name, test := range map[string]struct {
		usec, pid string
		want      time.Duration
	}{
		"half of what is allowed":   {"30000000", "7", 15 * time.Second},
		"whoever it is for":         {"30000000", "", 15 * time.Second},
		"for another process":       {"30000000", "8", 0},
		"not asked":                 {"", "", 0},
		"no number":                 {"soon", "7", 0},
		"nothing":                   {"0", "7", 0},
		"less than nothing":         {"-5", "7", 0},
		"more than a number may be": {"99999999999999999999", "7", 0},
		"overflows as a duration":   {"9223372036854775807", "7", 0},
	} {
		t.Run(name, func(t *testing.T) {
			n := systemd.New(environment(map[string]string{"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": test.usec, "WATCHDOG_PID": test.pid}), 7)
			if got := n.WatchdogInterval(); got != test.want {
				t.Errorf("fed each %s, want %s", got, test.want)
			}
		})
	}
}
