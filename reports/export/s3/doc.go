// Package s3 is the destination that is a bucket of Amazon S3 or of a server
// that speaks its protocol.
//
// An object appears whole when its upload is completed, and never before. Files
// up to 64 MiB are one request that carries their SHA-256, larger ones an upload
// of several parts, each with its own; the server refuses what does not match.
// An upload that fails is aborted, and one that a killed program has left behind
// is aborted by the next delivery. Every put is on the condition that nothing is
// under the name yet, where the server knows such conditions.
//
// Connections are HTTPS, always verified. They use the environment's proxy, as
// such servers are often outside. Retries are the courier's: the library's own
// are off.
package s3
