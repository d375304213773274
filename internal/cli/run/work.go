package run

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"horde/client"
	"horde/engine"
	"horde/engine/pocket"
	"horde/engine/sketch"
	"horde/internal/cli/console"
	"horde/internal/worker"
)

// WorkCmd runs a Dreamer worker.
type WorkCmd struct {
	console.HordeFlags
	Name      string `placeholder:"NAME" help:"Name of the worker, unique on the horde; default: one derived from this machine and the key."`
	Data      string `default:"./data" placeholder:"DIR" help:"Folder for the list of jobs in hand (${default})."`
	NSFW      bool   `default:"true" negatable:"" help:"Accept requests that allow NSFW images."`
	Blacklist string `placeholder:"WORDS" help:"Decline prompts with any of these words, separated by commas."`
	Metrics   string `placeholder:"HOST:PORT" help:"Serve Prometheus metrics here under /metrics."`
	EngineFlags
	WorkerFlags
}

// EngineFlags choose what generates the images.
type EngineFlags struct {
	Engine      []string `default:"pocket" enum:"pocket,sketch" sep:"," placeholder:"NAME" help:"What generates the images: pocket, a small diffusion model on the CPU, or sketch, a formula that is no AI. Can be repeated."`
	ONNXRuntime string   `name:"onnxruntime" placeholder:"PATH" help:"ONNX Runtime's shared library, or its folder, if it is neither beside the program nor on the system."`
}

// WorkerFlags choose how much is generated.
type WorkerFlags struct {
	Threads   int  `default:"1" placeholder:"N" help:"Jobs at once (${default})."`
	MaxPixels int  `placeholder:"N" help:"Largest width times height; default: the engine's limit."`
	NoPace    bool `help:"Deliver faster than 20 megapixelsteps a second, which hordes regard as cheating."`
}

// Help shows examples.
func (WorkCmd) Help() string {
	return `The worker asks the horde for jobs until it is interrupted; it then finishes the jobs in hand. A second interrupt gives them back unfinished.

Examples:
  horde work --apikey KEY --name "my machine"
  horde work --horde https://horde.example.org --apikey KEY --threads 2
  horde work --engine sketch --no-pace`
}

// Run works until it is interrupted.
func (c *WorkCmd) Run(con *console.Console) error {
	engines, closeEngines, err := openEngines(c.EngineFlags)
	if err != nil {
		return err
	}
	defer closeEngines()

	registry := prometheus.NewRegistry()
	if c.Metrics != "" {
		stop, err := serveMetrics(c.Metrics, registry)
		if err != nil {
			return err
		}
		defer stop()
	}

	w, err := worker.New(worker.Config{
		Client:     client.New(c.Horde, c.APIKey),
		Name:       c.name(),
		Work:       worker.Images{Engines: engines, MaxPixels: c.MaxPixels, Blacklist: words(c.Blacklist)},
		Threads:    c.Threads,
		NSFW:       c.NSFW,
		NoPace:     c.NoPace,
		Data:       c.Data,
		Log:        con.Log,
		Registerer: registry,
	})
	if err != nil {
		return console.UsageError("%w", err)
	}

	return runWorker(con, w)
}

// runWorker runs a worker until it is interrupted; at a second interrupt it gives up
// the jobs in hand.
func runWorker(con *console.Console, w *worker.Worker) error {
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-console.SecondSignal(con.Ctx):
			w.Abort()
		case <-done:
		}
	}()
	return w.Run(con.Ctx)
}

// name is the worker's name; the default is always the same for a machine and a key,
// and reveals nothing about either.
func (c *WorkCmd) name() string {
	if c.Name != "" {
		return c.Name
	}
	machine, _ := os.Hostname()
	sum := sha256.Sum256([]byte(machine + "\x00" + c.APIKey))
	return fmt.Sprintf("Horde Worker %x", sum[:4])
}

func words(list string) []string {
	var out []string
	for w := range strings.SplitSeq(list, ",") {
		if w = strings.TrimSpace(w); w != "" { // an empty word would decline everything
			out = append(out, w)
		}
	}
	return out
}

// openEngines loads the engines that the flags name. The caller calls the
// returned function when no worker uses them any more.
func openEngines(f EngineFlags) ([]engine.ImageEngine, func(), error) {
	var engines []engine.ImageEngine
	closeAll := func() {
		for _, e := range engines {
			e.Close()
		}
	}

	for _, name := range f.Engine {
		switch name {
		case "sketch":
			engines = append(engines, sketch.New())
		default:
			e, err := pocket.New(pocket.Options{Library: f.ONNXRuntime})
			if err != nil {
				closeAll()
				return nil, nil, fmt.Errorf("engine pocket: %w", err)
			}
			engines = append(engines, e)
		}
	}
	return engines, closeAll, nil
}

// serveMetrics serves a registry until the returned function is called.
func serveMetrics(addr string, registry *prometheus.Registry) (func(), error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("metrics: %w", err)
	}

	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	server := &http.Server{
		Handler:      mux,
		ReadTimeout:  5 * time.Second,
		WriteTimeout: time.Minute,
		IdleTimeout:  2 * time.Minute,
	}
	go func() {
		if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
			fmt.Fprintln(os.Stderr, "horde: metrics:", err)
		}
	}()
	return func() { server.Close() }, nil
}
