package sftp

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"

	"talktime/reports/export"
)

// mercy is how long the connection outlives a delivery that was called off, to
// remove what is unfinished.
const mercy = 10 * time.Second

// Open connects to the server, proves both sides and looks whether the folder is
// there. The context bounds the Inbox too: a little after its end the connection
// is cut.
func (d *Destination) Open(ctx context.Context) (export.Inbox, error) {
	known, err := d.hosts()
	if err != nil {
		return nil, err
	}
	proofs, err := d.proofs()
	if err != nil {
		return nil, err
	}
	line, client, err := d.connect(ctx, &ssh.ClientConfig{
		User:              d.cfg.User,
		Auth:              proofs,
		HostKeyCallback:   known.check,
		HostKeyAlgorithms: known.algorithms,
	})
	if err != nil {
		return nil, err
	}
	in := &inbox{folder: d.cfg.Folder, name: d.String(), line: line, client: client}
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(mercy, func() { _ = line.Close() }) })
	in.cut = func() { stop() }
	go line.watch(client, d.cfg.Timeout)
	if err := in.enter(); err != nil {
		return nil, errors.Join(err, in.Close())
	}
	return in, nil
}

// connect returns a connection whose both sides are proven.
func (d *Destination) connect(ctx context.Context, cfg *ssh.ClientConfig) (*line, *ssh.Client, error) {
	ctx, cancel := context.WithTimeoutCause(ctx, d.cfg.Timeout, fmt.Errorf("no answer within %s", d.cfg.Timeout))
	defer cancel()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", d.address())
	if err != nil {
		return nil, nil, whyUnreachable(ctx, err)
	}
	l := newLine(conn)
	defer context.AfterFunc(ctx, func() { _ = l.Close() })()
	handshake, channels, requests, err := ssh.NewClientConn(l, d.address(), cfg)
	if err != nil {
		_ = l.Close()
		return nil, nil, d.whyShut(ctx, err)
	}
	return l, ssh.NewClient(handshake, channels, requests), nil
}

// enter begins to speak SFTP and looks at the folder.
func (in *inbox) enter() error {
	var err error
	in.files, err = sftp.NewClient(in.client, sftp.UseConcurrentWrites(true))
	if err != nil {
		if !in.line.isAlive(in.client) {
			return export.Passing(in.line.lost(err))
		}
		return fmt.Errorf("the server lets the account in, but does not offer it SFTP: %w", err)
	}
	stat, err := in.files.Stat(in.folder)
	switch {
	case errors.Is(err, os.ErrNotExist):
		return fmt.Errorf("there is no folder %s on the server; make it, or correct folder", in.folder)
	case err != nil:
		return in.why(err)
	case !stat.IsDir():
		return fmt.Errorf("%s on the server is not a folder", in.folder)
	}
	return nil
}

// whyUnreachable says why there is no connection. A name that the world's name
// servers say is nobody's will not be somebody's in a minute.
func whyUnreachable(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return export.Passing(fmt.Errorf("connect: %w", context.Cause(ctx)))
	}
	if name, isName := errors.AsType[*net.DNSError](err); isName && name.IsNotFound {
		return fmt.Errorf("connect: %w; correct host", err)
	}
	return export.Passing(fmt.Errorf("connect: %w", err))
}

// whyShut says why the server does not let us in, or we do not trust it.
func (d *Destination) whyShut(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return export.Passing(fmt.Errorf("connect: %w", context.Cause(ctx)))
	}
	if wrong, isWrong := errors.AsType[*HostKeyError](err); isWrong {
		return wrong
	}
	if _, isNetwork := errors.AsType[*net.OpError](err); isNetwork || errors.Is(err, io.EOF) {
		return export.Passing(fmt.Errorf("connect: the server hung up: %w", err))
	}
	// The library has no type for this one.
	if strings.Contains(err.Error(), "unable to authenticate") {
		return fmt.Errorf("the server does not let %s in: %w; have the server's operator add the public key of key_file (ssh-keygen -y -f %s), or correct user or password",
			d.cfg.User, err, d.cfg.KeyFile)
	}
	return fmt.Errorf("connect: %w", err)
}
