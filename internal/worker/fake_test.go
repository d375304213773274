package worker

import (
	"context"
	"encoding/json"
	"fmt"
	"image"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"horde/api"
	"horde/client"
	"horde/engine"
)

// fakeHorde is the server's side of the contract, in memory, so that time in a
// synctest bubble can pass.
type fakeHorde struct {
	t *testing.T

	mu       sync.Mutex
	jobs     []*api.ImageJob
	texts    []*api.TextJob
	uploads  map[string][]byte // by path
	submits  []api.ImageSubmit // of texts too: the bodies are alike
	times    []time.Time       // of submits
	progress []api.Progress
	pops     []time.Time
	offers   []api.ImagePop
	says     []api.TextPop // offers of Scribes

	// What goes wrong; nil functions let everything pass. They write an answer
	// and return true, or return false.
	onPop      func(n int, w http.ResponseWriter) bool
	onPopText  func(w http.ResponseWriter) bool // as onPop, of texts alone
	onHand     func(id string)                  // a text is handed out
	onUpload   func(n int, w http.ResponseWriter) bool
	onSubmit   func(n int, s api.ImageSubmit, w http.ResponseWriter) bool
	onProgress func(n int, w http.ResponseWriter) bool
	nUploads   int
	nProgress  int
	more       chan struct{} // a job was added
}

func newFake(t *testing.T) *fakeHorde {
	return &fakeHorde{t: t, uploads: map[string][]byte{}, more: make(chan struct{}, 1000)}
}

// RoundTrip answers a request without a network.
func (f *fakeHorde) RoundTrip(r *http.Request) (*http.Response, error) {
	rec := httptest.NewRecorder()
	if r.Body == nil {
		r.Body = http.NoBody
	}
	f.handle(rec, r)
	if err := r.Context().Err(); err != nil {
		return nil, err
	}

	resp := rec.Result()
	resp.Request = r
	return resp, nil
}

func (f *fakeHorde) handle(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	path := r.URL.Path
	switch {
	case path == "/api/v2/generate/pop":
		f.pop(w, r, body)
	case path == "/api/v2/generate/text/pop":
		f.popText(w, r, body)
	case path == "/api/v2/generate/submit", path == "/api/v2/generate/text/submit":
		f.submit(w, body)
	case strings.HasPrefix(path, "/api/ext/v1/jobs/"):
		f.report(w, body)
	case r.Method == http.MethodPut:
		f.upload(w, r, body)

	case strings.HasPrefix(path, "/blob/"):
		f.mu.Lock()
		defer f.mu.Unlock()
		if b, ok := f.uploads[path]; ok {
			w.Write(b)
			return
		}
		http.Error(w, "gone", http.StatusNotFound)

	default:
		f.t.Errorf("unexpected %s %s", r.Method, path)
		http.NotFound(w, r)
	}
}

func (f *fakeHorde) pop(w http.ResponseWriter, r *http.Request, body []byte) {
	var offer api.ImagePop
	if err := json.Unmarshal(body, &offer); err != nil {
		f.t.Error(err)
	}

	f.mu.Lock()
	f.pops = append(f.pops, time.Now())
	f.offers = append(f.offers, offer)
	n := len(f.pops)
	f.mu.Unlock()
	if f.onPop != nil && f.onPop(n, w) {
		return
	}
	f.hand(w, r, func() any {
		if len(f.jobs) == 0 {
			return nil
		}
		job := f.jobs[0]
		f.jobs = f.jobs[1:]
		return job
	})
}

// popText is pop for texts.
func (f *fakeHorde) popText(w http.ResponseWriter, r *http.Request, body []byte) {
	var offer api.TextPop
	if err := json.Unmarshal(body, &offer); err != nil {
		f.t.Error(err)
	}

	f.mu.Lock()
	f.pops = append(f.pops, time.Now())
	f.says = append(f.says, offer)
	n := len(f.pops)
	f.mu.Unlock()
	if f.onPop != nil && f.onPop(n, w) {
		return
	}
	if f.onPopText != nil && f.onPopText(w) {
		return
	}
	f.hand(w, r, func() any {
		if len(f.texts) == 0 {
			return nil
		}
		job := f.texts[0]
		f.texts = f.texts[1:]
		if f.onHand != nil {
			f.onHand(*job.ID)
		}
		return job
	})
}

// hand answers a pop with the next job, for which it waits as long as the pop says.
func (f *fakeHorde) hand(w http.ResponseWriter, r *http.Request, next func() any) {
	var wait int
	fmt.Sscanf(r.Header.Get("Prefer"), "wait=%d", &wait)
	over := time.NewTimer(time.Duration(wait) * time.Second)
	defer over.Stop()

	for {
		f.mu.Lock()
		job := next()
		f.mu.Unlock()
		if job != nil {
			json.NewEncoder(w).Encode(job)
			return
		}

		select {
		case <-f.more:
		case <-over.C:
			io.WriteString(w, `{"id":null,"ids":[],"payload":{},"skipped":{"models":1,"nsfw":0}}`)
			return
		case <-r.Context().Done():
			return
		}
	}
}

func (f *fakeHorde) submit(w http.ResponseWriter, body []byte) {
	var s api.ImageSubmit
	if err := json.Unmarshal(body, &s); err != nil {
		f.t.Error(err)
	}

	f.mu.Lock()
	defer f.mu.Unlock()
	f.submits = append(f.submits, s)
	f.times = append(f.times, time.Now())
	if f.onSubmit != nil && f.onSubmit(len(f.submits), s, w) {
		return
	}
	reward := api.Float(5)
	if s.State == "faulted" {
		reward = 0
	}
	json.NewEncoder(w).Encode(api.Submitted{Reward: reward})
}

func (f *fakeHorde) report(w http.ResponseWriter, body []byte) {
	var p api.Progress
	if err := json.Unmarshal(body, &p); err != nil {
		f.t.Error(err)
	}

	f.mu.Lock()
	f.progress = append(f.progress, p)
	f.nProgress++
	n := f.nProgress
	f.mu.Unlock() // time in the bubble stands while somebody waits for a mutex
	if f.onProgress != nil && f.onProgress(n, w) {
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

func (f *fakeHorde) upload(w http.ResponseWriter, r *http.Request, body []byte) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.nUploads++
	if _, has := r.Header["Content-Type"]; has || r.Header.Get("apikey") != "" {
		f.t.Errorf("an upload with Content-Type %q, apikey %q", r.Header.Get("Content-Type"), r.Header.Get("apikey"))
	}
	if f.onUpload != nil && f.onUpload(f.nUploads, w) {
		return
	}
	f.uploads[r.URL.Path] = body
}

// add queues a job of n images with ids name-0, name-1, …
func (f *fakeHorde) add(name, model string, n int, change func(*api.ImageJob)) {
	ttl := 150
	job := &api.ImageJob{
		Model: &model, TTL: &ttl, SourceProcessing: "img2img", Skipped: map[string]int{},
		Payload: api.ImagePayload{
			Prompt:      "a fox",
			Steps:       4,
			N:           n,
			Width:       64,
			Height:      64,
			SamplerName: "k_euler",
			CfgScale:    7,
			Seed:        "42",
		},
	}
	for i := range n {
		id := fmt.Sprintf("%s-%d", name, i)
		job.IDs = append(job.IDs, id)
		job.R2Uploads = append(job.R2Uploads, "http://horde.localhost/blob/"+id)
	}

	job.ID, job.R2Upload = &job.IDs[0], &job.R2Uploads[0]
	if change != nil {
		change(job)
	}
	f.mu.Lock()
	f.jobs = append(f.jobs, job)
	f.mu.Unlock()
	f.more <- struct{}{}
}

// addText queues a text.
func (f *fakeHorde) addText(id string, change func(*api.TextJob)) {
	ttl, model := 150, textModel
	job := &api.TextJob{ID: &id, IDs: []string{id}, Model: &model, TTL: &ttl, Skipped: map[string]int{}}
	job.Payload = api.TextPayload{Prompt: "Once upon a time", N: 1, MaxContextLength: 1024, MaxLength: 80}
	if change != nil {
		change(job)
	}
	f.mu.Lock()
	f.texts = append(f.texts, job)
	f.mu.Unlock()
	f.more <- struct{}{}
}

// delivered counts submits by id and state.
func (f *fakeHorde) delivered() map[string]int {
	f.mu.Lock()
	defer f.mu.Unlock()
	out := map[string]int{}
	for _, s := range f.submits {
		out[s.ID+" "+s.State]++
	}
	return out
}

// until waits, in the bubble's time, until the horde has n submits.
func (f *fakeHorde) until(n int) {
	f.t.Helper()
	for range 100_000 {
		f.mu.Lock()
		have := len(f.submits)
		f.mu.Unlock()
		if have >= n {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}

	f.t.Fatalf("no %d submits within an hour and more", n)
}

// refuse writes a JSON error.
func refuse(w http.ResponseWriter, status int, rc, message string) bool {
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(api.Error{RC: rc, Message: message})
	return true
}

// page writes what a proxy writes.
func page(w http.ResponseWriter, status int) bool {
	w.Header().Set("Content-Type", "text/html")
	w.WriteHeader(status)
	io.WriteString(w, "<html>try later</html>")
	return true
}

// fakeEngine generates by a function; nil generates at once.
type fakeEngine struct {
	do func(ctx context.Context, job engine.ImageJob, h engine.ImageHooks) error

	mu   sync.Mutex
	jobs []engine.ImageJob
}

func (e *fakeEngine) Name() string     { return "fake" }
func (e *fakeEngine) Models() []string { return []string{"fake"} }
func (e *fakeEngine) Close() error     { return nil }

func (e *fakeEngine) Probe(context.Context) error { return nil }
func (e *fakeEngine) Capabilities() engine.ImageCapabilities {
	return engine.ImageCapabilities{MaxPixels: 1024 * 1024, Img2Img: true, MaxBatch: 4}
}

func (e *fakeEngine) Generate(ctx context.Context, job engine.ImageJob, h engine.ImageHooks) error {
	e.mu.Lock()
	e.jobs = append(e.jobs, job)
	e.mu.Unlock()
	if e.do != nil {
		return e.do(ctx, job, h)
	}
	return paintAll(job, h)
}

func paintAll(job engine.ImageJob, h engine.ImageHooks) error {
	for i := range job.Payload.N {
		h.Progress(i, engine.ImageProgress{Step: 1, Steps: 1})
		img := image.NewNRGBA(image.Rect(0, 0, job.Payload.Width, job.Payload.Height))
		if err := h.Result(i, engine.ImageResult{Image: img, Seed: job.Seed + uint64(i)}); err != nil {
			return err
		}
	}
	return nil
}

// run starts a worker; stop drains it and gives Run's error.
type running struct {
	*Worker
	registry *prometheus.Registry
	drain    context.CancelFunc
	result   chan error
}

func start(t *testing.T, f *fakeHorde, e engine.ImageEngine, change func(*Config)) *running {
	t.Helper()
	return startWork(t, f, Images{Engines: []engine.ImageEngine{e}}, change)
}

// startWork runs a worker of any kind.
func startWork(t *testing.T, f *fakeHorde, work Work, change func(*Config)) *running {
	t.Helper()
	r := &running{registry: prometheus.NewRegistry(), result: make(chan error, 1)}
	cfg := Config{
		Client: client.New("http://horde.localhost", "key", client.WithTransport(f)),
		Name:   "dreamer", Work: work, NSFW: true,
		Log: slog.New(slog.NewTextHandler(io.Discard, nil)), Registerer: r.registry,
	}

	if change != nil {
		change(&cfg)
	}
	var err error
	if r.Worker, err = New(cfg); err != nil {
		t.Fatal(err)
	}

	ctx, cancel := context.WithCancel(t.Context())
	r.drain = cancel
	go func() { r.result <- r.Run(ctx) }()
	return r
}

func (r *running) stop() error {
	r.drain()
	return <-r.result
}

// faults reads the counter of a reason.
func (r *running) faults(reason string) int {
	families, _ := r.registry.Gather()
	for _, f := range families {
		if !strings.HasSuffix(f.GetName(), "_faults_total") {
			continue
		}
		for _, m := range f.GetMetric() {
			if m.GetLabel()[0].GetValue() == reason {
				return int(m.GetCounter().GetValue())
			}
		}
	}
	return 0
}

// textModel is the model of fakeText.
const textModel = "fake/words"

// fakeText generates text by a function; nil writes at once.
type fakeText struct {
	do    func(ctx context.Context, job engine.TextJob, h engine.TextHooks) (engine.TextResult, error)
	can   engine.TextCapabilities         // the zero value: enough
	probe func(ctx context.Context) error // nil: it can work
	slots func() int                      // nil: as can says

	mu   sync.Mutex
	jobs []engine.TextJob
}

func (e *fakeText) Name() string     { return "fake" }
func (e *fakeText) Models() []string { return []string{textModel} }
func (e *fakeText) Close() error     { return nil }

func (e *fakeText) Probe(ctx context.Context) error {
	if e.probe == nil {
		return nil
	}
	return e.probe(ctx)
}

func (e *fakeText) TextCapabilities() engine.TextCapabilities {
	if e.can == (engine.TextCapabilities{}) {
		return engine.TextCapabilities{MaxContextLength: 4096, MaxLength: 1024, Slots: 1, Speed: 100}
	}
	can := e.can
	if e.slots != nil {
		can.Slots = e.slots()
	}
	return can
}

func (e *fakeText) GenerateText(
	ctx context.Context, job engine.TextJob, h engine.TextHooks,
) (engine.TextResult, error) {
	e.mu.Lock()
	e.jobs = append(e.jobs, job)
	e.mu.Unlock()
	if e.do != nil {
		return e.do(ctx, job, h)
	}
	return engine.TextResult{Text: " there was a fox."}, nil
}
