// Package export turns a report's bytes into files that another system can
// trust: their names, their checksums, the manifest, and delivery to a
// Destination.
//
//   - A Template names the files of each Edition, which is one period of one
//     export in one revision. CheckApart refuses templates under which two
//     editions would share a name, before the first is made.
//   - A Draft takes the bytes of a file while it is made, and counts and hashes
//     them. It has no name until it is delivered.
//   - A Manifest says what a delivery holds. It is written last, so where there
//     is a manifest there is everything it names.
//   - A Courier delivers files in order: what is there already is left alone,
//     what stands under a name with other bytes is never overwritten, and
//     trouble that may pass is tried again.
//
// Folder is the destination on this machine. Others live in packages of their
// own, one for each technology. Under a final name every one of them shows a
// whole file or none, whatever is killed at whatever instant.
//
// The package makes no report and knows no SQL. One deliverer at a time may
// work on a name: who that is, is for the caller's ledger to say.
package export
