package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"horde/client"
	"horde/engine"
)

// Config is what a worker needs to know. Client, Name and Engines are required.
type Config struct {
	Client  *client.Client       // the horde and the owner's API key
	Name    string               // unique on that horde
	Engines []engine.ImageEngine // stay the caller's: close them after Run
	Threads int                  // jobs at once, 1…50; 0: 1
	// MaxPixels is the largest width × height offered; 0: what every engine can.
	MaxPixels int
	NSFW      bool // accept requests that allow NSFW images
	// Blacklist holds words: the server withholds requests that contain one.
	Blacklist         []string
	PriorityUsernames []string // name#id, served first
	RequireUpfront    bool     // decline users who cannot pay in advance
	// NoPace delivers as fast as the engine generates. Without it a job takes at
	// least as long as at 18 megapixelsteps a second: above 20 a server takes
	// the worker for a cheat (generation §5.10).
	NoPace bool
	// Data is the folder for the list of jobs in hand; empty: none is kept.
	Data string
	// Wait is how long a pop may wait at the server; 0: 20 s. Servers without
	// long polling answer at once and are asked once a second.
	Wait time.Duration
	// Stall is how long an engine may show no progress; 0: 90 s.
	Stall      time.Duration
	Log        *slog.Logger          // nil: slog.Default
	Registerer prometheus.Registerer // nil: no metrics
}

// Worker is one Dreamer. Make it with New and Run it once.
type Worker struct {
	cfg     Config
	log     *slog.Logger
	horde   *client.Client
	links   *client.Client                // calls the links that the horde gives
	engines map[string]engine.ImageEngine // by model name
	offer   offer
	journal *journal
	metrics *metrics

	abort      context.Context // ends running jobs
	abortNow   context.CancelFunc
	hung       context.Context // ends when an engine hangs: nothing more is popped
	reportHung context.CancelCauseFunc

	noProgress atomic.Bool  // the horde does not accept progress reports
	ready      bool         // the horde has answered a pop; used by the popping loop alone
	failures   atomic.Int32 // engine failures in a row
	shown      sync.Map     // ids of messages that were logged
	started    time.Time
	done       atomic.Int64  // images delivered
	faulted    atomic.Int64  // images not delivered
	kudos      atomic.Uint64 // hundredths
}

// Errors of Run that are not helped by trying again.
var (
	ErrKey     = errors.New("the horde does not know the API key")
	ErrRefused = errors.New("the horde refuses this worker")
	ErrHung    = errors.New("the engine hangs")
)

// New checks a configuration and prepares a worker.
func New(cfg Config) (*Worker, error) {
	switch {
	case cfg.Client == nil:
		return nil, errors.New("worker: no client")
	case cfg.Client.AddressError() != nil:
		return nil, cfg.Client.AddressError()
	case cfg.Name == "":
		return nil, errors.New("worker: no name")
	case len(cfg.Engines) == 0:
		return nil, errors.New("worker: no engine")
	case cfg.Threads < 0 || cfg.Threads > 50:
		return nil, fmt.Errorf("worker: %d threads: a horde allows 1 to 50", cfg.Threads)
	}

	if cfg.Threads == 0 {
		cfg.Threads = 1
	}
	if cfg.Wait == 0 {
		cfg.Wait = 20 * time.Second
	}
	if cfg.Stall == 0 {
		cfg.Stall = 90 * time.Second
	}
	if cfg.Log == nil {
		cfg.Log = slog.Default()
	}

	w := &Worker{
		cfg:     cfg,
		horde:   cfg.Client,
		links:   linkClient(cfg.Client),
		log:     cfg.Log.With("worker", cfg.Name),
		engines: make(map[string]engine.ImageEngine),
		offer:   newOffer(cfg),
		metrics: newMetrics(cfg.Registerer),
	}
	for _, e := range cfg.Engines {
		for _, model := range e.Models() {
			if _, taken := w.engines[model]; !taken {
				w.engines[model] = e
			}
		}
	}

	// Not below Run's context: the jobs in hand are finished after it has ended.
	w.abort, w.abortNow = context.WithCancel(context.Background())
	w.hung, w.reportHung = context.WithCancelCause(context.Background())
	return w, nil
}

// Abort gives up the jobs in hand: they are faulted and Run returns soon. It is
// the second phase of a shutdown; the first is the end of Run's context.
func (w *Worker) Abort() { w.abortNow() }

// Run works until ctx ends, then finishes the jobs in hand and returns nil. It
// returns an error where going on is pointless: ErrKey, ErrRefused, ErrHung, or an
// unusable data folder. A job that a server hands out at the very moment in which
// ctx ends may be lost until its time is up.
func (w *Worker) Run(ctx context.Context) error {
	defer w.abortNow()

	j, err := openJournal(w.cfg.Data, w.cfg.Name, w.horde.URL())
	if err != nil {
		return err
	}
	defer j.close()
	w.journal, w.started = j, time.Now()
	w.faultLeftovers(ctx)
	w.log.Info("worker asks the horde for work", "horde", w.horde.URL())

	popping, stop := context.WithCancel(ctx)
	defer stop()
	defer context.AfterFunc(w.hung, stop)()
	defer context.AfterFunc(w.abort, stop)()
	err = w.serve(popping)
	if w.hung.Err() != nil {
		err = context.Cause(w.hung)
	}
	w.log.Info("worker stopped", "jobs", w.done.Load(), "faulted", w.faulted.Load(),
		"kudos", float64(w.kudos.Load())/100, "uptime", time.Since(w.started).Round(time.Second))
	return err
}

// serve pops and starts jobs until ctx ends or the horde refuses the worker for
// good, and waits for the jobs.
func (w *Worker) serve(ctx context.Context) error {
	slots := make(chan struct{}, w.cfg.Threads)
	var jobs sync.WaitGroup
	defer jobs.Wait()

	for {
		select {
		case slots <- struct{}{}:
		case <-ctx.Done():
			w.logDrain(len(slots))
			return nil
		}

		pop, popped, err := w.next(ctx)
		if err != nil || pop == nil {
			<-slots
			w.logDrain(len(slots))
			return err
		}

		jobs.Go(func() {
			defer func() { <-slots }()
			w.perform(pop, popped)
		})
	}
}

func (w *Worker) logDrain(n int) {
	if n > 0 && w.abort.Err() == nil {
		w.log.Info("finishing the jobs in hand; interrupt again to give them up", "jobs", n)
	}
}

// faultLeftovers faults the jobs that an earlier run left behind.
func (w *Worker) faultLeftovers(ctx context.Context) {
	left := w.journal.left()
	if len(left) == 0 {
		return
	}
	w.log.Warn("an earlier run left jobs unfinished; giving them back", "jobs", len(left))

	var faults sync.WaitGroup
	for _, id := range left {
		faults.Go(func() {
			w.fault(ctx, id, nil)
			w.metrics.fault("crash")
			w.journal.remove(id)
		})
	}
	faults.Wait()
}
