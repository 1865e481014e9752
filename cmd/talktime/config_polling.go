package main

import (
	"crypto/x509"
	"os"
)

// checkPolling finds what a recorder needs and this configuration lacks.
func checkPolling(c *config, values map[string]value, found *faults) {
	for _, need := range []struct{ key, why string }{
		{"gateway.url", "the gateway to poll"},
		{"guids.file", "the GUIDs to poll with"},
		{"schedules", "when to poll"},
	} {
		if _, given := values[need.key]; !given {
			where, file := configFileName, &origin{name: c.file, isFile: true, faults: found}
			if c.file != "" {
				where = c.file
			}
			file.fault(0, "%s is missing (%s): write it into %s or set %s", need.key, need.why, where, envName(need.key))
		}
	}
	if v, given := values["schedules"]; given && v.isEmpty() {
		v.fault("names no schedule, so nothing would ever be polled")
	}
}

// checkFiles finds what is wrong with the files a recorder reads. Only commands
// that poll look at them: a report must work for a user who may not read them.
func checkFiles(c *config, values map[string]value) {
	if c.guidsFile != "" {
		values["guids.file"].readFile(c.guidsFile)
	}
	if c.gateway.caFile != "" {
		v := values["gateway.ca_file"]
		pem, ok := v.readFile(c.gateway.caFile)
		if ok && !x509.NewCertPool().AppendCertsFromPEM(pem) {
			v.fault("%s holds no certificate in PEM", c.gateway.caFile)
		}
		c.gateway.authorities = string(pem)
	}
}

// readFile reads the file a value names, and records a fault if it cannot.
func (v value) readFile(path string) ([]byte, bool) {
	content, err := os.ReadFile(path)
	if err != nil {
		v.fault("%v", err)
		return nil, false
	}
	return content, true
}
