// Package migrations holds the database's schema as goose files and embeds
// them, nothing else: sql/store runs them, sqlc reads them.
package migrations
