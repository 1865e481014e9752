package ccgateway

import (
	"errors"
	"fmt"
	"strings"

	"talktime/ingest"
)

const (
	maxGUID = 256
	// maxFaults bounds the faults told one by one.
	maxFaults = 100
)

// parseGUIDs reads lines "agentid,guid" and returns the GUIDs by agent id, ""
// for agents without one. The first line may be that header.
// Allowed are a byte order mark, CRLF, blanks around fields, fields in double
// quotes, blank lines and lines that begin with #. A GUID may stand as the
// sign-in interface returns it, with JSESSIONID= before it. The error joins one
// fault per line at most, as "read PATH line 7: …"; none quotes a GUID, nor a
// field that might be one.
func parseGUIDs(path, content string, maxID ingest.AgentID) ([]string, error) {
	content = strings.TrimPrefix(content, "\ufeff")
	if content == "" {
		return nil, fmt.Errorf("read %s: it is empty; to give no GUID, give the header agentid,guid", path)
	}
	guids := make([]string, maxID+1)
	lines := make([]int, maxID+1) // where each agent was met first
	var faults []error
	more, number, begun := 0, 0, false
	for line := range strings.SplitSeq(content, "\n") {
		number++
		line = strings.TrimSpace(line)
		if line == "" || line[0] == '#' {
			continue
		}
		if !begun && isHeader(line) {
			begun = true
			continue
		}
		begun = true
		agent, text, err := parseGUIDLine(line, maxID)
		if err == nil && lines[agent] > 0 {
			err = fmt.Errorf("agent %d was given on line %d already", agent, lines[agent])
		}
		switch {
		case err == nil:
			guids[agent], lines[agent] = text, number
		case len(faults) < maxFaults:
			faults = append(faults, fmt.Errorf("read %s line %d: %w", path, number, err))
		default:
			more++
		}
	}
	if more > 0 {
		faults = append(faults, fmt.Errorf("read %s: %d more lines are faulty", path, more))
	}
	return guids, errors.Join(faults...)
}

func isHeader(line string) bool {
	agent, text, _ := strings.Cut(strings.ToLower(line), ",")
	agent, text = field(agent), field(text)
	return (agent == "agentid" || agent == "agent_id") && text == "guid"
}

func parseGUIDLine(line string, maxID ingest.AgentID) (ingest.AgentID, string, error) {
	first, second, found := strings.Cut(line, ",")
	if !found {
		return 0, "", errors.New("no comma; a line is agentid,guid")
	}
	agent, err := parseAgent(field(first), maxID)
	if err != nil {
		return 0, "", err
	}
	text := strings.TrimPrefix(field(second), "JSESSIONID=")
	if err := checkGUID(text); err != nil {
		return 0, "", fmt.Errorf("agent %d: %w", agent, err)
	}
	return agent, text, nil
}

// parseAgent does not quote what is no short number: the columns may be
// swapped.
func parseAgent(s string, maxID ingest.AgentID) (ingest.AgentID, error) {
	if s == "" || len(s) > 9 || strings.Trim(s, "0123456789") != "" {
		return 0, fmt.Errorf("the first field is not an agent id in %d-%d", ingest.MinAgentID, maxID)
	}
	return ingest.ParseAgentID(s, maxID)
}

// checkGUID admits what can be the value of a cookie, which a GUID is where the
// gateway hands it out: printable ASCII without blanks, quotes, commas,
// semicolons and backslashes.
func checkGUID(text string) error {
	switch {
	case text == "":
		return errors.New("the GUID is missing")
	case len(text) > maxGUID:
		return fmt.Errorf("the GUID is longer than %d characters", maxGUID)
	}
	for i := range len(text) {
		if c := text[i]; c <= ' ' || c > '~' || strings.IndexByte("\",;\\", c) >= 0 {
			return fmt.Errorf("the GUID's character %d cannot be part of a GUID", i+1)
		}
	}
	return nil
}

// field strips blanks and the double quotes spreadsheets write.
func field(s string) string {
	s = strings.TrimSpace(s)
	if len(s) >= 2 && s[0] == '"' && s[len(s)-1] == '"' {
		s = s[1 : len(s)-1]
	}
	return s
}

func checkMaxID(maxID ingest.AgentID) error {
	if maxID < ingest.MinAgentID || maxID > ingest.LimitMaxAgentID {
		return fmt.Errorf("agents.max_id %d is outside %d-%d", maxID, ingest.MinAgentID, ingest.LimitMaxAgentID)
	}
	return nil
}
