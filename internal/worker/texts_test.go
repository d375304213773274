package worker

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"math/rand/v2"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"

	"horde/api"
	"horde/client"
	"horde/engine"
)

// startScribe runs a Scribe with one engine.
func startScribe(t *testing.T, f *fakeHorde, e engine.TextEngine, change func(*Config)) *running {
	t.Helper()
	return startWork(t, f, Texts{Engines: []engine.TextEngine{e}}, change)
}

func TestATextFromPopToSubmit(t *testing.T) {
	bubble(t, func(t *testing.T, h *fakeHorde) {
		h.addText("job", nil)
		e := &fakeText{}
		r := startScribe(t, h, e, func(c *Config) { c.PriorityUsernames = []string{"me#1"} })
		h.until(1)
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}

		s := h.submits[0]
		if s.ID != "job" || s.State != "ok" || s.Generation != " there was a fox." || len(s.GenMetadata) != 0 {
			t.Errorf("submit %+v", s)
		}
		if s.Seed < 0 || s.Seed > math.MaxInt32 || s.Seed != int64(e.jobs[0].Seed) {
			t.Errorf("seed %d, the engine's was %d", s.Seed, e.jobs[0].Seed)
		}
		o := h.says[0]
		if o.Name != "dreamer" || *o.MaxLength != 1024 || *o.MaxContextLength != 4096 || *o.Amount != 1 || *o.Threads != 1 ||
			o.BridgeAgent != bridgeAgent || !cmp.Equal(o.Models, []string{textModel}) ||
			!cmp.Equal(o.PriorityUsernames, []string{"me#1"}) {
			t.Errorf("offer %+v", o)
		}
	})
}

// What is offered is what the engine holds at the speed that it has, and no more jobs at
// once than it has slots.
func TestAScribeOffersWhatItCanHold(t *testing.T) {
	for _, tc := range []struct {
		name                     string
		can                      engine.TextCapabilities
		length, context, threads int // configured
		wantLength, wantContext  int
		wantThreads              int
	}{
		{name: "what the engine says",
			can:        engine.TextCapabilities{MaxContextLength: 2048, MaxLength: 1024, Slots: 2, Speed: 50},
			wantLength: 1024, wantContext: 2048, wantThreads: 2},
		{name: "less is configured",
			can:    engine.TextCapabilities{MaxContextLength: 2048, MaxLength: 1024, Slots: 4, Speed: 50},
			length: 80, context: 1024, threads: 2, wantLength: 80, wantContext: 1024, wantThreads: 2},
		{name: "more is configured",
			can:    engine.TextCapabilities{MaxContextLength: 2048, MaxLength: 1024, Slots: 2, Speed: 50},
			length: 4096, context: 8192, threads: 9, wantLength: 1024, wantContext: 2048, wantThreads: 2},
		{name: "a slow engine", can: engine.TextCapabilities{MaxContextLength: 2048, MaxLength: 1024, Slots: 1, Speed: 3},
			wantLength: 300, wantContext: 2048, wantThreads: 1},
		{name: "a very slow engine",
			can:        engine.TextCapabilities{MaxContextLength: 2048, MaxLength: 1024, Slots: 1, Speed: 0.01},
			wantLength: 16, wantContext: 2048, wantThreads: 1},
		{name: "a speed that is not known",
			can:        engine.TextCapabilities{MaxContextLength: 16384, MaxLength: 16383, Slots: 1},
			wantLength: 128, wantContext: 16384, wantThreads: 1},
		{name: "texts in one piece, which show no progress",
			can: engine.TextCapabilities{MaxContextLength: 2048, MaxLength: 2047, Slots: 1, Speed: 10,
				InOnePiece: true},
			wantLength: 450, wantContext: 2048, wantThreads: 1},
		{name: "more than hordes know",
			can:        engine.TextCapabilities{MaxContextLength: 1 << 30, MaxLength: 1 << 30, Speed: 1000},
			wantLength: 16384, wantContext: 1 << 20, wantThreads: 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			work := Texts{Engines: []engine.TextEngine{&fakeText{can: tc.can}}, MaxLength: tc.length,
				MaxContextLength: tc.context}
			k, err := work.open(Config{Stall: 90 * time.Second})
			if err != nil {
				t.Fatal(err)
			}
			threads := k.threads(tc.threads)
			o := k.(*texts).offer(threads)
			if *o.MaxLength != tc.wantLength || *o.MaxContextLength != tc.wantContext || *o.Threads != tc.wantThreads {
				t.Errorf("length %d, context %d, threads %d", *o.MaxLength, *o.MaxContextLength, *o.Threads)
			}
		})
	}
}

func TestATextContainsItsStopSequenceAndNothingAfterALine(t *testing.T) {
	yes := true
	for _, tc := range []struct {
		name   string
		change func(*api.TextJob)
		result engine.TextResult
		stops  []string // of the engine's job
		want   string
	}{
		{"a stop sequence", func(j *api.TextJob) { j.Payload.StopSequence = []string{"9"} },
			engine.TextResult{Text: " 7, 8, ", Stop: "9"}, []string{"9"}, " 7, 8, 9"},
		{"none was met", func(j *api.TextJob) { j.Payload.StopSequence = []string{"9"} },
			engine.TextResult{Text: " 7"}, []string{"9"}, " 7"},
		{"a single line", func(j *api.TextJob) { j.Payload.SingleLine = &yes },
			engine.TextResult{Text: " one", Stop: "\n"}, []string{"\n"}, " one"},
		{"no UTF-8", nil, engine.TextResult{Text: "a\xffb"}, nil, "a\ufffdb"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *fakeHorde) {
				h.addText("job", tc.change)
				e := &fakeText{do: func(context.Context, engine.TextJob, engine.TextHooks) (engine.TextResult, error) {
					return tc.result, nil
				}}
				r := startScribe(t, h, e, nil)
				h.until(1)
				r.stop()
				if got := h.submits[0].Generation; got != tc.want {
					t.Errorf("submitted %q, not %q", got, tc.want)
				}
				if got := e.jobs[0].Payload.StopSequence; !cmp.Equal(got, tc.stops) {
					t.Errorf("stop sequences %q", got)
				}
			})
		})
	}
}

func TestTokensAreReportedAsTheyCome(t *testing.T) {
	bubble(t, func(t *testing.T, h *fakeHorde) {
		h.addText("job", nil)
		e := &fakeText{do: func(
			ctx context.Context, _ engine.TextJob, hooks engine.TextHooks,
		) (engine.TextResult, error) {
			for n := range 80 { // in 8 s
				hooks.Progress(engine.TextProgress{Tokens: n + 1, Piece: " é"})
				if !sleep(ctx, 100*time.Millisecond) {
					return engine.TextResult{}, ctx.Err()
				}
			}
			return engine.TextResult{Text: strings.Repeat(" é", 80), Tokens: 80}, nil
		}}
		r := startScribe(t, h, e, nil)
		h.until(1)
		r.stop()

		if n := len(h.progress); n < 20 || n > 33 {
			t.Errorf("%d reports in 8 s", n)
		}
		for _, p := range h.progress {
			if p.Steps != 80 || p.Text != strings.Repeat(" é", p.Step) {
				t.Fatalf("report %+v", p)
			}
		}
	})
	if got := end("aéb", 2); got != "éb" {
		t.Errorf("the end is %q", got)
	}
}

// While the engine is away there is no pop; once it is back, there is.
func TestNoJobIsTakenWhileTheEngineIsAway(t *testing.T) {
	bubble(t, func(t *testing.T, h *fakeHorde) {
		h.addText("job", nil)
		began := time.Now()
		r := startScribe(t, h, &fakeText{probe: func(context.Context) error {
			if time.Since(began) < time.Minute {
				return errors.New("connection refused")
			}
			return nil
		}}, nil)
		h.until(1)
		r.stop()
		if first := h.pops[0].Sub(began); first < time.Minute || first > 70*time.Second {
			t.Errorf("first pop after %v", first)
		}
		if h.submits[0].State != "ok" {
			t.Errorf("submit %+v", h.submits[0])
		}
	})
}

// A server that loads tens of gigabytes for its first text is waited for.
func TestAnEngineMayTakeMinutesToLoad(t *testing.T) {
	bubble(t, func(t *testing.T, h *fakeHorde) {
		h.addText("job", nil)
		probes := 0
		r := startScribe(t, h, &fakeText{probe: func(ctx context.Context) error {
			if probes++; probes > 1 {
				return nil
			}
			sleep(ctx, 8*time.Minute)
			return ctx.Err() // a load that is cancelled begins again
		}}, nil)
		h.until(1)
		r.stop()
		if probes != 1 {
			t.Errorf("%d probes", probes)
		}
	})
}

// A server that comes back with fewer slots gets no more jobs than those.
func TestAServerMayComeBackWithFewerSlots(t *testing.T) {
	bubble(t, func(t *testing.T, h *fakeHorde) {
		var now, most atomic.Int32
		e := &fakeText{can: engine.TextCapabilities{MaxContextLength: 2048, MaxLength: 512, Slots: 4}}
		var slots atomic.Int32
		slots.Store(4)
		e.slots = func() int { return int(slots.Load()) }
		e.do = func(ctx context.Context, _ engine.TextJob, _ engine.TextHooks) (engine.TextResult, error) {
			n := now.Add(1)
			defer now.Add(-1)
			most.Store(max(most.Load(), n))
			sleep(ctx, 10*time.Second)
			return engine.TextResult{Text: " there"}, nil
		}

		for n := range 8 {
			h.addText(fmt.Sprint("before-", n), nil)
		}
		r := startScribe(t, h, e, nil)
		h.until(8)
		if most.Load() != 4 {
			t.Errorf("%d jobs at once with 4 slots", most.Load())
		}

		slots.Store(1)
		most.Store(0)
		for n := range 3 {
			h.addText(fmt.Sprint("after-", n), nil)
		}
		h.until(11)
		r.stop()
		if most.Load() != 1 {
			t.Errorf("%d jobs at once with 1 slot", most.Load())
		}
		if last := h.says[len(h.says)-1]; *last.Threads != 1 {
			t.Errorf("offer of %d threads", *last.Threads)
		}
	})
}

// A job that comes by a pop from before the engine's failure waits until it is back.
func TestAJobWaitsForAnEngineThatHasJustFailed(t *testing.T) {
	bubble(t, func(t *testing.T, h *fakeHorde) {
		var back atomic.Int64 // unix nanoseconds; 0: it has not failed yet
		e := &fakeText{can: engine.TextCapabilities{MaxContextLength: 2048, MaxLength: 512, Slots: 2}}
		e.probe = func(context.Context) error {
			if time.Now().UnixNano() < back.Load() {
				return errors.New("connection refused")
			}
			return nil
		}
		e.do = func(context.Context, engine.TextJob, engine.TextHooks) (engine.TextResult, error) {
			if back.CompareAndSwap(0, time.Now().Add(10*time.Second).UnixNano()) || e.probe(context.Background()) != nil {
				return engine.TextResult{}, errors.New("connection refused")
			}
			return engine.TextResult{Text: " there"}, nil
		}

		h.addText("first", nil)
		r := startScribe(t, h, e, nil)
		h.until(1) // while the next pop waits
		h.addText("second", nil)
		h.until(2)
		r.stop()
		if diff := cmp.Diff(map[string]int{"first faulted": 1, "second ok": 1}, h.delivered()); diff != "" {
			t.Error(diff)
		}
	})
}

// A payload that the engine refuses says nothing of the engine: no requester pauses a
// worker with one.
func TestARefusedPayloadPausesNobody(t *testing.T) {
	bubble(t, func(t *testing.T, h *fakeHorde) {
		for n := range 4 {
			h.addText(fmt.Sprint("odd-", n), func(j *api.TextJob) { j.Payload.Prompt = "odd" })
		}
		h.addText("plain", nil)
		began := time.Now()
		r := startScribe(t, h, &fakeText{do: func(
			_ context.Context, job engine.TextJob, _ engine.TextHooks,
		) (engine.TextResult, error) {
			if job.Payload.Prompt == "odd" {
				return engine.TextResult{}, fmt.Errorf("%w: status 400", engine.ErrRefused)
			}
			return engine.TextResult{Text: " there"}, nil
		}}, nil)
		h.until(5)
		took := time.Since(began)
		r.stop()
		if h.delivered()["plain ok"] != 1 || r.faults("refused") != 4 || took > 10*time.Second {
			t.Errorf("%v after %v", h.delivered(), took)
		}
	})
}

// What requesters write is nobody's business: neither prompts nor stop sequences are in the
// log.
func TestTheLogHasNothingOfARequestsWords(t *testing.T) {
	bubble(t, func(t *testing.T, h *fakeHorde) {
		h.addText("job", func(j *api.TextJob) {
			j.Payload.Prompt, j.Payload.StopSequence = "a secret prompt", []string{"secret end"}
		})
		var log bytes.Buffer // written by one handler under its lock; read after the worker has ended
		r := startScribe(t, h, &fakeText{do: func(
			context.Context, engine.TextJob, engine.TextHooks,
		) (engine.TextResult, error) {
			return engine.TextResult{Text: " secret text", Stop: "secret end"}, nil
		}}, func(c *Config) {
			c.Log = slog.New(slog.NewTextHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
		})
		h.until(1)
		r.stop()
		if text := log.String(); strings.Contains(text, "secret") || !strings.Contains(text, "stop_bytes=10") {
			t.Errorf("log\n%s", text)
		}
	})
}

func TestAScribeRefusesWhatItNeverOffered(t *testing.T) {
	other := "another/model"
	for name, change := range map[string]func(*api.TextJob){
		"too long":      func(j *api.TextJob) { j.Payload.MaxLength = 1025 },
		"another model": func(j *api.TextJob) { j.Model = &other },
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, h *fakeHorde) {
				h.addText("job", change)
				r := startScribe(t, h, &fakeText{}, nil)
				h.until(1)
				r.stop()
				if h.submits[0].State != "faulted" || r.faults("order") != 1 {
					t.Errorf("submit %+v", h.submits[0])
				}
			})
		})
	}
}

func TestTextsKeepToAPlausiblePace(t *testing.T) {
	bubble(t, func(t *testing.T, h *fakeHorde) {
		h.addText("job", func(j *api.TextJob) { j.Payload.MaxLength = 1000 })
		began := time.Now()
		r := startScribe(t, h, &fakeText{do: func(
			context.Context, engine.TextJob, engine.TextHooks,
		) (engine.TextResult, error) {
			return engine.TextResult{Text: strings.Repeat("word", 675)}, nil // five seconds at 135 a second
		}}, nil)
		h.until(1)
		r.stop()
		if took := h.times[0].Sub(began); took < 5*time.Second || took > 5100*time.Millisecond {
			t.Errorf("delivered after %v", took)
		}
	})
}

// A result that the horde did not get before the worker was killed is delivered by the
// next run that reaches it; what had no result is faulted.
func TestResultsOutliveACrash(t *testing.T) {
	folder := t.TempDir()
	bubble(t, func(t *testing.T, h *fakeHorde) {
		j, err := openJournal(folder, "dreamer", "http://horde.localhost")
		if err != nil {
			t.Fatal(err)
		}
		for _, err := range []error{
			j.add([]string{"written", "begun", "huge"}, time.Now()),
			j.keep(&submission{ID: "written", Generation: " a text", State: "ok", Seed: 7}),
			j.keep(&submission{ID: "huge", Generation: strings.Repeat("x", maxKept+1), State: "ok"}),
		} {
			if err != nil {
				t.Fatal(err)
			}
		}
		j.close() // the crash

		// The horde is away at first: then the next run tries again.
		h.onSubmit = func(_ int, _ api.ImageSubmit, w http.ResponseWriter) bool { return page(w, 502) }
		began := time.Now()
		r := startScribe(t, h, &fakeText{}, func(c *Config) { c.Data = folder })
		time.Sleep(time.Hour)
		r.stop()
		if waited := h.pops[0].Sub(began); waited > 3*time.Minute {
			t.Errorf("the first pop came after %v", waited)
		}
		tried := h.delivered()
		if len(tried) != 3 || tried["written ok"] == 0 || tried["begun faulted"] == 0 || tried["huge faulted"] == 0 {
			t.Errorf("while the horde was away: %v", tried)
		}
		h.onSubmit, h.submits = nil, nil

		r = startScribe(t, h, &fakeText{}, func(c *Config) { c.Data = folder })
		h.until(3)
		r.stop()
		want := map[string]int{"written ok": 1, "begun faulted": 1, "huge faulted": 1}
		if diff := cmp.Diff(want, h.delivered()); diff != "" {
			t.Error(diff)
		}
		for _, s := range h.submits {
			if s.ID == "written" && (s.Generation != " a text" || s.Seed != 7) {
				t.Errorf("submit %+v", s)
			}
		}
	})
}

// A horde that does not answer until the worker is stopped gets the text from the next run.
func TestATextOutlivesAHordeThatIsAway(t *testing.T) {
	folder := t.TempDir()
	bubble(t, func(t *testing.T, h *fakeHorde) {
		h.onSubmit = func(_ int, _ api.ImageSubmit, w http.ResponseWriter) bool { return page(w, 502) }
		h.addText("job", nil)
		r := startScribe(t, h, &fakeText{}, func(c *Config) { c.Data = folder })
		time.Sleep(time.Hour)
		r.stop()
		h.onSubmit, h.submits = nil, nil

		r = startScribe(t, h, &fakeText{}, func(c *Config) { c.Data = folder })
		h.until(1)
		r.stop()
		if s := h.submits[0]; s.ID != "job" || s.State != "ok" || s.Generation != " there was a fox." {
			t.Errorf("submit %+v", s)
		}
	})
}

// Images and texts in one process have a loop each, and end together.
func TestSeveralKindsInOneProcess(t *testing.T) {
	bubble(t, func(t *testing.T, h *fakeHorde) {
		h.add("image", "fake", 1, nil)
		h.addText("text", nil)
		workers := bothKinds(t, h)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- RunAll(ctx, workers...) }()
		h.until(2)
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff(map[string]int{"image-0 ok": 1, "text ok": 1}, h.delivered()); diff != "" {
			t.Error(diff)
		}
	})

	bubble(t, func(t *testing.T, h *fakeHorde) {
		h.onPop = func(_ int, w http.ResponseWriter) bool { return refuse(w, 401, "InvalidAPIKey", "no") }
		if err := RunAll(t.Context(), bothKinds(t, h)...); !errors.Is(err, ErrKey) {
			t.Errorf("error %v", err)
		}
	})
}

// Where one kind gives up, with a job of the other in hand, that job is finished, and the
// next ones as well.
func TestOneKindGoesOnWithoutTheOther(t *testing.T) {
	bubble(t, func(t *testing.T, h *fakeHorde) {
		h.onPopText = func(w http.ResponseWriter) bool {
			time.Sleep(time.Second)
			return refuse(w, 403, "WrongCredentials", "wrong credentials")
		}
		h.add("first", "fake", 1, nil)
		workers := bothKinds(t, h)
		workers[0].kind.(*images).Engines[0].(*fakeEngine).do = func(
			ctx context.Context, job engine.ImageJob, hooks engine.ImageHooks,
		) error {
			sleep(ctx, 10*time.Second)
			return paintAll(job, hooks)
		}

		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- RunAll(ctx, workers...) }()
		h.until(1)
		h.add("second", "fake", 1, nil)
		h.until(2)
		cancel()
		if err := <-done; !errors.Is(err, ErrRefused) {
			t.Errorf("error %v", err)
		}
		if diff := cmp.Diff(map[string]int{"first-0 ok": 1, "second-0 ok": 1}, h.delivered()); diff != "" {
			t.Error(diff)
		}
	})
}

func bothKinds(t *testing.T, h *fakeHorde) (workers []*Worker) {
	t.Helper()
	for _, k := range []struct {
		name string
		work Work
	}{
		{"dreamer", Images{Engines: []engine.ImageEngine{&fakeEngine{}}}},
		{"scribe", Texts{Engines: []engine.TextEngine{&fakeText{}}}},
	} {
		w, err := New(Config{Client: client.New("http://horde.localhost", "key", client.WithTransport(h)), Name: k.name,
			Work: k.work, Log: slog.New(slog.NewTextHandler(io.Discard, nil))})
		if err != nil {
			t.Fatal(err)
		}
		workers = append(workers, w)
	}
	return workers
}

// faulty is an engine that fails in every way that an engine can, at random.
type faulty struct {
	fakeText
	mu     sync.Mutex
	random *rand.Rand    // guarded by mu
	free   chan struct{} // closed when hung calls may return
}

func (e *faulty) draw(n int) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.random.IntN(n)
}

func (e *faulty) GenerateText(
	ctx context.Context, job engine.TextJob, hooks engine.TextHooks,
) (engine.TextResult, error) {
	switch e.draw(16) {
	case 0: // dies
		return engine.TextResult{}, errors.New("connection reset by peer")
	case 1:
		panic("the engine's fault")
	case 2: // hangs, but can be stopped
		<-ctx.Done()
		return engine.TextResult{}, ctx.Err()
	case 3: // too slow
		if !sleep(ctx, time.Hour) {
			return engine.TextResult{}, ctx.Err()
		}
	case 4: // gets on, but not in time
		for n := 1; sleep(ctx, 10*time.Second); n++ {
			hooks.Progress(engine.TextProgress{Tokens: n, Piece: "x"})
		}
		return engine.TextResult{}, ctx.Err()
	case 5: // garbage
		hooks.Progress(engine.TextProgress{Tokens: -1, Piece: "\xff\xfe"})
		return engine.TextResult{Text: "\xff\x00" + strings.Repeat("é", 1000), Stop: "\xff"}, nil
	case 6:
		return engine.TextResult{Text: strings.Repeat("x", maxText+1)}, nil
	case 7: // hangs for good
		if e.draw(4) == 0 {
			<-e.free
			return engine.TextResult{}, errors.New("much later")
		}
	}

	took := time.Duration(e.draw(20_000)) * time.Millisecond
	if !sleep(ctx, took) {
		return engine.TextResult{}, ctx.Err()
	}
	return engine.TextResult{Text: fmt.Sprint("text ", job.Seed)}, nil
}

// TestEveryTextIsDeliveredOrGivenBackInTime: 300 jobs, an engine that fails at random, a
// horde that fails at random, and a worker that ends when its engine hangs for good and
// is started again. Every job that was handed out is submitted or faulted within its time,
// and none twice.
func TestEveryTextIsDeliveredOrGivenBackInTime(t *testing.T) {
	const jobs, ttl = 300, 150 * time.Second
	for seed := range uint64(3) {
		t.Run(fmt.Sprint("seed ", seed), func(t *testing.T) {
			folder := t.TempDir()
			bubble(t, func(t *testing.T, h *fakeHorde) {
				var mu sync.Mutex
				handed, settled := map[string]time.Time{}, map[string]string{}
				unheard := map[string]bool{} // settled, but the answer was lost
				random := rand.New(rand.NewPCG(seed, 14))
				h.onHand = func(id string) { handed[id] = time.Now() }

				// Guarded by the horde's own lock. A submit may be lost on its way there, or its answer on the way back.
				h.onSubmit = func(_ int, s api.ImageSubmit, w http.ResponseWriter) bool {
					mu.Lock()
					defer mu.Unlock()
					lost := random.IntN(10)
					if lost == 0 {
						return page(w, 502)
					}
					if settled[s.ID] != "" {
						if !unheard[s.ID] {
							t.Errorf("%s was submitted twice", s.ID)
						}
						return refuse(w, 400, "DuplicateGen", "Processing Generation with ID "+s.ID+" already submitted.")
					}
					if took := time.Since(handed[s.ID]); handed[s.ID].IsZero() || took > ttl {
						t.Errorf("%s was %s after %v", s.ID, s.State, took)
					}
					if s.State == "ok" && (!utf8.ValidString(s.Generation) || len(s.Generation) > maxText) {
						t.Errorf("%s: garbage was delivered", s.ID)
					}
					settled[s.ID] = s.State
					unheard[s.ID] = lost == 1
					return lost == 1 && page(w, 504)
				}
				for n := range jobs {
					h.addText(fmt.Sprint("job-", n), nil)
				}
				restarts := runUntilSettled(t, h, seed, folder, func() bool {
					mu.Lock()
					defer mu.Unlock()
					return len(settled) == jobs
				})

				counts := map[string]int{}
				for _, state := range settled {
					counts[state]++
				}
				all := len(handed) == jobs && counts["ok"]+counts["faulted"] == jobs
				if !all || counts["ok"] < jobs/3 || counts["faulted"] == 0 {
					t.Errorf("of %d jobs %d were handed out and %v settled", jobs, len(handed), counts)
				}
				t.Logf("%v, %d restarts", counts, restarts)
			})
		})
	}
}

// runUntilSettled runs a worker, and another one wherever its engine hangs, until done
// says so.
func runUntilSettled(t *testing.T, h *fakeHorde, seed uint64, folder string, done func() bool) (restarts int) {
	t.Helper()
	for {
		e := &faulty{random: rand.New(rand.NewPCG(seed, uint64(restarts))), free: make(chan struct{})}
		e.can = engine.TextCapabilities{MaxContextLength: 2048, MaxLength: 512, Slots: 4}
		r := startScribe(t, h, e, func(c *Config) { c.Data = folder })
		for began := time.Now(); !done() && len(r.result) == 0; time.Sleep(time.Second) {
			if time.Since(began) > 48*time.Hour {
				t.Fatal("jobs are neither delivered nor given back")
			}
		}

		err := r.stop()
		close(e.free)
		switch {
		case err == nil:
			return restarts
		case !errors.Is(err, ErrHung):
			t.Fatal(err)
		}
		restarts++
	}
}

func TestScribesHaveMetricsOfTheirOwn(t *testing.T) {
	bubble(t, func(t *testing.T, h *fakeHorde) {
		h.addText("job", nil)
		r := startScribe(t, h, &fakeText{}, nil)
		h.until(1)
		r.stop()
		var text bytes.Buffer
		families, err := r.registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range families {
			fmt.Fprintln(&text, f.GetName())
		}
		for _, name := range []string{"horde_scribe_texts_total", "horde_scribe_pops_total", "horde_scribe_kudos_total",
			"horde_scribe_job_seconds", "horde_scribe_running_jobs"} {
			if !strings.Contains(text.String(), name+"\n") {
				t.Errorf("no %s in\n%s", name, text.String())
			}
		}
	})
}
