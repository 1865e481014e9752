package main

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"talktime/ingest"
)

func TestPsqlEnv(t *testing.T) {
	tests := []struct {
		name, url string
		environ   []string
		want      []string
	}{
		{
			"everything in its place", "postgres://kim:h%20sh@db.example:6543/talk", nil,
			[]string{"PGDATABASE=talk", "PGHOST=db.example", "PGOPTIONS=-c search_path=talktime", "PGPASSWORD=h sh", "PGPORT=6543", "PGUSER=kim"},
		},
		{
			"a socket in the parameters", "postgresql:///talk?host=/run/pg&user=kim", nil,
			[]string{"PGDATABASE=talk", "PGHOST=/run/pg", "PGOPTIONS=-c search_path=talktime", "PGUSER=kim"},
		},
		{
			"the driver's and the session's parameters", `postgres://db/talk?sslmode=verify-full&pool_max_conns=4&default_query_exec_mode=exec&options=-c%20jit%3Doff&statement_timeout=5%20s`, nil,
			[]string{"PGDATABASE=talk", "PGHOST=db", `PGOPTIONS=-c search_path=talktime -c jit=off -c statement_timeout=5\ s`, "PGSSLMODE=verify-full"},
		},
		{
			"an environment that says otherwise", "postgres://db",
			[]string{"PATH=/bin", "PGHOST=other", "PGPASSWORD=from outside", "PGOPTIONS=-c jit=on", "TALKTIME_DATABASE_URL=postgres://db"},
			[]string{"PATH=/bin", "PGPASSWORD=from outside", "PGHOST=db", "PGOPTIONS=-c search_path=talktime"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			got, err := psqlEnv(test.environ, ingest.NewSecret(test.url))
			if err != nil {
				t.Fatal(err)
			}
			if d := cmp.Diff(test.want, got); d != "" {
				t.Errorf("(-want +got):\n%s", d)
			}
		})
	}
	if _, err := psqlEnv(nil, ingest.NewSecret("postgres://kim:hush%zz@db")); err == nil || strings.Contains(err.Error(), "hush") {
		t.Errorf("a broken URL gives %v", err)
	}
}
