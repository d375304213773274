// Package cli is the command line of horde. [CLI] is the tree of its commands, which are
// in packages by what they are for:
//
//   - use: generate, text, alchemy, status (with models and whoami);
//   - run: up, serve, work, bench and config;
//   - admin: models, documents and ledger of a server;
//   - kudos: kudos train and eval.
//
// A command's Run parses, calls one of the rooms below or package client, and prints.
// What they share is in console. Here is what is about the program itself: the parser,
// its configuration file (settings.go), help, completion and version.
package cli

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"

	"github.com/alecthomas/kong"

	"horde/api"
	"horde/engine/pocket"
	"horde/internal/cli/admin"
	"horde/internal/cli/console"
	"horde/internal/cli/kudos"
	"horde/internal/cli/run"
	"horde/internal/cli/use"
	"horde/internal/config"
	"horde/internal/telemetry"
)

// CLI is the command tree. A further command is a further field, with a struct
// that has a Run method (and Help, for its examples) in a file of its own; Run
// may take the *console.Console as a parameter.
type CLI struct {
	Generate use.GenerateCmd `cmd:"" group:"use" help:"Generate images and save them."`
	Text     use.TextCmd     `cmd:"" group:"use" help:"Generate text and print it."`
	Alchemy  use.AlchemyCmd  `cmd:"" group:"use" help:"Describe, rate, enlarge or restore an image."`
	Status   use.StatusCmd   `cmd:"" group:"use" help:"Show the state of a horde."`
	Models   use.ModelsCmd   `cmd:"" group:"use" help:"List the models that workers serve now."`
	Whoami   use.WhoamiCmd   `cmd:"" group:"use" help:"Show the account of the API key."`
	Key      use.KeyCmd      `cmd:"" group:"use" help:"Renew and revoke API keys."`

	Up     run.UpCmd     `cmd:"" group:"run" help:"Run server and worker in one process, for a first image."`
	Serve  run.ServeCmd  `cmd:"" group:"run" help:"Run a server."`
	Work   run.WorkCmd   `cmd:"" group:"run" help:"Generate images and text for a horde on this machine."`
	Bench  run.BenchCmd  `cmd:"" group:"run" help:"Measure a server under load."`
	Config run.ConfigCmd `cmd:"" group:"run" help:"Show the configuration of a server."`
	Kudos  kudos.Cmd     `cmd:"" group:"run" help:"Train and evaluate the network that prices images."`
	Admin  admin.Cmd     `cmd:"" group:"run" help:"Administer the database of a server."`

	Help       HelpCmd       `cmd:"" group:"about" help:"Show the help of a command, or the table of exit codes."`
	Completion CompletionCmd `cmd:"" group:"about" help:"Print the script with which a shell completes horde's commands and flags."`
	Version    VersionCmd    `cmd:"" group:"about" help:"Print the version."`

	ShowVersion kong.VersionFlag `name:"version" env:"-" help:"Print the version."`

	ConfigFile kong.ConfigFlag `name:"config" placeholder:"FILE" help:"TOML file with flags: top-level keys apply to every command, a table such as [work] to one. Flags and environment take precedence."`
	Log        LogFlags        `embed:"" prefix:"log-"`
}

// LogFlags choose how a long-running command logs.
type LogFlags struct {
	Level  slog.Level `default:"info" placeholder:"LEVEL" complete:"levels" help:"debug, info, warn or error."`
	Format string     `default:"text" enum:"text,json" help:"text or json."`
}

// Logger makes the logger that the flags describe; lines that belong to a call carry
// its id.
func (f LogFlags) Logger(w io.Writer) *slog.Logger {
	log, err := telemetry.NewLogger(w, f.Format, f.Level)
	if err != nil {
		panic(err) // kong has checked the format
	}
	return log
}

// Main runs the program until it ends or is interrupted and returns its exit status.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return execute(console.WithSignals(context.Background()), args, stdin, stdout, stderr)
}

// execute is the whole program. It returns the exit status, one of exitCodes.
func execute(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	config.ForgetEmptyVariables()
	if len(args) > 0 && args[0] == completeCommand {
		return complete(stdout, args[1:])
	}

	// kong exits after --help and --version: leave by a panic instead.
	type exit int
	defer func() {
		if r := recover(); r != nil {
			e, ok := r.(exit)
			if !ok {
				panic(r)
			}
			code = int(e)
		}
	}()

	cli, parser, err := newParser(
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { panic(exit(code)) }),
		configFromEnvironment(),
	)
	if err != nil {
		fmt.Fprintln(stderr, "horde:", err)
		return console.ExitUsage
	}

	// A command that only groups others shows them.
	if node, ok := group(parser.Model, args); ok && !node.Leaf() {
		args = append(slices.Clone(args), "--help")
	}
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "horde: %v\n%s\n", err, hint(parser.Model, args))
		return console.ExitUsage
	}

	con := &console.Console{
		Ctx:    ctx,
		Stdin:  stdin,
		Stdout: stdout,
		Stderr: stderr,
		Getenv: os.Getenv,
		Log:    cli.Log.Logger(stderr),
		Flags:  console.FieldFlagsOf(command),
	}
	return console.Report(con, command.Run(con))
}

// newParser makes the parser of the command line, and what it parses into.
func newParser(more ...kong.Option) (*CLI, *kong.Kong, error) {
	cli := new(CLI)
	options := append([]kong.Option{
		kong.Name("horde"),
		kong.Description(description),
		kong.DefaultEnvars("HORDE"),
		kong.Vars{"pocket": pocket.ModelName, "version": versionLine()},
		kong.Configuration(loadTOML),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.ExplicitGroups([]kong.Group{
			{Key: "use", Title: "Use a horde:"},
			{Key: "run", Title: "Run a horde:"},
			{Key: "about", Title: "About this program:"},
		}),
	}, more...)

	parser, err := kong.New(cli, options...)
	return cli, parser, err
}

const description = `An AI Horde in one program: volunteers' machines generate images and text for everyone.

Every flag can also be given as an environment variable, HORDE_ and its name (--max-pixels is HORDE_MAX_PIXELS), or in the file of --config. The exit status is 0 if all went well, 1 if something failed, 2 after a wrong call, 130 after an interrupt ("horde help exit-codes").`

// group is the command that args name, if they name nothing else.
func group(app *kong.Application, args []string) (node *kong.Node, only bool) {
	node = app.Node
	for _, word := range args {
		i := slices.IndexFunc(node.Children, func(c *kong.Node) bool { return c.Name == word })
		if i < 0 {
			return node, false
		}
		node = node.Children[i]
	}
	return node, true
}

// hint points to the help of the command that was meant: the words of args that name
// a command, each below the one before it.
func hint(app *kong.Application, args []string) string {
	node, path := app.Node, "horde"
	for _, word := range args {
		i := slices.IndexFunc(node.Children, func(c *kong.Node) bool { return c.Name == word })
		if i >= 0 {
			node = node.Children[i]
			path += " " + word
		}
	}
	return fmt.Sprintf("Try: %s --help", path)
}

// VersionCmd prints the version.
type VersionCmd struct{}

// Help shows an example.
func (VersionCmd) Help() string { return "Examples:\n  horde version\n  horde --version" }

// Run prints the version.
func (VersionCmd) Run(con *console.Console) error {
	_, err := fmt.Fprintln(con.Stdout, versionLine())
	return err
}

func versionLine() string { return fmt.Sprintf("horde %s (%s)", api.Version, api.Repository) }
