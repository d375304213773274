package run

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"log/slog"
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

// WorkCmd runs a worker: a Dreamer, a Scribe, or both.
type WorkCmd struct {
	console.HordeFlags
	Name      string `placeholder:"NAME" help:"Name of the worker, unique on the horde; default: one derived from this machine and the key."`
	TextName  string `placeholder:"NAME" help:"Name of the worker that generates text, another one; default: the name and \"Scribe\"."`
	NoImages  bool   `help:"Generate no images: with --text, text alone."`
	Data      string `default:"./data" placeholder:"DIR" help:"Folder for the list of jobs in hand (${default})."`
	NSFW      bool   `default:"true" negatable:"" help:"Accept requests that allow NSFW images."`
	Blacklist string `placeholder:"WORDS" help:"Decline prompts with any of these words, separated by commas."`
	Metrics   string `placeholder:"HOST:PORT" help:"Serve Prometheus metrics here under /metrics."`
	EngineFlags
	WorkerFlags
	TextFlags
}

// EngineFlags choose what generates the images.
type EngineFlags struct {
	Engine      []string `default:"pocket" enum:"pocket,sketch" sep:"," placeholder:"NAME" help:"What generates the images: pocket, a small diffusion model on the CPU, or sketch, a formula that is no AI. Can be repeated."`
	ONNXRuntime string   `name:"onnxruntime" placeholder:"PATH" help:"ONNX Runtime's shared library, or its folder, if it is neither beside the program nor on the system."`
	LoraDir     string   `name:"lora-dir" placeholder:"DIR" type:"existingdir" help:"Folder with LoRAs of your own for the engine pocket: safetensors files that name horde_pocket as their baseline."`
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
  horde work --apikey KEY --text http://127.0.0.1:8080
  horde work --apikey KEY --no-images --text http://127.0.0.1:11434 --text-server-model llama3.2
  horde work --engine sketch --no-pace`
}

// Run works until it is interrupted.
func (c *WorkCmd) Run(con *console.Console) error {
	if c.NoImages && c.Text == "" {
		return console.UsageError("--no-images leaves nothing to do: name a text engine with --text URL")
	}

	registry := prometheus.NewRegistry()
	if c.Metrics != "" {
		stop, err := serveMetrics(c.Metrics, registry)
		if err != nil {
			return err
		}
		defer stop()
	}

	cfg := worker.Config{
		Client:     client.New(c.Horde, c.APIKey),
		NSFW:       c.NSFW,
		NoPace:     c.NoPace,
		Data:       c.Data,
		Log:        con.Log,
		Registerer: registry,
	}
	workers, closeEngines, err := c.workers(con, cfg)
	if err != nil {
		return err
	}
	defer closeEngines()
	return runWorkers(con, workers...)
}

// workers makes a worker of each kind that the flags ask for. The caller calls the
// returned function when they have ended.
func (c *WorkCmd) workers(con *console.Console, cfg worker.Config) (workers []*worker.Worker, end func(), err error) {
	var closers []func()
	end = func() {
		for _, c := range closers {
			c()
		}
	}

	if !c.NoImages {
		engines, closeEngines, err := openEngines(c.EngineFlags, con.Log)
		if err != nil {
			return nil, nil, err
		}
		closers = append(closers, closeEngines)
		cfg.Name, cfg.Threads = c.name(), c.Threads
		cfg.Work = worker.Images{Engines: engines, MaxPixels: c.MaxPixels, Blacklist: words(c.Blacklist)}
		if workers, err = addWorker(workers, cfg); err != nil {
			end()
			return nil, nil, err
		}
	}

	if c.Text != "" {
		e, err := openTextEngine(c.TextFlags)
		if err != nil {
			end()
			return nil, nil, err
		}
		closers = append(closers, func() { e.Close() })
		cfg.Name, cfg.Threads, cfg.Work = c.textName(), c.TextThreads, c.texts(e)
		if workers, err = addWorker(workers, cfg); err != nil {
			end()
			return nil, nil, err
		}
	}
	return workers, end, nil
}

// addWorker makes a worker of a configuration that flags gave.
func addWorker(workers []*worker.Worker, cfg worker.Config) ([]*worker.Worker, error) {
	w, err := worker.New(cfg)
	if err != nil {
		return nil, console.UsageError("%w", err)
	}
	return append(workers, w), nil
}

// runWorkers runs workers until they are interrupted; at a second interrupt they give up
// the jobs in hand.
func runWorkers(con *console.Console, workers ...*worker.Worker) error {
	done := make(chan struct{})
	defer close(done)
	go func() {
		select {
		case <-console.SecondSignal(con.Ctx):
			for _, w := range workers {
				w.Abort()
			}
		case <-done:
		}
	}()
	return worker.RunAll(con.Ctx, workers...)
}

// textName is the name of the worker that generates text.
func (c *WorkCmd) textName() string {
	switch {
	case c.TextName != "":
		return c.TextName
	case c.NoImages && c.Name != "":
		return c.Name
	}
	return scribeName(c.name())
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
func openEngines(f EngineFlags, log *slog.Logger) ([]engine.ImageEngine, func(), error) {
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
			e, err := pocket.New(pocket.Options{
				Library: f.ONNXRuntime,
				LoraDir: f.LoraDir,
				Warn:    func(err error) { log.Warn("a LoRA cannot be used", "err", err) },
			})
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
