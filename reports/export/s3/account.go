package s3

import (
	"errors"
	"fmt"
	"strings"

	"talktime/ingest"
)

// account is what proves who we are.
type account struct {
	id            string
	secret, token ingest.Secret // token is empty but for accounts that last for a while
}

// parseAccount reads the form of ~/.aws/credentials: lines "key = value", at
// most the one section [default], comments behind # or ;. No error quotes a
// value.
func parseAccount(text string) (account, error) {
	var a account
	number := 0
	for line := range strings.Lines(text) {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' || line[0] == ';' || line == "[default]" {
			continue
		}
		key, value, isPair := strings.Cut(line, "=")
		value = strings.TrimSpace(value)
		switch key = strings.TrimSpace(key); {
		case !isPair:
			return account{}, fmt.Errorf("line %d: it is neither key = value nor [default]", number)
		case key == "aws_access_key_id":
			a.id = value
		case key == "aws_secret_access_key":
			a.secret = ingest.NewSecret(value)
		case key == "aws_session_token":
			a.token = ingest.NewSecret(value)
		default:
			return account{}, fmt.Errorf("line %d: it is not aws_access_key_id, aws_secret_access_key or aws_session_token", number)
		}
	}
	if a.id == "" || a.secret.IsEmpty() {
		return account{}, errors.New("has no aws_access_key_id and aws_secret_access_key")
	}
	return a, nil
}
