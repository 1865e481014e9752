// Package ccgateway is the HTTPS client for the CC-Gateway's getAgentStatus
// (page "Getting Agent Status"). It turns one question about one agent into one
// ingest.Poll: every trouble is an outcome, never an error.
//
//   - Client asks: one request at a time per agent, retries only where the
//     gateway itself answered with a code that may pass (GatewayError), all of
//     it inside the tick's deadline.
//   - Book holds the agents' GUIDs, read from a file that someone else keeps.
//     The recorder is given GUIDs; it never signs in, never asks for events and
//     so never disturbs the agent's session.
//   - Decode reads the reply's JSON.
//   - A circuit breaker finds out a gateway that is down, sends it a few probes
//     a tick and answers all other polls itself. Counts tells how that stands,
//     and by how much the gateway's clock, as its Date header has it, differs.
//
// Connections are HTTP/1.1, kept alive, TLS 1.2 or later, always verified. A poll
// has one to itself and uses it in its own goroutine; replies are read by net/http.
// No proxy is used, whatever the environment says: the gateway stands inside the
// contact centre's network, and its GUIDs have no business elsewhere. Redirects
// are not followed, for the Guid header would go along.
//
// GUIDs and cookies are secrets: they appear in no error and no log line, and
// neither does any text a gateway sent, for it might echo them.
package ccgateway
