// Package gatewaysim is a CC-Gateway that plays scripted agents whose true
// timeline is known: for the demo, for tests and for benchmarks.
//
// It has two halves. A Script is one agent's life: a pure function of a seed,
// the agent and the day, so that what the agent does can be asked for any
// instant, in any order, and written out as the truth to compare figures with.
// A Gateway serves the scripts over HTTPS as the page "Getting Agent Status"
// has it, with a certificate authority of its own and faults on demand.
//
// Where the interface leaves a choice, the gateway chooses so:
//   - An id outside the range is 000-002, whatever the Guid; so is a request
//     without the mandatory Content-Type.
//   - A Guid that is missing, unknown, another agent's or dead is 000-003
//     (page "Error codes": no right, or authentication expired), also for an
//     agent it does not play.
//   - Under AUTHMODE 1 an agent keeps one GUID while the gateway runs, over all
//     sign-ins, so that a file of GUIDs handed out once stays right. Under
//     AUTHMODE 2 all agents get new ones every 60 s, signed in or not.
//   - An agent who is signed out is 100-008 for the first minute and 100-006
//     from then on; or state 2 if Options.SignOutAsState2.
//   - A second call for an agent before the first is answered is 000-007.
//   - Failures come as HTTP 200 with an empty text for result; other methods
//     and paths get what a servlet container gives: 405 and 404 with HTML.
//   - Times of the interface (GUIDs, fault windows, what an agent does) are the
//     given clock's; latency and hanging pass on the machine's, as the client's
//     time-outs do.
//
// It is a simulator: it listens on loopback only and its GUIDs follow from the
// seed.
package gatewaysim
