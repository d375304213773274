// Command horde is a whole AI Horde in one program: server, worker and command
// line. "horde --help" lists its commands, "horde <command> --help" shows
// examples of each.
package main

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
	Up       UpCmd       `cmd:"" group:"run" help:"Server and worker in one, for a first picture."`
	Serve    ServeCmd    `cmd:"" group:"run" help:"Run a server."`
	Work     WorkCmd     `cmd:"" group:"run" help:"Paint for a horde with this machine."`
	Generate GenerateCmd `cmd:"" group:"use" help:"Have a picture painted and save it."`
	Text     TextCmd     `cmd:"" group:"use" help:"Have a text written and print it."`
	Alchemy  AlchemyCmd  `cmd:"" group:"use" help:"Have a picture described, rated, enlarged or mended."`
	Status   StatusCmd   `cmd:"" group:"use" help:"Show how a horde is."`
	Models   ModelsCmd   `cmd:"" group:"use" help:"List the models that workers serve now."`
	Whoami   WhoamiCmd   `cmd:"" group:"use" help:"Show whose the API key is."`
	Bench    BenchCmd    `cmd:"" group:"run" help:"Measure a server under load."`
	Config   ConfigCmd   `cmd:"" group:"run" help:"Look at the configuration of a server."`
	Kudos    KudosCmd    `cmd:"" group:"run" help:"Train and judge the network that prices pictures."`
	Admin    AdminCmd    `cmd:"" group:"run" help:"Look after the database of a server."`
	Version  VersionCmd  `cmd:"" group:"use" help:"Print the version."`

	ConfigFile kong.ConfigFlag `name:"config" placeholder:"FILE" help:"TOML file with flags: top-level keys count for every command, a table such as [work] for one. Flags and environment win over it."`
	Log        LogFlags        `embed:"" prefix:"log-"`
}

// LogFlags choose how a long-running command logs.
type LogFlags struct {
	Level  slog.Level `default:"info" placeholder:"LEVEL" help:"debug, info, warn or error."`
	Format string     `default:"text" enum:"text,json" help:"text or json."`
}

// Logger makes the logger that the flags ask for; lines that belong to a call
// carry its id.
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
}

// exitError is an error with an exit status of its own.
type exitError struct {
	code int
	err  error // nil: already told
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

func usageError(format string, args ...any) error {
	return &exitError{2, fmt.Errorf(format, args...)}
}

func main() {
	os.Exit(run(withSignals(context.Background()), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// run is the whole program. It returns the exit status: 0, 1 where the command
// failed, 2 where it was called wrongly.
func run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) (code int) {
	config.ForgetEmptyVariables()
	type exit int
	defer func() { // kong leaves by this after --help
		if r := recover(); r != nil {
			e, ok := r.(exit)
			if !ok {
				panic(r)
			}
			code = int(e)
		}
	}()
	var cli CLI
	parser, err := kong.New(&cli,
		kong.Name("horde"),
		kong.Description("An AI Horde in one program: volunteers' machines paint for whoever asks.\n\nEvery flag can also be given as an environment variable, HORDE_ and its name (--max-pixels is HORDE_MAX_PIXELS), or in the file of --config."),
		kong.Writers(stdout, stderr),
		kong.Exit(func(code int) { panic(exit(code)) }),
		kong.DefaultEnvars("HORDE"),
		kong.Vars{"pocket": pocket.ModelName},
		kong.Configuration(loadTOML),
		configFromEnvironment(),
		kong.ConfigureHelp(kong.HelpOptions{Compact: true, WrapUpperBound: 100}),
		kong.ExplicitGroups([]kong.Group{{Key: "run", Title: "Run a horde:"}, {Key: "use", Title: "Use a horde:"}}),
	)
	if err != nil {
		fmt.Fprintln(stderr, "horde:", err)
		return 1
	}
	command, err := parser.Parse(args)
	if err != nil {
		fmt.Fprintf(stderr, "horde: %v\n%s\n", err, hint(parser.Model, args))
		return 2
	}
	con := &console{ctx: ctx, stdin: stdin, stdout: stdout, stderr: stderr, getenv: os.Getenv, log: cli.Log.Logger(stderr)}
	return report(stderr, command.Run(con))
}

// report tells of a command's error and gives its exit status.
func report(stderr io.Writer, err error) int {
	if err == nil {
		return 0
	}
	code := 1
	if e := (*exitError)(nil); errors.As(err, &e) {
		code = e.code
	}
	if text := explain(err); text != "" {
		fmt.Fprintln(stderr, "horde:", text)
	}
	return code
}

// hint points to the help of the command that was meant: the words of args that
// name a command, each one of the command before it.
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
func (VersionCmd) Help() string { return "Example:\n  horde version" }

// Run prints the version.
func (VersionCmd) Run(con *console) error {
	_, err := fmt.Fprintf(con.stdout, "horde %s (%s)\n", api.Version, api.Repository)
	return err
}
