package cli

import (
	"bytes"
	"cmp"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	"image/color"
	"image/jpeg"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"sync"
	"time"

	"horde/api"
	"horde/internal/imaging"
)

// fakeHorde is a server for scripts. What it does with a request depends on
// words in the prompt: "slow" finishes one image and then waits to be cancelled,
// "in hand" likewise, but a worker has the second one, which comes by deliver
// after the cancel; "refused", "poor", "given up", "lost", "base64", "stranded" (no
// worker can serve it), "outage" (the stream breaks, and is not to be had at
// once), "foreign" (no event stream), "limited" (the first look after a cancel is
// refused), "flaky" (so is the first download).
type fakeHorde struct {
	*httptest.Server

	mu     sync.Mutex
	log    []string // "POST /path body", for await and grep
	heard  *sync.Cond
	prompt string
	n      int
	checks int
	popped bool

	models    string // that are served, as JSON; "": three
	streams   int    // of events, so far
	cancelled bool

	refuseCancel bool
	limited      bool          // once
	flaky        bool          // once
	delivered    chan struct{} // closed by deliver
}

func newFakeHorde() *fakeHorde {
	f := &fakeHorde{delivered: make(chan struct{})}
	f.heard = sync.NewCond(&f.mu)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v2/status/heartbeat", f.say(`{"message":"OK","version":"9.9.9"}`))
	mux.HandleFunc("GET /api/ext/v1/kudos/net", f.say(`{"name":"horde-1","accuracy":0.9933,"basis_seconds":6.45}`))
	mux.HandleFunc("POST /api/ext/v1/kudos/price", f.price)
	mux.HandleFunc("GET /api/v2/status/performance",
		f.say(`{"queued_requests":3,"worker_count":2,"thread_count":5,"queued_megapixelsteps":1.5}`))
	mux.HandleFunc("GET /api/v2/status/models", f.listModels)
	mux.HandleFunc("GET /api/v2/workers",
		f.say(`[{"type":"interrogation","name":"a","online":true,"forms":["caption","GFPGAN"]},{"type":"interrogation","name":"b","online":false,"forms":["nsfw"]}]`))
	mux.HandleFunc("GET /api/v2/find_user", f.user)
	mux.HandleFunc("POST /api/ext/v1/users/{user_id}/key", func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(http.StatusCreated)
		fmt.Fprintf(w, `{"api_key":"the new key of %s"}`, r.PathValue("user_id"))
	})
	mux.HandleFunc("DELETE /api/ext/v1/users/{user_id}/key", f.say(`{"message":"OK"}`))
	mux.HandleFunc("POST /api/v2/generate/async", f.async)
	mux.HandleFunc("GET /api/v2/generate/check/{id}", f.check)
	mux.HandleFunc("GET /api/v2/generate/status/{id}", f.status)
	mux.HandleFunc("DELETE /api/v2/generate/status/{id}", f.cancel)
	mux.HandleFunc("GET /api/ext/v1/requests/{id}/events", f.events)
	mux.HandleFunc("GET /blob/{name}", func(w http.ResponseWriter, r *http.Request) { w.Write(webp(64)) })
	mux.HandleFunc("PUT /blob/{name}", func(w http.ResponseWriter, r *http.Request) {})
	mux.HandleFunc("POST /api/v2/generate/pop", f.pop)
	mux.HandleFunc("POST /api/v2/generate/submit", f.say(`{"reward":5.0}`))
	mux.HandleFunc("POST /api/v2/generate/text/async", f.textAsync)
	mux.HandleFunc("GET /api/v2/generate/text/status/{id}", f.textStatus)
	mux.HandleFunc("DELETE /api/v2/generate/text/status/{id}", f.textStatus)
	f.alchemy(mux)

	f.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		f.mu.Lock()
		if len(body) > 2000 {
			body = body[:2000]
		}
		f.log = append(f.log, fmt.Sprintf("%s %s %s", r.Method, r.URL.Path, body))
		f.heard.Broadcast()
		refused := f.refuseCancel && r.Method == http.MethodDelete
		look := r.Method == http.MethodGet &&
			(strings.Contains(r.URL.Path, "/generate/check/") || strings.Contains(r.URL.Path, "/text/status/"))
		limited := look && f.cancelled && !f.limited && strings.Contains(f.prompt, "limited")
		f.limited = f.limited || limited
		flaky := r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/blob/") && !f.flaky &&
			strings.Contains(f.prompt, "flaky")
		f.flaky = f.flaky || flaky
		f.mu.Unlock()

		if limited {
			w.Header().Set("Retry-After", "60")
			answerError(w, http.StatusTooManyRequests, api.Error{Message: "10 per 1 second"})
			return
		}

		if flaky {
			http.Error(w, "not yet", http.StatusNotFound)
			return
		}

		if refused {
			answerError(w, 403, api.Error{RC: "Forbidden", Message: "no"})
			return
		}

		mux.ServeHTTP(w, r)
	}))

	return f
}

// await waits until a logged call matches, or a minute is over.
func (f *fakeHorde) await(pattern string) error {
	re, err := regexp.Compile(pattern)
	if err != nil {
		return err
	}

	over := false
	time.AfterFunc(time.Minute, func() {
		f.mu.Lock()
		over = true
		f.heard.Broadcast()
		f.mu.Unlock()
	})

	f.mu.Lock()
	defer f.mu.Unlock()
	for !over {
		for _, line := range f.log {
			if re.MatchString(line) {
				return nil
			}
		}
		f.heard.Wait()
	}
	return fmt.Errorf("nothing like %q was called; there was\n%s", pattern, strings.Join(f.log, "\n"))
}

func (f *fakeHorde) say(body string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, body) }
}

// deliver lets the worker of an "in hand" request deliver.
func (f *fakeHorde) deliver() { close(f.delivered) }

// inHand is how many jobs a worker has.
func (f *fakeHorde) inHand() int {
	select {
	case <-f.delivered:
		return 0
	default:
	}
	if f.has("in hand") {
		return 1
	}
	return 0
}

const threeModels = `[{"name":"rare\u001b[2J","count":0,"jobs":1.0,"eta":10000,"type":"image"},{"name":"new","count":1,"jobs":2.0,"eta":10000,"type":"image"},{"name":"horde_pocket","count":2,"jobs":4.0,"eta":75,"type":"image"}]`

func (f *fakeHorde) listModels(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	list := cmp.Or(f.models, threeModels)
	f.mu.Unlock()
	if r.URL.Query().Get("type") == "text" {
		list = "[]"
	}
	io.WriteString(w, list)
}

// price answers by words in the prompt: "foreign" has no such route, "rough" is an
// estimate for less than the most, "capped" one for more.
func (f *fakeHorde) price(w http.ResponseWriter, r *http.Request) {
	var in struct{ Prompt string }
	json.NewDecoder(r.Body).Decode(&in)

	p := api.Price{Kudos: 15.62, Charged: 15.62, Exact: true, Notes: []string{"Nothing is set aside."}}
	switch {
	case strings.Contains(in.Prompt, "foreign"):
		http.NotFound(w, r)
		return
	case strings.Contains(in.Prompt, "rough"):
		p.Kudos, p.Exact = 10, false
	case strings.Contains(in.Prompt, "capped"):
		p.Kudos, p.Exact = 37, false
	}

	two, three := api.Float(2), api.Float(3)
	p.Lines = []api.PriceLine{
		{Code: "network", Text: "One\x1b[2J image.", Kudos: 6.31},
		{Code: "n", Text: "2 of them.", Factor: &two, Kudos: 12.62},
		{Code: "acceptance", Text: "For the queue.", Add: &three, Kudos: 15.62},
		{Code: "slow_workers", Text: "Only fast workers (slow_workers is false).", Kudos: 15.62},
	}

	json.NewEncoder(w).Encode(p)
}

func answerError(w http.ResponseWriter, status int, e api.Error) {
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(e)
}

func (f *fakeHorde) user(w http.ResponseWriter, r *http.Request) {
	switch r.Header.Get("apikey") {
	case "known":
		io.WriteString(w, `{"username":"fox#7","id":7,"kudos":1234.5,"trusted":true,"worker_count":1,"account_age":7200,"records":{"request":{"image":3}}}`)
	default:
		answerError(w, 404, api.Error{RC: "UserNotFound", Message: "User not found"})
	}
}

func (f *fakeHorde) async(w http.ResponseWriter, r *http.Request) {
	var in api.ImageRequest
	json.NewDecoder(r.Body).Decode(&in)
	if strings.Contains(in.Prompt, "refused") {
		answerError(w, 400, api.Error{
			Message: "Input payload validation failed",
			Errors:  map[string]string{"params.width": "500 is not a multiple of 64"},
		})
		return
	}

	if strings.Contains(in.Prompt, "poor") {
		answerError(w, 403, api.Error{
			RC: "KudosUpfront",
			Message: "Requests without slow_workers need their kudos upfront. " +
				"Ask for less than 9 params.steps, set allow_downgrade, or fix hires_fix.",
		})
		return
	}

	if in.DryRun != nil {
		io.WriteString(w, `{"kudos":45.0}`)
		return
	}

	f.mu.Lock()
	f.prompt, f.n = in.Prompt, *in.Params.N
	f.mu.Unlock()
	w.WriteHeader(http.StatusAccepted)
	io.WriteString(w, `{"id":"0b5e77aa-1111-2222-3333-444455556666","kudos":8.0}`)
}

// has reports whether the last prompt has a word in it.
func (f *fakeHorde) has(word string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Contains(f.prompt, word)
}

func (f *fakeHorde) state(finished int) api.ImageStatus {
	inHand := f.inHand()
	f.mu.Lock()
	prompt, n, cancelled := f.prompt, f.n, f.cancelled
	f.mu.Unlock()
	s := api.ImageStatus{
		Check:       api.Check{Finished: finished, Waiting: n - finished, Done: finished >= n, IsPossible: true},
		Generations: []api.Generation{},
	}
	if strings.Contains(prompt, "in hand") {
		s.Processing, s.Waiting = inHand, n-finished-inHand
	}
	s.IsPossible = !strings.Contains(prompt, "stranded")
	if cancelled {
		s.Waiting, s.Done = 0, s.Processing == 0
	}

	if strings.Contains(prompt, "given up") {
		s.Faulted, s.Done, s.Restarted = true, true, 1
		finished = 0
	}

	for i := range finished {
		g := api.Generation{
			ID:          fmt.Sprintf("g%d", i),
			Img:         fmt.Sprintf("%s/blob/%d.webp", f.URL, i),
			Seed:        fmt.Sprint(40 + i),
			Model:       "horde_pocket",
			WorkerName:  "painter\x1b]0;x\a",
			State:       "ok",
			GenMetadata: []api.GenMetadatum{{Type: "information", Value: "see_ref", Ref: "tiling is ignored"}},
		}
		switch {
		case strings.Contains(prompt, "base64"):
			g.ID, g.Img = "", base64.StdEncoding.EncodeToString(webp(64))
		case strings.Contains(prompt, "lost") && i == 0:
			g.Img = "N/A"
		}
		s.Generations = append(s.Generations, g)
	}

	return s
}

// ready is how many images are finished in the end.
func (f *fakeHorde) ready() int {
	f.mu.Lock()
	n, prompt, cancelled := f.n, f.prompt, f.cancelled
	f.mu.Unlock()

	switch {
	case strings.Contains(prompt, "in hand"):
		return n - f.inHand()
	case cancelled && strings.Contains(prompt, "slow"):
		return 1
	}
	return n
}

func (f *fakeHorde) check(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.checks++
	n := f.checks
	cancelled := f.cancelled
	f.mu.Unlock()
	s := f.state(0)
	if n > 1 || cancelled {
		s = f.state(f.ready())
	}
	json.NewEncoder(w).Encode(s.Check)
}

func (f *fakeHorde) status(w http.ResponseWriter, r *http.Request) {
	json.NewEncoder(w).Encode(f.state(f.ready()))
}

// cancel answers with the status from before.
func (f *fakeHorde) cancel(w http.ResponseWriter, r *http.Request) {
	json.NewEncoder(w).Encode(f.state(1))
	f.mu.Lock()
	f.cancelled = true
	f.mu.Unlock()
}

func (f *fakeHorde) events(w http.ResponseWriter, r *http.Request) {
	if f.has("foreign") {
		http.NotFound(w, r)
		return
	}
	f.mu.Lock()
	f.streams++
	stream := f.streams
	f.mu.Unlock()
	if f.has("outage") && stream == 2 { // a proxy, while the horde is away
		http.Error(w, "try later", http.StatusBadGateway)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	send := func(name string, v any) {
		b, _ := json.Marshal(v)
		fmt.Fprintf(w, "event: %s\ndata: %s\n\n", name, b)
		w.(http.Flusher).Flush()
	}
	if f.has("in hand") {
		send(api.EventStatus, f.state(1).Check)
		select {
		case <-f.delivered:
			send(api.EventEnd, f.state(f.ready()))
		case <-r.Context().Done():
		}
		return
	}

	first := f.state(0).Check
	first.QueuePosition, first.WaitTime = 3, 12
	send(api.EventStatus, first)
	for step := range 3 {
		p := api.JobProgress{
			Job:        "j",
			WorkerName: "painter\x1b]0;x\a",
			Progress:   api.Progress{Step: step + 1, Steps: 3, Preview: previewJPEG()},
		}
		p.StepSeconds, p.Elapsed = 30, float64(30*(step+1))
		send(api.EventProgress, p)
	}
	if f.has("outage") && stream == 1 { // breaks in the middle of a job
		return
	}
	if f.has("slow") {
		send(api.EventStatus, f.state(1).Check)
		<-r.Context().Done()
		return
	}
	send(api.EventEnd, f.state(f.n))
}

// pop hands out one job, and then nothing.
func (f *fakeHorde) pop(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("apikey") == "wrong" {
		answerError(w, 401, api.Error{RC: "InvalidAPIKey", Message: "No user matching sent API Key."})
		return
	}

	f.mu.Lock()
	first := !f.popped
	f.popped = true
	f.mu.Unlock()

	if !first {
		select {
		case <-r.Context().Done():
		case <-time.After(20 * time.Second):
		}
		io.WriteString(w, `{"id":null,"ids":[],"payload":{},"skipped":{}}`)
		return
	}

	fmt.Fprintf(w, `{"id":"job-a","ids":["job-a"],"model":"horde_sketch","ttl":150,"skipped":{},"source_processing":"img2img",
		"payload":{"prompt":"a fox","ddim_steps":4,"n_iter":1,"width":64,"height":64,"sampler_name":"k_euler","cfg_scale":7.5,"seed":"42"},
		"r2_upload":%[1]q,"r2_uploads":[%[1]q]}`, f.URL+"/blob/job-a.webp")
}

func gradient(side int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, side, side))
	for i := range side * side {
		img.Set(i%side, i/side, color.NRGBA{R: uint8(i), G: 100, B: uint8(i / side), A: 255})
	}
	return img
}

func webp(side int) []byte {
	var b bytes.Buffer
	if err := imaging.EncodeWebP(context.Background(), &b, gradient(side), 90); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func previewJPEG() string {
	var b bytes.Buffer
	jpeg.Encode(&b, gradient(16), nil)
	return base64.StdEncoding.EncodeToString(b.Bytes())
}
