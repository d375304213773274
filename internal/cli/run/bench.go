package run

import (
	"runtime"
	"time"

	"horde/internal/bench"
	"horde/internal/cli/console"
)

// BenchCmd measures a server under load.
type BenchCmd struct {
	Cycle BenchCycleCmd `cmd:"" help:"Request images, deliver and fetch them: async, pop, submit, check, status."`
	Pop   BenchPopCmd   `cmd:"" help:"The same behind waiting requests that no worker serves."`
	Check BenchCheckCmd `cmd:"" help:"Check waiting requests."`
	Text  BenchTextCmd  `cmd:"" help:"Like cycle and pop, with text generation."`

	Overload BenchOverloadCmd `cmd:"" help:"Find out how much the server does at most, and how it stands half as much again."`

	Alchemy BenchAlchemyCmd `cmd:"" help:"Request alchemy forms, deliver and fetch them: async, pop, submit, status."`
}

// Help says what the server needs and shows examples.
func (BenchCmd) Help() string {
	return `The server must be started on a database of its own, with HORDE_TEST_APIKEYS=1 and HORDE_TEST_RATELIMIT_DISABLED=1:
bench makes users and workers there. It runs no engine: workers claim to have uploaded an image.

Examples:
  HORDE_TEST_APIKEYS=1 HORDE_TEST_RATELIMIT_DISABLED=1 horde serve --data /tmp/bench &
  horde bench cycle
  horde bench cycle --rate 300 --duration 30s --json
  horde bench pop --rate 300 --backlog 3000 --models 200
  horde bench text
  horde bench text --rate 300 --backlog 3000`
}

// BenchFlags are those of every kind of load.
type BenchFlags struct {
	Horde          string        `default:"http://127.0.0.1:7001" env:"HORDE_SERVER" placeholder:"URL" help:"Address of the server, plain http (${default})."`
	Clients        int           `default:"64" help:"Requests under way at once, at most."`
	Users          int           `default:"100" help:"Accounts that send requests."`
	Anonymous      bool          `help:"All requests are anonymous, instead of those of --users."`
	Rate           float64       `default:"0" placeholder:"N" help:"Starts per second; 0: as many as possible."`
	Duration       time.Duration `default:"10s" help:"Time that is measured."`
	Warmup         time.Duration `default:"2s" help:"Time before that, under the same load."`
	JSON           bool          `help:"Print JSON."`
	IOwnThisServer bool          `name:"i-own-this-server" env:"-" help:"Load a server that is not on this machine."`
}

// BenchWork are the flags of loads with workers.
type BenchWork struct {
	Workers int    `default:"16" help:"Workers, one connection each."`
	Model   string `default:"stable_diffusion" help:"Model that is requested and served."`
}

func (f BenchFlags) config(mode bench.Mode) bench.Config {
	return bench.Config{
		Mode:      mode,
		URL:       f.Horde,
		Clients:   f.Clients,
		Users:     f.Users,
		Anonymous: f.Anonymous,
		Rate:      f.Rate,
		Duration:  f.Duration,
		Warmup:    f.Warmup,
		OwnServer: f.IOwnThisServer,
	}
}

// run measures and prints. It fails where anything went wrong on the way.
func (f BenchFlags) run(con *console.Console, cfg bench.Config) error {
	if f.Clients < 1 || f.Users < 1 || f.Duration <= 0 {
		return console.UsageError("--clients, --users and --duration must be more than 0")
	}

	// Beside the server on a small machine every further thread is taken from it,
	// and one is enough. GOMAXPROCS still takes precedence.
	if con.Getenv("GOMAXPROCS") == "" {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	}

	cfg.Progress = con.Stderr
	report, err := bench.Run(con.Ctx, cfg)
	if err != nil {
		return err
	}

	if f.JSON {
		err = console.PrintJSON(con.Stdout, report)
	} else {
		err = report.Write(con.Stdout)
	}
	if err == nil && report.Failed > 0 {
		return &console.ExitError{Code: console.ExitFailed} // the report says what
	}
	return err
}

// BenchCycleCmd measures whole cycles.
type BenchCycleCmd struct {
	BenchFlags
	BenchWork
}

// Help shows examples.
func (BenchCycleCmd) Help() string {
	return "Examples:\n  horde bench cycle\n  horde bench cycle --rate 300 --duration 30s --json"
}

// Run measures.
func (c *BenchCycleCmd) Run(con *console.Console) error {
	cfg := c.config(bench.Cycle)
	cfg.Workers, cfg.Model = c.Workers, c.Model
	return c.run(con, cfg)
}

// popRate is how many requests per second a measure of pops sends: few, since the
// pops are what is measured.
const popRate = 100

// BenchPopCmd measures pops behind a backlog.
type BenchPopCmd struct {
	BenchFlags
	BenchWork
	Backlog int `default:"3000" help:"Waiting requests that no worker serves."`
	Models  int `default:"200" help:"Models that they are spread over."`
}

// Help shows examples.
func (BenchPopCmd) Help() string {
	return "Examples:\n  horde bench pop\n  horde bench pop --rate 300 --backlog 3000 --models 200"
}

// Run measures.
func (c *BenchPopCmd) Run(con *console.Console) error {
	cfg := c.config(bench.Pop)
	cfg.Workers, cfg.Model, cfg.Backlog, cfg.Models = c.Workers, c.Model, c.Backlog, c.Models
	if cfg.Rate == 0 {
		cfg.Rate = popRate
	}
	return c.run(con, cfg)
}

// BenchCheckCmd measures checks of waiting requests.
type BenchCheckCmd struct {
	BenchFlags
}

// Help shows examples.
func (BenchCheckCmd) Help() string {
	return "Examples:\n  horde bench check\n  horde bench check --clients 256 --duration 30s"
}

// Run measures.
func (c *BenchCheckCmd) Run(con *console.Console) error {
	return c.run(con, c.config(bench.Check))
}

// BenchTextCmd measures whole cycles of text generation, behind a backlog if wanted.
type BenchTextCmd struct {
	BenchFlags
	Workers int    `default:"16" help:"Workers, one connection each."`
	Model   string `default:"koboldcpp/Marx-3B-V3" help:"Model that is requested and served."`
	Backlog int    `default:"0" help:"Waiting requests that no worker serves."`
	Models  int    `default:"200" help:"Models that they are spread over."`
}

// Help shows examples.
func (BenchTextCmd) Help() string {
	return "Examples:\n  horde bench text\n  horde bench text --rate 300 --backlog 3000"
}

// Run measures.
func (c *BenchTextCmd) Run(con *console.Console) error {
	cfg := c.config(bench.Cycle)
	cfg.Text, cfg.Workers, cfg.Model = true, c.Workers, c.Model
	if c.Backlog > 0 {
		cfg.Mode, cfg.Backlog, cfg.Models = bench.Pop, c.Backlog, c.Models
		if cfg.Rate == 0 {
			cfg.Rate = popRate
		}
	}
	return c.run(con, cfg)
}

// BenchAlchemyCmd measures whole cycles of alchemy.
type BenchAlchemyCmd struct {
	BenchFlags
	Workers int `default:"16" help:"Alchemists, one connection each."`
}

// Help shows examples.
func (BenchAlchemyCmd) Help() string {
	return "Examples:\n  horde bench alchemy\n  horde bench alchemy --workers 32 --json"
}

// Run measures.
func (c *BenchAlchemyCmd) Run(con *console.Console) error {
	cfg := c.config(bench.Forms)
	cfg.Workers = c.Workers
	return c.run(con, cfg)
}

// BenchOverloadCmd measures what becomes of a server that has too much to do.
type BenchOverloadCmd struct {
	Horde          string        `default:"http://127.0.0.1:7001" env:"HORDE_SERVER" placeholder:"URL" help:"Address of the server, plain http (${default})."`
	Clients        int           `default:"64" help:"Requests under way at once while the most is found out."`
	Crowd          int           `default:"2000" help:"Requests under way at once after that."`
	Workers        int           `default:"512" help:"Workers, one connection each: so many that no request waits for one."`
	Users          int           `default:"200" help:"Accounts that send requests."`
	Duration       time.Duration `default:"10s" help:"Time that each part is measured."`
	Warmup         time.Duration `default:"2s" help:"Time before that, under the same load."`
	JSON           bool          `help:"Print JSON."`
	IOwnThisServer bool          `name:"i-own-this-server" env:"-" help:"Load a server that is not on this machine."`
}

// Help explains the parts and shows examples.
func (BenchOverloadCmd) Help() string {
	return `Three parts: as many cycles as possible, as many starts a second, 1.5 times as many. What is accepted in the third is to take no more than twice the time of the second, and the rest to be refused at once (503). Calls are timed from when they are sent; how late the bench itself was is printed below.

Examples:
  horde bench overload
  horde bench overload --duration 30s --crowd 4000 --json`
}

// Run measures.
func (c *BenchOverloadCmd) Run(con *console.Console) error {
	if c.Clients < 1 || c.Crowd < 1 || c.Users < 1 || c.Duration <= 0 {
		return console.UsageError("--clients, --crowd, --users and --duration must be more than 0")
	}
	if con.Getenv("GOMAXPROCS") == "" {
		defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	}

	report, err := bench.OverloadOf(con.Ctx, bench.Config{
		URL:       c.Horde,
		Clients:   c.Clients,
		Workers:   c.Workers,
		Users:     c.Users,
		Duration:  c.Duration,
		Warmup:    c.Warmup,
		OwnServer: c.IOwnThisServer,
		Progress:  con.Stderr,
	}, c.Crowd)
	if err != nil {
		return err
	}

	if c.JSON {
		err = console.PrintJSON(con.Stdout, report)
	} else {
		err = report.Write(con.Stdout)
	}
	if err == nil && report.Failed() > 0 {
		return &console.ExitError{Code: console.ExitFailed} // the report says what
	}
	return err
}
