package main

import (
	"path/filepath"

	"talktime/ingest/spool"
	"talktime/sql/localpg"
)

// openSpool opens the recorder's spool in data_dir.
func (a *app) openSpool(c *config) (*spool.Spool, error) {
	if c.dataDir == "" {
		return nil, usagef("no place for the spool: HOME is not set, so set data_dir")
	}
	if err := localpg.MakeDataDir(c.dataDir); err != nil {
		return nil, err
	}
	return spool.Open(spool.Options{
		Dir: filepath.Join(c.dataDir, "spool"), MaxBytes: c.spool.maxBytes, MaxAge: c.spool.maxAge, Clock: a.clock, Log: a.log,
	})
}
