package sftp_test

import (
	"crypto"
	"crypto/ed25519"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"talktime/ingest"
	"talktime/reports/export"
	"talktime/reports/export/sftp"
)

// server is an OpenSSH server of the current user on a loopback port, one sshd
// for each connection. Its folder is on this machine.
type server struct {
	t        *testing.T
	listener net.Listener
	dir      string // keys and configuration
	folder   string // what is delivered
	hostKey  ssh.PublicKey
	limits   string // shell commands before sshd

	connections atomic.Int64
	// budget returns how many bytes the client may send on a connection, counted
	// from 1, before what is called spent.
	budget func(connection int64) (bytes int64, spent func(net.Conn))
}

// startServer starts a server with further lines in sshd_config.
func startServer(t *testing.T, lines ...string) *server {
	t.Helper()
	program, err := exec.LookPath("sshd")
	if err != nil {
		program = "/usr/sbin/sshd" // not in every user's PATH
	}
	if _, err := os.Stat(program); err != nil {
		t.Fatal("sshd is missing: install it with apt-get install openssh-server (", err, ")")
	}
	if os.Getuid() == 0 {
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil { // sshd wants it where root runs it
			t.Fatal(err)
		}
	}
	s := &server{t: t, dir: t.TempDir(), folder: t.TempDir()}
	hostKey := newKey(t)
	s.hostKey = public(t, hostKey)
	s.write("host_key", privatePEM(t, hostKey, ""))
	clientKey := newKey(t)
	s.write("client_key", privatePEM(t, clientKey, ""))
	s.write("authorized_keys", ssh.MarshalAuthorizedKey(public(t, clientKey)))
	config := append([]string{
		"HostKey " + s.path("host_key"),
		"AuthorizedKeysFile " + s.path("authorized_keys"),
		"StrictModes no", "UsePAM no", "PidFile none", "PasswordAuthentication no", "KbdInteractiveAuthentication no",
		"PermitRootLogin prohibit-password",
	}, lines...)
	if !strings.Contains(strings.Join(lines, "\n"), "Subsystem") {
		config = append(config, "Subsystem sftp internal-sftp")
	}
	s.write("sshd_config", []byte(strings.Join(config, "\n")+"\n"))
	if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		t.Fatal(err)
	}
	s.know(s.hostKey)

	var serving sync.WaitGroup
	serving.Go(func() {
		for {
			conn, err := s.listener.Accept()
			if err != nil {
				return
			}
			serving.Go(func() { s.serve(program, conn) })
		}
	})
	t.Cleanup(func() {
		_ = s.listener.Close()
		serving.Wait()
	})
	return s
}

// serve joins a connection to an sshd.
func (s *server) serve(program string, conn net.Conn) {
	defer conn.Close()
	cmd := exec.Command("sh", "-c", s.limits+` exec "$0" -i -e -f "$1"`, program, s.path("sshd_config"))
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = conn, &log
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		s.t.Error(err)
		return
	}
	number := s.connections.Add(1)
	if s.budget == nil {
		_, _ = io.Copy(in, conn)
	} else {
		bytes, spent := s.budget(number)
		if _, err := io.CopyN(in, conn, bytes); err == nil {
			spent(conn)
		}
	}
	_ = in.Close()
	_ = cmd.Process.Kill() // the monitor; its child sees its input end
	_ = cmd.Wait()
	if s.t.Failed() {
		s.t.Logf("sshd of connection %d: %s", number, &log)
	}
}

func (s *server) path(name string) string { return filepath.Join(s.dir, name) }

func (s *server) write(name string, content []byte) {
	s.t.Helper()
	if err := os.WriteFile(s.path(name), content, 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// know writes known_hosts with these keys of the server, after a line of
// somebody else's.
func (s *server) know(keys ...ssh.PublicKey) {
	lines := "elsewhere.example " + string(ssh.MarshalAuthorizedKey(public(s.t, newKey(s.t))))
	for _, key := range keys {
		lines += knownhosts.Line([]string{knownhosts.Normalize(s.listener.Addr().String())}, key) + "\n"
	}
	s.write("known_hosts", []byte(lines))
}

func (s *server) config() sftp.Config {
	address := s.listener.Addr().(*net.TCPAddr)
	return sftp.Config{
		Host: address.IP.String(), Port: address.Port, User: userName(s.t), Folder: s.folder,
		KnownHosts: s.path("known_hosts"), KeyFile: s.path("client_key"),
	}
}

func (s *server) destination() *sftp.Destination {
	s.t.Helper()
	d, err := sftp.New(s.config())
	if err != nil {
		s.t.Fatal(err)
	}
	return d
}

// files returns what is in the folder.
func (s *server) files() map[string]string {
	s.t.Helper()
	entries, err := os.ReadDir(s.folder)
	if err != nil {
		s.t.Fatal(err)
	}
	files := make(map[string]string)
	for _, entry := range entries {
		content, err := os.ReadFile(filepath.Join(s.folder, entry.Name()))
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			s.t.Fatal(err)
		}
		files[entry.Name()] = string(content)
	}
	return files
}

func userName(t *testing.T) string {
	t.Helper()
	name, err := exec.Command("id", "-un").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(name))
}

func newKey(t *testing.T) crypto.Signer {
	t.Helper()
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func public(t *testing.T, key crypto.Signer) ssh.PublicKey {
	t.Helper()
	public, err := ssh.NewPublicKey(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	return public
}

func privatePEM(t *testing.T, key crypto.Signer, passphrase string) []byte {
	t.Helper()
	block, err := ssh.MarshalPrivateKey(key, "")
	if passphrase != "" {
		block, err = ssh.MarshalPrivateKeyWithPassphrase(key, "", []byte(passphrase))
	}
	if err != nil {
		t.Fatal(err)
	}
	return pem.EncodeToMemory(block)
}

func newCourier() export.Courier {
	return export.Courier{Clock: ingest.NewSimClock(time.Unix(0, 0)), Log: slog.New(slog.DiscardHandler)}
}

// delivery is data of so many bytes with its checksum.
func delivery(size int) []export.File {
	data := make([]byte, size)
	for i := range data {
		data[i] = byte(i * i >> 7)
	}
	file := export.NewFile("daily_r1.csv", data)
	return []export.File{file, file.SumFile()}
}

// contents is what a folder holds that the files were delivered to.
func contents(files []export.File) map[string]string {
	all := make(map[string]string)
	for _, file := range files {
		content, _ := io.ReadAll(file.Reader())
		all[file.Name] = string(content)
	}
	return all
}

// brief says where two sets of files differ without their content.
func brief(files map[string]string) string {
	var lines []string
	for name, content := range files {
		lines = append(lines, fmt.Sprintf("%s: %d bytes", name, len(content)))
	}
	return strings.Join(lines, ", ")
}
