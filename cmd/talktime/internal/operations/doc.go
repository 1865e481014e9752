// Package operations shows those who run a recorder how it is: /healthz,
// /readyz and /metrics over HTTP, and the alert rules that go with the metrics.
//
// A Board is told what happens and is asked what is; it never asks the database
// while somebody waits for an answer. It alone knows the Prometheus client.
// Nothing it shows holds a GUID or a password: labels are names from the
// configuration, outcomes and words of this package.
package operations
