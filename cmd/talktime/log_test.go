package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"talktime/ingest"
)

// Both formats say the same, lengths of time with their unit.
func TestLogFormats(t *testing.T) {
	for format, want := range map[string]string{
		"text": `level=WARN msg="not stored yet" pause=1.5s schedules="[office nights]" guid=[secret]`,
		"json": `"level":"WARN","msg":"not stored yet","pause":"1.5s","schedules":["office","nights"],"guid":"[secret]"}`,
	} {
		t.Run(format, func(t *testing.T) {
			var out bytes.Buffer
			log, err := newLogger(&out, "warn", format)
			if err != nil {
				t.Fatal(err)
			}
			log.Info("too little to tell")
			log.Warn("not stored yet", "pause", 1500*time.Millisecond, "schedules", []string{"office", "nights"}, "guid", ingest.NewSecret("hush"))
			line := strings.TrimSuffix(out.String(), "\n")
			if !strings.HasSuffix(line, want) || strings.Contains(line, "\n") || strings.Contains(line, "hush") {
				t.Errorf("wrote %s, want …%s", line, want)
			}
			if format == "json" && !json.Valid(out.Bytes()) {
				t.Errorf("no JSON: %s", line)
			}
		})
	}
}

func TestLogFaults(t *testing.T) {
	_, err := newLogger(nil, "loud", "xml")
	if want := "--log-level \"loud\" is not debug, info, warn or error\n--log-format \"xml\" is not text or json"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
