package main

import (
	"cmp"
	"errors"

	"github.com/spf13/cobra"

	"talktime/sql/store"
)

func (a *app) biCommand() *cobra.Command {
	cmd := group(&cobra.Command{
		Use:   "bi",
		Short: "Say which database roles see what of bi_v1, the views for BI tools",
		Long: `bi lets roles of the database read the views of schema bi_v1: all of them, or
agents only while they were in certain teams. Such a role sees nothing else of
talktime. It needs a role that owns talktime's schema.`,
		Example: `  talktime psql -- -c 'CREATE ROLE dashboards LOGIN' -c '\password dashboards'
  talktime bi grant dashboards
  talktime bi grant lead_sales --team Sales,Support
  talktime bi list
  talktime bi revoke lead_sales`,
	})
	cmd.AddCommand(a.biGrantCommand(), a.biListCommand(), a.biRevokeCommand())
	return cmd
}

// roleFault makes an error of what was typed, of a role that does not exist or
// cannot have what was asked for, one of usage. hint is for a role that no other is
// near to.
func roleFault(err error, hint string) error {
	if unknown, ok := errors.AsType[*store.UnknownRoleError](err); ok {
		return usagef("%w%s", err, cmp.Or(didYouMean(unknown.Role, unknown.Known), hint))
	}
	if errors.Is(err, store.ErrNotGrantable) {
		return usageError(err)
	}
	return err
}
