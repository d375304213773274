package alchemy

import (
	"context"
	"encoding/json"
	"slices"

	"horde/api"
	"horde/internal/blob"
	"horde/internal/fleet"
	"horde/internal/kinds"
	"horde/internal/notify"
	"horde/internal/store"
)

// stateNames are the states of a form on the wire.
var stateNames = map[store.FormState]string{
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

// StatusBytes is how many bytes the status of a request has at most.
func (q *Queue) StatusBytes(ctx context.Context, id string) (int64, error) {
	e, err := q.find(ctx, id)
	if err != nil {
		return 0, err
	}

	const around = 1 << 10 // bytes of a form: its name and state, the link to an image
	forms := q.formRows(e)
	bytes := int64(around * (1 + len(forms)))
	if !slices.ContainsFunc(forms, func(f store.Form) bool { return f.State == store.FormDone }) {
		return bytes, nil
	}
	results, err := q.Store.FormResultBytes(ctx, e.row.ID)
	return bytes + results, err
}

// status is how far a live request is.
func (q *Queue) status(ctx context.Context, e *entry) (api.AlchemyStatus, error) {
	forms := q.formRows(e)
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
		one := api.AlchemyFormStatus{Form: f.Name, State: stateNames[f.State]}
		if f.State == store.FormDone {
			one.Result = results[f.ID]
		}
		s.Forms = append(s.Forms, one)
	}
	return s, nil
}

// formRows copies the rows of a request's forms.
func (q *Queue) formRows(e *entry) []store.Form {
	q.index.Lock()
	defer q.index.Unlock()
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
	return q.withImage(r, q.Blobs.SignGet(ctx, r.Blob, blob.LinkTTL))
}

// withImage is a result with a text in place of every "R2".
func (q *Queue) withImage(r store.FormResult, shown string) json.RawMessage {
	if r.Blob == "" {
		return json.RawMessage(r.Result)
	}

	var members map[string]json.RawMessage
	if err := json.Unmarshal([]byte(r.Result), &members); err != nil {
		q.Log.Error("unreadable result", "form", r.FormID, "error", err)
		return nil
	}

	link, err := json.Marshal(shown)
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

// webhookOf is what tells the webhook of a request of a finished form, nil where it has
// none; w is nil where no worker had to fill it in.
func (q *Queue) webhookOf(f *form, r store.FormResult, w *fleet.Worker) (*store.Webhook, error) {
	if q.Hooks == nil || f.e.record.Webhook == "" {
		return nil, nil
	}

	hook := store.Webhook{
		ID:        f.ID,
		UserID:    f.e.row.UserID,
		RequestID: f.RequestID,
		Kind:      "form",
		Address:   f.e.record.Webhook,
		Base:      f.e.record.Base,
	}
	if r.Blob != "" {
		hook.Mark, hook.Blob, hook.ByLink = notify.NewMark(), r.Blob, true
	}
	body := webhookBody{
		AlchemyFormStatus: api.AlchemyFormStatus{
			Form:   f.Name,
			State:  stateNames[store.FormDone],
			Result: q.withImage(r, hook.Mark),
		},
		Request: f.RequestID,
		ID:      f.ID,
	}
	if w != nil {
		body.WorkerID, body.WorkerName, body.Kudos = w.ID, w.Name, api.Float(f.work().Value().Reward)
	}
	return notify.Compose(hook, body)
}
