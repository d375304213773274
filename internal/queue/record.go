package queue

import (
	"encoding/json"
	"fmt"
	"math"

	"horde/internal/admission"
	"horde/internal/horde"
	"horde/internal/kinds"
	"horde/internal/live"
	"horde/internal/match"
	"horde/internal/store"
)

// record is what is stored of a request besides the columns that move.
type record struct {
	Image      *admission.Image `json:"image,omitempty"` // this or Text
	Text       *admission.Text  `json:"text,omitempty"`
	Addr       string           `json:"addr,omitempty"`
	UnsafeIP   bool             `json:"unsafe_ip,omitempty"`
	Trusted    bool             `json:"trusted,omitempty"`          // the requester, at acceptance
	Price      float64          `json:"price"`                      // of one job, before any model factor
	Multiplier float64          `json:"usage_multiplier,omitempty"` // of the requester's recorded usage; 0: 1
	Held       bool             `json:"held,omitempty"`             // kudos are set aside for it
	SharedKey  string           `json:"shared_key,omitempty"`       // id of the key whose budget pays
	Promised   *horde.Kudos     `json:"promised,omitempty"`         // hundredths that the key's owner pays at most; nil: all (taken by a version that set nothing aside)
	Source     string           `json:"source,omitempty"`           // name of the source picture's blob
	Mask       string           `json:"mask,omitempty"`
	Extra      []extraSource    `json:"extra,omitempty"`
	Baselines  []string         `json:"baselines,omitempty"` // of the models it names, at acceptance
	Base       string           `json:"base,omitempty"`      // how who made it reached this server (horde.BaseOf); with a webhook only

	common *admission.Common // of Image or Text
}

// recordOf is what is stored of what a request asks for.
func recordOf(r kinds.Asked) record {
	b := r.Body()
	return record{Image: b.Image, Text: b.Text, Baselines: b.Baselines}
}

// sources are the names of the source images that workers fetch from our store.
func (r *record) sources() (names []string) {
	for _, name := range []string{r.Source, r.Mask} {
		if name != "" {
			names = append(names, name)
		}
	}
	for _, e := range r.Extra {
		names = append(names, e.Blob)
	}
	return names
}

// used is what an amount of work counts in the requester's records.
func (r *record) used(things int64) int64 {
	if r.Multiplier == 0 {
		return things
	}
	return int64(math.Round(float64(things) * r.Multiplier))
}

type extraSource struct {
	Blob     string  `json:"blob"`
	Strength float64 `json:"strength"`
}

// entry is a live request in the index.
type entry struct {
	// What never changes once the request is in the index.
	home   *index
	row    store.Request // without Body
	record record
	work   kinds.Work

	// What moves: guarded by home.mu.
	item   match.Item // as pops see it
	state  store.RequestState
	jobs   []*store.Job    // in the order of handing out; replaced, never changed
	failed map[string]bool // workers that gave a job of it up; replaced, never changed

	reports map[string]report // from inside running jobs, by job id
	heard   map[string]int64  // when a worker reported last or delivered, by worker id

	// What was found of the fleet, guarded by home.mu.
	verdict   possibility
	verdictAt int64        // microseconds
	rivals    kinds.Rivals // of a request that has failed
}

// readEntry makes an entry of a row.
func (x *index) readEntry(q store.Request) (*entry, error) {
	var r record
	if err := json.Unmarshal([]byte(q.Body), &r); err != nil {
		return nil, fmt.Errorf("request %s: %w", q.ID, err)
	}
	q.Body = ""
	e := x.newEntry(q, r)
	if e.work == nil {
		return nil, fmt.Errorf("request %s has no body", q.ID)
	}
	return e, nil
}

func (x *index) newEntry(q store.Request, r record) *entry {
	e := &entry{home: x, row: q, record: r, state: q.RequestState}
	if e.work = x.kind.read(&e.record); e.work != nil {
		e.item = itemOf(e)
	}
	return e
}

// itemOf is a request as pops see it.
func itemOf(e *entry) match.Item {
	row, m := &e.row, e.record.common
	it := match.Item{
		ID:       row.ID,
		Request:  row.ID,
		User:     row.UserID,
		Trusted:  e.record.Trusted,
		Rank:     match.GrowingRank(row.Priority, row.Created),
		Created:  row.Created,
		Features: e.work.Features(kinds.Origin{UnsafeIP: e.record.UnsafeIP, Trusted: e.record.Trusted}),
		Models:   m.Models,
		Workers:  m.Workers,
		Barred:   m.WorkerBlacklist,
		Prompt:   m.Prompt,
		Price:    horde.KudosOf(e.record.Price),
		Units:    e.work.WorkUnits(),
		State:    itemState(e.state),
	}
	e.work.Describe(&it)
	return it
}

// itemState is what pops look at of a request's state.
func itemState(s store.RequestState) match.State {
	return match.State{Waiting: s.Waiting, Expires: s.Expires, Ended: s.Faulted || s.Cancelled}
}

// Key, User, Expires, Load and Wakes are what a live table asks of a request.

// Key is its id.
func (e *entry) Key() string { return e.row.ID }

// User is who asked.
func (e *entry) User() int64 { return e.row.UserID }

// Expires is when the request ends, in microseconds.
func (e *entry) Expires() int64 { return e.state.Expires }

// Load is what the request counts against its user's concurrency.
func (e *entry) Load() live.Load {
	waiting := e.countedWaiting()
	return live.Load{Jobs: waiting, Units: int64(waiting) * e.work.WorkUnits(), Models: e.models()}
}

// countedWaiting is how many jobs wait, of a request that was not given up.
func (e *entry) countedWaiting() int {
	if e.state.Faulted {
		return 0
	}
	return e.state.Waiting
}

// Wakes reports whether the request may be for a worker.
func (e *entry) Wakes(w *match.Worker) bool { return w.Wakes(&e.item) }

// models are those that the request names; none: any.
func (e *entry) models() []string { return e.record.common.Models }

// counts are the jobs of a request by state; fake ones count for nothing.
type counts struct{ processing, finished, restarted int }

func (e *entry) counts() (c counts) {
	for _, j := range e.jobs {
		switch {
		case j.Fake:
		case j.State == store.JobRunning:
			c.processing++
		case j.State == store.JobDone:
			c.finished++
		default:
			c.restarted++
		}
	}
	return c
}

// done: given up, or everything has come (generation §5.8). Of a cancelled request, what
// still runs is not waited for once as much has come since. One whose jobs the
// horde's maintenance took away is never done.
func (e *entry) done(c counts) bool {
	return e.state.Faulted || e.state.Waiting == 0 && c.finished-c.processing >= e.state.Jobs
}

// priorityOf is the starting priority of generation §5.1, from the balance before the tax.
func priorityOf(balance horde.Kudos, flagged bool) int64 {
	whole := int64(math.RoundToEven(balance.Float()))
	switch {
	case flagged && whole > 10:
		return int64(math.RoundToEven(float64(whole) / 1000))
	case flagged:
		return -100
	}
	return whole
}
