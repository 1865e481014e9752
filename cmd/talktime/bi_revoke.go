package main

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"talktime/sql/store"
)

func (a *app) biRevokeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "revoke ROLE",
		Short: "Take a role's access to bi_v1 back",
		Long: `revoke takes back what bi grant gave: from the next query on the role may read
nothing of bi_v1 by itself, though it may as a member of another role. Its limit
of connections stays, for it is the role's on the whole server. For a role that no
longer exists it clears the grant.`,
		Example: `  talktime bi revoke lead_sales`,
		Args:    oneArgument("the ROLE"),
		RunE:    func(cmd *cobra.Command, args []string) error { return a.biRevoke(cmd.Context(), args[0]) },
	}
}

func (a *app) biRevoke(ctx context.Context, role string) error {
	c, err := a.loadConfig(forDatabase)
	if err != nil {
		return err
	}
	return a.withStore(ctx, c, func(s *store.Store) error {
		had, err := s.RevokeBI(ctx, role)
		if err != nil {
			return roleFault(err, "; see talktime bi list")
		}
		text := "%s may no longer read bi_v1\n"
		if !had {
			text = "%s had no grant, as it has none now\n"
		}
		_, err = fmt.Fprintf(a.stdout, text, role)
		return err
	})
}
