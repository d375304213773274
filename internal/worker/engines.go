package worker

import (
	"context"
	"fmt"
	"time"
)

const (
	probeEvery = 15 * time.Second // while pops bring no failures to light
	probePause = 5 * time.Second  // between two looks at an engine that is away
	probeLimit = time.Minute      // for one engine
)

// awaitEngines returns when all engines can work: without them there is no pop, so that
// no job is taken that would fail. False when ctx ends.
func (w *Worker) awaitEngines(ctx context.Context) bool {
	if time.Since(w.probed) < probeEvery && !w.suspect.Load() {
		return true
	}

	said := ""
	for ctx.Err() == nil {
		w.suspect.Store(false)
		err := w.probe(ctx)
		if err == nil {
			if said != "" {
				w.log.Info("the engine answers again")
			}
			w.probed = time.Now()
			return true
		}

		if text := err.Error(); text != said && ctx.Err() == nil {
			w.log.Warn("the engine cannot work; taking no jobs until it can", "err", err)
			said = text
		}
		sleep(ctx, probePause)
	}
	return false
}

// probe asks every engine whether it can work, and that one offers something.
func (w *Worker) probe(ctx context.Context) error {
	engines := w.kind.engines()
	for _, e := range engines {
		ctx, cancel := context.WithTimeout(ctx, probeLimit)
		err := e.Probe(ctx)
		cancel()
		if err != nil {
			return fmt.Errorf("%s: %w", e.Name(), err)
		}
	}
	if len(modelsOf(engines)) == 0 {
		return fmt.Errorf("%s: it has no models", engines[0].Name())
	}
	return nil
}
