// Package cli is the command line of horde. [CLI] is the tree of its commands; each
// has a struct in a file of its own:
//
//   - to use a horde: generate, text, alchemy, status (with models and whoami);
//   - to run one: up, serve, work, bench, config, kudos, admin;
//   - about the program: help, completion, version.
//
// A command's Run parses, calls one of the rooms below or package client, and prints.
// What they share: console (cli.go), exit.go and explain.go (how a command ends),
// fields.go (what a horde says about fields, said about flags), signals.go (the first
// interrupt and the second), collect.go and save.go (images that arrive), view.go and
// progress.go (what is shown meanwhile).
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"

	"github.com/alecthomas/kong"

	"horde/api"
	"horde/engine/pocket"
	"horde/internal/config"
	"horde/internal/telemetry"
)

// CLI is the command tree. A further command is a further field, with a struct
// that has a Run method (and Help, for its examples) in a file of its own; Run
// may take the *console as a parameter.
type CLI struct {
	Generate GenerateCmd `cmd:"" group:"use" help:"Generate images and save them."`
	Text     TextCmd     `cmd:"" group:"use" help:"Generate text and print it."`
	Alchemy  AlchemyCmd  `cmd:"" group:"use" help:"Describe, rate, enlarge or restore an image."`
	Status   StatusCmd   `cmd:"" group:"use" help:"Show the state of a horde."`
	Models   ModelsCmd   `cmd:"" group:"use" help:"List the models that workers serve now."`
	Whoami   WhoamiCmd   `cmd:"" group:"use" help:"Show the account of the API key."`

	Up     UpCmd     `cmd:"" group:"run" help:"Run server and worker in one process, for a first image."`
	Serve  ServeCmd  `cmd:"" group:"run" help:"Run a server."`
	Work   WorkCmd   `cmd:"" group:"run" help:"Generate images for a horde on this machine."`
	Bench  BenchCmd  `cmd:"" group:"run" help:"Measure a server under load."`
	Config ConfigCmd `cmd:"" group:"run" help:"Show the configuration of a server."`
	Kudos  KudosCmd  `cmd:"" group:"run" help:"Train and evaluate the network that prices images."`
	Admin  AdminCmd  `cmd:"" group:"run" help:"Administer the database of a server."`

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

// HordeFlags name a horde and an account on it.
type HordeFlags struct {
	Horde  string `default:"http://127.0.0.1:7001" env:"HORDE_SERVER" placeholder:"URL" help:"Address of the horde (${default})."`
	APIKey string `name:"apikey" default:"0000000000" env:"HORDE_APIKEY,HORDE_API_KEY" placeholder:"KEY" help:"API key; default: the anonymous one."`
}

// console is where a command runs: its context, which ends at the first
// interrupt, and its three streams.
type console struct {
	ctx    context.Context
	stdin  io.Reader
	stdout io.Writer
	stderr io.Writer
	getenv func(string) string
	log    *slog.Logger
	flags  fieldFlags // of the command
}

// Main runs the program until it ends or is interrupted and returns its exit status.
func Main(args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	return run(withSignals(context.Background()), args, stdin, stdout, stderr)
}

// run is the whole program. It returns the exit status, one of exitCodes.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
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
		return exitUsage
	}

	// A command that only groups others shows them.
	if node, ok := group(parser.Model, args); ok && !node.Leaf() {
		args = append(slices.Clone(args), "--help")
	}
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "horde: %v\n%s\n", err, hint(parser.Model, args))
		return exitUsage
	}

	con := &console{
		ctx:    ctx,
		stdin:  stdin,
		stdout: stdout,
		stderr: stderr,
		getenv: os.Getenv,
		log:    cli.Log.Logger(stderr),
		flags:  fieldFlagsOf(command),
	}
	return report(con, command.Run(con))
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

// report prints a command's error and returns its exit status.
func report(con *console, err error) int {
	if err == nil {
		return exitDone
	}
	text := explain(err)
	if e := (*api.Error)(nil); errors.As(err, &e) {
		text = con.flags.replaceFields(text)
	}

	if text != "" {
		fmt.Fprintln(con.stderr, "horde:", text)
	}
	return exitCodeOf(con.ctx, err)
}

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
func (VersionCmd) Run(con *console) error {
	_, err := fmt.Fprintln(con.stdout, versionLine())
	return err
}

func versionLine() string { return fmt.Sprintf("horde %s (%s)", api.Version, api.Repository) }
