// Package localpg runs the private Postgres of the embedded default and of the
// tests: the server programs found on the machine, a cluster in a directory of
// its own, a Unix socket and no TCP.
//
// Start uses the cluster's server where one runs and starts it where none
// does; the last process that closes its Server stops it. What lies in
// Options.Dir:
//
//	cluster/          the database cluster; a kill during its making leaves
//	                  only a cluster.new-* beside it, swept by the next start
//	socket/           the Unix socket, unless Dir is too long for one
//	log/postgres.log  what the server wrote
//	start.lock        held alone while the server is started or stopped
//	users.lock        held shared by every process that uses the server
//
// Both locks are the kernel's (flock), so a killed process holds none. A
// killed process leaves the server running, and the next Start takes it over;
// a killed server is started again by the next Start, and Postgres replays its
// log. Dir must be on a local file system.
//
// Postgres refuses to run as root. Root's server runs as the owner of the
// cluster or of Dir, else as postgres, else as nobody.
package localpg
