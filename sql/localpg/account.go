package localpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"syscall"
)

// account is the user the server programs run as: ourselves, or for root
// somebody else.
type account struct {
	name     string
	uid, gid uint32
	other    bool // not ourselves: we are root
}

// chooseAccount says who runs the cluster's server. For root that is the owner
// of the first of owned that exists and is not root's, else postgres, else
// nobody.
func chooseAccount(owned ...string) (account, error) {
	if os.Geteuid() != 0 {
		return account{uid: uint32(os.Geteuid()), gid: uint32(os.Getegid())}, nil
	}
	for _, path := range owned {
		uid, exists, err := ownerOf(path)
		if err != nil {
			return account{}, err
		}
		if exists && uid != 0 {
			u, err := user.LookupId(strconv.FormatUint(uint64(uid), 10))
			if err != nil {
				return account{}, fmt.Errorf("the owner of %s has no name, and Postgres refuses such users: %w", path, err)
			}
			return otherAccount(u)
		}
	}
	for _, name := range []string{"postgres", "nobody"} {
		if u, err := user.Lookup(name); err == nil {
			return otherAccount(u)
		}
	}
	return account{}, errors.New("Postgres refuses to run as root, and there is neither a user postgres nor nobody: add one with `useradd -r postgres`")
}

func otherAccount(u *user.User) (account, error) {
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	if err != nil {
		return account{}, fmt.Errorf("user %s: %w", u.Username, err)
	}
	gid, err := strconv.ParseUint(u.Gid, 10, 32)
	if err != nil {
		return account{}, fmt.Errorf("user %s: %w", u.Username, err)
	}
	return account{name: u.Username, uid: uint32(uid), gid: uint32(gid), other: true}, nil
}

// attributes makes a child process run as the account.
func (a account) attributes() *syscall.SysProcAttr {
	if !a.other {
		return &syscall.SysProcAttr{}
	}
	return &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: a.uid, Gid: a.gid}}
}

// own hands a file or directory that root has just made to the account.
func (a account) own(path string) error {
	if !a.other {
		return nil
	}
	return os.Lchown(path, int(a.uid), int(a.gid))
}

// checkReach refuses a dir the account cannot get to, naming the directory on
// the way that shuts it out. The kernel judges, so access lists count: a child
// of the account changes to each directory in turn.
func (a account) checkReach(ctx context.Context, p programs, dir string) error {
	if !a.other || a.enters(ctx, p, dir) == nil {
		return nil
	}
	for _, ancestor := range ancestors(dir) {
		err := a.enters(ctx, p, ancestor)
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case err != nil && ancestor == "/":
			return fmt.Errorf("user %s cannot run %s: %w", a.name, p.path("postgres"), err)
		case errors.Is(err, fs.ErrPermission):
			return fmt.Errorf("user %s, as whom root runs Postgres, cannot enter %s: choose a data_dir that user can reach, or run `chmod a+x %s`",
				a.name, ancestor, ancestor)
		case err != nil:
			return err
		}
	}
	return nil
}

func (a account) enters(ctx context.Context, p programs, dir string) error {
	cmd := exec.CommandContext(ctx, p.path("postgres"), "--version")
	cmd.Dir = dir
	cmd.SysProcAttr = a.attributes()
	return cmd.Run()
}

// ancestors lists the directories from / down to dir, which is absolute.
func ancestors(dir string) []string {
	if parent := filepath.Dir(dir); parent != dir {
		return append(ancestors(parent), dir)
	}
	return []string{dir}
}

// ownerOf returns the user id of what path itself is, a symbolic link not
// followed.
func ownerOf(path string) (uid uint32, exists bool, err error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return 0, false, nil
	}
	if err != nil {
		return 0, false, err
	}
	return info.Sys().(*syscall.Stat_t).Uid, true, nil
}

// userName is how to call a user in a message.
func userName(uid uint32) string {
	id := strconv.FormatUint(uint64(uid), 10)
	if u, err := user.LookupId(id); err == nil {
		return "user " + u.Username
	}
	return "user id " + id
}
