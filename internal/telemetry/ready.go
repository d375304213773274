package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"
)

// Check reports whether one thing that a server needs is available.
type Check func(context.Context) error

// Readiness runs named checks. Its results are kept for a moment, and callers
// that arrive meanwhile wait for the same answer: a heartbeat that is polled by
// thousands must not become a load on the database and the object store.
type Readiness struct {
	keep, timeout time.Duration
	names         []string
	checks        map[string]Check

	mu      sync.Mutex
	until   time.Time        // guarded by mu: when found is out of date
	found   map[string]error // guarded by mu
	running chan struct{}    // guarded by mu: closed when the run in progress ends; nil when none
}

// NewReadiness returns a Readiness whose results are kept for keep, and whose
// checks have timeout each.
func NewReadiness(keep, timeout time.Duration) *Readiness {
	return &Readiness{keep: keep, timeout: timeout, checks: map[string]Check{}}
}

// Add adds a check; all must be added before the first call of Ready.
func (r *Readiness) Add(name string, check Check) {
	r.names = append(r.names, name)
	slices.Sort(r.names)
	r.checks[name] = check
}

// Ready returns nil when every check passes, else an error that names those that
// do not.
func (r *Readiness) Ready(ctx context.Context) error {
	found, err := r.look(ctx)
	if err != nil {
		return err
	}
	var errs []error
	for _, name := range r.names {
		if err := found[name]; err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}

// Each yields every check with its result, in the order of their names; nothing where ctx
// ends before there are results.
func (r *Readiness) Each(ctx context.Context, yield func(name string, err error)) {
	found, err := r.look(ctx)
	if err != nil {
		return
	}
	for _, name := range r.names {
		yield(name, found[name])
	}
}

// look returns the result of every check: the kept one, that of the run in
// progress, or a new one.
func (r *Readiness) look(ctx context.Context) (map[string]error, error) {
	r.mu.Lock()
	if time.Now().Before(r.until) {
		defer r.mu.Unlock()
		return r.found, nil
	}
	running := r.running
	if running == nil {
		running = make(chan struct{})
		r.running = running
		// Not with ctx: others wait for the result too.
		go r.run(context.WithoutCancel(ctx), running)
	}
	r.mu.Unlock()

	select {
	case <-running:
	case <-ctx.Done():
		return nil, ctx.Err()
	}

	r.mu.Lock()
	defer r.mu.Unlock()
	return r.found, nil
}

// run runs all checks at once and keeps their results.
func (r *Readiness) run(ctx context.Context, done chan struct{}) {
	ctx, cancel := context.WithTimeout(ctx, r.timeout)
	defer cancel()

	results := make([]error, len(r.names))
	var wg sync.WaitGroup
	for i, name := range r.names {
		wg.Go(func() { results[i] = r.checks[name](ctx) })
	}
	wg.Wait()

	found := make(map[string]error, len(results))
	for i, name := range r.names {
		found[name] = results[i]
	}

	r.mu.Lock()
	r.found, r.until, r.running = found, time.Now().Add(r.keep), nil
	r.mu.Unlock()
	close(done)
}

// Handler answers 200 or 503 with every check's name and result, as /readyz
// does. Why a check fails is for the log, not for strangers.
func (r *Readiness) Handler() http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		found, err := r.look(req.Context())
		if err != nil {
			return // the caller is gone
		}

		answer := struct {
			Message string            `json:"message"`
			Checks  map[string]string `json:"checks"`
		}{"OK", map[string]string{}}

		status := http.StatusOK
		var failed []string
		for _, name := range r.names {
			answer.Checks[name] = "ok"
			if found[name] != nil {
				answer.Checks[name] = "failed"
				failed = append(failed, name)
			}
		}

		if failed != nil {
			status = http.StatusServiceUnavailable
			answer.Message = "Not ready: " + strings.Join(failed, ", ")
		}

		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(answer)
	})
}
