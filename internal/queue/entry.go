package queue

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"sync/atomic"

	"horde/api"
	"horde/internal/admission"
	"horde/internal/horde"
	"horde/internal/kinds"
	"horde/internal/kudos"
	"horde/internal/live"
	"horde/internal/match"
	"horde/internal/settle"
	"horde/internal/store"
)

// index is the live requests of one kind as this node knows them. Their parts are jobs,
// by which their requests are known.
type index struct {
	*live.Index[*entry, *entry]
	kind *kind
	load atomic.Pointer[counted]

	partials *partials // of the jobs of all indexes
	revision uint64    // of the last report from inside a job; guarded by the index's lock

	claims map[string]*claim // that are being committed, by the id of the pop; guarded by the index's lock
}

// claim is jobs that one pop took of one request.
type claim struct {
	e     *entry
	model string
	n     int
	left  int // jobs waiting before this pop
	decoy bool
	first bool // no worker has had a job of it
}

// entry is a live request in the index.
type entry struct {
	// What never changes once the request is in the index.
	home   *index
	row    store.Request // without Body
	record record
	work   kinds.Work

	// What moves: guarded by home's lock.
	item   match.Item // as pops see it
	state  store.RequestState
	jobs   []*store.Job    // in the order of handing out, without long results; replaced, never changed
	long   map[string]int  // bytes of results that are longer than maxKept, by job id
	failed map[string]bool // workers that gave a job of it up; replaced, never changed

	reports map[string]report       // from inside running jobs, by job id
	heard   map[string]horde.Micros // when a worker reported last or delivered, by worker id

	// What was found of the fleet, guarded likewise.
	verdict   possibility
	verdictAt horde.Micros
	rivals    kinds.Rivals // of a request that has failed
}

// maxKept is how much of a job's result memory holds. A longer one is read from its row
// when it is shown.
const maxKept = 1 << 10 // bytes

// possibility is what the workers that could serve a request make of it.
type possibility struct {
	possible bool
	workers  []*match.Worker // those that will, at most maxJudges
	speed    float64         // of all their threads together, work units per second
	threads  int
}

// report is the newest that is known from inside a running job.
type report struct {
	api.JobProgress
	at        horde.Micros // when it came
	revision  uint64       // one of its own
	begun     horde.Micros // when the worker can have begun the job at the earliest
	firstAt   horde.Micros // when the first report of the job came, which told of firstStep
	firstStep int
}

// counted is the load of a kind at a moment.
type counted struct {
	admission.Load
	at horde.Micros
}

// readEntry makes an entry of a row.
func (x *index) readEntry(row store.Request) (*entry, error) {
	r := record{size: int64(len(row.Body))}
	if err := json.Unmarshal([]byte(row.Body), &r); err != nil {
		return nil, fmt.Errorf("request %s: %w", row.ID, err)
	}
	row.Body = ""

	e := x.newEntry(row, r)
	if e.work == nil {
		return nil, fmt.Errorf("request %s has no body", row.ID)
	}
	return e, nil
}

// newEntry makes an entry that is not in the index. Its work is nil where the record has
// no body of the index's kind.
func (x *index) newEntry(row store.Request, r record) *entry {
	e := &entry{home: x, row: row, record: r, state: row.RequestState}
	if e.work = x.kind.workOf(&e.record); e.work != nil {
		e.item = itemOf(e)
	}
	return e
}

// commit gives an entry that this node has made the row that was committed.
func (e *entry) commit(row store.Request) {
	row.Body = ""
	e.row, e.state, e.item.State = row, row.RequestState, itemState(row.RequestState)
	e.item.Rank = match.GrowingRank(row.Priority, row.Created)
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

// What follows up to Parts is what a live table asks of a request.

// Key is its id.
func (e *entry) Key() string { return e.row.ID }

// User is who asked.
func (e *entry) User() horde.UserID { return e.row.UserID }

// Expires is when the request ends, in microseconds.
func (e *entry) Expires() horde.Micros { return e.state.Expires }

// Version is that of the row.
func (e *entry) Version() int64 { return e.state.Version }

// Load is what the request counts against its user's concurrency and the bounds of the queue.
func (e *entry) Load() live.Load {
	load := live.Load{Jobs: e.countedWaiting(), Running: e.counts().processing, Models: e.models()}
	load.Units = int64(load.Jobs) * e.work.WorkUnits()
	if load.Jobs > 0 || load.Running > 0 {
		load.Bytes = e.record.size
	}
	return load
}

// countedWaiting is how many jobs wait, of a request that was not given up.
func (e *entry) countedWaiting() int {
	if e.state.Faulted {
		return 0
	}
	return e.state.Waiting
}

// Over reports whether nothing of the request waits or runs, as far as this node knows.
func (e *entry) Over() bool {
	return e.countedWaiting() == 0 &&
		!slices.ContainsFunc(e.jobs, func(j *store.Job) bool { return j.State == store.JobRunning })
}

// Listed reports whether the request was not given up.
func (e *entry) Listed() bool { return !e.state.Faulted }

// Wakes reports whether the request may be for a worker.
func (e *entry) Wakes(w *match.Worker) bool { return w.Wakes(&e.item) }

// Items is the one that the request is.
func (e *entry) Items() []*match.Item { return []*match.Item{&e.item} }

// Parts yields the request for each of its jobs.
func (e *entry) Parts(yield func(job string, of *entry) bool) {
	for _, j := range e.jobs {
		if !yield(j.ID, e) {
			return
		}
	}
}

// models are those that the request names; none: any.
func (e *entry) models() []string { return e.record.common.Models }

// counts are the jobs of a request by state; decoys count for nothing.
type counts struct{ processing, finished, restarted int }

func (e *entry) counts() (c counts) {
	for _, j := range e.jobs {
		switch {
		case j.Decoy:
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

// blame notes that a worker has failed on a request.
func (e *entry) blame(worker string) {
	failed := maps.Clone(e.failed)
	if failed == nil {
		failed = map[string]bool{}
	}
	failed[worker] = true
	e.failed, e.rivals, e.verdict = failed, kinds.Rivals{}, possibility{}
}

// inProgress is 1 for a job in a worker's hands that counts, 0 for any other.
func inProgress(j *store.Job) int {
	if j.State == store.JobRunning && !j.Decoy {
		return 1
	}
	return 0
}

// noteBusy notes when a worker was busy with another job of the request last: its next
// one began after that.
func (e *entry) noteBusy(worker string, at horde.Micros) {
	if e.heard == nil {
		e.heard = map[string]horde.Micros{}
	}
	e.heard[worker] = max(e.heard[worker], at)
}

// funds are where the kudos of a request come from.
func (e *entry) funds() settle.Funds {
	f := settle.Funds{Payer: e.row.UserID}
	if e.record.Held {
		f.Hold = settle.HoldOfRequest(e.row.ID)
	}
	if e.record.SharedKey != "" {
		f.Key = &kudos.KeyUse{Key: e.record.SharedKey, Request: e.row.ID, Promised: e.record.Promised}
	}
	return f
}
