package worker

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sort"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"horde/api"
	"horde/client"
)

const (
	popEvery     = time.Second      // between two pops that found nothing
	maxPopPause  = 10 * time.Minute // however long Retry-After is
	refusalPause = 30 * time.Second // at least, and at most twice as long
	maxFailures  = 3                // of the engine in a row, before a pause
	failurePause = 3 * time.Minute
)

// next pops until there is a job. It returns nil without an error when ctx ends,
// and an error where asking again is pointless.
func (w *Worker) next(ctx context.Context) (*popped, time.Time, error) {
	pauses := callPauses()
	for ctx.Err() == nil {
		if !w.awaitFree(ctx) || !w.pauseAfterFailures(ctx) || !w.awaitEngines(ctx) {
			break
		}

		// The engines may just have said that they can do fewer jobs at once than before.
		threads := w.threads()
		if int(w.inHand.Load()) >= threads {
			continue
		}

		// The first pop does not wait for a job: its answer says that the horde
		// accepts this worker.
		wait := w.cfg.Wait
		if !w.ready {
			wait = 0
		}
		asked := time.Now()
		pop, err := w.kind.pop(ctx, w.horde, threads, wait)
		if err == nil {
			w.noteReady(threads)
		}

		switch {
		case err == nil && len(pop.ids) > 0:
			w.metrics.pop("job")
			w.logMessages(pop.messages)
			return pop, time.Now(), nil
		case err == nil:
			pauses.Reset()
			w.metrics.pop("empty")
			w.logMessages(pop.messages)
			w.logSkipped(pop.skipped)
			sleep(ctx, popEvery-time.Since(asked)) // not at all after a long wait
		case ctx.Err() != nil:
		default:
			w.metrics.pop("error")
			pause, fatal := w.refusedPop(err, pauses)
			if fatal != nil {
				return nil, asked, fatal
			}
			sleep(ctx, pause)
		}
	}
	return nil, time.Time{}, nil
}

// noteReady logs once that the horde accepts this worker.
func (w *Worker) noteReady(threads int) {
	if !w.ready {
		w.ready = true
		w.log.Info("worker is ready", "horde", w.horde.URL(), "models", modelsOf(w.kind.engines()),
			"threads", threads)
	}
}

// pauseAfterFailures pauses after maxFailures engine failures in a row, so that a
// broken engine does not burn through the queue; false when ctx ends.
func (w *Worker) pauseAfterFailures(ctx context.Context) bool {
	if w.failures.Load() < maxFailures {
		return true
	}
	w.log.Error("three jobs in a row failed in the engine; pausing", "pause", failurePause)
	if !sleep(ctx, failurePause) {
		return false
	}
	w.failures.Store(0)
	return true
}

// refusedPop decides what a refused or failed pop means: how long to wait, or that
// the worker should stop (worker §11 point 7; generation §1.14, §11).
func (w *Worker) refusedPop(err error, pauses backoff.BackOff) (time.Duration, error) {
	var e *api.Error
	if !errors.As(err, &e) || client.Temporary(err) {
		pause := pauses.NextBackOff()
		if e != nil && e.RetryAfter > 0 {
			pause = min(time.Duration(e.RetryAfter)*time.Second, maxPopPause)
		}
		w.log.Warn("no answer to a pop; trying again", "err", err, "in", pause.Round(time.Millisecond))
		return pause, nil
	}
	if fatal := w.fatalRefusal(e); fatal != nil {
		return 0, fatal
	}

	pause := refusalPause + rand.N(refusalPause)
	if strings.Contains(e.RC, "Maintenance") || strings.Contains(strings.ToLower(e.Message), "maintenance mode") {
		w.log.Warn("the worker is in maintenance: the horde gives it no jobs of others; asking again later",
			"reason", e.Message, "in", pause.Round(time.Second))
	} else {
		w.log.Warn("the horde refuses the worker for now; asking again later", "err", e, "in", pause.Round(time.Second))
	}
	return pause, nil
}

// fatalRefusal returns the error that Run ends with because asking again would be
// answered alike; nil where it may be answered otherwise.
func (w *Worker) fatalRefusal(e *api.Error) error {
	text := strings.ToLower(e.Message)
	switch {
	case e.Status == http.StatusUnauthorized:
		return fmt.Errorf("%w: %s", ErrKey, e.Message)
	case e.RC == "WrongCredentials" || strings.Contains(text, "wrong credentials"):
		return fmt.Errorf("%w: the name %q belongs to a worker of another account; choose another with --name (%s)",
			ErrRefused, w.cfg.Name, e.Message)
	case e.RC == "AnonForbiddenWorker":
		return fmt.Errorf("%w: workers need an account; register one and give its key with --apikey (%s)",
			ErrRefused, e.Message)
	case strings.Contains(text, "we cannot accept workers serving"):
		return fmt.Errorf("%w: it knows none of the models %v (%s)", ErrRefused, modelsOf(w.kind.engines()), e.Message)
	case e.Status == http.StatusBadRequest:
		return fmt.Errorf("%w: %w%s", ErrRefused, e, fields(e.Errors))
	}
	return nil
}

// fields formats validation errors for the end of a message.
func fields(errs map[string]string) string {
	var parts []string
	for path, text := range errs {
		parts = append(parts, path+": "+text)
	}
	if len(parts) == 0 {
		return ""
	}
	sort.Strings(parts)
	return " (" + strings.Join(parts, "; ") + ")"
}

// logMessages logs messages of the server that have not been logged yet.
func (w *Worker) logMessages(messages []api.WorkerMessage) {
	for _, m := range messages {
		if _, known := w.shown.LoadOrStore(m.ID, true); !known {
			w.log.Warn("message from the horde", "from", m.Origin, "text", m.Message, "until", m.Expiry)
		}
	}
}

// logSkipped logs why waiting requests were not given to this worker.
func (w *Worker) logSkipped(skipped map[string]int) {
	var args []any
	for reason, n := range skipped {
		if n > 0 {
			args = append(args, reason, n)
		}
	}
	if len(args) > 0 {
		w.log.Debug("requests wait, but not for this worker", args...)
	}
}
