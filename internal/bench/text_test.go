package bench

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"github.com/google/uuid"

	"horde/api"
)

// withTexts gives a fake the routes of textWork.
func (f *fake) withTexts() {
	f.HandleFunc("POST /api/v2/generate/text/async", f.textAsync)
	f.HandleFunc("POST /api/v2/generate/text/pop", f.textPop)
	f.HandleFunc("POST /api/v2/generate/text/submit", f.textSubmit)
	f.HandleFunc("GET /api/v2/generate/text/status/{id}", f.textStatus)

	f.HandleFunc("DELETE /api/v2/generate/text/status/{id}", func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		f.gone++
		f.mu.Unlock()
		f.textStatus(w, r)
	})
}

func (f *fake) textAsync(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var q api.TextRequest
	if !f.known(w, r) || json.NewDecoder(r.Body).Decode(&q) != nil {
		return
	}
	id, m := uuid.NewString(), q.Models[0]
	f.prompts[id] = q.Prompt
	f.waiting[m] = append(f.waiting[m], id)
	answer(w, 202, api.Accepted{ID: id})
}

func (f *fake) textPop(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var p api.TextPop
	if !f.known(w, r) || json.NewDecoder(r.Body).Decode(&p) != nil {
		return
	}

	m := p.Models[0]
	if len(f.waiting[m]) == 0 {
		answer(w, 200, api.TextJob{IDs: []string{}})
		return
	}

	req := f.waiting[m][0]
	f.waiting[m] = f.waiting[m][1:]
	job := uuid.NewString()
	f.job[job] = req
	answer(w, 200, api.TextJob{
		Payload: api.TextPayload{Prompt: f.prompts[req], N: 1},
		ID:      &job,
		IDs:     []string{job},
		Model:   &m,
	})
}

func (f *fake) textSubmit(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	var s api.TextSubmit
	if !f.known(w, r) || json.NewDecoder(r.Body).Decode(&s) != nil || f.job[s.ID] == "" {
		return
	}
	f.done[f.job[s.ID]] = s.Generation
	answer(w, 200, api.Submitted{Reward: 0.5})
}

func (f *fake) textStatus(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	defer f.mu.Unlock()
	text, done := f.done[r.PathValue("id")]

	s := api.TextStatus{Generations: []api.TextGeneration{}, Check: api.Check{Waiting: 1}}
	if done {
		if f.twice { // a fault of another kind
			text = "something else"
		}
		s.Check = api.Check{Finished: 1, Done: true}
		s.Generations = append(s.Generations,
			api.TextGeneration{Text: text, Seed: 123456789, WorkerID: uuid.NewString(), Model: textWork.model, State: "ok"})
	}

	answer(w, 200, s)
}

func TestTheBenchPlaysTexts(t *testing.T) {
	f, srv := newFake(t)
	f.withTexts()
	cfg := small(Cycle, srv.URL)
	cfg.Text = true
	rep, err := Run(context.Background(), cfg)
	if err != nil {
		t.Fatal(err)
	}

	if rep.Failed != 0 || rep.Completed < 10 || len(rep.Calls) != 6 || rep.Model != textWork.model {
		t.Errorf("%+v", rep)
	}
	cfg.Mode, cfg.Backlog, cfg.Models = Pop, 30, 5
	if rep, err = Run(context.Background(), cfg); err != nil || rep.Failed != 0 || rep.Completed == 0 || f.gone != 30 {
		t.Errorf("behind a backlog: %v, %d cancelled, %+v", err, f.gone, rep)
	}

	f.twice, cfg.Mode = true, Cycle
	if rep, err = Run(context.Background(), cfg); err != nil || rep.Errors["status: the text differs"] == 0 ||
		rep.Completed != 0 {
		t.Errorf("a wrong text: %v, %+v", err, rep)
	}

	cfg.Mode = Check
	if _, err := Run(context.Background(), cfg); err == nil || !strings.Contains(err.Error(), "no check") {
		t.Errorf("texts have no check: %v", err)
	}
}
