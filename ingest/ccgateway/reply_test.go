package ccgateway_test

import (
	"encoding/json"
	"strings"
	"testing"

	"talktime/ingest"
	"talktime/ingest/ccgateway"
)

// pageReply is the example of the page "Getting Agent Status".
const pageReply = `{
    "message": "",
    "retcode": "0",
    "result": {
        "agentState": 4,
        "isWorking": false
    }
}`

func TestDecode(t *testing.T) {
	observed := func(state int32, working bool) ccgateway.Reply {
		return ccgateway.Reply{Retcode: "0", Status: ingest.Status{AgentState: state, IsWorking: working}, HasStatus: true}
	}
	code := func(retcode string) ccgateway.Reply { return ccgateway.Reply{Retcode: retcode} }
	deep := func(levels int) string {
		return `{"x":` + strings.Repeat("[", levels-1) + strings.Repeat("]", levels-1) + `,"retcode":"1"}`
	}
	for _, c := range []struct {
		name, body string
		want       ccgateway.Reply
	}{
		{"the page's example", pageReply, observed(4, false)},
		{"array of one", `{"message":"","retcode":"0","result":[{"agentState":7,"isWorking":true}]}`, observed(7, true)},
		{"msg for message", `{"msg":"ok","retcode":"0","result":{"isWorking":true,"agentState":3}}`, observed(3, true)},
		{"retcode a number", `{"retcode":0,"result":{"agentState":8,"isWorking":false}}`, observed(8, false)},
		{"retcode a large number", `{"retcode":100006}`, code("100006")},
		{"undocumented state", `{"retcode":"0","result":{"agentState":42,"isWorking":false}}`, observed(42, false)},
		{"least state", `{"retcode":"0","result":{"agentState":-32768,"isWorking":false}}`, observed(-32768, false)},
		{"greatest state", `{"retcode":"0","result":{"agentState":32767,"isWorking":false}}`, observed(32767, false)},
		{"minus zero", `{"retcode":"0","result":{"agentState":-0,"isWorking":false}}`, observed(0, false)},
		{"empty result", `{"message":"not signed in","retcode":"100-006","result":""}`, code("100-006")},
		{"null result", `{"retcode":"000-003","result":null}`, code("000-003")},
		{"no result", `{"retcode":"000-004"}`, code("000-004")},
		{"odd result of a failure", `{"retcode":"100-007","result":{"agentState":"?","more":[1,{}]}}`, code("100-007")},
		{"unknown keys", `{"a":[1,-2.5e+3,{"b":null}],"retcode":"0","c":true,"result":{"d":{},"agentState":4,"isWorking":false,"e":[]},"f":"\u00e9\n"}`, observed(4, false)},
		{"blanks anywhere", " {\t\"retcode\" :\r\n\"0\" , \"result\" : [ { \"agentState\" : 4 , \"isWorking\" : false } ] } \n", observed(4, false)},
		{"last of equal keys", `{"retcode":"100-006","retcode":"0","result":"","result":{"agentState":1,"agentState":4,"isWorking":true,"isWorking":false}}`, observed(4, false)},
		{"escapes in keys and code", `{"ret\u0063ode":"\u0030","result":{"agent\u0053tate":4,"isWorking":false}}`, observed(4, false)},
		{"every escape of ASCII", `{"retcode":"a\/b\\c\"d\u004A"}`, code(`a/b\c"dJ`)},
		{"escaped control characters", `{"retcode":"\b\f\n\r\t"}`, code(ccgateway.MalformedRetcode)},
		{"case counts", `{"Retcode":"000-003","retcode":"000-002","RESULT":{}}`, code("000-002")},
		{"long retcode", `{"retcode":"` + strings.Repeat("x", 33) + `"}`, code(ccgateway.MalformedRetcode)},
		{"longest retcode", `{"retcode":"` + strings.Repeat("x", 32) + `"}`, code(strings.Repeat("x", 32))},
		{"long escaped retcode", `{"retcode":"` + strings.Repeat(`\u0078`, 40) + `"}`, code(ccgateway.MalformedRetcode)},
		{"long number", `{"retcode":` + strings.Repeat("1", 33) + `}`, code(ccgateway.MalformedRetcode)},
		{"unprintable retcode", `{"retcode":"1\n2"}`, code(ccgateway.MalformedRetcode)},
		{"retcode beyond ASCII", `{"retcode":"é"}`, code(ccgateway.MalformedRetcode)},
		{"escaped retcode beyond ASCII", `{"retcode":"\u00e9"}`, code(ccgateway.MalformedRetcode)},
		{"as deep as allowed", deep(32), code("1")},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := ccgateway.Decode([]byte(c.body))
			if err != nil {
				t.Fatal(err)
			}
			if !got.HasStatus {
				got.Status = ingest.Status{}
			}
			if got != c.want {
				t.Errorf("got %+v, want %+v", got, c.want)
			}
		})
	}

	for _, c := range []struct{ name, body, err string }{
		{"nothing", "", "reply byte 0: cut off"},
		{"blanks", " \n", "reply byte 2: cut off"},
		{"cut in a string", `{"retcode":"0`, "reply byte 13: cut off"},
		{"cut in an escape", `{"retcode":"0\u00`, "bad escape"},
		{"cut after a key", `{"retcode"`, "cut off"},
		{"cut after a value", `{"retcode":"0"`, "cut off"},
		{"cut in the result", pageReply[:len(pageReply)-2], "cut off"},
		{"cut in a word", `{"retcode":"0","result":nul`, "not a JSON value"},
		{"HTML", "<html><body>502 Bad Gateway</body></html>", "reply byte 0: not a JSON object"},
		{"an array", `[{"retcode":"0"}]`, "not a JSON object"},
		{"a word", `null`, "not a JSON object"},
		{"a zero byte", "\x00", "not a JSON value"},
		{"trailing object", `{"retcode":"1"}{}`, "reply byte 15: more after"},
		{"trailing garbage", `{"retcode":"1"} x`, "more after"},
		{"byte order mark", "\ufeff" + `{"retcode":"1"}`, "not a JSON object"},
		{"no comma", `{"retcode":"1" "x":2}`, "no comma"},
		{"trailing comma", `{"retcode":"1",}`, "no key"},
		{"trailing comma in an array", `{"x":[1,],"retcode":"1"}`, "not a JSON value"},
		{"no colon", `{"retcode" "1"}`, "no colon"},
		{"bare key", `{retcode:"1"}`, "no key"},
		{"single quotes", `{'retcode':'1'}`, "no key"},
		{"line break in a string", "{\"x\":\"\n\",\"retcode\":\"1\"}", "control character"},
		{"bad hex digit", `{"x":"\u00g0","retcode":"1"}`, "bad escape"},
		{"bad escape", `{"x":"\x41","retcode":"1"}`, "bad escape"},
		{"leading zero", `{"retcode":01}`, "no comma"},
		{"lone minus", `{"retcode":-}`, "bad number"},
		{"bare point", `{"retcode":1.}`, "bad number"},
		{"bare exponent", `{"retcode":1e}`, "bad number"},
		{"plus", `{"retcode":+1}`, "not a JSON value"},
		{"too deep", deep(33), "nested too deep"},
		{"far too deep", strings.Repeat(`{"result":[`, 9000), "nested too deep"},
		{"no retcode", `{"result":{"agentState":4,"isWorking":false}}`, "no retcode"},
		{"empty retcode", `{"retcode":"","result":{"agentState":4,"isWorking":false}}`, "no retcode"},
		{"null retcode", `{"retcode":null}`, "no retcode"},
		{"retcode an object", `{"retcode":{"retcode":"0"}}`, "no retcode"},
		{"success with empty result", `{"retcode":"0","result":""}`, "no usable result"},
		{"success with null", `{"retcode":"0","result":null}`, "no usable result"},
		{"success without result", `{"retcode":"0"}`, "no usable result"},
		{"success with no element", `{"retcode":"0","result":[]}`, "no usable result"},
		{"success with two elements", `{"retcode":"0","result":[{"agentState":4,"isWorking":false},{"agentState":4,"isWorking":false}]}`, "no usable result"},
		{"success with an array in an array", `{"retcode":"0","result":[[{"agentState":4,"isWorking":false}]]}`, "no usable result"},
		{"state missing", `{"retcode":"0","result":{"isWorking":false}}`, "no usable result"},
		{"state null", `{"retcode":"0","result":{"agentState":4,"isWorking":false,"agentState":null}}`, "no usable result"},
		{"state text", `{"retcode":"0","result":{"agentState":"4","isWorking":false}}`, "no usable result"},
		{"state a fraction", `{"retcode":"0","result":{"agentState":4.0,"isWorking":false}}`, "no usable result"},
		{"state with exponent", `{"retcode":"0","result":{"agentState":4e0,"isWorking":false}}`, "no usable result"},
		{"state too great", `{"retcode":"0","result":{"agentState":32768,"isWorking":false}}`, "no usable result"},
		{"state too small", `{"retcode":"0","result":{"agentState":-32769,"isWorking":false}}`, "no usable result"},
		{"state far too great", `{"retcode":"0","result":{"agentState":18446744073709551620,"isWorking":false}}`, "no usable result"},
		{"working missing", `{"retcode":"0","result":{"agentState":4}}`, "no usable result"},
		{"working a number", `{"retcode":"0","result":{"agentState":4,"isWorking":0}}`, "no usable result"},
		{"working text", `{"retcode":"0","result":{"agentState":4,"isWorking":"false"}}`, "no usable result"},
	} {
		t.Run("refused/"+c.name, func(t *testing.T) {
			got, err := ccgateway.Decode([]byte(c.body))
			if err == nil || !strings.Contains(err.Error(), c.err) {
				t.Errorf("got %+v, error %v; want %q", got, err, c.err)
			}
		})
	}
}

// Every cut of a sound reply is refused, at whatever byte it falls.
func TestDecodeRefusesEveryCut(t *testing.T) {
	for n := range len(pageReply) {
		if got, err := ccgateway.Decode([]byte(pageReply[:n])); err == nil {
			t.Errorf("accepted %q as %+v", pageReply[:n], got)
		}
	}
}

func TestDecodeAllocatesNothing(t *testing.T) {
	for _, body := range []string{pageReply, idle, `{"retcode":0,"x":"\u00e9","result":[{"agentState":7,"isWorking":true}]}`, `{"retcode":"100-006","result":""}`} {
		in := []byte(body)
		if n := testing.AllocsPerRun(100, func() {
			if _, err := ccgateway.Decode(in); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%v allocations for %s", n, body)
		}
	}
}

// FuzzDecode holds Decode against encoding/json: what one accepts the other
// accepts with the same content, but for the depth allowed.
func FuzzDecode(f *testing.F) {
	for _, seed := range []string{
		pageReply,
		idle,
		`{"retcode":0,"result":[{"agentState":-7,"isWorking":true}]}`,
		`{"msg":"\ud83d\ude00","retcode":"100-006","result":""}`,
		`{"retcode":"0","retcode":null,"result":{"agentState":1e2,"isWorking":null},"x":[1.5,[],{}]}`,
		`{"ret\u0063ode":"\u0030","result":[{},{}]}`,
		"<html>",
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, body []byte) {
		got, err := ccgateway.Decode(body)
		want, accepted := oracle(body)
		if err != nil && strings.Contains(err.Error(), "nested too deep") {
			return
		}
		if (err == nil) != accepted {
			t.Fatalf("Decode: %+v, %v; encoding/json accepts: %t", got, err, accepted)
		}
		if !got.HasStatus {
			got.Status = ingest.Status{}
		}
		if accepted && got != want {
			t.Fatalf("Decode: %+v; encoding/json: %+v", got, want)
		}
	})
}

// oracle reads a reply with encoding/json alone.
func oracle(body []byte) (ccgateway.Reply, bool) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(body, &fields) != nil || fields == nil {
		return ccgateway.Reply{}, false
	}
	var r ccgateway.Reply
	var text *string
	var number *json.Number
	raw := string(fields["retcode"])
	switch {
	case json.Unmarshal([]byte(raw), &text) == nil && text != nil:
		r.Retcode = *text
	case !strings.HasPrefix(raw, `"`) && json.Unmarshal([]byte(raw), &number) == nil && number != nil:
		r.Retcode = raw
	}
	if len(r.Retcode) > 32 || strings.ContainsFunc(r.Retcode, func(c rune) bool { return c <= ' ' || c > '~' }) {
		r.Retcode = ccgateway.MalformedRetcode
	}

	result := fields["result"]
	var list []json.RawMessage
	if json.Unmarshal(result, &list) == nil && len(list) == 1 {
		result = list[0]
	}
	var status map[string]json.RawMessage
	var state *int16
	var working *bool
	if json.Unmarshal(result, &status) == nil &&
		json.Unmarshal(status["agentState"], &state) == nil && state != nil &&
		json.Unmarshal(status["isWorking"], &working) == nil && working != nil {
		r.HasStatus, r.Status = true, ingest.Status{AgentState: int32(*state), IsWorking: *working}
	}
	return r, r.Retcode != "" && (r.Retcode != "0" || r.HasStatus)
}

// BenchmarkDecode reads the page's own example; encoding_json is its baseline.
func BenchmarkDecode(b *testing.B) {
	body := []byte(pageReply)
	b.Run("talktime", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if r, err := ccgateway.Decode(body); err != nil || r.Status.AgentState != 4 {
				b.Fatal(r, err)
			}
		}
	})
	b.Run("encoding_json", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			var r struct {
				Message string `json:"message"`
				Retcode string `json:"retcode"`
				Result  struct {
					AgentState int32 `json:"agentState"`
					IsWorking  bool  `json:"isWorking"`
				} `json:"result"`
			}
			if err := json.Unmarshal(body, &r); err != nil || r.Result.AgentState != 4 {
				b.Fatal(r, err)
			}
		}
	})
}
