package main

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"talktime/reports"
	"talktime/sql/store"
)

// completedAgents is how many agents are offered at most: more digits leave fewer.
const completedAgents = 500

// findAgents finds agents by the first digits of their id, with the name and team
// they have now.
func (a *app) findAgents(ctx context.Context, _ []string, begun string) []cobra.Completion {
	if begun != "" {
		if _, err := strconv.Atoi(begun); err != nil {
			return nil
		}
	}
	return a.ask(ctx, func(ctx context.Context, _ *config, s *store.Store) ([]cobra.Completion, error) {
		held, err := s.AgentsLike(ctx, begun, a.clock.Now(), completedAgents)
		found := make([]cobra.Completion, len(held))
		for i, t := range held {
			about := t.Name
			if t.Team != "" {
				about += " (" + t.Team + ")"
			}
			found[i] = cobra.CompletionWithDesc(strconv.Itoa(int(t.Agent)), about)
		}
		return found, err
	})
}

func (a *app) findTeams(ctx context.Context, _ []string, _ string) []cobra.Completion {
	return a.ask(ctx, func(ctx context.Context, _ *config, s *store.Store) ([]cobra.Completion, error) {
		teams, err := s.Teams(ctx)
		return append(teams, cobra.CompletionWithDesc(reports.NoTeam, "those in none")), err
	})
}

// findExports finds the configured exports, with what they are.
func (a *app) findExports(context.Context, []string, string) []cobra.Completion {
	c, err := a.loadConfig(forDatabase)
	if err != nil {
		return nil
	}
	var found []cobra.Completion
	for _, e := range c.exports {
		found = append(found, cobra.CompletionWithDesc(e.name, fmt.Sprintf("%s by %s, %s, to %s", e.report, e.grouping, e.profile(), e.to.text)))
	}
	return found
}

// findPeriods finds the last periods of an export, with what became of them.
func (a *app) findPeriods(ctx context.Context, args []string, _ string) []cobra.Completion {
	return a.ask(ctx, func(ctx context.Context, c *config, s *store.Store) ([]cobra.Completion, error) {
		editions, err := s.Exports(ctx, args[0])
		var found []cobra.Completion
		for _, e := range lastPeriods(editions) {
			found = append(found, cobra.CompletionWithDesc(periodText(e.Span, c.calendarOf(&e)), statusText(&e)))
		}
		return found, err
	})
}

func (a *app) findRoles(ctx context.Context, _ []string, _ string) []cobra.Completion {
	return a.ask(ctx, func(ctx context.Context, _ *config, s *store.Store) ([]cobra.Completion, error) { return s.Roles(ctx) })
}

func (a *app) findGrantedRoles(ctx context.Context, _ []string, _ string) []cobra.Completion {
	return a.ask(ctx, func(ctx context.Context, _ *config, s *store.Store) ([]cobra.Completion, error) {
		grants, err := s.BIGrants(ctx)
		var found []cobra.Completion
		for _, g := range grants {
			if g.Role != store.ReaderRole {
				found = append(found, cobra.CompletionWithDesc(g.Role, "sees "+strings.Join(g.Teams, ", ")))
			}
		}
		return found, err
	})
}

// findZones finds the configured zones, with that word, and those the machine
// lists.
func (a *app) findZones(context.Context, []string, string) []cobra.Completion {
	var found []cobra.Completion
	names := append([]string{time.UTC.String()}, machineZones()...)
	if c, err := a.loadConfig(forDatabase); err == nil {
		for _, zone := range append([]*time.Location{c.timeZone}, c.extraZones...) {
			names = slices.DeleteFunc(names, func(name string) bool { return name == zone.String() })
			found = append(found, cobra.CompletionWithDesc(zone.String(), "configured"))
		}
	}
	return append(found, names...)
}

// zoneTables are lists of the tz database's zones, some of which most machines
// have. The database that is built in lists none.
var zoneTables = []string{"/usr/share/zoneinfo/zone1970.tab", "/usr/share/zoneinfo/zone.tab"}

// machineZones returns the zones of the first list there is, sorted.
func machineZones() []string {
	for _, path := range zoneTables {
		file, err := os.Open(path)
		if err != nil {
			continue
		}
		defer file.Close()
		var zones []string
		lines := bufio.NewScanner(file)
		for lines.Scan() {
			if fields := strings.Split(lines.Text(), "\t"); len(fields) >= 3 && !strings.HasPrefix(fields[0], "#") {
				zones = append(zones, fields[2])
			}
		}
		slices.Sort(zones)
		return slices.Compact(zones)
	}
	return nil
}
