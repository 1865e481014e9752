package sftp_test

import (
	"errors"
	"io"
	"net"
	"strings"
	"sync"
	"testing"

	library "github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"

	"talktime/reports/export/sftp"
)

// A password is given to servers that take it as such and to those that ask for
// it. OpenSSH would hold it against the machine's accounts, so this server is the
// library's own.
func TestPassword(t *testing.T) {
	t.Parallel()
	const password = "correct horse"
	wrong := errors.New("wrong")
	for _, c := range []struct {
		name   string
		server ssh.ServerConfig
		given  string
		isIn   bool
	}{
		{"taken", ssh.ServerConfig{PasswordCallback: func(_ ssh.ConnMetadata, given []byte) (*ssh.Permissions, error) {
			if string(given) != password {
				return nil, wrong
			}
			return nil, nil
		}}, password + "\n", true},
		{"asked for", ssh.ServerConfig{KeyboardInteractiveCallback: func(_ ssh.ConnMetadata, ask ssh.KeyboardInteractiveChallenge) (*ssh.Permissions, error) {
			answers, err := ask("", "", []string{"Name: ", "Password: "}, []bool{true, false})
			if err != nil || answers[0] != "" || answers[1] != password {
				return nil, wrong
			}
			return nil, nil
		}}, password, true},
		{"another", ssh.ServerConfig{PasswordCallback: func(ssh.ConnMetadata, []byte) (*ssh.Permissions, error) { return nil, wrong }}, password, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			s := &server{t: t, dir: t.TempDir(), folder: t.TempDir()}
			hostKey, err := ssh.NewSignerFromSigner(newKey(t))
			if err != nil {
				t.Fatal(err)
			}
			c.server.AddHostKey(hostKey)
			if s.listener, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
				t.Fatal(err)
			}
			var serving sync.WaitGroup
			serving.Go(func() {
				if conn, err := s.listener.Accept(); err == nil {
					serveLibrary(conn, &c.server)
				}
			})
			defer serving.Wait()
			defer func() { _ = s.listener.Close() }()
			s.write("known_hosts", []byte(knownhosts.Line([]string{s.listener.Addr().String()}, hostKey.PublicKey())))
			s.write("password", []byte(c.given))
			cfg := s.config()
			cfg.User, cfg.KeyFile, cfg.PasswordFile = "me", "", s.path("password")
			d, err := sftp.New(cfg)
			if err != nil {
				t.Fatal(err)
			}
			_, err = newCourier().Deliver(t.Context(), d, delivery(100_000))
			if (err == nil) != c.isIn || err != nil && (!strings.Contains(err.Error(), "the server does not let me in") || strings.Contains(err.Error(), password)) {
				t.Error(err)
			}
			if got := s.files(); (len(got) == 2) != c.isIn {
				t.Error(brief(got))
			}
		})
	}
}

// serveLibrary serves one connection on this machine's files.
func serveLibrary(conn net.Conn, cfg *ssh.ServerConfig) {
	defer conn.Close()
	_, channels, requests, err := ssh.NewServerConn(conn, cfg)
	if err != nil {
		return
	}
	go ssh.DiscardRequests(requests)
	for offered := range channels {
		channel, requests, err := offered.Accept()
		if err != nil {
			return
		}
		go func() {
			for request := range requests {
				_ = request.Reply(request.Type == "subsystem", nil)
			}
		}()
		if files, err := library.NewServer(channel); err == nil {
			_ = files.Serve()
		}
		_, _ = io.Copy(io.Discard, channel)
		_ = channel.Close()
	}
}
