// Package oracle is a second calculation of quarter-hours, for tests only.
//
// It transcribes metrics.md §1-§5 as literally as Go allows: agent by agent,
// loops over sorted slices, every rule where the page has it. It shares no code
// and no idea with the product's SQL, so that the two agreeing means something.
// Derive is the calculation, Draw makes random cases to try it on, ReadCases
// reads the cases kept in sql/store/testdata/vectors, Diff shows where two
// results part.
//
// The vectors are exact: every number must be reproduced, there is no
// tolerance. hand.jsonl has small cases of one rule each, which `why` names
// (seconds there count from 2026-03-01T00:05:00Z unless it says otherwise);
// random.jsonl has larger ones with several agents, overlapping schedules,
// nights, failures and running days. A line is a Case: everything stored about
// its agents, in no order, and in `expect` the complete list of rows it must
// give; a row not listed may not exist. Storing the samples in another order or
// twice must change nothing. Rules are not to be tuned to the vectors; Draw is
// there for fresh cases.
//
// Instants are epoch milliseconds UTC, not negative; lengths are milliseconds.
package oracle
