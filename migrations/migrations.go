package migrations

import "embed"

// FS holds the goose migrations, 00001_*.sql and on. A landed one is never
// edited.
//
//go:embed *.sql
var FS embed.FS
