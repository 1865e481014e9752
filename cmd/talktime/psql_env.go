package main

import (
	"errors"
	"maps"
	"net/url"
	"slices"
	"strings"

	"talktime/ingest"
)

// pgVariables are libpq's environment variables by the parameters of a
// Postgres URL they stand for.
var pgVariables = map[string]string{
	"host":                 "PGHOST",
	"port":                 "PGPORT",
	"dbname":               "PGDATABASE",
	"user":                 "PGUSER",
	"password":             "PGPASSWORD",
	"passfile":             "PGPASSFILE",
	"service":              "PGSERVICE",
	"servicefile":          "PGSERVICEFILE",
	"application_name":     "PGAPPNAME",
	"connect_timeout":      "PGCONNECT_TIMEOUT",
	"sslmode":              "PGSSLMODE",
	"sslcert":              "PGSSLCERT",
	"sslkey":               "PGSSLKEY",
	"sslrootcert":          "PGSSLROOTCERT",
	"sslsni":               "PGSSLSNI",
	"krbsrvname":           "PGKRBSRVNAME",
	"channel_binding":      "PGCHANNELBINDING",
	"target_session_attrs": "PGTARGETSESSIONATTRS",
	"options":              "PGOPTIONS",
}

// driverParameters of a URL are the Go driver's own; psql would refuse them.
// Those of its pool begin with pool_.
var driverParameters = []string{"default_query_exec_mode", "statement_cache_capacity", "description_cache_capacity"}

// psqlEnv returns environ with the variables that make psql connect to a
// Postgres URL: a password in the environment is not seen by other users, one
// on the command line is. Parameters of the URL that are none of libpq's are
// settings of the session, as they are for the Go driver.
func psqlEnv(environ []string, address ingest.Secret) ([]string, error) {
	u, err := url.Parse(address.Reveal())
	if err != nil {
		return nil, errors.New("database.url is not a URL")
	}
	parameters := make(map[string]string)
	for key, values := range u.Query() {
		parameters[key] = values[len(values)-1]
	}
	password, _ := u.User.Password()
	for key, value := range map[string]string{
		"host": u.Hostname(), "port": u.Port(), "dbname": strings.TrimPrefix(u.Path, "/"),
		"user": u.User.Username(), "password": password,
	} {
		if value != "" {
			parameters[key] = value
		}
	}

	session := []string{"-c search_path=talktime"}
	set := make(map[string]string)
	for _, key := range slices.Sorted(maps.Keys(parameters)) {
		value := parameters[key]
		variable, isLibpq := pgVariables[key]
		switch {
		case key == "options":
			session = append(session, value)
		case isLibpq:
			set[variable] = value
		case !strings.HasPrefix(key, "pool_") && !slices.Contains(driverParameters, key):
			session = append(session, "-c "+key+"="+escapeOption(value))
		}
	}
	set["PGOPTIONS"] = strings.Join(session, " ")

	env := slices.DeleteFunc(slices.Clone(environ), func(entry string) bool {
		name, _, _ := strings.Cut(entry, "=")
		_, replaced := set[name]
		return replaced || strings.HasPrefix(name, envPrefix)
	})
	for _, name := range slices.Sorted(maps.Keys(set)) {
		env = append(env, name+"="+set[name])
	}
	return env, nil
}

// escapeOption writes a value so that the server does not split it at blanks.
func escapeOption(value string) string {
	return strings.NewReplacer(`\`, `\\`, " ", `\ `).Replace(value)
}
