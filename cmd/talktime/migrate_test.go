package main

import (
	"fmt"
	"testing"

	"talktime/ingest"
)

// Hosted Postgres gives nobody a superuser: a role that may make roles, and whose
// the database is, is enough for all of talktime.
func TestMigrateAsAnOrdinaryRole(t *testing.T) {
	t.Parallel()
	c := newCentre(t, newWallClock(), ingest.NewAgentSet(101), "0 0 * * * *")
	c.query("CREATE ROLE builder LOGIN CREATEROLE")
	c.query("ALTER DATABASE talktime OWNER TO builder")
	c.append(fmt.Sprintf("database: {url: %q}\n", "postgres:///talktime?user=builder&host="+c.dir+"/data/postgres/socket"))
	c.run(t.Context(), exitOK, "migrate")
	if got := fmt.Sprint(c.query("SELECT DISTINCT viewowner FROM pg_views WHERE schemaname = 'bi_v1'")); got != "[[talktime_bi]]" {
		t.Errorf("the views of bi_v1 belong to %s", got)
	}
	c.query("CREATE ROLE dashboards LOGIN")
	c.run(t.Context(), exitOK, "bi", "grant", "dashboards")
	c.run(t.Context(), exitOK, "maintain")
	c.run(t.Context(), exitOK, "migrate") // nothing to do
	c.run(t.Context(), exitOK, "migrate", "--down", "--yes")
	c.run(t.Context(), exitOK, "migrate") // with the roles there
}
