package alchemy

import (
	"encoding/json"
	"fmt"
	"slices"

	"horde/internal/horde"
	"horde/internal/kinds"
	kind "horde/internal/kinds/form"
	"horde/internal/live"
	"horde/internal/match"
	"horde/internal/settle"
	"horde/internal/store"
)

const maxTiles = 255 // of a source image

// record is what is stored of a request besides the columns.
type record struct {
	Source         string `json:"source,omitempty"` // name of the source image's blob
	URL            string `json:"url,omitempty"`    // or where it lies
	Tiles          int    `json:"tiles"`
	SlowWorkers    bool   `json:"slow_workers,omitempty"`
	TrustedWorkers bool   `json:"trusted_workers,omitempty"`
	Webhook        string `json:"webhook,omitempty"`
	Base           string `json:"base,omitempty"` // how who made it reached us (horde.BaseOf); with a webhook only
	Addr           string `json:"addr,omitempty"`
	UnsafeIP       bool   `json:"unsafe_ip,omitempty"`
	Held           bool   `json:"held,omitempty"` // kudos are set aside for its forms
}

func recordOf(row store.AlchemyRequest) (r record, err error) {
	if err = json.Unmarshal([]byte(row.Body), &r); err != nil {
		err = fmt.Errorf("alchemy request %s: %w", row.ID, err)
	}
	return r, err
}

// entry is a live request in the index, which guards its moving fields.
type entry struct {
	row     store.AlchemyRequest // without Body
	record  record
	expires horde.Micros
	forms   []*form // in the order of the request
}

// What follows up to Parts is what a live table asks of a request.

// Key is its id.
func (e *entry) Key() string { return e.row.ID }

// User is who asked.
func (e *entry) User() horde.UserID { return e.row.UserID }

// Expires is when the request ends, in microseconds.
func (e *entry) Expires() horde.Micros { return e.expires }

// Version is that of all forms together: each grows alone.
func (e *entry) Version() (sum int64) {
	for _, f := range e.forms {
		sum += f.Version
	}
	return sum
}

// Load is the forms that wait or run, which count against their user's concurrency, and
// what their settings take.
func (e *entry) Load() (open live.Load) {
	for _, f := range e.forms {
		if f.State == store.FormWaiting || f.State == store.FormRunning {
			open.Jobs++
			open.Bytes += int64(len(f.Payload))
		}
	}
	return open
}

// Over reports whether no form waits or runs.
func (e *entry) Over() bool { return e.Load().Jobs == 0 }

// Listed is false: nobody asks for a list of alchemy requests.
func (e *entry) Listed() bool { return false }

// Wakes reports whether a form of the request may be for a worker.
func (e *entry) Wakes(w *match.Worker) bool {
	return slices.ContainsFunc(e.forms, func(f *form) bool { return w.Wakes(&f.item) })
}

// Items are those of the forms.
func (e *entry) Items() (items []*match.Item) {
	for _, f := range e.forms {
		items = append(items, &f.item)
	}
	return items
}

// Parts yields the forms.
func (e *entry) Parts(yield func(id string, f *form) bool) {
	for _, f := range e.forms {
		if !yield(f.ID, f) {
			return
		}
	}
}

// form is one form of a live request. Of the row, only FormProgress changes.
type form struct {
	store.Form
	e      *entry
	item   match.Item // as pops see it
	rivals kinds.Rivals
}

// itemOf is a form as pops see it.
func itemOf(f *form) match.Item {
	row, r := &f.e.row, &f.e.record
	return match.Item{
		ID:       f.ID,
		Request:  row.ID,
		Position: f.Position,
		User:     row.UserID,
		Rank:     row.Priority,
		Created:  row.Created,
		Models:   []string{f.Name},
		State:    f.itemState(),
		Features: kind.Features(kind.Asks{
			Tiles:       r.Tiles,
			NeedsTrust:  r.TrustedWorkers || r.UnsafeIP,
			SlowWorkers: r.SlowWorkers,
		}),
	}
}

// itemState is what pops look at of a form's state.
func (f *form) itemState() match.State {
	s := match.State{Expires: f.e.expires}
	if f.State == store.FormWaiting {
		s.Waiting = 1
	}
	return s
}

func newEntry(row store.AlchemyRequest, forms []store.Form) (*entry, error) {
	r, err := recordOf(row)
	if err != nil {
		return nil, err
	}
	e := &entry{record: r, expires: row.Expires}
	for _, f := range forms {
		e.forms = append(e.forms, &form{Form: f, e: e})
	}
	e.commit(row)
	return e, nil
}

// commit gives an entry the row that was committed.
func (e *entry) commit(row store.AlchemyRequest) {
	row.Body = ""
	e.row = row
	for _, f := range e.forms {
		f.item = itemOf(f)
	}
}

// work is what there is to do for the form.
func (f *form) work() kind.Work {
	return kind.Work{Name: f.Name, Payload: f.Payload, Tiles: f.e.record.Tiles, SlowWorkers: f.e.record.SlowWorkers}
}

// funds are where the kudos of a form come from.
func (f *form) funds() settle.Funds {
	funds := settle.Funds{Payer: f.e.row.UserID, OneCharge: true}
	if f.e.record.Held {
		funds.Hold = settle.HoldOfForm(f.ID)
	}
	return funds
}
