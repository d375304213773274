package alchemy

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/settle"
	"horde/internal/store"
	"horde/internal/waiting"
)

const (
	requestLife = 20 * time.Minute // without anything happening to it
	formTime    = 3 * time.Minute  // for a worker to fill in a form

	fastSeconds = 10 // per form: faster workers serve requests that want no slow ones
	maxTiles    = 255

	textsKept    = 5 * 24 * time.Hour // results of forms given again to others
	picturesKept = 90 * time.Minute   // of those, results that are pictures
)

// record is what is stored of a request besides the columns.
type record struct {
	Source         string `json:"source,omitempty"` // name of the picture's blob
	URL            string `json:"url,omitempty"`    // or where it lies
	Tiles          int    `json:"tiles"`
	SlowWorkers    bool   `json:"slow_workers,omitempty"`
	TrustedWorkers bool   `json:"trusted_workers,omitempty"`
	Webhook        string `json:"webhook,omitempty"`
	Base           string `json:"base,omitempty"` // how who made it reached this server (horde.BaseOf); with a webhook only
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
	expires int64
	forms   []*form // in the order of the request
	watches waiting.Watches
}

// form is one form of a live request. Of the row, only FormProgress changes.
type form struct {
	store.Form
	e        *entry
	reserved bool // a claim of this node is not committed yet
	queued   bool // it stands in the line of its name
	untried  untried
}

func newEntry(row store.AlchemyRequest, forms []store.Form) (*entry, error) {
	r, err := recordOf(row)
	if err != nil {
		return nil, err
	}
	e := &entry{row: row, record: r, expires: row.Expires}
	e.row.Body = ""
	for _, f := range forms {
		e.forms = append(e.forms, &form{Form: f, e: e})
	}
	return e, nil
}

// before is the order of the queue: priority, then age (generation §3.3), then the order
// within the request.
func before(a, b *form) bool {
	x, y := &a.e.row, &b.e.row
	switch {
	case x.Priority != y.Priority:
		return x.Priority > y.Priority
	case x.Created != y.Created:
		return x.Created < y.Created
	case x.ID != y.ID:
		return x.ID < y.ID
	}
	return a.Position < b.Position
}

func (f *form) reward() horde.Kudos { return kudos.FormReward(f.Name, f.e.record.Tiles) }

func (f *form) charge() horde.Kudos { return kudos.FormBurn(f.reward(), f.e.record.SlowWorkers) }

// funds are where the kudos of a form come from.
func (f *form) funds() settle.Funds {
	funds := settle.Funds{Payer: f.e.row.UserID, OneCharge: true}
	if f.e.record.Held {
		funds.Hold = settle.HoldOfForm(f.ID)
	}
	return funds
}

// makesPicture tells whether the result of a form is a picture to be uploaded.
func makesPicture(name string) bool {
	_, post := api.PostProcessorByName(name)
	return post
}

func resultName(form string) string { return form + ".webp" }

// knownID names the result of a form about the picture at an address
// (decision 18): by all that it depends on.
func knownID(url, form, payload string) string {
	sum := sha256.Sum256([]byte(form + "\n" + payload + "\n" + url))
	return hex.EncodeToString(sum[:])
}
