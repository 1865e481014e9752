package gatewaysim

import (
	"bytes"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
)

// reply is an HTTP reply made beforehand. Its headers are kept as the map's
// values, so that sending one allocates nothing.
type reply struct {
	status      int
	contentType []string
	length      []string // Content-Length
	location    []string
	body        []byte
	end         FaultKind // how it ends other than whole, or empty
}

var (
	jsonType   = []string{"application/json; charset=UTF-8"}
	htmlType   = []string{"text/html; charset=UTF-8"}
	allowedGET = []string{http.MethodGet}
)

func newReply(status int, contentType []string, body []byte) *reply {
	return &reply{status: status, contentType: contentType, length: []string{strconv.Itoa(len(body))}, body: body}
}

// ending is the reply with another end: in the middle of its body, or never.
func (r *reply) ending(how FaultKind) *reply {
	other := *r
	other.end = how
	return &other
}

// send writes the reply to a request.
func (r *reply) send(w http.ResponseWriter, to *http.Request) {
	header := w.Header()
	header["Content-Type"] = r.contentType
	if r.end != FaultEndless {
		header["Content-Length"] = r.length
	}
	if r.location != nil {
		header["Location"] = r.location
	}
	if r.status == http.StatusMethodNotAllowed {
		header["Allow"] = allowedGET
	}
	w.WriteHeader(r.status)
	if r.end == "" {
		_, _ = w.Write(r.body) // a client that left needs no reply
		return
	}
	r.sendBadly(w, to)
}

// messages are the texts that go with the retcodes of the page "Error codes".
var messages = map[string]string{
	"000-000": "unknown error",
	"000-002": "the URL or a parameter is not valid",
	"000-003": "not allowed, or the authentication has expired",
	"000-004": "the agent is being moved to another node",
	"000-007": "the call is made again before it was answered",
	"100-006": "the agent is not signed in",
	"100-007": "internal error while working for the agent",
	"100-008": "the agent has signed out already",
}

// replies are all a gateway ever answers.
type replies struct {
	statuses [pairs]*reply
	failures map[string]*reply // by retcode
	pages    map[int]*reply    // HTML by HTTP status
	garbage  []*reply
	oversize *reply
}

func newReplies(resultArray bool) *replies {
	rs := &replies{failures: map[string]*reply{}, pages: map[int]*reply{}}
	for p, status := range statuses {
		var result any = struct {
			AgentState int32 `json:"agentState"`
			IsWorking  bool  `json:"isWorking"`
		}{status.AgentState, status.IsWorking}
		if resultArray {
			result = []any{result}
		}
		rs.statuses[p] = newReply(http.StatusOK, jsonType, body("", "0", result))
	}
	for retcode, message := range messages {
		rs.failures[retcode] = newReply(http.StatusOK, jsonType, body(message, retcode, ""))
	}
	for _, status := range []int{
		http.StatusOK, http.StatusFound, http.StatusNotFound, http.StatusMethodNotAllowed,
		http.StatusInternalServerError, http.StatusBadGateway, http.StatusServiceUnavailable,
	} {
		rs.pages[status] = newReply(status, htmlType, page(status))
	}
	rs.pages[http.StatusFound].location = []string{"/agentgateway/"}
	for _, text := range []string{
		"", "null", `{"up":true}`, `{"message":"","retcode":"0","result":{"agentSt`, "\x16\x03\x01\x00\xff\xfe not text",
	} {
		rs.garbage = append(rs.garbage, newReply(http.StatusOK, jsonType, []byte(text)))
	}
	rs.oversize = newReply(http.StatusOK, jsonType, body(strings.Repeat("x", 1<<20), "0", ""))
	return rs
}

// body writes the reply of the page "Getting Agent Status", Table 3.
func body(message, retcode string, result any) []byte {
	b, err := json.Marshal(struct {
		Message string `json:"message"`
		Retcode string `json:"retcode"`
		Result  any    `json:"result"`
	}{message, retcode, result})
	if err != nil {
		panic(err) // texts, numbers and booleans only
	}
	return b
}

func page(status int) []byte {
	var b bytes.Buffer
	title := http.StatusText(status)
	if status == http.StatusOK {
		title = "Sign in"
	}
	b.WriteString("<!DOCTYPE html><html><head><title>" + title + "</title></head><body><h1>" + title + "</h1></body></html>\n")
	return b.Bytes()
}
