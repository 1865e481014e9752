package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"talktime/ingest"
	"talktime/sql/localpg"
	"talktime/sql/store"
)

// completionLimit bounds how long a shell that completes a word waits for the
// database.
const completionLimit = time.Second

// lookup finds what may stand for a word that begins so. The words before it are
// the command's arguments.
type lookup func(ctx context.Context, args []string, begun string) []cobra.Completion

// offer says which words a flag takes, for completion.
func offer(f *pflag.FlagSet, flag string, words ...string) {
	_ = f.SetAnnotation(flag, offeredWords, words) // fails only for a flag there is not
}

const offeredWords = "offered words"

// offerEverything makes every argument and flag below a command complete: from the
// words it was offered, from the configured database, or with nothing. Files are
// offered where a file is wanted alone.
func (a *app) offerEverything(cmd *cobra.Command) {
	for _, sub := range cmd.Commands() {
		a.offerEverything(sub)
	}
	if cmd.Name() != "help" && cmd.Use != "import FILE" {
		cmd.ValidArgsFunction = a.offerArguments(cmd.CommandPath())
	}
	flags := map[string]lookup{
		"agent": inList(a.findAgents), "team": inList(a.findTeams), "tz": a.findZones, "time-zone": a.findZones, "by": inList(onlyWords(groupingWords...)),
	}
	if cmd.Flags().Lookup("columns") != nil {
		flags["columns"] = inList(onlyWords(offeredColumns(cmd.Name())...))
		flags["sort"] = flags["columns"]
	}
	cmd.LocalFlags().VisitAll(func(f *pflag.Flag) {
		words, isOffered := f.Annotations[offeredWords]
		find, isKnown := flags[f.Name]
		complete := cobra.NoFileCompletions
		switch kind, _ := pflag.UnquoteUsage(f); {
		case isOffered:
			complete = completed(onlyWords(words...), cobra.ShellCompDirectiveNoFileComp)
		case isKnown && f.Name != "tz" && f.Name != "time-zone": // a list may go on
			complete = completed(find, cobra.ShellCompDirectiveNoFileComp|cobra.ShellCompDirectiveNoSpace)
		case isKnown:
			complete = completed(find, cobra.ShellCompDirectiveNoFileComp)
		case kind == "directory":
			complete = completed(onlyWords(), cobra.ShellCompDirectiveFilterDirs)
		case f.Name == "config":
			complete = completed(onlyWords("yaml", "yml"), cobra.ShellCompDirectiveFilterFileExt)
		case kind == "file":
			return
		}
		_ = cmd.RegisterFlagCompletionFunc(f.Name, complete) // fails only for one that completes already
	})
}

// offerArguments completes the arguments of the command of that path.
func (a *app) offerArguments(path string) cobra.CompletionFunc {
	lookups := map[string][]lookup{
		"talktime export run":   {a.findExports},
		"talktime export rerun": {a.findExports, a.findPeriods},
		"talktime export show":  {a.findExports, a.findPeriods},
		"talktime export list":  {a.findExports},
		"talktime report at":    {onlyWords("now")},
		"talktime bi grant":     {a.findRoles},
		"talktime bi revoke":    {a.findGrantedRoles},
	}[path]
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		if len(args) >= len(lookups) {
			return nil, cobra.ShellCompDirectiveNoFileComp
		}
		return completed(lookups[len(args)], cobra.ShellCompDirectiveNoFileComp)(cmd, args, begun)
	}
}

// completed makes a completion of a lookup.
func completed(find lookup, directive cobra.ShellCompDirective) cobra.CompletionFunc {
	return func(cmd *cobra.Command, args []string, begun string) ([]cobra.Completion, cobra.ShellCompDirective) {
		found := find(cmd.Context(), args, begun)
		if directive&(cobra.ShellCompDirectiveFilterFileExt|cobra.ShellCompDirectiveFilterDirs) != 0 {
			return found, directive
		}
		return slices.DeleteFunc(found, func(c cobra.Completion) bool { return !strings.HasPrefix(c, begun) }), directive
	}
}

// onlyWords finds the same words always.
func onlyWords(words ...string) lookup {
	return func(context.Context, []string, string) []cobra.Completion { return slices.Clone(words) }
}

// inList completes the last word of a list with commas by one that is not in it.
func inList(find lookup) lookup {
	return func(ctx context.Context, args []string, begun string) []cobra.Completion {
		before := begun[:strings.LastIndex(begun, ",")+1]
		var found []cobra.Completion
		for _, c := range find(ctx, args, begun[len(before):]) {
			word, _, _ := strings.Cut(c, "\t")
			if !slices.Contains(strings.Split(before, ","), word) {
				found = append(found, before+c)
			}
		}
		return found
	}
}

// ask hands a question to the configured database and gives up without a word
// where there is no answer in time. The private Postgres is asked where it runs; it
// is not started.
func (a *app) ask(ctx context.Context, question func(context.Context, *config, *store.Store) ([]cobra.Completion, error)) []cobra.Completion {
	ctx, cancel := context.WithTimeout(ctx, completionLimit)
	defer cancel()
	answers := make(chan []cobra.Completion, 1)
	go func() {
		answer, err := a.answer(ctx, question)
		if err != nil {
			answer = nil
		}
		answers <- answer
	}()
	select {
	case <-ctx.Done():
		return nil
	case found := <-answers:
		return found
	}
}

func (a *app) answer(ctx context.Context, question func(context.Context, *config, *store.Store) ([]cobra.Completion, error)) ([]cobra.Completion, error) {
	c, err := a.loadConfig(forDatabase)
	if err != nil {
		return nil, err
	}
	url := c.databaseURL
	if url.IsEmpty() {
		running, isRunning := localpg.RunningURL(c.privateDir())
		if c.dataDir == "" || !isRunning {
			return nil, errors.New("the private Postgres does not run")
		}
		url = ingest.NewSecret(running)
	}
	s, err := store.Open(ctx, url)
	if err != nil {
		return nil, err
	}
	defer s.Close()
	return question(ctx, c, s)
}
