// Package store is the one border to Postgres: it turns the words of ingest and
// reports into rows and back, and driver errors into words.
//
// A Store records (ingest.Recorder, ingest.Ledger), derives, verifies, keeps the roster
// and migrates; a Snapshot reads for reports (reports.Source). Who ran which is in
// the audit log, which readers append to as well. The statements
// are those of sql/*.sql, compiled into internal/db by sqlc; the calculus itself
// is sql/derive.sql. Instants cross the border in UTC, whole milliseconds.
package store
