package s3_test

import (
	"strings"
	"testing"

	"talktime/reports/export/s3"
)

func TestParseAccount(t *testing.T) {
	for _, text := range []string{
		"[default]\naws_access_key_id = ID\naws_secret_access_key = a/b+c=\naws_session_token=t\n",
		"# ours\r\naws_access_key_id=ID\r\n; twice\r\naws_secret_access_key =  a/b+c=  \r\naws_session_token = t",
	} {
		id, secret, token, err := s3.ParseAccount(text)
		if err != nil || id != "ID" || secret != "a/b+c=" || token != "t" {
			t.Error(id, secret, token, err)
		}
	}
}

// Whatever is read, an error quotes none of it.
func FuzzParseAccount(f *testing.F) {
	for _, text := range []string{"", "[default]\naws_access_key_id = ID\naws_secret_access_key = SECRET\n", "aws_session_token", "[x]", "=", "SECRET"} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, secret, _, err := s3.ParseAccount(text)
		if (err == nil) != (id != "" && secret != "") {
			t.Error(id, err)
		}
		if err == nil {
			return
		}
		for line := range strings.Lines(text) {
			if line = strings.TrimSpace(line); len(line) > 30 && strings.Contains(err.Error(), line) {
				t.Errorf("%v quotes %s", err, line)
			}
		}
	})
}
