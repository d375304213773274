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

	"horde/api"
	"horde/client"
)

// Config is what a worker needs to know. Client, Name and Work are required.
type Config struct {
	Client *client.Client // the horde and the owner's API key
	Name   string         // unique on that horde, among workers of all kinds
	Work   Work           // Images or Texts
	// Threads is how many jobs are done at once, 0…50. 0: one, or of engines that say
	// how many they can do, so many.
	Threads           int
	NSFW              bool     // accept requests that allow NSFW images
	PriorityUsernames []string // name#id, served first
	// NoPace delivers as fast as the engine generates. Without it a job takes at
	// least as long as a server believes (generation §5.10): above 20 megapixelsteps
	// or 150 tokens a second it takes the worker for a cheat.
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

// Worker is one Dreamer or Scribe. Make it with New and Run it once, or several with
// RunAll.
type Worker struct {
	cfg     Config
	log     *slog.Logger
	horde   *client.Client
	kind    kind
	journal *journal
	metrics *metrics

	abort      context.Context // ends running jobs
	abortNow   context.CancelFunc
	hung       context.Context // ends when an engine hangs: nothing more is popped
	reportHung context.CancelCauseFunc

	noProgress atomic.Bool   // the horde does not accept progress reports
	ready      bool          // the horde has answered a pop; used by the popping loop alone
	probed     time.Time     // when the engines answered last; used by the popping loop alone
	broken     atomic.Int64  // how often an engine has failed
	mended     atomic.Int64  // broken, when the engines answered last
	failures   atomic.Int32  // engine failures in a row
	inHand     atomic.Int32  // jobs
	freed      chan struct{} // a job is over; holds one notice
	shown      sync.Map      // ids of messages that were logged
	started    time.Time
	done       atomic.Int64  // results delivered
	faulted    atomic.Int64  // results not delivered
	kudos      atomic.Uint64 // hundredths
}

// Errors of Run that are not helped by trying again.
var (
	ErrKey     = errors.New("the horde does not know the API key")
	ErrRefused = errors.New("the horde refuses this worker")
	ErrHung    = errors.New("the engine hangs")
)

// maxThreads is how many jobs a horde lets one worker do at once.
const maxThreads = 50

// bridgeAgent is what the worker calls itself.
var bridgeAgent = fmt.Sprintf("Horde Worker:%s:%s", api.Version, api.Repository)

// New checks a configuration and prepares a worker.
func New(cfg Config) (*Worker, error) {
	switch {
	case cfg.Client == nil:
		return nil, errors.New("worker: no client")
	case cfg.Client.AddressError() != nil:
		return nil, cfg.Client.AddressError()
	case cfg.Name == "":
		return nil, errors.New("worker: no name")
	case cfg.Work == nil:
		return nil, errors.New("worker: no work")
	case cfg.Threads < 0 || cfg.Threads > maxThreads:
		return nil, fmt.Errorf("worker: %d threads: a horde allows 1 to %d", cfg.Threads, maxThreads)
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

	k, err := cfg.Work.open(cfg)
	if err != nil {
		return nil, err
	}
	w := &Worker{
		cfg:     cfg,
		horde:   cfg.Client,
		log:     cfg.Log.With("worker", cfg.Name),
		kind:    k,
		metrics: newMetrics(cfg.Registerer, k.names()),
		freed:   make(chan struct{}, 1),
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
	w.closeLeftovers(ctx)
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
	var jobs sync.WaitGroup
	defer jobs.Wait()

	for {
		pop, at, err := w.next(ctx)
		if err != nil || pop == nil {
			w.logDrain()
			return err
		}

		w.inHand.Add(1)
		jobs.Go(func() {
			defer w.noteFree()
			w.perform(pop, at)
		})
	}
}

// threads is how many jobs are done at once, by what the engines say now.
func (w *Worker) threads() int { return min(w.kind.threads(w.cfg.Threads), maxThreads) }

// awaitFree returns when fewer jobs are in hand than are done at once; false when ctx ends.
func (w *Worker) awaitFree(ctx context.Context) bool {
	for ctx.Err() == nil {
		if int(w.inHand.Load()) < w.threads() {
			return true
		}
		select {
		case <-w.freed:
		case <-ctx.Done():
		}
	}
	return false
}

// noteFree notes that a job is over.
func (w *Worker) noteFree() {
	w.inHand.Add(-1)
	select {
	case w.freed <- struct{}{}:
	default: // awaitFree will look in any case
	}
}

func (w *Worker) logDrain() {
	if n := w.inHand.Load(); n > 0 && w.abort.Err() == nil {
		w.log.Info("finishing the jobs in hand; interrupt again to give them up", "jobs", n)
	}
}

// closeLeftovers brings the jobs that an earlier run left behind to an end: results that
// it had are delivered, all others faulted.
func (w *Worker) closeLeftovers(ctx context.Context) {
	left := w.journal.left()
	if len(left) == 0 {
		return
	}
	w.log.Warn("an earlier run left jobs unfinished; delivering what it had and giving back the rest", "jobs", len(left))

	var all sync.WaitGroup
	for id, n := range left {
		all.Go(func() {
			if n.Result != nil {
				w.deliverLeftover(ctx, n.Result)
				return
			}
			w.faultLeftover(ctx, id)
		})
	}
	all.Wait()
}

// faultLeftover gives a job of an earlier run back. Where the horde does not answer the
// next run tries again.
func (w *Worker) faultLeftover(ctx context.Context, id string) {
	w.metrics.fault("crash")
	if w.giveBack(ctx, id, nil) {
		w.journal.remove(id)
	}
}

// deliverLeftover delivers the result of an earlier run. Where the horde does not answer
// the next run tries again.
func (w *Worker) deliverLeftover(ctx context.Context, s *submission) {
	ctx, cancel := context.WithTimeout(ctx, leftoverLimit)
	defer cancel()
	reward, err := w.submit(ctx, s)
	var over *finalError
	var refused *api.Error
	switch {
	case err == nil:
		w.noteDelivered("", float64(reward))
		w.log.Info("submitted a result of the earlier run", "id", s.ID, "kudos", float64(reward))
	case errors.As(err, &over):
		w.log.Info("the horde has no use for a result of the earlier run any more", "id", s.ID, "err", err)
	case errors.As(err, &refused) && isRejected(refused):
		w.faultLeftover(ctx, s.ID)
		return
	default:
		w.log.Warn("cannot deliver a result of the earlier run; the next one tries again", "id", s.ID, "err", err)
		return
	}
	w.journal.remove(s.ID)
}

// RunAll runs the workers of a process until ctx ends, each with its own loop, and
// returns when all have ended. Where one gives up the log says so and the others go on;
// RunAll returns the errors of all that gave up.
func RunAll(ctx context.Context, workers ...*Worker) error {
	errs := make([]error, len(workers))
	var all sync.WaitGroup
	for i, w := range workers {
		all.Go(func() {
			if errs[i] = w.Run(ctx); errs[i] != nil {
				w.log.Error("the worker has given up; restart the program once that is put right", "err", errs[i])
			}
		})
	}
	all.Wait()
	return errors.Join(errs...)
}
