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

	"horde/api"
	"horde/client"
)

const (
	popEvery     = time.Second     // between two pops that found nothing
	failurePause = 3 * time.Minute // after three engine failures in a row
)

// offer is what the worker says it can do in every pop.
type offer = api.ImagePop

// newOffer offers every model of the engines and only what all of them can.
func newOffer(cfg Config) offer {
	yes, no := true, false
	o := offer{
		Name:              cfg.Name,
		BridgeAgent:       fmt.Sprintf("Horde Worker:%s:%s", api.Version, api.Repository),
		NSFW:              &cfg.NSFW,
		Threads:           &cfg.Threads,
		Blacklist:         cfg.Blacklist,
		PriorityUsernames: cfg.PriorityUsernames,
	}
	if cfg.RequireUpfront {
		o.RequireUpfrontKudos = &yes
	}
	pixels, batch := cfg.MaxPixels, 20
	can := cfg.Engines[0].Capabilities()
	seen := map[string]bool{}
	for _, e := range cfg.Engines {
		for _, m := range e.Models() {
			if !seen[m] {
				seen[m] = true
				o.Models = append(o.Models, m)
			}
		}
		c := e.Capabilities()
		if c.MaxPixels > 0 && (pixels == 0 || c.MaxPixels < pixels) {
			pixels = c.MaxPixels
		}
		batch = max(1, min(batch, c.MaxBatch))
		can.Img2Img = can.Img2Img && c.Img2Img
		can.Painting = can.Painting && c.Painting
		can.PostProcessing = can.PostProcessing && c.PostProcessing
		can.Controlnet = can.Controlnet && c.Controlnet
		can.SDXLControlnet = can.SDXLControlnet && c.SDXLControlnet
		can.Lora = can.Lora && c.Lora
	}
	if pixels > 0 {
		o.MaxPixels = &pixels
	}
	o.Amount = &batch
	o.AllowImg2Img, o.AllowPainting, o.AllowPostProcessing = &can.Img2Img, &can.Painting, &can.PostProcessing
	o.AllowControlnet, o.AllowSDXLControlnet, o.AllowLora = &can.Controlnet, &can.SDXLControlnet, &can.Lora
	o.LimitMaxSteps, o.ExtraSlowWorker = &no, &no
	return o
}

// next pops until there is a job. It returns nil without an error when ctx ends,
// and an error where asking again is no use.
func (w *Worker) next(ctx context.Context) (*api.ImageJob, time.Time, error) {
	var b backoff
	for ctx.Err() == nil {
		if !w.catchBreath(ctx) {
			break
		}
		// The first pop does not wait for a job: its answer tells that the horde
		// takes this worker.
		wait := w.cfg.Wait
		if !w.ready {
			wait = 0
		}
		asked := time.Now()
		pop, err := w.horde.Pop(ctx, &w.offer, wait)
		if err == nil {
			w.sayReady()
		}
		switch {
		case err == nil && pop.ID != nil && *pop.ID != "":
			w.metrics.pop("job")
			w.show(pop.Messages)
			return pop, time.Now(), nil
		case err == nil:
			b = backoff{}
			w.metrics.pop("empty")
			w.show(pop.Messages)
			w.explain(pop.Skipped)
			sleep(ctx, popEvery-time.Since(asked)) // at once after a long wait
		case ctx.Err() != nil:
		default:
			w.metrics.pop("error")
			pause, fatal := w.judge(err, &b)
			if fatal != nil {
				return nil, asked, fatal
			}
			sleep(ctx, pause)
		}
	}
	return nil, time.Time{}, nil
}

// sayReady says once that the horde takes this worker.
func (w *Worker) sayReady() {
	if !w.ready {
		w.ready = true
		w.log.Info("worker is ready", "horde", w.horde.URL(), "models", w.offer.Models, "threads", w.cfg.Threads)
	}
}

// catchBreath pauses after three engine failures in a row, so that a broken
// engine does not burn through the queue; false when ctx ends.
func (w *Worker) catchBreath(ctx context.Context) bool {
	if w.failures.Load() < 3 {
		return true
	}
	w.log.Error("three jobs in a row failed in the engine; pausing", "pause", failurePause)
	if !sleep(ctx, failurePause) {
		return false
	}
	w.failures.Store(0)
	return true
}

// judge decides what a refused or failed pop means: how long to wait, or that
// the worker should stop (worker §11.7; generation §1.14, §11).
func (w *Worker) judge(err error, b *backoff) (time.Duration, error) {
	var e *api.Error
	if !errors.As(err, &e) || client.Temporary(err) {
		pause := b.next()
		if e != nil && e.RetryAfter > 0 {
			pause = min(time.Duration(e.RetryAfter)*time.Second, 10*time.Minute)
		}
		w.log.Warn("no answer to a pop; trying again", "err", err, "in", pause.Round(time.Millisecond))
		return pause, nil
	}
	text := strings.ToLower(e.Message)
	switch {
	case e.Status == http.StatusUnauthorized:
		return 0, fmt.Errorf("%w: %s", ErrKey, e.Message)
	case e.RC == "WrongCredentials" || strings.Contains(text, "wrong credentials"):
		return 0, fmt.Errorf("%w: the name %q belongs to a worker of another account; choose another with --name (%s)", ErrRefused, w.cfg.Name, e.Message)
	case e.RC == "AnonForbiddenWorker":
		return 0, fmt.Errorf("%w: workers need an account; register one and give its key with --apikey (%s)", ErrRefused, e.Message)
	case strings.Contains(text, "we cannot accept workers serving"):
		return 0, fmt.Errorf("%w: it knows none of the models %v (%s)", ErrRefused, w.offer.Models, e.Message)
	case e.Status == http.StatusBadRequest:
		return 0, fmt.Errorf("%w: %w%s", ErrRefused, e, fields(e.Errors))
	}
	pause := 30*time.Second + rand.N(30*time.Second)
	if strings.Contains(e.RC, "Maintenance") || strings.Contains(text, "maintenance mode") {
		w.log.Warn("the worker is in maintenance: the horde gives it no jobs of others; asking again later",
			"reason", e.Message, "in", pause.Round(time.Second))
	} else {
		w.log.Warn("the horde refuses the worker for now; asking again later", "err", e, "in", pause.Round(time.Second))
	}
	return pause, nil
}

// fields writes validation errors behind a message.
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

// show logs messages of the server that have not been logged yet.
func (w *Worker) show(messages []api.WorkerMessage) {
	for _, m := range messages {
		if _, known := w.told.LoadOrStore(m.ID, true); !known {
			w.log.Warn("message from the horde", "from", m.Origin, "text", m.Message, "until", m.Expiry)
		}
	}
}

// explain logs why waiting requests were not given to this worker.
func (w *Worker) explain(skipped map[string]int) {
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

// backoff is full jitter between 0 and a limit that doubles from 1 s to 60 s.
type backoff struct{ n int }

func (b *backoff) next() time.Duration {
	limit := min(time.Minute, time.Second<<min(b.n, 6))
	b.n++
	return 1 + rand.N(limit)
}
