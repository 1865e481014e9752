package store

// What is kept takes on disk, indexes included, in bytes, where states last 156 s on
// average and polls are 10 s apart: BenchmarkGrowth measures it, TestBytes holds the
// tables against it. Rows of quarter_hours are rewritten while they are open, and
// autovacuum leaves up to a fifth of that: it is in theirs.
const (
	BytesOfSample      = 53
	BytesOfRunPoll     = 8    // a poll kept in sample_runs
	BytesOfQuarterHour = 460  // a row of quarter_hours
	BytesOfSegments    = 1100 // the segments of an agent in a quarter-hour
	BytesOfDay         = 610  // a row of days
	BytesOfTick        = 200
)
