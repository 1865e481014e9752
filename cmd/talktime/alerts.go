package main

import (
	"io"

	"github.com/spf13/cobra"

	"talktime/cmd/talktime/internal/operations"
)

func (a *app) alertsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "alerts",
		Short: "Print alert rules for Prometheus",
		Long: `alerts prints a file of alert rules for Prometheus on the metrics that a recorder
serves at /metrics where listen.operations is set. Each rule says what is wrong
and what to do. Let Prometheus scrape each recorder, and name the file in its
rule_files.`,
		Example: `  talktime alerts >/etc/prometheus/rules/talktime.yml
  promtool check rules /etc/prometheus/rules/talktime.yml`,
		Args: noArguments,
		RunE: func(*cobra.Command, []string) error {
			_, err := io.WriteString(a.stdout, operations.AlertRules)
			return err
		},
	}
}
