//go:build clients

package main

import (
	"encoding/csv"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"text/template"
	"time"
)

// The program recording 5,000 agents, each with a GUID, every 10 s over HTTPS into
// Postgres, against Telegraf that does the same (inputs.http, outputs.postgresql):
// CPU for each sample, the peak of memory since the first start, and disk. They take
// turns of three ticks, each from an empty database and an established pace on.
// TALKTIME_BENCH_TELEGRAF is Telegraf's program; `.ci/run beside` builds it.
func BenchmarkBesideTelegraf(b *testing.B) {
	c := startCentre(b, min(benchSize(b, "TALKTIME_BENCH_AGENTS", 5000), 5000))
	turn := func(b *testing.B, r *recordingProgram, table, instant string) recordingCost {
		b.Helper()
		r.begin(b)
		<-time.After(3 * c.period())
		r.end(b)
		return r.cost(b, table, instant)
	}
	var ours, theirs []recordingCost
	b.Run("CPU", func(b *testing.B) {
		compare(b, "µs/sample",
			func() float64 {
				ours = append(ours, turn(b, startRecorder(b, c), "talktime.samples", "polled_at"))
				return ours[len(ours)-1].each()
			},
			func() float64 {
				theirs = append(theirs, turn(b, startTelegraf(b, c), "agentstatus", "time"))
				return theirs[len(theirs)-1].each()
			})
		b.ReportMetric(1./5, "bar")
	})
	again := func(b *testing.B, unit string, of func(recordingCost) float64) {
		b.Helper()
		n := -1
		compare(b, unit, func() float64 { return of(ours[n]) }, func() float64 { n++; return of(theirs[n]) })
	}
	b.Run("memory", func(b *testing.B) {
		again(b, "MB", func(c recordingCost) float64 { return c.peakMB })
		b.ReportMetric(1./10, "bar")
	})
	b.Run("disk", func(b *testing.B) {
		again(b, "B/sample", func(c recordingCost) float64 { return c.bytes })
	})
}

// A GUID is a header of its own, so each agent takes an input of its own. What is
// stored is what says the same as a sample of ours, and no URL or host beside it.
var telegrafConfig = template.Must(template.New("").Parse(`
[agent]
  interval = "{{.Period}}"
  collection_jitter = "{{.Spread}}"
  flush_interval = "{{.Period}}"
  metric_batch_size = 5000
  metric_buffer_limit = 100000
  omit_hostname = true
[[outputs.postgresql]]
  connection = "{{.Database}}"
{{range .Agents}}
[[inputs.http]]
  urls = ["{{$.Gateway}}/agentgateway/resource/onlineagent/{{index . 0}}/agentstatus"]
  headers = {"Content-Type" = "application/json; charset=UTF-8", Guid = "{{index . 1}}"}
  tls_ca = "{{$.CAFile}}"
  name_override = "agentstatus"
  tagexclude = ["url"]
  data_format = "json_v2"
  [inputs.http.tags]
    agent_id = "{{index . 0}}"
  [[inputs.http.json_v2]]
    [[inputs.http.json_v2.field]]
      path = "retcode"
    [[inputs.http.json_v2.field]]
      path = "result.agentState"
      type = "int"
      optional = true
    [[inputs.http.json_v2.field]]
      path = "result.isWorking"
      type = "bool"
      optional = true
{{end}}`))

// startTelegraf starts Telegraf on a new database and returns when it has stored a
// sample of each agent, for which it made its connections.
func startTelegraf(b *testing.B, c *centreProcess) *recordingProgram {
	b.Helper()
	program := os.Getenv("TALKTIME_BENCH_TELEGRAF")
	if program == "" {
		b.Fatal("TALKTIME_BENCH_TELEGRAF names no Telegraf: use .ci/run beside, which builds one")
	}
	guids, err := os.ReadFile(c.guids)
	if err != nil {
		b.Fatal(err)
	}
	agents, err := csv.NewReader(strings.NewReader(string(guids))).ReadAll()
	if err != nil {
		b.Fatal(err)
	}
	server, dir := newServer(b)
	r := &recordingProgram{server: server, database: "postgres"}
	config, err := os.Create(filepath.Join(dir, "telegraf.conf"))
	if err != nil {
		b.Fatal(err)
	}
	defer config.Close()
	err = telegrafConfig.Execute(config, struct {
		Period, Spread            time.Duration
		Database, Gateway, CAFile string
		Agents                    [][]string
	}{c.period(), c.period() * 4 / 5, server.DatabaseURL(r.database), c.url, c.caFile, agents[1:]})
	if err != nil {
		b.Fatal(err)
	}
	r.cmd = exec.Command(program, "--config", config.Name())
	r.start(b, dir)
	r.await(b, "SELECT to_regclass('agentstatus') IS NOT NULL")
	r.await(b, "SELECT count(DISTINCT agent_id) = "+strconv.Itoa(c.agents.Len())+" FROM agentstatus")
	return r
}
