package worker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
	"sync"
	"time"

	"horde/api"
	"horde/engine"
)

// Reasons for which a job ends early; the text is also the label of the metric.
var (
	errSource     = errors.New("source")   // a source image cannot be fetched
	errNotOffered = errors.New("order")    // the server wants what was never offered
	errRefused    = errors.New("refused")  // the engine works, but cannot do this job
	errEngine     = errors.New("engine")   // the engine failed
	errStalled    = errors.New("stalled")  // the engine shows no progress
	errDeadline   = errors.New("deadline") // the job's time is up
	errUnwanted   = errors.New("unwanted") // the server says that the job is not wanted any more
	errUpload     = errors.New("upload")   // the image cannot be stored
	errSubmit     = errors.New("submit")   // the server does not accept the result
	errAborted    = errors.New("aborted")  // the worker was told to stop at once
)

// reasons in the order in which an error that wraps several is named.
var reasons = []error{
	errSource, errNotOffered, errRefused, errStalled, errDeadline, errUnwanted,
	errUpload, errSubmit, errAborted, errEngine,
}

// reasonOf names the reason of a failure for the metric.
func reasonOf(err error) string {
	for _, r := range reasons {
		if errors.Is(err, r) {
			return r.Error()
		}
	}
	return errEngine.Error()
}

// hangGrace is how long an engine may go on after it was told to stop.
const hangGrace = 30 * time.Second

const (
	defaultTTL     = 10 * time.Minute // of a job whose server names none
	maxTTL         = 24 * time.Hour
	deliveryMargin = 15 * time.Second
	recoveryLimit  = 30 * time.Second // for an engine that has failed
	recoveryPause  = time.Second      // between two looks at it
)

// job is one pop's worth of work.
type job struct {
	w         *Worker
	task      task
	ids       []string
	popped    time.Time
	ttl       time.Duration
	model     string
	log       *slog.Logger
	remarks   []api.GenMetadatum // for the requester
	report    *reporter
	noteAlive func() // the engine gets on

	mu         sync.Mutex
	closed     bool    // no more results are accepted; guarded by mu
	accepted   []bool  // per id; guarded by mu
	final      []bool  // per id: delivered, or over in another way; guarded by mu
	failed     []error // per id: why its delivery failed; guarded by mu
	deliveries sync.WaitGroup
}

// perform takes a job from popped to done or faulted, whatever happens.
func (w *Worker) perform(pop *popped, at time.Time) {
	j := w.newJob(pop, at)
	if err := w.journal.add(j.ids, at); err != nil {
		w.log.Warn("cannot note the job; a crash would leave it hanging", "err", err)
	}
	w.metrics.running.Inc()
	defer w.metrics.running.Dec()

	j.log.Info("job", append(append([]any{"model", j.model}, j.task.describe()...), "ttl", j.ttl)...)
	err := j.generate()
	j.deliveries.Wait()
	j.faultRest(err)
}

func (w *Worker) newJob(pop *popped, at time.Time) *job {
	j := &job{
		w:      w,
		ids:    pop.ids,
		popped: at,
		ttl:    defaultTTL,
		model:  pop.model,
		log:    w.log.With("job", pop.ids[0]),

		accepted: make([]bool, len(pop.ids)),
		final:    make([]bool, len(pop.ids)),
		failed:   make([]error, len(pop.ids)),
	}
	if pop.ttl > 0 {
		j.ttl = time.Duration(min(pop.ttl, int(maxTTL/time.Second))) * time.Second
	}
	j.task = pop.task(j)
	return j
}

// generate fetches what the engine needs and runs it; results are handed to their
// deliveries as they come.
func (j *job) generate() error {
	w := j.w

	// End a little before the server gives up on the job, so that there is time to
	// deliver or to say that it failed.
	deadline := j.popped.Add(j.ttl - min(deliveryMargin, j.ttl/5))
	ctx, cancel := context.WithDeadlineCause(w.abort, deadline, errDeadline)
	defer cancel()
	ctx, end := context.WithCancelCause(ctx)
	defer end(nil)

	if j.task.engine() == nil {
		return fmt.Errorf("%w: no engine has the model %q", errNotOffered, j.model)
	}
	if err := j.task.check(); err != nil {
		return err
	}
	if err := j.task.prepare(ctx); err != nil {
		return err
	}

	j.awaitRecovery(ctx)

	j.report = newReporter(w, j, end)
	defer j.report.close()
	stalled := time.AfterFunc(w.cfg.Stall, func() { end(errStalled) })
	defer stalled.Stop()
	j.noteAlive = func() {
		if ctx.Err() == nil {
			stalled.Reset(w.cfg.Stall)
		}
	}
	return j.runEngine(ctx)
}

// awaitRecovery gives an engine that has failed some time to come back: a job that came
// by a pop from before the failure, often the same request again, is not wasted on it.
func (j *job) awaitRecovery(ctx context.Context) {
	if !j.w.suspicious() {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, recoveryLimit)
	defer cancel()
	for j.task.engine().Probe(ctx) != nil && sleep(ctx, recoveryPause) {
	}
}

// runEngine generates with every way out guarded: a panic of the engine is a failure
// of the job, and an engine that does not stop ends the worker.
func (j *job) runEngine(ctx context.Context) error {
	generated := make(chan error, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				j.log.Error("the engine panicked", "panic", r, "stack", string(debug.Stack()))
				generated <- fmt.Errorf("%w: panic: %v", errEngine, r)
			}
		}()
		generated <- j.task.generate(ctx)
	}()

	err := j.awaitEngine(ctx, generated)
	j.mu.Lock()
	j.closed = true
	j.mu.Unlock()

	switch {
	case ctx.Err() == nil && err == nil:
		return nil
	case ctx.Err() == nil && errors.Is(err, engine.ErrRefused):
		return fmt.Errorf("%w: %w", errRefused, err)
	case ctx.Err() == nil:
		return fmt.Errorf("%w: %w", errEngine, err)
	case errors.Is(err, ErrHung):
		return fmt.Errorf("%w: %w", errStalled, err)
	case j.w.abort.Err() != nil:
		return errAborted
	}
	return context.Cause(ctx)
}

// awaitEngine waits for the engine to return. One that does not stop soon after ctx
// has ended is reported as hung.
func (j *job) awaitEngine(ctx context.Context, generated <-chan error) error {
	select {
	case err := <-generated:
		return err
	case <-ctx.Done():
	}

	select {
	case err := <-generated:
		return err
	case <-time.After(hangGrace):
		err := fmt.Errorf("%w: %s does not stop", ErrHung, j.task.engine().Name())
		j.w.reportHung(err)
		return err
	}
}

// finisher turns a result into what is submitted: it encodes, uploads and waits.
type finisher func(ctx context.Context) (*submission, error)

// accept starts the delivery of result i.
func (j *job) accept(i int, finish finisher) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return context.Canceled
	}
	if i < 0 || i >= len(j.ids) || j.accepted[i] {
		return fmt.Errorf("result %d of %d, or a second one", i, len(j.ids))
	}

	j.accepted[i] = true
	j.deliveries.Go(func() {
		final, err := j.deliver(finish)
		j.mu.Lock()
		j.final[i], j.failed[i] = final, err
		j.mu.Unlock()
	})
	return nil
}

// faultRest faults every id that was not delivered and counts what became of the
// job, once all deliveries have ended. err is why generating ended. An id of which the
// horde could not be told stays in the journal, for the next run.
func (j *job) faultRest(err error) {
	var faults sync.WaitGroup
	broken := errors.Is(err, errEngine) || errors.Is(err, errStalled)
	if broken { // known before the horde can hand the same job out again
		j.w.broken.Add(1)
	}
	for i, id := range j.ids {
		if j.final[i] {
			j.w.journal.remove(id)
			continue
		}

		reason := j.failed[i]
		if reason == nil {
			reason = err
		}
		if reason == nil {
			reason, broken = fmt.Errorf("%w: it returned no result %d", errEngine, i), true
		}
		if j.w.abort.Err() != nil {
			reason = errAborted
		}

		j.log.Warn("job faulted", "id", id, "reason", reason)
		j.w.faulted.Add(1)
		j.w.metrics.fault(reasonOf(reason))
		faults.Go(func() {
			if j.w.giveBack(j.w.abort, id, j.remarks) {
				j.w.journal.remove(id)
			}
		})
	}
	faults.Wait()

	if broken {
		j.w.failures.Add(1)
	} else if err == nil {
		j.w.failures.Store(0)
	}
	j.w.metrics.seconds.Observe(time.Since(j.popped).Seconds())
}
