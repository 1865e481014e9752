package main

import (
	"context"
	"os"
	"slices"
	"strings"
)

// reloading reads a recorder's configuration again on each SIGHUP.
type reloading struct {
	app     *app
	config  *config // in force, but for what takes a restart
	polling *polling
	orders  *orders
	outside *outside
}

// follow reloads at each hangup until ctx ends.
func (r *reloading) follow(ctx context.Context, hangups <-chan os.Signal) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-hangups:
			r.outside.reloading()
			r.reload()
			r.outside.reloaded()
		}
	}
}

// reload takes over the configuration as it is now, or says all that is wrong
// with it and changes nothing.
func (r *reloading) reload() {
	log := r.app.log
	c, err := r.app.loadConfig(forPolling)
	var replace func()
	if err == nil {
		replace, err = r.polling.prepare(r.app, r.config, c)
	}
	if err != nil {
		for fault := range strings.Lines(err.Error()) {
			log.Error("configuration: "+strings.TrimSpace(fault), "file", r.config.file)
		}
		log.Error("configuration not taken over: the one read before stays in force", "file", r.config.file)
		return
	}
	changed := r.config.differences(c)
	later := slices.DeleteFunc(slices.Clone(changed), func(key string) bool { return !findSetting(key).atStart })
	now := slices.DeleteFunc(changed, func(key string) bool { return findSetting(key).atStart })

	replace()
	if len(now) > 0 {
		r.orders.change(c)
	}
	for _, key := range later { // to be told again until the restart
		c.texts[key] = r.config.texts[key]
	}
	r.config = c
	log.Info("configuration read again", "file", c.file, "changed", now, "schedules", describe(c.schedules), "agents", r.polling.Agents().Len())
	if len(later) > 0 {
		log.Warn("configuration: some changes need a restart", "file", c.file, "keys", later)
	}
}
