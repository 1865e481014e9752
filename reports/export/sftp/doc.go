// Package sftp is the destination that is a folder on an SFTP server.
//
// The server must prove by its host key that it is the one meant: known_hosts is
// never optional, and a key that is not in it is refused. The account is proven
// by a private key or a password, each from a file that only its owner can read.
//
// A file is sent under a temporary name in its folder, written to the server's
// disk where the server can (fsync@openssh.com), and renamed to its final name
// in one step (posix-rename@openssh.com, or the protocol's own rename where the
// server does not know it). SFTP cannot have the server keep the new name itself
// on its disk before a crash of its machine.
//
// A server that says nothing at all for the time-out, not even to the question
// whether it is alive, is taken for lost, so a transfer may take as long as it
// needs while it moves.
package sftp
