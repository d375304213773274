package worker

import (
	"context"
	"fmt"
	"time"
)

const (
	probeEvery = 15 * time.Second // while pops bring no failures to light
	probeSoon  = time.Second / 4  // between the first looks at an engine that is away
	probePause = 5 * time.Second  // at most, later
	probeLimit = 10 * time.Minute // for one engine: a first text may load tens of gigabytes
)

// suspicious reports whether an engine has failed since all answered last.
func (w *Worker) suspicious() bool { return w.broken.Load() != w.mended.Load() }

// awaitEngines returns when all engines can work: without them there is no pop, so that
// no job is taken that would fail. False when ctx ends.
func (w *Worker) awaitEngines(ctx context.Context) bool {
	if time.Since(w.probed) < probeEvery && !w.suspicious() {
		return true
	}

	said, pause := "", probeSoon
	for ctx.Err() == nil {
		broken := w.broken.Load()
		err := w.probe(ctx)
		if err == nil {
			if said != "" {
				w.log.Info("the engine answers")
			}
			w.probed = time.Now()
			w.mended.Store(broken)
			return true
		}

		if text := err.Error(); text != said && ctx.Err() == nil {
			w.logAway(err)
			said = text
		}
		sleep(ctx, pause)
		pause = min(2*pause, probePause)
	}
	return false
}

// logAway says that an engine cannot work: nothing unusual before it ever could.
func (w *Worker) logAway(err error) {
	if w.probed.IsZero() {
		w.log.Info("waiting for the engine", "why", err)
		return
	}
	w.log.Warn("the engine cannot work; taking no jobs until it can", "err", err)
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
