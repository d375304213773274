package main

import (
	"bytes"
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
// words in the prompt: "slow" finishes one picture and then waits to be
// cancelled, "refused", "given up", "lost", "base64", "foreign" (no event
// stream).
type fakeHorde struct {
	*httptest.Server

	mu     sync.Mutex
	log    []string // "POST /path body", for await and grep
	heard  *sync.Cond
	prompt string
	n      int
	checks int
	popped bool
}

func newFakeHorde() *fakeHorde {
	f := &fakeHorde{}
	f.heard = sync.NewCond(&f.mu)
	mux := http.NewServeMux()
	mux.HandleFunc("GET /api/v2/status/heartbeat", f.say(`{"message":"OK","version":"9.9.9"}`))
	mux.HandleFunc("GET /api/ext/v1/kudos/net", f.say(`{"name":"horde-1","accuracy":0.9933,"basis_seconds":6.45}`))
	mux.HandleFunc("POST /api/ext/v1/kudos/price", f.say(`{"type":"image","lines":[{"code":"network","text":"One\u001b[2J picture.","kudos":6.31},{"code":"n","text":"2 of them.","factor":2.0,"kudos":12.62},{"code":"acceptance","text":"For the queue.","add":3.0,"kudos":15.62}],"kudos":15.62,"charged":15.62,"exact":true,"notes":["Nothing is set aside."]}`))
	mux.HandleFunc("GET /api/v2/status/performance", f.say(`{"queued_requests":3,"worker_count":2,"thread_count":5,"queued_megapixelsteps":1.5}`))
	mux.HandleFunc("GET /api/v2/status/models", f.say(`[{"name":"rare\u001b[2J","count":0,"jobs":1.0,"eta":10000,"type":"image"},{"name":"new","count":1,"jobs":2.0,"eta":10000,"type":"image"},{"name":"horde_pocket","count":2,"jobs":4.0,"eta":75,"type":"image"}]`))
	mux.HandleFunc("GET /api/v2/find_user", f.user)
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
		f.mu.Unlock()
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

func answerError(w http.ResponseWriter, status int, e api.Error) {
	w.WriteHeader(status)
	json.NewEncoder(w).Encode(e)
}

func (f *fakeHorde) user(w http.ResponseWriter, r *http.Request) {
	switch r.Header.Get("apikey") {
	case "known":
		io.WriteString(w, `{"username":"fox#7","id":7,"kudos":1234.5,"trusted":true,"worker_count":1,"account_age":7200}`)
	default:
		answerError(w, 404, api.Error{RC: "UserNotFound", Message: "User not found"})
	}
}

func (f *fakeHorde) async(w http.ResponseWriter, r *http.Request) {
	var in api.ImageRequest
	json.NewDecoder(r.Body).Decode(&in)
	if strings.Contains(in.Prompt, "refused") {
		answerError(w, 400, api.Error{Message: "Input payload validation failed", Errors: map[string]string{"params.width": "500 is not a multiple of 64"}})
		return
	}
	f.mu.Lock()
	f.prompt, f.n = in.Prompt, *in.Params.N
	f.mu.Unlock()
	w.WriteHeader(http.StatusAccepted)
	io.WriteString(w, `{"id":"0b5e77aa-1111-2222-3333-444455556666","kudos":8.0}`)
}

// has tells whether the last prompt has a word in it.
func (f *fakeHorde) has(word string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Contains(f.prompt, word)
}

func (f *fakeHorde) state(finished int) api.ImageStatus {
	f.mu.Lock()
	prompt, n := f.prompt, f.n
	f.mu.Unlock()
	s := api.ImageStatus{Check: api.Check{Finished: finished, Waiting: n - finished, Done: finished >= n, IsPossible: true}, Generations: []api.Generation{}}
	if strings.Contains(prompt, "given up") {
		s.Faulted, s.Done = true, true
		finished = 0
	}
	for i := range finished {
		img := fmt.Sprintf("%s/blob/%d.webp", f.URL, i)
		switch {
		case strings.Contains(prompt, "base64"):
			img = base64.StdEncoding.EncodeToString(webp(64))
		case strings.Contains(prompt, "lost") && i == 0:
			img = "N/A"
		}
		s.Generations = append(s.Generations, api.Generation{Img: img, Seed: fmt.Sprint(40 + i), Model: "horde_pocket", WorkerName: "painter\x1b]0;x\a", State: "ok",
			GenMetadata: []api.GenMetadatum{{Type: "information", Value: "see_ref", Ref: "tiling is ignored"}}})
	}
	return s
}

func (f *fakeHorde) check(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.checks++
	n := f.checks
	f.mu.Unlock()
	s := f.state(0)
	if n > 1 {
		s = f.state(f.n)
	}
	json.NewEncoder(w).Encode(s.Check)
}

func (f *fakeHorde) status(w http.ResponseWriter, r *http.Request) {
	json.NewEncoder(w).Encode(f.state(f.n))
}

func (f *fakeHorde) cancel(w http.ResponseWriter, r *http.Request) {
	json.NewEncoder(w).Encode(f.state(1))
}

func (f *fakeHorde) events(w http.ResponseWriter, r *http.Request) {
	if f.has("foreign") {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	send := func(name string, v any) {
		b, _ := json.Marshal(v)
		fmt.Fprintf(w, "event: %s\ndata: %s\n\n", name, b)
		w.(http.Flusher).Flush()
	}
	first := f.state(0).Check
	first.QueuePosition, first.WaitTime = 3, 12
	send(api.EventStatus, first)
	for step := range 3 {
		p := api.JobProgress{Job: "j", WorkerName: "painter\x1b]0;x\a", Progress: api.Progress{Step: step + 1, Steps: 3, Preview: previewJPEG()}}
		send(api.EventProgress, p)
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

func picture(side int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, side, side))
	for i := range side * side {
		img.Set(i%side, i/side, color.NRGBA{R: uint8(i), G: 100, B: uint8(i / side), A: 255})
	}
	return img
}

func webp(side int) []byte {
	var b bytes.Buffer
	if err := imaging.EncodeWebP(&b, picture(side), 90); err != nil {
		panic(err)
	}
	return b.Bytes()
}

func previewJPEG() string {
	var b bytes.Buffer
	jpeg.Encode(&b, picture(16), nil)
	return base64.StdEncoding.EncodeToString(b.Bytes())
}
