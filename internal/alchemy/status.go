package alchemy

import (
	"context"
	"encoding/json"
	"slices"

	"horde/api"
	"horde/internal/blob"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/kinds"
	"horde/internal/store"
)

// words are the states of a form on the wire.
var words = map[store.FormState]string{
	store.FormWaiting:   "waiting",
	store.FormRunning:   "processing",
	store.FormDone:      "done",
	store.FormCancelled: "cancelled",
	store.FormFaulted:   "faulted",
}

// Status answers how far a request is, with the results (generation §3.2).
func (q *Queue) Status(ctx context.Context, id string) (api.AlchemyStatus, error) {
	e, err := q.find(ctx, id)
	if err != nil {
		return api.AlchemyStatus{}, err
	}
	return q.status(ctx, e)
}

// status is how far a live request is.
func (q *Queue) status(ctx context.Context, e *entry) (api.AlchemyStatus, error) {
	forms := q.rows(e)
	s := api.AlchemyStatus{State: overall(forms), Forms: []api.AlchemyFormStatus{}}

	// Results lie in the database alone.
	results := map[string]json.RawMessage{}
	if slices.ContainsFunc(forms, func(f store.Form) bool { return f.State == store.FormDone }) {
		made, err := q.Store.FormResults(ctx, e.row.ID)
		if err != nil {
			return s, err
		}
		for _, r := range made {
			results[r.FormID] = q.withLinks(ctx, r)
		}
	}

	for _, f := range forms {
		one := api.AlchemyFormStatus{Form: f.Name, State: words[f.State]}
		if f.State == store.FormDone {
			one.Result = results[f.ID]
		}
		s.Forms = append(s.Forms, one)
	}
	return s, nil
}

// rows copies the rows of a request's forms.
func (q *Queue) rows(e *entry) []store.Form {
	q.index.mu.Lock()
	defer q.index.mu.Unlock()
	rows := make([]store.Form, len(e.forms))
	for i, f := range e.forms {
		rows[i] = f.Form
	}
	return rows
}

// overall is the state of a request by those of its forms.
func overall(forms []store.Form) string {
	n := map[store.FormState]int{}
	for _, f := range forms {
		n[f.State]++
	}

	switch {
	case n[store.FormFaulted] == len(forms): // or there are none
		return "faulted"
	case n[store.FormDone] == len(forms):
		return "done"
	case n[store.FormRunning] > 0:
		return "processing"
	case n[store.FormWaiting] > 0:
		return "waiting"
	}
	return "partial"
}

// withLinks is a result with a fresh link in place of every "R2".
func (q *Queue) withLinks(ctx context.Context, r store.FormResult) json.RawMessage {
	if r.Blob == "" {
		return json.RawMessage(r.Result)
	}

	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(r.Result), &members); err != nil {
		q.Log.Error("unreadable result", "form", r.FormID, "error", err)
		return nil
	}

	link, err := json.Marshal(q.Blobs.SignGet(ctx, r.Blob, blob.LinkTTL))
	if err != nil {
		return nil
	}
	for name, v := range members {
		if string(v) == `"`+kinds.Uploaded+`"` {
			members[name] = link
		}
	}
	text, err := json.Marshal(members)
	if err != nil {
		return nil
	}
	return text
}

// webhookBody is what a webhook is told of a form.
type webhookBody struct {
	api.AlchemyFormStatus
	WorkerID   string    `json:"worker_id"`
	WorkerName string    `json:"worker_name"`
	Request    string    `json:"request"`
	ID         string    `json:"id"`
	Kudos      api.Float `json:"kudos"`
}

// callWebhook tells the webhook of a request of a finished form; w is nil where no
// worker had to fill it in.
func (q *Queue) callWebhook(ctx context.Context, f *form, r store.FormResult, w *fleet.Worker) {
	if f.e.record.Webhook == "" {
		return
	}

	// The links are for who made the request, not for the worker that calls now.
	ctx = horde.WithBase(ctx, horde.At(f.e.record.Base))
	c := webhookBody{
		AlchemyFormStatus: api.AlchemyFormStatus{
			Form:   f.Name,
			State:  words[store.FormDone],
			Result: q.withLinks(ctx, r),
		},
		Request: f.RequestID,
		ID:      f.ID,
	}
	if w != nil {
		c.WorkerID, c.WorkerName, c.Kudos = w.ID, w.Name, api.Float(f.work().Value().Reward)
	}

	q.Hooks.Send(f.e.record.Webhook, c)
}
