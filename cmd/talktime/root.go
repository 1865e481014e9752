package main

import (
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// rootCommand is the program's tree of commands. No command below it may have
// a PersistentPreRunE of its own: it would replace start.
func (a *app) rootCommand() *cobra.Command {
	root := group(&cobra.Command{
		Use:   "talktime",
		Short: "Record what contact centre agents are doing, and report it exactly",
		Long: `talktime polls a contact centre's CC-Gateway on cron schedules, keeps the
answers in Postgres, and reports how long each agent talked and stayed in each
state. Every second of every window is accounted for, and every figure says how
much of it was seen.

Exit codes: 0 ok, 1 failed, 2 usage or configuration, 3 partial, 4 the schema
is older or newer than the program.`,
		Example: `  talktime demo
  talktime record --config talktime.yaml
  talktime report talk-time --from 2026-11-16 --to 2026-11-23`,
		Version:           versionText(),
		SilenceUsage:      true,
		SilenceErrors:     true,
		PersistentPreRunE: a.start,
	})
	root.SetVersionTemplate("{{.Version}}\n")
	root.SetFlagErrorFunc(flagError)

	flags := root.PersistentFlags()
	flags.StringVar(&a.configFile, "config", "", "configuration `file` (default: talktime.yaml here, else in the user's config directory)")
	flags.StringVar(&a.logLevel, "log-level", "", "least `level` logged to standard error: debug, info, warn or error (default: info for what runs until stopped, else warn)")
	flags.StringVar(&a.logFormat, "log-format", "text", "`format` of the log: text or json")
	offer(flags, "log-level", "debug", "info", "warn", "error")
	offer(flags, "log-format", "text", "json")

	root.AddCommand(
		a.agentsCommand(),
		a.alertsCommand(),
		a.auditCommand(),
		a.biCommand(),
		a.demoCommand(),
		a.gatewayCommand(),
		a.deriveCommand(),
		a.exportCommand(),
		a.doctorCommand(),
		a.maintainCommand(),
		a.migrateCommand(),
		a.psqlCommand(),
		a.recordCommand(),
		a.reportCommand(),
		a.sampleCommand(),
		a.unitCommand(),
		a.verifyCommand(),
		a.versionCommand(),
	)
	root.InitDefaultHelpCmd()
	root.InitDefaultCompletionCmd()
	for _, sub := range root.Commands() {
		if sub.Name() == "completion" {
			group(sub)
		}
	}
	a.offerEverything(root)
	return root
}

// group makes a command that only holds others: alone it prints its help, and
// a word that is none of its commands is refused with the nearest that is.
func group(cmd *cobra.Command) *cobra.Command {
	cmd.Args = func(cmd *cobra.Command, args []string) error {
		if len(args) == 0 {
			return nil
		}
		var names []string
		for _, sub := range cmd.Commands() {
			if sub.IsAvailableCommand() {
				names = append(names, sub.Name())
			}
		}
		return fmt.Errorf("unknown command %q for %q%s; see %s --help",
			args[0], cmd.CommandPath(), didYouMean(args[0], names), cmd.CommandPath())
	}
	cmd.RunE = func(cmd *cobra.Command, _ []string) error { return cmd.Help() }
	return cmd
}

// flagError adds the nearest flag to the complaint about an unknown one.
func flagError(cmd *cobra.Command, err error) error {
	hint := ""
	if unknown, ok := errors.AsType[*pflag.NotExistError](err); ok && len(unknown.GetSpecifiedName()) > 1 {
		var names []string
		cmd.Flags().VisitAll(func(f *pflag.Flag) { names = append(names, "--"+f.Name) })
		hint = didYouMean("--"+unknown.GetSpecifiedName(), names)
	}
	return fmt.Errorf("%s%s; see %s --help", strings.TrimRight(err.Error(), "\n"), hint, cmd.CommandPath())
}

// noArguments refuses arguments of a command that takes none.
func noArguments(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return fmt.Errorf("%s takes no arguments, got %q; see %s --help", cmd.CommandPath(), args[0], cmd.CommandPath())
}
