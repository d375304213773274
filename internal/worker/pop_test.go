package worker

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"horde/api"
	"horde/engine"
	"horde/engine/sketch"
)

func TestOfferIsWhatEveryEngineCan(t *testing.T) {
	both := Images{Engines: []engine.ImageEngine{&fakeEngine{}, sketch.New()}, MaxPixels: 512 * 512}
	o := newOffer(Config{}, both)
	if *o.MaxPixels != 512*512 || *o.Amount != 4 || *o.AllowImg2Img || *o.AllowPainting || *o.AllowLora ||
		*o.AllowControlnet {
		b, _ := json.Marshal(o)
		t.Errorf("offer %s", b)
	}
	if models := modelsOf(both.Engines); len(models) != 2 {
		t.Errorf("models %v", models)
	}
}

func TestARefusedPopSaysWhy(t *testing.T) {
	for _, tc := range []struct {
		name, rc, message string
		status            int
		want              error
		says              string
	}{
		{"wrong key", "InvalidAPIKey", "No user matching", 401, ErrKey, "API key"},
		{"name taken", "WrongCredentials", "Wrong credentials to submit as this worker.", 403, ErrRefused, "--name"},
		{"anonymous", "AnonForbiddenWorker", "no", 403, ErrRefused, "register"},
		{"models", "BadRequest", "Unfortunately we cannot accept workers serving unrecognised models at this time", 400,
			ErrRefused, "[fake]"},
		{"name of another kind", "PolymorphicNameConflict", "taken", 400, ErrRefused, "taken"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *fakeHorde) {
				h.onPop = func(_ int, w http.ResponseWriter) bool { return refuse(w, tc.status, tc.rc, tc.message) }
				r := start(t, h, &fakeEngine{}, nil)
				err := <-r.result
				if !errors.Is(err, tc.want) || !strings.Contains(err.Error(), tc.says) {
					t.Errorf("error %v", err)
				}
				if len(h.pops) != 1 {
					t.Errorf("%d pops", len(h.pops))
				}
			})
		})
	}
}

func TestPopIsRepeated(t *testing.T) {
	for _, tc := range []struct {
		name     string
		answer   func(w http.ResponseWriter) bool
		failures int
		min, max time.Duration // from the first pop to the job
	}{
		{"pages of a proxy", func(w http.ResponseWriter) bool { return page(w, 502) }, 4, 0, 15 * time.Second},
		{"pages for long", func(w http.ResponseWriter) bool { return page(w, 502) }, 60, time.Minute, time.Hour},
		{"maintenance", func(w http.ResponseWriter) bool {
			return refuse(w, 403, "WorkerMaintenance", "This worker has been put into maintenance mode by its owner")
		}, 3, 90 * time.Second, 180 * time.Second},
		{"time-out of the address", func(w http.ResponseWriter) bool { return refuse(w, 403, "TimeoutIP", "no") }, 1,
			30 * time.Second, time.Minute},
		{"limit without a time", func(w http.ResponseWriter) bool { return refuse(w, 429, "", "60 per 1 second") }, 1, 0,
			time.Second},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *fakeHorde) {
				h.onPop = func(n int, w http.ResponseWriter) bool { return n <= tc.failures && tc.answer(w) }
				h.add("job", "fake", 1, nil)
				r := start(t, h, &fakeEngine{}, nil)
				h.until(1)
				r.stop()
				if took := h.pops[tc.failures].Sub(h.pops[0]); took < tc.min || took > tc.max+100*time.Millisecond {
					t.Errorf("%d failures took %v", tc.failures, took)
				}
			})
		})
	}
}

// A worker is ready once the horde has answered it, which the log says then, and
// not before or of a horde that is away.
func TestReadyMeansThatTheHordeAnswered(t *testing.T) {
	const ready = "worker is ready"
	bubble(t, func(t *testing.T, h *fakeHorde) {
		var log bytes.Buffer
		var answered atomic.Bool
		h.onPop = func(n int, w http.ResponseWriter) bool {
			if n <= 3 {
				return page(w, 502)
			}
			answered.Store(true)
			return false
		}

		r := start(t, h, &fakeEngine{}, func(c *Config) {
			c.Log = slog.New(slog.NewTextHandler(writerFunc(func(line []byte) (int, error) {
				if bytes.Contains(line, []byte(ready)) && !answered.Load() {
					t.Errorf("before any answer: %s", line)
				}
				return log.Write(line)
			}), nil))
		})

		began := time.Now()
		for !answered.Load() {
			time.Sleep(time.Second)
		}

		time.Sleep(time.Second) // less than a pop that waits
		r.stop()
		if n := strings.Count(log.String(), ready); n != 1 {
			t.Errorf("%d times ready %v after the start:\n%s", n, time.Since(began), log.String())
		}
	})

	bubble(t, func(t *testing.T, h *fakeHorde) {
		var log bytes.Buffer
		h.onPop = func(_ int, w http.ResponseWriter) bool { return refuse(w, 401, "InvalidAPIKey", "no") }
		r := start(t, h, &fakeEngine{}, func(c *Config) { c.Log = slog.New(slog.NewTextHandler(&log, nil)) })
		if err := <-r.result; !errors.Is(err, ErrKey) {
			t.Errorf("error %v", err)
		}
		if strings.Contains(log.String(), ready) {
			t.Errorf("refused, and yet:\n%s", log.String())
		}
	})
}

// writerFunc is a writer that is a function.
type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(b []byte) (int, error) { return f(b) }

func TestEmptyPopsAreRepeatedInTime(t *testing.T) {
	bubble(t, func(t *testing.T, h *fakeHorde) { // our server waits 20 s
		r := start(t, h, &fakeEngine{}, nil)
		time.Sleep(time.Minute)
		r.stop()
		if len(h.pops) != 4 { // the first does not wait
			t.Errorf("%d pops in a minute of waiting", len(h.pops))
		}
	})
	bubble(t, func(t *testing.T, h *fakeHorde) { // others answer at once
		h.onPop = func(_ int, w http.ResponseWriter) bool {
			w.Write([]byte(`{"id":null,"ids":[],"payload":{},"skipped":{}}`))
			return true
		}
		r := start(t, h, &fakeEngine{}, nil)
		time.Sleep(10*time.Second + time.Millisecond)
		r.stop()
		if len(h.pops) != 11 {
			t.Errorf("%d pops in ten seconds", len(h.pops))
		}
	})
}

func TestAWorkerHasSoManyJobsAtOnce(t *testing.T) {
	bubble(t, func(t *testing.T, h *fakeHorde) {
		var now, most atomic.Int32
		for _, name := range []string{"a", "b", "c", "d", "e"} {
			h.add(name, "fake", 1, nil)
		}

		r := start(t, h, &fakeEngine{do: func(ctx context.Context, job engine.ImageJob, hooks engine.ImageHooks) error {
			most.Store(max(most.Load(), now.Add(1)))
			defer now.Add(-1)
			sleep(ctx, 10*time.Second)
			return paintAll(job, hooks)
		}}, func(c *Config) { c.Threads = 2 })

		h.until(5)
		r.stop()
		if most.Load() != 2 {
			t.Errorf("%d jobs at once", most.Load())
		}
	})
}

func TestDeliveriesKeepToAPlausiblePace(t *testing.T) {
	big := func(j *api.ImageJob) {
		j.Payload.Width, j.Payload.Height, j.Payload.Steps = 1024, 1024, 30
	} // 31 megapixelsteps
	bubble(t, func(t *testing.T, h *fakeHorde) {
		h.add("job", "fake", 2, big)
		began := time.Now()
		r := start(t, h, &fakeEngine{}, nil)
		h.until(2)
		r.stop()
		if a, b := h.times[0].Sub(began), h.times[1].Sub(began); a < 2*time.Second || b < 4*time.Second || b > 5*time.Second {
			t.Errorf("delivered after %v and %v", a, b)
		}
	})

	bubble(t, func(t *testing.T, h *fakeHorde) {
		h.add("job", "fake", 2, big)
		began := time.Now()
		r := start(t, h, &fakeEngine{}, func(c *Config) { c.NoPace = true })
		h.until(2)
		r.stop()
		if took := h.times[1].Sub(began); took > 100*time.Millisecond {
			t.Errorf("took %v without pace", took)
		}
	})

	if accurateSteps("k_heun", 30) != 60 || accurateSteps("k_dpm_adaptive", 3) != 40 ||
		accurateSteps("k_euler", 30) != 30 {
		t.Error("accurate steps")
	}
}
