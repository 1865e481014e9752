package ccgateway_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
	"talktime/ingest/ccgateway"
)

// echoes are gateways that send the GUID back where they can, and a cookie.
var echoes = map[string]func(w http.ResponseWriter, guid string){
	"header": func(w http.ResponseWriter, guid string) { w.Header().Set("Guid", guid); _, _ = io.WriteString(w, idle) },
	"cookie": func(w http.ResponseWriter, guid string) {
		w.Header().Set("Set-Cookie", "s="+guid)
		_, _ = io.WriteString(w, idle)
	},
	"date": func(w http.ResponseWriter, guid string) {
		w.Header()["Date"] = []string{guid}
		_, _ = io.WriteString(w, idle)
	},
	"retcode":       func(w http.ResponseWriter, guid string) { _, _ = io.WriteString(w, failure(guid)) },
	"short retcode": func(w http.ResponseWriter, guid string) { _, _ = io.WriteString(w, failure(guid+" is wrong")) },
	"message": func(w http.ResponseWriter, guid string) {
		_, _ = io.WriteString(w, `{"message":"`+guid+`","retcode":"000-003"}`)
	},
	"key": func(w http.ResponseWriter, guid string) { _, _ = io.WriteString(w, `{"`+guid+`":"`+guid) },
	"page": func(w http.ResponseWriter, guid string) {
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, "<p>"+guid)
	},
	"redirect": func(w http.ResponseWriter, guid string) {
		w.Header().Set("Location", "https://"+guid+"@elsewhere/"+guid)
		w.WriteHeader(http.StatusFound)
	},
	"status line": func(w http.ResponseWriter, guid string) { raw(w, "HTTP/1.1 500 "+guid+"\r\n\r\n") },
	"bad status":  func(w http.ResponseWriter, guid string) { raw(w, "HTTP/1.1 "+guid+"\r\n\r\n") },
	"not HTTP":    func(w http.ResponseWriter, guid string) { raw(w, guid+"\r\n") },
	"bad header":  func(w http.ResponseWriter, guid string) { raw(w, "HTTP/1.1 200 OK\r\n"+guid+"\r\n\r\n") },
	"bad length": func(w http.ResponseWriter, guid string) {
		raw(w, "HTTP/1.1 200 OK\r\nContent-Length: "+guid+"\r\n\r\n")
	},
	"bad coding": func(w http.ResponseWriter, guid string) {
		raw(w, "HTTP/1.1 200 OK\r\nTransfer-Encoding: "+guid+"\r\n\r\n")
	},
	"bad chunk": func(w http.ResponseWriter, guid string) {
		raw(w, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"+guid+"\r\n")
	},
}

func raw(w http.ResponseWriter, reply string) { sends(reply)(w, nil) }

// No secret is in a log line of any level and form, in a poll, or in anything a
// Client or a Book holds, however it is printed.
func TestSecretsAreNeverShown(t *testing.T) {
	for _, guid := range []string{guid101, "short-secret"} { // one fits into a retcode
		for name, echo := range echoes {
			t.Run(name+" "+guid[:5], func(t *testing.T) {
				if name == "retcode" && len(guid) <= 32 {
					return // a short word there is a retcode; see MalformedRetcode
				}
				var out lines
				b := newBench(t, func(w http.ResponseWriter, r *http.Request) { echo(w, r.Header.Get("Guid")) }, func(s *setup) {
					s.guids = "101," + guid + "\n102,JSESSIONID=" + guid + "\n"
					s.log = allLevels{slog.NewTextHandler(&out, nil), slog.NewJSONHandler(&out, nil)}
				})
				for range 10 {
					for agent := ingest.AgentID(101); agent <= 103; agent++ {
						got := b.Poll(t.Context(), agent)
						_, _ = fmt.Fprintf(&out, "%v %+v %#v\n", got, got, got)
					}
				}
				b.replace(t, "101,"+guid+"\n102,"+guid+",\n") // told as faulty
				b.replace(t, "101,"+guid+"\n"+guid+",102\n"+guid+"\n")
				b.replace(t, "103,new-"+guid+"\n")
				show(&out, b.Client, b.book, b.Counts())
				if text := out.String(); strings.Contains(text, guid) || strings.Contains(text, fmt.Sprintf("%x", guid)) {
					at := strings.Index(text, guid)
					t.Errorf("shown: …%s…", text[max(0, at-300):min(len(text), at+100)])
				}
			})
		}
	}
}

// A password that was put into the URL by mistake is not told either.
func TestPasswordsInURLsAreNotTold(t *testing.T) {
	for _, url := range []string{
		"https://kim:hush@gateway:8043", "http://kim:hush@gateway:8043", "https://kim:hush@gateway", "https://kim:hush@gateway:x",
		"https://kim:hush@:8043", "https://kim:hush%zz@gateway:8043", "kim:hush@gateway:8043", "https://kim:hush@gateway:8043/?x=1",
		"//kim:hush@gateway:8043", "gateway:8043/?kim:hush", "http://gateway:8043?p=hush", "https://gateway?p=hush", "https://gateway:8043/?p=hush", "https://gateway:8043#hush",
	} {
		_, err := ccgateway.New(ccgateway.Config{
			BaseURL: url, Timeout: time.Second, Concurrency: 1, AuthMode: 1, MaxAgentID: 101,
		}, nil, newClock(), slog.New(slog.DiscardHandler))
		if err == nil || strings.Contains(err.Error(), "hush") {
			t.Errorf("%s: %v", url, err)
		}
	}
}

// allLevels gives every record to all of some handlers.
type allLevels []slog.Handler

func (allLevels) Enabled(context.Context, slog.Level) bool { return true }
func (all allLevels) WithAttrs([]slog.Attr) slog.Handler   { return all }
func (all allLevels) WithGroup(string) slog.Handler        { return all }

func (all allLevels) Handle(ctx context.Context, r slog.Record) (err error) {
	for _, h := range all {
		err = errors.Join(err, h.Handle(ctx, r.Clone()))
	}
	return err
}

// show prints values, and all of ours that they lead to, in every way there is.
func show(out io.Writer, values ...any) {
	s := shower{out: out, seen: map[any]bool{}}
	for _, v := range values {
		s.walk(reflect.ValueOf(v))
	}
}

type shower struct {
	out  io.Writer
	seen map[any]bool // by pointer
}

func (s *shower) walk(v reflect.Value) {
	switch v.Kind() {
	case reflect.Pointer:
		if !v.IsNil() && !s.seen[v.UnsafePointer()] {
			s.seen[v.UnsafePointer()] = true
			s.walk(v.Elem())
		}
	case reflect.Interface:
		s.walk(v.Elem())
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			s.walk(v.Index(i))
		}
	case reflect.Map:
		for key, value := range v.Seq2() {
			s.walk(key)
			s.walk(value)
		}
	case reflect.Struct:
		if !strings.HasPrefix(v.Type().PkgPath(), "talktime/") {
			return
		}
		v = exported(v)
		s.print(v.Addr().Interface())
		if v.Type() != reflect.TypeFor[ccgateway.Client]() { // which is never copied
			s.print(v.Interface())
		}
		if v.Type() == reflect.TypeFor[ingest.Secret]() {
			return
		}
		for _, field := range v.Fields() {
			s.walk(exported(field))
		}
	default: // leads nowhere
	}
}

// exported gives access to a value as if its field were exported.
func exported(v reflect.Value) reflect.Value {
	if !v.CanAddr() {
		held := reflect.New(v.Type()).Elem()
		held.Set(v)
		return held
	}
	return reflect.NewAt(v.Type(), v.Addr().UnsafePointer()).Elem()
}

func (s *shower) print(v any) {
	verbs := []string{"%v", "%+v", "%#v", "%x", "%d", "%s", "%q"}
	if _, isClient := v.(*ccgateway.Client); isClient {
		verbs = verbs[:5] // with the others fmt reads what net/http is at work on
	}
	for _, verb := range verbs {
		_, _ = fmt.Fprintf(s.out, verb+"\n", v)
	}
	_, _ = fmt.Fprintln(s.out, fmt.Errorf("failed: %v", v), panicked(v))
	if text, err := json.Marshal(v); err == nil {
		_, _ = s.out.Write(text)
	}
	slog.New(slog.NewTextHandler(s.out, nil)).Error("m", "v", v)
	slog.New(slog.NewJSONHandler(s.out, nil)).Error("m", "v", v)
}

// panicked is what a recovered panic of a value is told as.
func panicked(v any) (text string) {
	defer func() { text = fmt.Sprint(recover()) }()
	panic(v)
}
