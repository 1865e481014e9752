// Command talktime records what the agents of a contact centre are doing and
// reports how long each of them talked and stayed in each state.
//
// This package is the wiring: flags, configuration, exit codes, and one file
// per sub-command. It is the only place that reads the machine's clock; the
// packages below take an ingest.Clock or an instant.
//
// Results go to standard output, everything else (errors, logs, progress) to
// standard error. The exit codes are a contract, see exit.go.
package main
