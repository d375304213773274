package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"horde/api"
)

// fake is a horde of a few lines: it queues by model and knows what each call
// must look like.
type fake struct {
	*http.ServeMux
	mu      sync.Mutex
	waiting map[string][]string // model → request ids
	prompts map[string]string   // request → prompt
	job     map[string]string   // job → request
	done    map[string]string   // request → job
	gone    int                 // cancelled
	keys    map[string]bool

	twice bool // hand every job out twice
}

func newFake(t *testing.T) (*fake, *httptest.Server) {
	f := &fake{
		ServeMux: http.NewServeMux(), waiting: map[string][]string{}, prompts: map[string]string{},
		job: map[string]string{}, done: map[string]string{}, keys: map[string]bool{api.AnonymousKey: true},
	}
	f.HandleFunc("POST /api/v2/dev/test-user", f.testUser)
	f.HandleFunc("POST /api/v2/generate/async", f.async)
	f.HandleFunc("POST /api/v2/generate/pop", f.pop)
	f.HandleFunc("POST /api/v2/generate/submit", f.submit)
	f.HandleFunc("GET /api/v2/generate/check/{id}", func(w http.ResponseWriter, r *http.Request) { f.state(w, r, false) })
	f.HandleFunc("GET /api/v2/generate/status/{id}", func(w http.ResponseWriter, r *http.Request) { f.state(w, r, true) })

	f.HandleFunc("DELETE /api/v2/generate/status/{id}", func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.gone++
		f.mu.Unlock()
		f.state(w, r, true)
	})

	f.HandleFunc("GET /metrics", func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, "# TYPE x\nprocess_cpu_seconds_total %g\n", float64(ownCPU())/float64(time.Second))
	})
	srv := httptest.NewServer(f)
	t.Cleanup(srv.Close)
	return f, srv
}

func answer(w http.ResponseWriter, status int, v any) {
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(v)
}

func (f *fake) testUser(w http.ResponseWriter, r *http.Request) {
	var u api.TestUserRequest
	if err := json.NewDecoder(r.Body).Decode(&u); err != nil || u.Username == nil {
		answer(w, 400, api.Error{Message: "bad"})
		return
	}
	f.mu.Lock()
	f.keys[*u.Username] = true
	f.mu.Unlock()
	answer(w, 201, api.TestUser{APIKey: *u.Username})
}

func (f *fake) known(w http.ResponseWriter, r *http.Request) bool {
	if f.keys[r.Header.Get("apikey")] {
		return true
	}
	answer(w, 401, api.Error{Message: "no such key", RC: "InvalidAPIKey"})
	return false
}

func (f *fake) async(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var q api.ImageRequest
	if !f.known(w, r) {
		return
	}
	if err := json.NewDecoder(r.Body).Decode(&q); err != nil || *q.Params.Width != 64 || *q.Params.Steps != 4 {
		answer(w, 400, api.Error{Message: "bad", RC: "BadRequest"})
		return
	}

	id, m := uuid.NewString(), (*q.Models)[0]
	f.prompts[id] = q.Prompt
	f.waiting[m] = append(f.waiting[m], id)
	if f.twice {
		f.waiting[m] = append(f.waiting[m], id)
	}
	answer(w, 202, api.Accepted{ID: id, Kudos: 4})
}

func (f *fake) pop(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var p api.ImagePop
	if !f.known(w, r) || json.NewDecoder(r.Body).Decode(&p) != nil {
		return
	}

	m := p.Models[0]
	if len(f.waiting[m]) == 0 {
		answer(w, 200, api.ImageJob{IDs: []string{}, SourceProcessing: "img2img"})
		return
	}

	req := f.waiting[m][0]
	f.waiting[m] = f.waiting[m][1:]
	job := uuid.NewString()
	f.job[job] = req
	answer(w, 200, api.ImageJob{
		Payload: api.ImagePayload{Prompt: f.prompts[req], N: 1}, ID: &job, IDs: []string{job}, Model: &m,
	})
}

func (f *fake) submit(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var s api.ImageSubmit
	if !f.known(w, r) || json.NewDecoder(r.Body).Decode(&s) != nil {
		return
	}

	if s.Generation != "R2" || f.job[s.ID] == "" {
		answer(w, 404, api.Error{Message: "no such job", RC: "InvalidJobID"})
		return
	}

	f.done[f.job[s.ID]] = s.ID
	answer(w, 200, api.Submitted{Reward: 4.06})
}

func (f *fake) state(w http.ResponseWriter, r *http.Request, full bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	req := r.PathValue("id")
	if _, ok := f.prompts[req]; !ok {
		answer(w, 404, api.Error{Message: "no such request", RC: "RequestNotFound"})
		return
	}

	job, done := f.done[req]
	c := api.Check{Done: done, IsPossible: true}
	s := api.ImageStatus{Generations: []api.Generation{}}
	if done {
		c.Finished = 1
		s.Generations = append(s.Generations, api.Generation{
			Img: "http://x/y.webp", Seed: workSeed, ID: job, WorkerID: uuid.NewString(), Model: "stable_diffusion", State: "ok",
		})
	} else {
		c.Waiting = 1
	}

	s.Check = c
	if full {
		answer(w, 200, s)
	} else {
		answer(w, 200, c)
	}
}

func small(mode Mode, url string) Config {
	return Config{Mode: mode, URL: url, Clients: 4, Workers: 2, Users: 3, Duration: 300 * time.Millisecond}
}

func TestTheBenchPlaysWholeCycles(t *testing.T) {
	_, srv := newFake(t)
	rep, err := Run(context.Background(), small(Cycle, srv.URL))
	if err != nil {
		t.Fatal(err)
	}

	if rep.Failed != 0 || rep.Completed < 10 || len(rep.Calls) != 7 {
		t.Errorf("%+v", rep)
	}
	var out bytes.Buffer
	if err := rep.Write(&out); err != nil || !strings.Contains(out.String(), "whole cycle") {
		t.Errorf("%v\n%s", err, out.String())
	}
	if _, err := json.Marshal(rep); err != nil {
		t.Error(err)
	}
}

func TestEverybodyAsksWithTheAnonymousKey(t *testing.T) {
	_, srv := newFake(t)
	cfg := small(Cycle, srv.URL)
	cfg.Anonymous = true
	rep, err := Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if rep.Failed != 0 || rep.Completed < 10 || rep.Users != 1 {
		t.Errorf("%+v", rep)
	}
}

func TestRateIsKept(t *testing.T) {
	_, srv := newFake(t)
	cfg := small(Cycle, srv.URL)
	cfg.Rate, cfg.Duration, cfg.Warmup = 50, time.Second, 100*time.Millisecond
	rep, err := Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if rep.Failed != 0 || rep.Completed > 52 {
		t.Errorf("%+v", rep)
	}
}

// TestLateStartsAreNotTheServersTime: where no client is free the cycle is measured from
// when it was due, and its calls from when they are sent.
func TestLateStartsAreNotTheServersTime(t *testing.T) {
	_, srv := newFake(t)
	cfg := small(Cycle, srv.URL)
	cfg.Clients, cfg.Rate, cfg.Warmup = 1, 100_000, 0
	rep, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}

	cycle, known := rep.call("whole cycle")
	async, _ := rep.call("async")
	if !known || rep.LateStart < 10_000 || cycle.P99 < rep.LateStart/2 || async.P50 > rep.LateStart/2 {
		t.Errorf("starts are %v µs late, cycles take %v and asyncs %v", rep.LateStart, cycle.P99, async.P50)
	}
	if rep.OwnDelay <= 0 {
		t.Errorf("delay of the bench: %v", rep.OwnDelay)
	}
}

func TestPopsAreMeasuredBehindABacklog(t *testing.T) {
	f, srv := newFake(t)
	cfg := small(Pop, srv.URL)
	cfg.Backlog, cfg.Models = 60, 7
	rep, err := Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}

	if rep.Failed != 0 || rep.Completed == 0 || f.gone != 60 || len(f.waiting) != 8 {
		t.Errorf("%d cancelled, %d models: %+v", f.gone, len(f.waiting), rep)
	}
	if !strings.HasPrefix(rep.Calls[2].Call, "pop, nothing") {
		t.Errorf("calls: %+v", rep.Calls)
	}
}

func TestChecksAreMeasuredAlone(t *testing.T) {
	f, srv := newFake(t)
	rep, err := Run(context.Background(), small(Check, srv.URL))
	if err != nil {
		t.Fatal(err)
	}
	if rep.Failed != 0 || rep.Completed < 10 || len(rep.Calls) != 1 || f.gone != 4 {
		t.Errorf("%+v", rep)
	}
}

// A server that hands jobs out twice, or answers nonsense, must not pass.
func TestFaultsAreCounted(t *testing.T) {
	f, srv := newFake(t)
	f.twice = true
	cfg := small(Cycle, srv.URL)
	cfg.ServeTimeout = 200 * time.Millisecond
	rep, err := Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if rep.Errors["a job was handed out twice"] == 0 {
		t.Errorf("errors: %v", rep.Errors)
	}
}

func TestWhatCannotBeMeasuredIsRefused(t *testing.T) {
	none := httptest.NewServer(http.NotFoundHandler())
	defer none.Close()
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{URL: none.URL}, "HORDE_TEST_APIKEYS=1"},
		{Config{URL: "http://192.0.2.1:7001"}, "--i-own-this-server"},
		{Config{URL: "https://127.0.0.1"}, "plain http"},
		{Config{URL: "127.0.0.1:7001"}, "not an address"},
		{Config{URL: "http://127.0.0.1:1"}, "no horde answers"},
		{Config{URL: none.URL, Clients: maxClients + 1}, "at most"},
		{Config{URL: none.URL, Rate: -1}, "rate"},
		{Config{URL: none.URL, Model: "a\"b"}, "model name"},
	} {
		t.Run(c.want, func(t *testing.T) {
			if _, err := Run(context.Background(), c.cfg); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("%+v: %v, want %q", c.cfg, err, c.want)
			}
		})
	}
}

func TestAnInterruptEndsTheMeasurement(t *testing.T) {
	_, srv := newFake(t)
	cfg := small(Cycle, srv.URL)
	cfg.Duration = time.Hour
	ctx, cancel := context.WithCancel(context.Background())
	progress := new(firstWrite)

	cfg.Progress = progress
	progress.then = func(line string) {
		if strings.Contains(line, "/s") {
			cancel()
		}
	}

	rep, err := Run(ctx, cfg)
	if err != nil || rep.Completed == 0 || rep.Seconds > 60 {
		t.Errorf("%v %+v", err, rep)
	}
}

type firstWrite struct{ then func(string) }

func (f *firstWrite) Write(b []byte) (int, error) {
	f.then(string(b))
	return len(b), nil
}

// A client that waited for its turn is measured from when it woke; one that
// comes late from when it should have begun.
func TestAClientIsMeasuredFromItsTurn(t *testing.T) {
	r := &run{cfg: Config{Rate: 100}, rec: newRecorder(0, time.Hour)}
	if due, ok := r.turn(context.Background()); !ok || due != 0 {
		t.Errorf("the first start is due at %v", due)
	}
	before := r.rec.now()
	due, ok := r.turn(context.Background())
	if now := r.rec.now(); !ok || due < 10*time.Millisecond || due < before || due > now {
		t.Errorf("due %v, between %v and %v", due, before, now)
	}
	r.rec.start = r.rec.start.Add(-time.Second) // a stall
	if due, ok := r.turn(context.Background()); !ok || due != 20*time.Millisecond {
		t.Errorf("late: due %v", due)
	}
	r.rec.to.Store(int64(25 * time.Millisecond))
	if _, ok := r.turn(context.Background()); ok {
		t.Error("a start after the end")
	}
}
