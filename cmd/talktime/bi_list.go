package main

import (
	"context"
	"fmt"
	"io"
	"strings"

	pretty "github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"talktime/sql/store"
)

func (a *app) biListCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "list",
		Short: "Print who sees what of bi_v1",
		Long: `list prints the roles that were granted bi_v1 and those that have a right on its
views without a grant, what they see, and who is a member of them. Superusers and
the owner of the schema see everything and are not listed.`,
		Example: `  talktime bi list`,
		Args:    noArguments,
		RunE:    func(cmd *cobra.Command, _ []string) error { return a.biList(cmd.Context()) },
	}
}

func (a *app) biList(ctx context.Context) error {
	c, err := a.loadConfig(forDatabase)
	if err != nil {
		return err
	}
	return a.withStore(ctx, c, func(s *store.Store) error {
		grants, err := s.BIGrants(ctx)
		if err != nil {
			return err
		}
		roster, err := s.Roster(ctx)
		if err != nil {
			return err
		}
		known := map[string]bool{}
		for _, tenure := range roster {
			known[tenure.Team] = true
		}
		rows := [][]string{{"Role", "Login", "Sees", "Members"}}
		for i := range grants {
			rows = append(rows, grantRow(&grants[i], known))
		}
		_, err = io.WriteString(a.stdout, aligned(rows))
		return err
	})
}

// grantRow words a grant; known are the teams of the roster.
func grantRow(g *store.BIGrant, known map[string]bool) []string {
	login := "no"
	switch {
	case !g.IsThere:
		login = "no such role"
	case g.CanLogin:
		login = "yes"
	}
	teams := make([]string, len(g.Teams))
	for i, team := range g.Teams {
		teams[i] = team
		if !known[team] {
			teams[i] = fmt.Sprintf("%s (not in the roster)", team)
		}
	}
	sees := strings.Join(teams, ", ")
	switch {
	case g.SeesEverything || g.MayReadTables:
		sees = "everything"
	case sees == "":
		sees = "no agents: a right on the views, but no grant"
	}
	return []string{g.Role, login, sees, strings.Join(g.Members, ", ")}
}

// aligned writes rows in columns two spaces apart.
func aligned(rows [][]string) string {
	widths := make([]int, len(rows[0]))
	for _, row := range rows {
		for i, cell := range row {
			widths[i] = max(widths[i], pretty.StringWidthWithoutEscSequences(cell))
		}
	}
	var b strings.Builder
	for _, row := range rows {
		cells := make([]string, len(row))
		for i, cell := range row {
			cells[i] = pretty.AlignLeft.Apply(cell, widths[i])
		}
		b.WriteString(strings.TrimRight(strings.Join(cells, "  "), " ") + "\n")
	}
	return b.String()
}
