package worker

import (
	"context"
	"errors"
	"fmt"
	"image"
	"log/slog"
	"math/rand/v2"
	"runtime/debug"
	"strconv"
	"sync"
	"time"

	"horde/api"
	"horde/engine"
)

// Reasons for which a job ends early; the text is also the label of the metric.
var (
	errSource     = errors.New("source")   // a source image cannot be fetched
	errNotOffered = errors.New("order")    // the server wants what was never offered
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
	errSource, errNotOffered, errStalled, errDeadline, errUnwanted,
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
	maxSide        = 1 << 15 // pixels
	maxImages      = 100     // of one job
	deliveryMargin = 15 * time.Second
)

// job is one pop's worth of work.
type job struct {
	w       *Worker
	pop     *api.ImageJob
	ids     []string
	popped  time.Time
	ttl     time.Duration
	model   string
	engine  engine.ImageEngine
	log     *slog.Logger
	remarks []api.GenMetadatum // about the sources
	report  *reporter

	mu         sync.Mutex
	closed     bool    // no more images are accepted; guarded by mu
	final      []bool  // per id: delivered, or over in another way; guarded by mu
	failed     []error // per id: why its delivery failed; guarded by mu
	deliveries sync.WaitGroup
}

// perform takes a job from popped to done or faulted, whatever happens.
func (w *Worker) perform(pop *api.ImageJob, popped time.Time) {
	j := w.newJob(pop, popped)
	if err := w.journal.add(j.ids, popped); err != nil {
		w.log.Warn("cannot note the job; a crash would leave it hanging", "err", err)
	}
	defer w.journal.remove(j.ids...)
	w.metrics.running.Inc()
	defer w.metrics.running.Dec()

	j.log.Info("job", "model", j.model, "size", fmt.Sprintf("%dx%d", pop.Payload.Width, pop.Payload.Height),
		"steps", pop.Payload.Steps, "images", len(j.ids), "ttl", j.ttl)
	err := j.generate()
	j.deliveries.Wait()
	j.faultRest(err)
}

func (w *Worker) newJob(pop *api.ImageJob, popped time.Time) *job {
	j := &job{w: w, pop: pop, ids: pop.IDs, popped: popped, ttl: defaultTTL}
	if len(j.ids) == 0 {
		j.ids = []string{*pop.ID} // older servers send a single id
	}
	if pop.TTL != nil && *pop.TTL > 0 {
		j.ttl = time.Duration(min(*pop.TTL, int(maxTTL/time.Second))) * time.Second
	}
	if pop.Model != nil {
		j.model = *pop.Model
	}

	j.engine = w.engines[j.model]
	j.log = w.log.With("job", j.ids[0])
	j.final, j.failed = make([]bool, len(j.ids)), make([]error, len(j.ids))
	pop.Payload.N = len(j.ids)
	return j
}

// generate fetches the sources and runs the engine; images are handed to their
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

	if err := j.check(); err != nil {
		return err
	}
	source, mask, err := j.sources(ctx)
	if err != nil {
		return err
	}

	j.report = newReporter(w, j, end)
	defer j.report.close()
	stalled := time.AfterFunc(w.cfg.Stall, func() { end(errStalled) })
	defer stalled.Stop()
	alive := func() {
		if ctx.Err() == nil {
			stalled.Reset(w.cfg.Stall)
		}
	}

	return j.runEngine(ctx, engine.ImageJob{
		Model:   j.model,
		Payload: j.pop.Payload,
		Seed:    seed(j.pop.Payload.Seed),
		Source:  source,
		Mask:    mask,
	}, alive)
}

// check refuses what this worker never offered, which an engine might not be able
// to refuse itself.
func (j *job) check() error {
	p := j.pop.Payload
	switch o := j.w.offer; {
	case j.engine == nil:
		return fmt.Errorf("%w: no engine has the model %q", errNotOffered, j.model)
	case p.Width < 1 || p.Height < 1 || p.Width > maxSide || p.Height > maxSide:
		return fmt.Errorf("%w: size %d×%d", errNotOffered, p.Width, p.Height)
	case o.MaxPixels != nil && p.Width*p.Height > *o.MaxPixels:
		return fmt.Errorf("%w: %d×%d has more than %d pixels", errNotOffered, p.Width, p.Height, *o.MaxPixels)
	case len(j.ids) > maxImages:
		return fmt.Errorf("%w: %d images at once", errNotOffered, len(j.ids))
	}
	return nil
}

// runEngine generates with every way out guarded: a panic of the engine is a failure
// of the job, and an engine that does not stop ends the worker.
func (j *job) runEngine(ctx context.Context, task engine.ImageJob, alive func()) error {
	hooks := engine.ImageHooks{
		Progress: func(i int, p engine.ImageProgress) {
			alive()
			j.report.put(i, p)
		},
		Result: func(i int, r engine.ImageResult) error {
			alive()
			return j.accept(i, r)
		},
	}
	generated := make(chan error, 1)
	go func() {
		defer func() {
			if r := recover(); r != nil {
				j.log.Error("the engine panicked", "panic", r, "stack", string(debug.Stack()))
				generated <- fmt.Errorf("%w: panic: %v", errEngine, r)
			}
		}()
		generated <- j.engine.Generate(ctx, task, hooks)
	}()

	err := j.awaitEngine(ctx, generated)
	j.mu.Lock()
	j.closed = true
	j.mu.Unlock()

	switch {
	case ctx.Err() == nil && err == nil:
		return nil
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
		err := fmt.Errorf("%w: %s does not stop", ErrHung, j.engine.Name())
		j.w.reportHung(err)
		return err
	}
}

// accept starts the delivery of image i.
func (j *job) accept(i int, r engine.ImageResult) error {
	j.mu.Lock()
	defer j.mu.Unlock()
	if j.closed {
		return context.Canceled
	}
	if i < 0 || i >= len(j.ids) || r.Image == nil {
		return fmt.Errorf("image %d of %d", i, len(j.ids))
	}

	j.deliveries.Go(func() {
		final, err := j.deliver(i, r)
		j.mu.Lock()
		j.final[i], j.failed[i] = final, err
		j.mu.Unlock()
	})
	return nil
}

// faultRest faults every id that was not delivered and counts what became of the
// job, once all deliveries have ended. err is why generating ended.
func (j *job) faultRest(err error) {
	var faults sync.WaitGroup
	broken := errors.Is(err, errEngine) || errors.Is(err, errStalled)
	for i, id := range j.ids {
		if j.final[i] {
			continue
		}

		reason := j.failed[i]
		if reason == nil {
			reason = err
		}
		if reason == nil {
			reason, broken = fmt.Errorf("%w: it returned no image %d", errEngine, i), true
		}
		if j.w.abort.Err() != nil {
			reason = errAborted
		}

		j.log.Warn("job faulted", "id", id, "reason", reason)
		j.w.faulted.Add(1)
		j.w.metrics.fault(reasonOf(reason))
		faults.Go(func() { j.w.fault(j.w.abort, id, j.remarks) })
	}
	faults.Wait()

	if broken {
		j.w.failures.Add(1)
	} else if err == nil {
		j.w.failures.Store(0)
	}
	j.w.metrics.seconds.Observe(time.Since(j.popped).Seconds())
}

// seed reads a payload's seed; where it is missing or not a number, a random one.
func seed(text string) uint64 {
	if n, err := strconv.ParseUint(text, 10, 64); err == nil {
		return n
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		return uint64(n)
	}
	return uint64(rand.Uint32())
}

// sources returns the images to start from, nil where there are none.
func (j *job) sources(ctx context.Context) (source, mask image.Image, err error) {
	if j.pop.SourceImage == nil || *j.pop.SourceImage == "" {
		return nil, nil, nil
	}

	source, err = j.source(ctx, "source_image", *j.pop.SourceImage)
	if err != nil || source == nil {
		return nil, nil, err
	}

	if j.pop.SourceMask == nil || *j.pop.SourceMask == "" {
		return source, nil, nil
	}

	mask, err = j.source(ctx, "source_mask", *j.pop.SourceMask)
	return source, mask, err
}
