package queue

import (
	"context"

	"horde/internal/admission"
	"horde/internal/horde"
	"horde/internal/store"
)

// Outcome is what a request for images has brought so far.
type Outcome struct {
	ID       string
	UserID   horde.UserID
	Done     bool
	Consumed horde.Kudos      // what it was charged, without what the budget of its shared key did not promise
	Asked    *admission.Image // not to be changed
	Images   []Image          // delivered ones, oldest first
}

// Image is a delivered image.
type Image struct {
	ID       string `json:"id"`
	Model    string `json:"model"`
	Seed     int64  `json:"seed"`
	Censored bool   `json:"censored,omitempty"`
}

// Outcome says what a request for images has brought. A RequestNotFound error
// when there is none.
func (q *Queue) Outcome(ctx context.Context, id string) (Outcome, error) {
	e, err := q.find(ctx, q.images, id, "Rate")
	if err != nil {
		return Outcome{}, err
	}

	e.home.Lock()
	defer e.home.Unlock()

	o := Outcome{
		ID:       e.row.ID,
		UserID:   e.row.UserID,
		Done:     e.done(e.counts()),
		Consumed: e.state.Consumed,
		Asked:    e.record.Image,
	}
	if promised := e.record.Promised; promised != nil { // beyond it the charges may be forgiven
		o.Consumed = min(o.Consumed, *promised)
	}
	for _, j := range e.jobs {
		if j.State == store.JobDone && !j.Decoy {
			o.Images = append(o.Images, Image{ID: j.ID, Model: j.Model, Seed: j.Seed, Censored: j.Censored})
		}
	}
	return o, nil
}
