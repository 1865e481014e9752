package main

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"talktime/cmd/talktime/internal/systemd"
)

func (a *app) unitCommand() *cobra.Command {
	var user string
	cmd := &cobra.Command{
		Use:   "unit",
		Short: "Print a systemd unit for the recorder",
		Long: `unit prints a service for systemd that runs record with this configuration, as a
user of its own and with nothing it does not need: it can write to data_dir and to the
folders that exports are delivered to, and see no home directory. systemd makes a
data_dir under /var/lib; another one, and folders of exports, must be there and be the
user's. A password for the database may lie in a file pgpass beside the configuration,
0600 and root's. Print it anew when the configuration names other folders.`,
		Example: `  useradd talktime --system
  talktime unit --config /etc/talktime/talktime.yaml >/etc/systemd/system/talktime.service
  systemctl daemon-reload && systemctl enable --now talktime`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			program, err := os.Executable()
			if err != nil {
				return err
			}
			return a.unit(program, user)
		},
	}
	cmd.Flags().StringVar(&user, "user", "talktime", "`name` of the user that the recorder runs as")
	return cmd
}

func (a *app) unit(program, user string) error {
	c, err := a.loadConfig(forDatabase)
	if err != nil {
		return err
	}
	if c.file == "" {
		return usagef("there is no configuration to record with: name it by --config")
	}
	config, err := filepath.Abs(c.file)
	if err != nil {
		return err
	}
	unit := systemd.Unit{Program: program, Config: config, User: user, IsPrivate: c.databaseURL.IsEmpty()}
	if state, isBelow := strings.CutPrefix(c.dataDir, "/var/lib/"); isBelow {
		unit.State = state
	} else {
		unit.Writable = []string{c.dataDir}
	}
	for _, e := range c.exports {
		if filepath.IsAbs(e.to.text) && !slices.Contains(unit.Writable, e.to.text) {
			unit.Writable = append(unit.Writable, e.to.text)
		}
	}
	if pgpass := filepath.Join(filepath.Dir(config), "pgpass"); !unit.IsPrivate {
		if _, err := os.Stat(pgpass); err == nil {
			unit.Pgpass = pgpass
		}
	}
	for _, path := range append([]string{program, config, c.guidsFile, c.gateway.caFile}, unit.Writable...) {
		if isHidden(path) {
			return usagef("%s would not be seen by the unit, which has no home directories (ProtectHome): move it, to /etc/talktime, /usr/local/bin, /var/lib/talktime or /srv", path)
		}
	}
	if err := unit.Write(a.stdout); err != nil {
		return fmt.Errorf("print the unit: %w", err)
	}
	return nil
}

// isHidden says that a path is where a unit with ProtectHome sees nothing.
func isHidden(path string) bool {
	return slices.ContainsFunc([]string{"/home/", "/root/", "/run/user/"}, func(home string) bool { return strings.HasPrefix(path, home) })
}
