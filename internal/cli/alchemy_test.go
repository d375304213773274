package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"

	"horde/api"
)

// alchemy adds forms to the fake horde. The first status after a request says
// waiting. A source "…/slow" is never done, "…/inhand" stays
// with a worker, of "…/half" one form is given up.
func (f *fakeHorde) alchemy(mux *http.ServeMux) {
	var asked api.AlchemyRequest
	looks := 0
	mux.HandleFunc("POST /api/v2/interrogate/async", func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		asked, looks = api.AlchemyRequest{}, 0
		json.NewDecoder(r.Body).Decode(&asked)

		if strings.HasSuffix(asked.SourceImage, "/refused") {
			answerError(w, 400, api.Error{Message: "no image", RC: "ImageValidationFailed"})
			return
		}

		w.WriteHeader(http.StatusAccepted)
		io.WriteString(w, `{"id":"0b5e77aa-1111-2222-3333-444455556666"}`)
	})

	state := func(w http.ResponseWriter, r *http.Request) {
		f.mu.Lock()
		defer f.mu.Unlock()
		looks++

		s := api.AlchemyStatus{State: "done"}
		for i, form := range asked.Forms {
			one := api.AlchemyFormStatus{Form: form.Name, State: "done"}
			switch form.Name {
			case "caption":
				one.Result = json.RawMessage(`{"caption":"a \u001b[2Jdog"}`)
			case "interrogation":
				one.Result = json.RawMessage(`{"interrogation":{"tags":[]}}`)
			default:
				one.Result = json.RawMessage(fmt.Sprintf(`{%q:"%s/blob/x.webp"}`, form.Name, f.URL))
			}

			if strings.HasSuffix(asked.SourceImage, "/half") && i == 0 {
				one, s.State = api.AlchemyFormStatus{Form: form.Name, State: "faulted"}, "partial"
			}
			inHand := strings.HasSuffix(asked.SourceImage, "/inhand")
			if slow := inHand || strings.HasSuffix(asked.SourceImage, "/slow"); slow && r.Method == http.MethodDelete {
				one, s.State = api.AlchemyFormStatus{Form: form.Name, State: "cancelled"}, "partial"
			} else if inHand {
				one, s.State = api.AlchemyFormStatus{Form: form.Name, State: "processing"}, "processing"
			} else if slow || looks == 1 {
				one, s.State = api.AlchemyFormStatus{Form: form.Name, State: "waiting"}, "waiting"
			}

			s.Forms = append(s.Forms, one)
		}

		json.NewEncoder(w).Encode(s)
	}

	mux.HandleFunc("GET /api/v2/interrogate/status/{id}", state)
	mux.HandleFunc("DELETE /api/v2/interrogate/status/{id}", state)
}
