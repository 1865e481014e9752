package main

import (
	"context"
	"errors"
	"path/filepath"
	"slices"
	"time"

	"talktime/ingest"
	"talktime/sql/localpg"
	"talktime/sql/store"
)

// database checks the configured or private Postgres and what is in it.
func (d *doctor) database(ctx context.Context, c *config) {
	if c.databaseURL.IsEmpty() && !d.privatePostgres(ctx, c) {
		return
	}
	const check = "database"
	// Starting a private Postgres after a crash may take longer than a look.
	db, err := d.openDatabase(ctx, c)
	if err != nil {
		d.failWith(check, "", err)
		return
	}
	defer func() {
		if err := db.close(ctx); err != nil {
			d.failWith(check, "", err)
		}
	}()
	ctx, cancel := context.WithTimeout(ctx, examineLimit)
	defer cancel()
	s, err := store.Open(ctx, db.url)
	if err != nil {
		if advised, ok := errors.AsType[*store.AdvisedError](err); ok {
			d.failWith("database TLS", advised.Advice, advised.Cause)
			return
		}
		d.failWith(check, "see that the server runs and database.url is right; a recorder keeps its rounds meanwhile", err)
		return
	}
	defer s.Close()
	d.server(ctx, s)
	d.schema(ctx, s, c)
}

// privatePostgres looks for its programs and its cluster; false says that there
// is nothing to connect to.
func (d *doctor) privatePostgres(ctx context.Context, c *config) bool {
	const check = "private Postgres"
	if c.dataDir == "" {
		return false // told with data_dir
	}
	x, err := localpg.Examine(ctx, filepath.Join(c.dataDir, "postgres"))
	switch {
	case err != nil:
		d.failWith(check, "", err)
		return false
	case !x.Exists:
		d.warn(check, "`talktime record` or `talktime migrate` makes it, or set database.url", "Postgres %d in %s; no database is made yet", x.Major, x.Programs)
		return false
	case !x.Running:
		d.ok(check, "Postgres %d in %s; not running, started for this look", x.Major, x.Programs)
	default:
		d.ok(check, "Postgres %d in %s; running", x.Major, x.Programs)
	}
	return true
}

// server checks what the server says of itself and of the way to it.
func (d *doctor) server(ctx context.Context, s *store.Store) {
	server, err := s.Server(ctx, d.clock)
	if err != nil {
		d.failWith("database", "", err)
		return
	}
	d.stored = uint64(server.Bytes)
	switch {
	case server.IsStandby:
		d.fail("database", "name its primary in database.url, or both hosts with target_session_attrs=read-write", "%s is a standby server: nothing can be written", s.Place())
	case server.Encoding != "UTF8":
		d.fail("database", "make another with ENCODING 'UTF8'", "%s has the encoding %s: names and texts do not fit", s.Place(), server.Encoding)
	default:
		d.ok("database", "%s: Postgres %s as role %s, %s, %s", s.Place(), server.Version, server.Role, server.Encoding, tellBytes(uint64(server.Bytes)))
	}
	d.transport(server.Connection)
	d.clockOf("database clock", "the server's", server.Ahead)
}

// transport judges how well the way to the server is protected.
func (d *doctor) transport(way store.Connection) {
	const check = "database TLS"
	const remedy = "add sslmode=verify-full to database.url, and sslrootcert=/path/to/ca.pem"
	switch {
	case way.Proof == store.NameProved:
		d.certificate(check, "verify-full: authority and name verified", way.NotAfter)
	case way.IsLocal:
		d.ok(check, "none needed: the connection does not leave this machine")
	case way.Proof == store.NothingProved:
		d.warn(check, remedy, "none: the network can read and change everything, passwords too")
	case way.Proof == store.EncryptedOnly:
		d.warn(check, remedy, "encrypted, but the server may be anybody: its certificate is not verified")
	default:
		d.warn(check, remedy, "the authority is verified, the name is not: any of its servers will do")
	}
}

// schema checks the schema and all that is in it.
func (d *doctor) schema(ctx context.Context, s *store.Store, c *config) {
	err := s.CheckSchema(ctx)
	switch {
	case err == nil:
		d.ok("schema", "version %d, this program's own", store.SchemaVersion())
	case errors.Is(err, store.ErrSchemaOlder) || errors.Is(err, store.ErrSchemaNewer):
		d.failWith("schema", "", err)
	default:
		d.failWith("schema", "see rights", err)
	}
	d.rights(ctx, s)
	if errors.Is(err, store.ErrSchemaOlder) || errors.Is(err, store.ErrSchemaNewer) {
		return // the tables may be others
	}
	recording := d.lease(ctx, s)
	d.partitions(ctx, s, recording)
	d.kept(ctx, s, c)
	d.derived(ctx, s, c, recording)
	d.roster(ctx, s, c)
}

func (d *doctor) rights(ctx context.Context, s *store.Store) {
	const check = "rights"
	missing, err := s.MissingRights(ctx)
	switch {
	case err != nil:
		d.failWith(check, "", err)
	case len(missing) == 0:
		d.ok(check, "the role may do all that recording needs")
	case !d.isRecorder:
		d.warn(check, "", "the role may not record; enough for reports, where it may read")
	default:
		for _, right := range missing {
			if right.ForPartitions {
				continue
			}
			d.fail(check, right.Remedy, "missing: %s", right.Name)
		}
		if slices.ContainsFunc(missing, func(r store.Right) bool { return r.ForPartitions }) {
			d.warn(check, "have the schema's owner run `talktime maintain` daily", "the role may not make partitions")
		}
	}
}

// lease tells who records, and reports whether somebody does.
func (d *doctor) lease(ctx context.Context, s *store.Store) (recording bool) {
	const check = "recorder"
	reign, err := s.LookAtLease(ctx)
	switch {
	case err != nil:
		d.failWith(check, "", err)
	case !reign.IsFree:
		d.ok(check, "%s records, in epoch %d", reign.Holder, reign.Epoch)
	case d.isRecorder:
		d.warn(check, "start `talktime record`", "nobody records now")
	default:
		d.ok(check, "nobody records now")
	}
	return err == nil && !reign.IsFree
}

// partitionsNeeded is how many should be made ahead of the one in use; alerts go by
// the same.
const partitionsNeeded = 2

func (d *doctor) partitions(ctx context.Context, s *store.Store, recording bool) {
	const check = "partitions"
	now := d.clock.Now()
	tables, err := s.PartitionsAhead(ctx, now)
	if err != nil {
		d.failWith(check, "", err)
		return
	}
	least := slices.MinFunc(tables, func(a, b store.Ahead) int { return a.Partitions - b.Partitions })
	remedy := "`talktime maintain` makes them, as does `talktime record` when it starts"
	if recording {
		remedy = "see why the recorder's job `maintain` fails: its log, and talktime.job_runs; if its role may make none, have the owner run `talktime maintain` daily"
	}
	first, hasNone := tables[0], "%s has none for this moment" // the one that ends first
	switch {
	case !first.Until.After(now) && recording:
		d.fail(check, remedy, hasNone+"; each round makes its own", first.Table)
	case !first.Until.After(now):
		d.warn(check, remedy, hasNone, first.Table)
	case least.Partitions < partitionsNeeded:
		d.warn(check, remedy, "%s has %s ahead", least.Table, plural(least.Partitions, "partition", "partitions"))
	default:
		d.ok(check, "%s has them for %s ahead", first.Table, tellAge(first.Until.Sub(now)))
	}
}

// How late deriving may be beyond its own schedule.
const (
	deriveLate    = 5 * time.Minute
	deriveTooLate = 30 * time.Minute
)

// derived checks how far deriving has come, and the last run of each job.
func (d *doctor) derived(ctx context.Context, s *store.Store, c *config, recording bool) {
	const check = "derive"
	p, err := s.Progress(ctx)
	if err != nil {
		d.failWith(check, "", err)
		return
	}
	now := d.clock.Now()
	seen := "up to " + p.Horizon.UTC().Format(time.RFC3339) + ", " + tellAge(now.Sub(p.Horizon)) + " ago"
	if p.Horizon.IsZero() {
		seen = "nothing yet"
	}
	late := now.Sub(c.derive.times.Next(p.Horizon))
	switch {
	case recording && !p.Horizon.IsZero() && late > deriveTooLate:
		d.fail(check, "see why the recorder's job `derive` fails or is slow; `talktime derive` does it by hand", "%s", seen)
	case recording && !p.Horizon.IsZero() && late > deriveLate:
		d.warn(check, "look again in some minutes", "%s", seen)
	case !recording && p.Marks > 0:
		d.warn(check, "`talktime derive`", "%s; %s of time to be derived", seen, plural(int(p.Marks), "stretch", "stretches"))
	default:
		d.ok(check, "%s", seen)
	}
	for _, run := range p.Jobs {
		if run.Err != nil {
			d.warn("job "+run.Name, "see to the cause; the job runs again when it is due", "failed when it was due at %s: %v", run.DueAt.Format(time.RFC3339), run.Err)
		}
	}
}

// roster tells how many of the agents who are due have a name.
func (d *doctor) roster(ctx context.Context, s *store.Store, c *config) {
	const check = "roster"
	roster, err := s.Roster(ctx)
	if err != nil {
		d.failWith(check, "", err)
		return
	}
	named := map[ingest.AgentID]bool{}
	for _, tenure := range roster.At(d.clock.Now()) {
		named[tenure.Agent] = tenure.Name != ""
	}
	var nameless []ingest.AgentID
	for agent := range dueAgents(c).All() {
		if !named[agent] {
			nameless = append(nameless, agent)
		}
	}
	switch {
	case len(roster) == 0:
		d.ok(check, "empty: reports go by agent id; `talktime agents import` gives names and teams")
	case len(nameless) > 0:
		d.warn(check, "`talktime agents import`", "%s due without a name: %s", plural(len(nameless), "agent", "agents"), shorten(ingest.NewAgentSet(nameless...).String(), 60))
	default:
		d.ok(check, "%s with a name", plural(len(named), "agent", "agents"))
	}
}
