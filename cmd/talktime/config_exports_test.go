package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const exportsHead = "time_zone: Europe/Berlin\nbusiness_day_start: \"04:00\"\nexports:\n"

func TestExportsAreRead(t *testing.T) {
	c, err := parseConfig(configText{file: "talktime.yaml", dir: "/etc/talktime", yaml: []byte(exportsHead + `
- {name: daily-states, cron: "0 15 2 * * *", report: states, by: [agent, 15m], window: yesterday, profile: machine, to: /srv/exports}
- name: payroll
  cron: "0 0 6 2 * *"
  time_zone: America/New_York
  report: talk-time
  by: agent,day
  agents: 101-103
  teams: [Sales, Support]
  window: {from: 2026-11-01, to: 2026-12-01}
  profile: excel
  locale: de-DE
  on_missing: zero
  to: exports
  file: "{name}_{from:YYYYMMDD}_{revision}.{ext}"
  deadline: 36h
  require_coverage: 95.5
  on_failure: [/usr/bin/logger, export failed]
- {name: book, cron: "@weekly", report: states, window: last_week, format: xlsx, to: /srv/exports, on_failure: /bin/true}
`)}, forDatabase)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, e := range c.exports {
		due := e.times.Next(time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC))
		w := e.at(due)
		got = append(got, strings.Join([]string{
			e.name, due.Format(time.RFC3339), w.From.Format(time.RFC3339), w.To.Format(time.RFC3339), e.definition().text(),
			e.to.text, e.file.String(), e.deadline.String(), strings.Join(e.onFailure, "|"),
		}, " "))
	}
	want := []string{
		`daily-states 2026-11-20T01:15:00Z 2026-11-18T03:00:00Z 2026-11-19T03:00:00Z {"report":"states","by":"agent,15m","time_zone":"Europe/Berlin","business_day_start":"04:00","format":"csv","profile":"machine/1","on_missing":"empty"} /srv/exports {name}_{from}_{to}_r{revision}.{ext} 12h0m0s `,
		`payroll 2026-12-02T11:00:00Z 2026-11-01T09:00:00Z 2026-12-01T09:00:00Z {"report":"talk-time","by":"agent,day","agents":"101-103","teams":["Sales","Support"],"time_zone":"America/New_York","business_day_start":"04:00","format":"csv","profile":"excel/1","on_missing":"zero","locale":"de-DE"} /etc/talktime/exports {name}_{from:YYYYMMDD}_{revision}.{ext} 36h0m0s /usr/bin/logger|export failed`,
		`book 2026-11-21T23:00:00Z 2026-11-09T03:00:00Z 2026-11-16T03:00:00Z {"report":"states","by":"agent","time_zone":"Europe/Berlin","business_day_start":"04:00","format":"xlsx"} /srv/exports {name}_{from}_{to}_r{revision}.{ext} 12h0m0s /bin/true`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("exports (-want +got):\n%s", diff)
	}
}

func TestFaultsOfExports(t *testing.T) {
	tests := map[string]struct{ yaml, want string }{
		"everything at once": {
			`- {name: a b, cron: "61 * * * *", report: staets, by: [agent, minute], agents: "99", window: last_year, profile: machin, on_missing: guess,
   locale: "!", to: "ftp://host/x", file: "{nam}/x", deadline: soon, require_coverage: 101, colour: red}
`, `line 5: exports[0].colour: is not a key`,
		},
		"a name":            {valid(`name: ../x`), `exports[0].name: "../x" is no name for files: A-Z a-z 0-9 _ and - in it, 63 characters at most`},
		"a cron rule":       {valid(`cron: "61 * * * *"`), `exports[0].cron: cron "61 * * * *": end of range (61) above maximum (59): 61`},
		"a report":          {valid(`report: staets`), `exports[0].report: "staets" is not talk-time or states, did you mean "states"?`},
		"a grouping":        {valid(`by: [agent, minute]`), `exports[0].by: "agent,minute": "minute" is not one of agent, team, 15m, 30m, 60m, day, week, month or none`},
		"agents":            {valid(`agents: "99"`), `exports[0].agents: agents "99": agent 99 is outside 101-59999`},
		"a window":          {valid(`window: last_year`), `exports[0].window: "last_year" is none of yesterday, last_week, month_to_date; or write {from: 2026-11-01, to: 2026-12-01}`},
		"half a window":     {valid(`window: {from: 2026-11-01}`), `exports[0].window: needs both from and to`},
		"a window of none":  {valid(`window: {from: 2026-11-01, to: 2026-11-01}, to: /srv`), `exports[0].window: to 2026-11-01 is not after from 2026-11-01`},
		"a profile":         {valid(`profile: machin`), `exports[0].profile: profile "machin" is none of machine, excel, wfm-15, wfm-semicolon-noheader`},
		"a profile's rows":  {valid(`profile: wfm-15`), `exports[0]: profile wfm-15 has a row for each agent and quarter-hour: ask for it by 15m,agent or agent,15m`},
		"a format":          {valid(`format: pdf`), `exports[0].format: "pdf" is not csv, json or xlsx`},
		"CSV's keys":        {valid("format: xlsx, profile: excel"), `exports[0].profile: is of format csv, and this is xlsx`},
		"a destination":     {valid(`to: "ftp://host/x"`), `exports[0].to: ftp:// is no destination: name a folder, or a url of sftp:// or s3://`},
		"a bare url":        {valid(`to: "sftp://kim@host/in"`), `exports[0].to: write it as {url: sftp://…} with known_hosts, key_file, password_file, timeout`},
		"another's keys":    {valid(`to: {url: "sftp://kim@host/in", region: x}`), `exports[0].to.region: is none of the keys of sftp`},
		"a password":        {valid(`to: {url: "sftp://kim:hush@host/in"}`), `exports[0].to.url: must hold no password: name a file with it`},
		"a url":             {valid(`to: {url: "ftp://host"}`), `exports[0].to.url: is not of the form sftp://user@host/folder or s3://bucket/prefix`},
		"no boolean":        {valid(`to: {url: "s3://b/p", path_style: maybe}`), `exports[0].to.path_style: "maybe" is not true or false`},
		"a template":        {valid(`file: "../{name}"`), `file name template "../{name}", character 3: a file name cannot lead into another folder`},
		"a template's twin": {valid(`file: "{name}.csv"`), `exports: export a: file name template "{name}.csv"`},
		"a deadline":        {valid(`deadline: soon`), `exports[0].deadline: "soon" is not a duration such as 3s or 15m`},
		"coverage":          {valid(`require_coverage: 101`), `exports[0].require_coverage: "101" is not a percentage from 0 to 100`},
		"two of a name":     {valid(``) + valid(`name: A`), `exports[1].name: "A" is already the name of exports[0]`},
		"two of a file":     {valid(`file: "{from}_{revision}"`) + valid(`name: b, file: "{from}_{revision}"`), `would both be called`},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			_, err := parseConfig(configText{file: "talktime.yaml", dir: "/etc", yaml: []byte(exportsHead + test.yaml)}, forDatabase)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("got\n%v\nwant %s", err, test.want)
			}
			if name == "everything at once" && strings.Count(err.Error(), "exports[0]") != 15 {
				t.Errorf("not all faults are told:\n%v", err)
			}
			if name != "everything at once" && strings.Count(err.Error(), "\n") > 0 {
				t.Errorf("one fault is told as\n%v", err)
			}
		})
	}
}

// valid writes an export with some of its keys in place of the good ones.
func valid(keys string) string {
	good := []string{"name: a", `cron: "0 15 2 * * *"`, "report: states", "window: yesterday", "to: /srv"}
	var all []string
	for _, field := range good {
		key, _, _ := strings.Cut(field, ":")
		if !strings.HasPrefix(keys, key+":") && !strings.Contains(keys, ", "+key+":") {
			all = append(all, field)
		}
	}
	if keys != "" {
		all = append(all, keys)
	}
	return "- {" + strings.Join(all, ", ") + "}\n"
}

// What a destination needs is looked at by those who deliver, and by nobody else.
func TestDestinationsAreCheckedByWhoDelivers(t *testing.T) {
	text := configText{file: "talktime.yaml", dir: "/nowhere", yaml: []byte(exportsHead +
		valid(`to: {url: "sftp://kim@host:2222/~/in", known_hosts: known_hosts, key_file: key}`) +
		valid(`name: b, to: {url: "s3://bucket/daily", endpoint: "https://s3.example", credentials_file: keys}`))}
	c, err := parseConfig(text, forDatabase)
	if err != nil {
		t.Fatal(err)
	}
	if got := c.exports[0].to.text + " " + c.exports[1].to.text; got != "sftp://kim@host:2222/~/in s3://bucket/daily" {
		t.Errorf("the destinations are %s", got)
	}
	_, err = parseConfig(text, forDelivering)
	if err == nil {
		t.Fatal("files that are not there are no fault")
	}
	for _, want := range []string{"line 4: exports[0].to: ", "/nowhere/known_hosts", "/nowhere/key", "line 5: exports[1].to: ", "/nowhere/keys"} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q is not in\n%v", want, err)
		}
	}
}
