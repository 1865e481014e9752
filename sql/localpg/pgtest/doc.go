// Package pgtest gives each test a Postgres database of its own, filled by the
// caller and cheap: a clone of a template that is made once. Only tests import
// it.
//
//	func TestMain(m *testing.M) { pgtest.Main(m) }
//
//	url := pgtest.NewDatabase(t, "store", key, migrate)
//
// All test programs of a user that run at one time share one server
// (localpg), on /dev/shm where that is writable. Main holds it from the first
// use to the end of the program; the last program out stops it. A killed
// program, or one without Main, leaves the server running; the next program
// takes it over, drops what the killed one left in it, and stops it in its
// turn.
package pgtest
