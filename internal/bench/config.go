package bench

import (
	"fmt"
	"io"
	"net"
	"net/url"
	"strings"
	"time"
)

// Mode is what a run does.
type Mode string

// The modes; see the package comment.
const (
	Cycle Mode = "cycle"
	Pop   Mode = "pop"
	Check Mode = "check"
	Forms Mode = "alchemy"
)

// Config says what to run. The zero value of a field takes the default named.
type Config struct {
	Mode      Mode
	URL       string        // http://HOST:PORT of the horde
	Text      bool          // text generation instead of images; not with Check
	Model     string        // requested and served; "stable_diffusion", with Text "koboldcpp/Marx-3B-V3"
	Clients   int           // requests under way at once, at most; 64
	Workers   int           // workers, one connection each; 16
	Users     int           // accounts that send requests; 100
	Anonymous bool          // no request has an account: one account has every movement
	Rate      float64       // starts per second; 0: as fast as possible
	Duration  time.Duration // measured time; 10 s
	Warmup    time.Duration // before it, not measured; 0: none
	Backlog   int           // Pop: waiting requests that no worker serves; 3000
	Models    int           // Pop: models that the backlog is spread over; 200

	// ServeTimeout is how long a request may wait for a worker before it counts as
	// lost; 15 s.
	ServeTimeout time.Duration

	// Refusals: a call that the server refuses for want of time (503) is counted, not an
	// error. Requests are given up then, other calls tried again.
	Refusals bool

	OwnServer bool      // the server may be on another machine
	Progress  io.Writer // a line per second; nil: none
}

func (cfg Config) withDefaults() Config {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}

	def(&cfg.Clients, 64)
	def(&cfg.Workers, 16)
	def(&cfg.Users, 100)
	if cfg.Mode == Pop {
		def(&cfg.Backlog, 3000)
		def(&cfg.Models, 200)
	}

	if cfg.Model == "" {
		cfg.Model = cfg.work().model
	}
	if cfg.Duration <= 0 {
		cfg.Duration = 10 * time.Second
	}
	if cfg.ServeTimeout <= 0 {
		cfg.ServeTimeout = 15 * time.Second
	}
	if cfg.Warmup < 0 {
		cfg.Warmup = 0
	}
	if cfg.Progress == nil {
		cfg.Progress = io.Discard
	}
	return cfg
}

func (cfg Config) work() *work {
	switch {
	case cfg.Mode == Forms:
		return &formWork
	case cfg.Text:
		return &textWork
	}
	return &imageWork
}

// Limits of what a run may ask for, so that a typing mistake does not overload the
// machine.
const (
	maxClients = 10_000
	maxWorkers = 10_000
	maxUsers   = 100_000
	maxBacklog = 1_000_000
	maxRate    = 1_000_000 // starts per second
)

func (cfg Config) check() error {
	if cfg.Clients > maxClients || cfg.Workers > maxWorkers || cfg.Users > maxUsers || cfg.Backlog > maxBacklog {
		return fmt.Errorf("at most %d clients, %d workers, %d users and a backlog of %d",
			maxClients, maxWorkers, maxUsers, maxBacklog)
	}
	if cfg.Text && cfg.Mode == Check {
		return fmt.Errorf("text requests have no check to measure")
	}
	if cfg.Text && cfg.Mode == Forms {
		return fmt.Errorf("alchemy and text exclude each other")
	}
	if !(cfg.Rate >= 0 && cfg.Rate <= maxRate) {
		return fmt.Errorf("the rate must lie between 0 and %d starts per second", maxRate)
	}
	if len(cfg.Model) > 255 || strings.ContainsAny(cfg.Model, "\"\\\n\r") {
		return fmt.Errorf("the model name %q cannot be sent", cfg.Model)
	}
	return nil
}

// target is the server: where to connect and what to call it.
type target struct {
	addr string // host:port to dial
	host string // Host header
	path string // prefix of paths, without a slash at its end
}

// parseTarget reads the URL. Servers that are not on this machine are refused
// unless their owner says so: a load test of somebody else's horde is an attack.
func parseTarget(raw string, own bool) (target, error) {
	u, err := url.Parse(raw)
	if err != nil || u.Host == "" {
		return target{}, fmt.Errorf("%q is not an address: give one such as http://127.0.0.1:7001", raw)
	}

	if u.Scheme != "http" {
		return target{}, fmt.Errorf("bench speaks plain http only, not %q: "+
			"name the server itself, not the proxy in front of it", u.Scheme)
	}
	port := u.Port()
	if port == "" {
		port = "80"
	}
	ips, err := net.LookupIP(u.Hostname())
	if err != nil {
		return target{}, fmt.Errorf("%s cannot be found: %w", u.Hostname(), err)
	}

	for _, ip := range ips {
		if !ip.IsLoopback() && !own {
			return target{}, fmt.Errorf("%s is not this machine. A load test can bring a server down: "+
				"only run it against your own, and say so with --i-own-this-server", u.Hostname())
		}
	}

	addr := net.JoinHostPort(u.Hostname(), port)
	return target{addr: addr, host: u.Host, path: strings.TrimSuffix(u.Path, "/")}, nil
}
