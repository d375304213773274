package queue

import (
	"maps"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/tidwall/btree"

	"horde/internal/store"
	"horde/internal/waiting"
)

// index holds the live requests of one kind as this node knows them. All of it
// but kind, waiters and load, the entries' moving fields included, is guarded by mu;
// nothing under mu waits for the database.
type index struct {
	kind    *kind
	waiters waiting.Room[*view] // pops
	load    atomic.Pointer[counted]
	mu      sync.Mutex
	entries map[string]*entry
	jobs    map[string]*entry // by job id
	models  map[string]shelf  // by model name; anyModel for those that name none
	aimed   map[string]*line  // by worker id: requests for named workers alone
	holders map[int64]*holder // by user
	coming  map[string]*entry // requests that are being committed, by id
	census  census
	running int   // jobs in progress, fake ones not counted
	backlog int64 // things of all waiting jobs
}

// anyModel is the shelf of requests that name no model.
const anyModel = ""

// shelf is the waiting requests of one model, in buckets of equal features.
type shelf map[features]*line

// line is requests in the order of the queue.
type line struct{ *btree.BTreeG[*entry] }

func newLine() *line {
	return &line{btree.NewBTreeGOptions(before, btree.Options{NoLocks: true})}
}

// holder is what one user has in the queue.
type holder struct {
	entries map[*entry]bool
	coming  int            // requests that are being committed
	waiting int            // jobs, those of requests that are coming too
	byModel map[string]int // jobs of requests that name the model
}

func newIndex(k *kind) *index {
	return &index{kind: k, entries: map[string]*entry{}, jobs: map[string]*entry{}, models: map[string]shelf{},
		aimed: map[string]*line{}, holders: map[int64]*holder{}, coming: map[string]*entry{}, census: newCensus()}
}

// ids are those of all requests in the index.
func (x *index) ids() []string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return slices.Collect(maps.Keys(x.entries))
}

// add takes a new live request into the index.
func (x *index) add(e *entry) {
	x.leavePlaceLocked(e.row.ID) // else it would count twice
	x.entries[e.row.ID] = e
	x.holder(e.row.UserID).entries[e] = true
	x.count(e, 1)
	x.place(e)
}

// remove forgets a request.
func (x *index) remove(e *entry) {
	if x.entries[e.row.ID] != e {
		return
	}
	delete(x.entries, e.row.ID)
	for _, j := range e.jobs {
		delete(x.jobs, j.ID)
		x.running -= inProgress(j)
	}
	x.unplace(e)
	x.count(e, -1)
	delete(x.holders[e.row.UserID].entries, e)
	x.tidyHolder(e.row.UserID)
	e.wake()
}

// holder is what a user has, made when there was nothing.
func (x *index) holder(user int64) *holder {
	h := x.holders[user]
	if h == nil {
		h = &holder{entries: map[*entry]bool{}, byModel: map[string]int{}}
		x.holders[user] = h
	}
	return h
}

func (x *index) tidyHolder(user int64) {
	if h := x.holders[user]; len(h.entries) == 0 && h.coming == 0 {
		delete(x.holders, user)
	}
}

// countedWaiting is what a request counts against its owner's concurrency.
func (e *entry) countedWaiting() int {
	if e.state.Faulted {
		return 0
	}
	return e.state.Waiting
}

// count adds what a request has waiting to the sums, or takes it off (sign −1).
func (x *index) count(e *entry, sign int) {
	n := sign * e.countedWaiting()
	x.backlog += int64(n) * e.work.things()
	x.holders[e.row.UserID].count(e, n)
}

// count adds n jobs of a request to what its user has waiting.
func (h *holder) count(e *entry, n int) {
	h.waiting += n
	for _, m := range e.models() {
		bump(h.byModel, m, n)
	}
}

// apply takes a state that the database returned, unless a newer one is known.
func (x *index) apply(e *entry, s store.RequestState) {
	if s.Version <= e.state.Version || x.entries[e.row.ID] != e { // or it was removed meanwhile
		return
	}
	x.count(e, -1)
	e.state = s
	x.count(e, 1)
	x.place(e)
	e.wake()
}

// setJob adds a job to its request or takes its newer state.
func (x *index) setJob(e *entry, j store.Job) {
	if x.entries[e.row.ID] != e { // it was removed meanwhile
		return
	}
	i := slices.IndexFunc(e.jobs, func(old *store.Job) bool { return old.ID == j.ID })
	switch {
	case i < 0:
		e.jobs = append(e.jobs, &j)
		x.running += inProgress(&j)
		x.jobs[j.ID] = e
		if j.Fake {
			if e.tricks == nil {
				e.tricks = map[string]bool{}
			}
			e.tricks[j.WorkerID], e.untried = true, untried{}
		}
	case e.jobs[i].State == store.JobRunning && j.State != store.JobRunning:
		x.running -= inProgress(e.jobs[i])
		e.jobs[i] = &j
		e.hear(j.WorkerID, j.Finished)
	}
	if j.State != store.JobRunning {
		delete(e.reports, j.ID)
	}
	if j.State == store.JobFaulted && !j.Fake && !j.Excused && !e.failed[j.WorkerID] {
		e.blame(j.WorkerID)
	}
	e.wake()
}

// blame notes that a worker has failed on a request.
func (e *entry) blame(worker string) {
	failed := maps.Clone(e.failed)
	if failed == nil {
		failed = map[string]bool{}
	}
	failed[worker] = true
	e.failed, e.untried, e.verdict = failed, untried{}, possibility{}
}

func inProgress(j *store.Job) int {
	if j.State == store.JobRunning && !j.Fake {
		return 1
	}
	return 0
}

// place puts a request where pops look, or takes it away, as its state says.
func (x *index) place(e *entry) {
	want := e.state.Waiting > 0 && !e.state.Faulted && !e.state.Cancelled
	switch {
	case want && !e.queued:
		e.queued = true
		x.census.add(e, 1)
		for l := range x.lines(e, true) {
			l.Set(e)
		}
	case !want && e.queued:
		x.unplace(e)
	}
}

func (x *index) unplace(e *entry) {
	if !e.queued {
		return
	}
	e.queued = false
	x.census.add(e, -1)
	for l := range x.lines(e, false) {
		l.Delete(e)
	}
	x.tidy(e)
}

// lines yields the lines that a request stands in: those of its models, or of
// the workers it is for.
func (x *index) lines(e *entry, create bool) func(yield func(*line) bool) {
	return func(yield func(*line) bool) {
		q := e.record.common
		if len(q.Workers) > 0 && !q.WorkerBlacklist {
			for _, id := range q.Workers {
				if x.aimed[id] == nil && create {
					x.aimed[id] = newLine()
				}
				if l := x.aimed[id]; l != nil && !yield(l) {
					return
				}
			}
			return
		}
		for _, m := range shelvesOf(q.Models) {
			if x.models[m] == nil && create {
				x.models[m] = shelf{}
			}
			l := x.models[m][e.feat]
			if l == nil && create {
				l = newLine()
				x.models[m][e.feat] = l
			}
			if l != nil && !yield(l) {
				return
			}
		}
	}
}

// tidy drops empty lines and shelves.
func (x *index) tidy(e *entry) {
	for _, id := range e.record.common.Workers {
		if l := x.aimed[id]; l != nil && l.Len() == 0 {
			delete(x.aimed, id)
		}
	}
	for _, m := range shelvesOf(e.models()) {
		if l := x.models[m][e.feat]; l != nil && l.Len() == 0 {
			delete(x.models[m], e.feat)
		}
		if s := x.models[m]; s != nil && len(s) == 0 {
			delete(x.models, m)
		}
	}
}

var anyShelf = []string{anyModel}

func shelvesOf(models []string) []string {
	if len(models) == 0 {
		return anyShelf
	}
	return models
}

// offer wakes the pops that new or requeued requests may be for. It asks only what
// never changes of a request, so it needs no lock on the index.
func (x *index) offer(entries ...*entry) {
	x.waiters.Offer(func(v *view) bool {
		return slices.ContainsFunc(entries, v.wakesFor)
	})
}

// wakesFor tells whether a request may be for the worker, by what never changes of
// it.
func (v *view) wakesFor(e *entry) bool { return v.serves(e.models()) && v.lacking(e.feat) == 0 }

// wake tells those who follow a request that something changed.
func (e *entry) wake() { e.watches.Note(e.row.ID) }

// census counts the waiting requests by what they ask for, so that a pop can
// say what it was withheld from without looking at the queue (decision 20).
type census struct {
	total    int
	features map[features]int
	anyModel int
	single   map[string]int      // by model, requests that name it alone
	several  map[string]*several // by the joined names
	aimed    int
	aimedAt  map[string]int // by worker
	barred   map[string]int // by worker that they exclude
	lengths  map[int]int    // by the length of text that they ask for, in tokens
	contexts map[int]int    // by the context that they need
}

type several struct {
	models []string
	n      int
}

func newCensus() census {
	return census{features: map[features]int{}, single: map[string]int{}, several: map[string]*several{},
		aimedAt: map[string]int{}, barred: map[string]int{}, lengths: map[int]int{}, contexts: map[int]int{}}
}

func (c *census) add(e *entry, n int) {
	c.total += n
	bump(c.features, e.feat, n)
	if written, context := e.work.lengths(); written > 0 {
		bump(c.lengths, written, n)
		bump(c.contexts, context, n)
	}
	q := e.record.common
	switch len(q.Models) {
	case 0:
		c.anyModel += n
	case 1:
		bump(c.single, q.Models[0], n)
	default:
		key := strings.Join(q.Models, "\x00")
		if c.several[key] == nil {
			c.several[key] = &several{models: q.Models}
		}
		if c.several[key].n += n; c.several[key].n == 0 {
			delete(c.several, key)
		}
	}
	switch {
	case len(q.Workers) == 0:
	case q.WorkerBlacklist:
		for _, id := range q.Workers {
			bump(c.barred, id, n)
		}
	default:
		c.aimed += n
		for _, id := range q.Workers {
			bump(c.aimedAt, id, n)
		}
	}
}

func bump[K comparable](m map[K]int, k K, n int) {
	if m[k] += n; m[k] == 0 {
		delete(m, k)
	}
}

// servable is how many waiting requests name a model of the set, or none.
func (c *census) servable(models map[string]struct{}) int {
	n := c.anyModel
	for m := range models {
		n += c.single[m]
	}
	for _, s := range c.several {
		if slices.ContainsFunc(s.models, func(m string) bool { _, ok := models[m]; return ok }) {
			n += s.n
		}
	}
	return n
}
