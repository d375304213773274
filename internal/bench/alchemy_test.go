package bench

import (
	"context"
	"encoding/json"
	"net/http"
	"testing"

	"github.com/google/uuid"

	"horde/api"
)

// alchemy adds forms to the fake: requests and forms share their ids.
func (f *fake) alchemy() {
	asked := map[string]api.AlchemyRequest{}
	done := map[string]map[string]any{}
	var waiting []string
	f.HandleFunc("POST /api/v2/interrogate/async", func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		var q api.AlchemyRequest
		if !f.known(w, r) || json.NewDecoder(r.Body).Decode(&q) != nil {
			return
		}
		id := uuid.NewString()
		asked[id] = q
		waiting = append(waiting, id)
		answer(w, 202, api.AlchemyAccepted{ID: id})
	})

	f.HandleFunc("POST /api/v2/interrogate/pop", func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		if !f.known(w, r) {
			return
		}

		job := api.AlchemyJob{Skipped: map[string]int{}}
		if len(waiting) > 0 {
			form := asked[waiting[0]].Forms[0]
			job.Forms = []api.AlchemyTask{{
				ID:          waiting[0],
				Form:        form.Name,
				Payload:     form.Payload,
				SourceImage: "http://x/y.webp",
			}}
			waiting = waiting[1:]
		}

		answer(w, 200, job)
	})

	f.HandleFunc("POST /api/v2/interrogate/submit", func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		var s api.AlchemySubmit
		if !f.known(w, r) || json.NewDecoder(r.Body).Decode(&s) != nil {
			return
		}
		done[s.ID] = s.Result
		answer(w, 200, api.Submitted{Reward: 1})
	})

	f.HandleFunc("GET /api/v2/interrogate/status/{id}", func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		s := api.AlchemyStatus{State: "waiting", Forms: []api.AlchemyFormStatus{{Form: benchForm, State: "waiting"}}}
		if result := done[r.PathValue("id")]; result != nil && !f.twice {
			s.State, s.Forms[0].State = "done", "done"
			s.Forms[0].Result, _ = json.Marshal(result)
		}
		answer(w, 200, s)
	})
}

func TestTheBenchPlaysAlchemy(t *testing.T) {
	f, srv := newFake(t)
	f.alchemy()
	rep, err := Run(context.Background(), small(Forms, srv.URL))
	if err != nil {
		t.Fatal(err)
	}

	if rep.Failed != 0 || rep.Completed < 10 || len(rep.Calls) != 6 {
		t.Errorf("%+v", rep)
	}
	f.twice = true // here: a server that forgets what was delivered
	if rep, err = Run(context.Background(), small(Forms, srv.URL)); err != nil ||
		rep.Errors["status: the form or its result is not that of the delivery"] == 0 {
		t.Errorf("%v %+v", err, rep)
	}
}
