package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"horde/api"
)

func (f *fakeHorde) textAsync(w http.ResponseWriter, r *http.Request) {
	var in api.TextRequest
	json.NewDecoder(r.Body).Decode(&in)
	if strings.Contains(in.Prompt, "refused") {
		answerError(w, 400, api.Error{RC: "TokenOverflow", Message: "max_length cannot be larger than max_context_length."})
		return
	}

	f.mu.Lock()
	f.prompt, f.n = in.Prompt, *in.Params.N
	f.mu.Unlock()
	w.WriteHeader(http.StatusAccepted)
	io.WriteString(w, `{"id":"0b5e77aa-1111-2222-3333-444455556666","kudos":0.0}`)
}

// textStatus is one look behind: what was asked for is there at the second one.
// With "slow" only one text ever comes, with "in hand" the others by deliver.
func (f *fakeHorde) textStatus(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	f.checks++
	finished := 0
	if f.checks > 1 {
		finished = f.n
	}
	prompt, n := f.prompt, f.n
	cancelled := f.cancelled
	f.cancelled = f.cancelled || r.Method == http.MethodDelete
	f.mu.Unlock()
	if strings.Contains(prompt, "slow") {
		finished = 1
	}
	if strings.Contains(prompt, "in hand") {
		finished = n - f.inHand()
	}
	s := api.TextStatus{
		Check: api.Check{
			Finished:      finished,
			Waiting:       n - finished,
			Done:          finished >= n,
			QueuePosition: n - finished,
			IsPossible:    true,
		},
		Generations: []api.TextGeneration{},
	}
	if strings.Contains(prompt, "in hand") {
		s.Processing, s.Waiting = f.inHand(), 0
	}
	if cancelled { // other hordes never call such a request done
		s.Waiting = 0
	}

	if strings.Contains(prompt, "given up") {
		s.Faulted, s.Done, s.Restarted = true, true, 1
		finished = 0
	}

	for i := range finished {
		g := api.TextGeneration{
			Text:        fmt.Sprintf("text %d\x1b[2J\n\tof %d", i+1, n),
			GenMetadata: []api.GenMetadatum{},
			Model:       "a/model",
			WorkerName:  "writer\x1b]0;x\a",
			State:       "ok",
		}
		if strings.Contains(prompt, "censored") {
			g.State = "censored"
		}
		s.Generations = append(s.Generations, g)
	}

	json.NewEncoder(w).Encode(s)
}
