package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestWhatPollingNeeds(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(garbage, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		text configText
		want []string
	}{
		{"no file at all", configText{dir: dir}, []string{
			"gateway.url is missing (the gateway to poll): write it into talktime.yaml or set TALKTIME_GATEWAY_URL",
			"guids.file is missing (the GUIDs to poll with): write it into talktime.yaml or set TALKTIME_GUIDS_FILE",
			"schedules is missing (when to poll): write it into talktime.yaml or set TALKTIME_SCHEDULES",
		}},
		{"nothing in the file", text(""), []string{
			"talktime.yaml: gateway.url is missing (the gateway to poll): write it into talktime.yaml or set TALKTIME_GATEWAY_URL",
			"talktime.yaml: guids.file is missing (the GUIDs to poll with): write it into talktime.yaml or set TALKTIME_GUIDS_FILE",
			"talktime.yaml: schedules is missing (when to poll): write it into talktime.yaml or set TALKTIME_SCHEDULES",
		}},
		{
			"files that are not there, no schedule", text("gateway: {url: https://g:1, ca_file: " + dir + "/no.pem}\nguids: {file: " + dir + "/no.csv}\nschedules: []\n"),
			[]string{
				"talktime.yaml line 1: gateway.ca_file: open " + dir + "/no.pem: no such file or directory",
				"talktime.yaml line 2: guids.file: open " + dir + "/no.csv: no such file or directory",
				"talktime.yaml line 3: schedules: names no schedule, so nothing would ever be polled",
			},
		},
		{
			"files that are something else", text("gateway: {url: https://g:1, ca_file: " + garbage + "}\nguids: {file: " + dir + "}\nschedules: office\n"),
			[]string{
				"talktime.yaml line 1: gateway.ca_file: " + garbage + " holds no certificate in PEM",
				"talktime.yaml line 2: guids.file: read " + dir + ": is a directory",
				"talktime.yaml line 3: schedules: must be a list",
			},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := parseConfig(test.text, forPolling)
			if err == nil {
				t.Fatal("no fault was found")
			}
			if d := cmp.Diff(test.want, strings.Split(err.Error(), "\n")); d != "" {
				t.Errorf("faults (-want +got):\n%s", d)
			}
		})
	}
}
