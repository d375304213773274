package cli

import (
	"strings"

	"github.com/alecthomas/kong"

	"horde/internal/cli/console"
)

// exitCodesTopic is what "horde help" explains besides the commands.
const exitCodesTopic = "exit-codes"

// HelpCmd shows the help of a command.
type HelpCmd struct {
	Command []string `arg:"" optional:"" help:"Command to explain, or exit-codes; default: the overview."`
}

// Help shows examples.
func (HelpCmd) Help() string {
	return "Examples:\n  horde help\n  horde help generate\n  horde help admin ledger explain\n  horde help exit-codes"
}

// Run prints.
func (c *HelpCmd) Run(con *console.Console, k *kong.Context) error {
	if len(c.Command) == 1 && c.Command[0] == exitCodesTopic {
		return console.PrintExitCodes(con.Stdout)
	}

	about, err := kong.Trace(k.Kong, c.Command)
	if err == nil {
		err = about.Error
	}
	if err != nil {
		return console.UsageError("there is no help on %q: %w", strings.Join(c.Command, " "), err)
	}
	return about.PrintUsage(false)
}
