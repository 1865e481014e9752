// Package ingest says what a sample is and how a round is taken.
//
// A schedule's cron rule gives due instants; each is a tick, its polls are a
// round, and each poll ends as one sample. The package holds these words and
// the verbs that make them (Schedule, Sampler, Recorder); it knows neither
// HTTP (ingest/ccgateway does) nor Postgres (sql/store does), and it takes the
// time from a Clock it is handed.
//
// Instants are UTC in whole milliseconds; periods are whole milliseconds.
package ingest
