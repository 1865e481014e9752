// Package ingest says what a sample is and how a round is taken.
//
// A schedule's cron rule gives due instants; each is a tick, its polls are a
// round, and each poll ends as one sample. A Recording takes the rounds: it
// asks a Poller and hands ticks with their samples to a Recorder. RunJobs runs
// what else has due instants, and Outstanding tells which ticks nobody stored.
//
// The package knows neither HTTP (ingest/ccgateway does) nor Postgres
// (sql/store does), and it takes the time from a Clock it is handed.
//
// Instants are UTC in whole milliseconds; periods are whole milliseconds.
package ingest
