// Package spool keeps on disk what the database does not take yet: an
// ingest.Spool in bbolt files.
//
// A folder holds files N.db, each with the lock N.lock of the program that uses
// it. A program takes the lowest number that is free as its own, and takes up
// what programs that died have left in others. An entry is on disk, synced,
// before Append returns. Which entries are removed is written behind: after a
// crash some of them may come back, and the database knows them by their tick.
//
// bbolt files never shrink. The bytes that count are those of the entries; a
// file whose last entry is removed is replaced by a new one.
//
// A file that is damaged, no spool at all or of a newer version is moved to
// N.db.torn-…, N.db.foreign-… or N.db.newer-…, entries the database refuses to
// N.db.refused-…: each is whole, and renamed to a free N.db it is taken up again
// by the next program.
//
// No GUID is in any of it. Folders are made with mode 0700, files with 0600.
package spool
