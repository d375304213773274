// Package live keeps in memory what a node knows of live requests of one kind: by key,
// by the jobs or forms they are made of, and by who asked. It counts what each user has
// waiting, requests that are only being committed among it, and knows who follows what.
//
// A request that is over leaves memory soon after that: whoever asks for it has it read
// again. It stays while somebody follows it.
//
// The database is the truth, and a Mirror keeps memory in line with it, whether this node
// wrote what was committed or another one did. Nothing goes back to an older state: rows
// that are read come in by Take, later states by whoever owns the table, unless it knows
// newer ones.
package live

import (
	"iter"
	"maps"
	"slices"

	"horde/internal/horde"
	"horde/internal/match"
	"horde/internal/waiting"
)

// Entry is a live request of parts P: jobs or forms.
type Entry[P any] interface {
	comparable // with nil: no entry
	Key() string
	User() horde.UserID // who asked; never changes
	Expires() horde.Micros
	// Version grows with every change that matters here of the rows of the request.
	Version() int64
	Load() Load
	// Over reports whether nothing of the entry waits or is in anybody's hands. What is
	// over stays so.
	Over() bool
	// Listed reports whether the entry, once it is over, is still one of its user's requests.
	Listed() bool
	// Wakes reports whether the entry may be for a worker, by what never changes of it.
	Wakes(w *match.Worker) bool
	// Items are what pops look at of the entry, each with its state.
	Items() []*match.Item
	// Parts yields those that are known, by their ids.
	Parts(yield func(id string, part P) bool)
}

// Load is what a request counts while it waits.
type Load struct {
	Jobs    int      // against its user's concurrency
	Units   int64    // work of these jobs
	Bytes   int64    // that the request takes until it is done
	Running int      // jobs in workers' hands, decoys not counted
	Models  []string // that it names; never changes
}

// Table is the live requests of one kind. P is a part of one: a job, a form.
//
// Its owner guards it: nothing here locks, save Waiters and Offer, which need no lock.
type Table[E Entry[P], P any] struct {
	Waiters waiting.Calls[*match.Worker] // pops
	Ended   *Ended                       // requests that are over and no longer in memory

	rows     map[string]*row[E]
	parts    map[string]P
	users    map[horde.UserID]*user[E]
	reserved map[string]reservation[E] // requests that are being committed
	total    Load                      // of rows and reservations; without models

	over    []E           // seem to be over since Over was called last
	leaving []lingerer[E] // wait to be taken out of memory, oldest first
}

// row is an entry with what the table knows of it.
type row[E any] struct {
	entry     E
	load      Load // as it is counted
	followers waiting.Watches
	seemsOver bool // among those that seem to be over
}

// lingerer is an entry that seemed to be over at a time.
type lingerer[E any] struct {
	entry E
	at    horde.Micros
}

// user is what one user has in the table.
type user[E comparable] struct {
	entries  map[E]bool
	reserved int            // requests that are being committed
	jobs     int            // of all of them
	bytes    int64          // likewise
	byModel  map[string]int // jobs of requests that name the model
}

// reservation is the place of a request that is being committed.
type reservation[E any] struct {
	entry E
	load  Load
}

// NewTable makes a table of nothing.
func NewTable[E Entry[P], P any]() *Table[E, P] {
	return &Table[E, P]{
		Ended:    newEnded(),
		rows:     map[string]*row[E]{},
		parts:    map[string]P{},
		users:    map[horde.UserID]*user[E]{},
		reserved: map[string]reservation[E]{},
	}
}

// Get returns an entry by its key, nil if there is none.
func (t *Table[E, P]) Get(key string) (e E) {
	if r := t.rows[key]; r != nil {
		return r.entry
	}
	return e
}

// Has reports whether this very entry is in the table.
func (t *Table[E, P]) Has(e E) bool {
	r := t.rows[e.Key()]
	return r != nil && r.entry == e
}

// All yields every entry, in no order.
func (t *Table[E, P]) All() iter.Seq[E] {
	return func(yield func(E) bool) {
		for _, r := range t.rows {
			if !yield(r.entry) {
				return
			}
		}
	}
}

// Of yields the entries of a user, in no order.
func (t *Table[E, P]) Of(id horde.UserID) iter.Seq[E] {
	if u := t.users[id]; u != nil {
		return maps.Keys(u.entries)
	}
	return func(func(E) bool) {}
}

// Add brings in an entry with its parts, in place of the place that was reserved for it:
// a new one, or one that is over and somebody asks for.
func (t *Table[E, P]) Add(e E) {
	t.Release(e.Key()) // else it would count twice
	t.Ended.Remove(e.Key())

	load := e.Load()
	r := &row[E]{entry: e, load: load}
	t.rows[e.Key()] = r
	t.userOf(e.User()).entries[e] = true
	t.count(e.User(), load, 1)
	for id, part := range e.Parts {
		t.parts[id] = part
	}
	t.noteOver(r)
}

// Remove forgets an entry with its parts, and tells those who follow it. It reports
// whether the entry was there.
func (t *Table[E, P]) Remove(e E) bool {
	if !t.Has(e) {
		return false
	}

	r := t.rows[e.Key()]
	delete(t.rows, e.Key())
	t.count(e.User(), r.load, -1)
	delete(t.users[e.User()].entries, e)
	t.tidy(e.User())
	for id := range e.Parts {
		delete(t.parts, id)
	}

	r.followers.Note(e.Key())
	return true
}

// Changed counts an entry anew, and tells those who follow it.
func (t *Table[E, P]) Changed(e E) {
	r := t.rows[e.Key()]
	t.count(e.User(), r.load, -1)
	r.load = e.Load()
	t.count(e.User(), r.load, 1)
	t.noteOver(r)
	r.followers.Note(e.Key())
}

// noteOver notes an entry that seems to be over. It may be that only its parts have not come
// in yet.
func (t *Table[E, P]) noteOver(r *row[E]) {
	if !r.seemsOver && r.entry.Over() {
		r.seemsOver = true
		t.over = append(t.over, r.entry)
	}
}

// Reserve counts a request that is being committed among what its user has, until
// Release or Add.
func (t *Table[E, P]) Reserve(e E) {
	p := reservation[E]{entry: e, load: e.Load()}
	t.reserved[e.Key()] = p
	t.userOf(e.User()).reserved++
	t.count(e.User(), p.load, 1)
}

// Reserved returns the entry of a request that is being committed, nil if there is none.
func (t *Table[E, P]) Reserved(key string) E { return t.reserved[key].entry }

// Release undoes Reserve, if there is anything to undo.
func (t *Table[E, P]) Release(key string) {
	p, ok := t.reserved[key]
	if !ok {
		return
	}
	delete(t.reserved, key)
	user := p.entry.User()
	t.count(user, p.load, -1)
	t.users[user].reserved--
	t.tidy(user)
}

// userOf is what a user has, made when there was nothing.
func (t *Table[E, P]) userOf(id horde.UserID) *user[E] {
	u := t.users[id]
	if u == nil {
		u = &user[E]{entries: map[E]bool{}, byModel: map[string]int{}}
		t.users[id] = u
	}
	return u
}

// tidy forgets a user who has nothing.
func (t *Table[E, P]) tidy(id horde.UserID) {
	if u := t.users[id]; len(u.entries) == 0 && u.reserved == 0 {
		delete(t.users, id)
	}
}

// count adds a load to the sums, or takes it off (sign −1).
func (t *Table[E, P]) count(id horde.UserID, load Load, sign int) {
	t.total.Jobs += sign * load.Jobs
	t.total.Units += int64(sign) * load.Units
	t.total.Bytes += int64(sign) * load.Bytes
	t.total.Running += sign * load.Running

	u := t.users[id]
	u.jobs += sign * load.Jobs
	u.bytes += int64(sign) * load.Bytes
	for _, m := range load.Models {
		if u.byModel[m] += sign * load.Jobs; u.byModel[m] == 0 {
			delete(u.byModel, m)
		}
	}
}

// Part returns a part by its id, nil if there is none.
func (t *Table[E, P]) Part(id string) P { return t.parts[id] }

// SetPart makes a part known by its id.
func (t *Table[E, P]) SetPart(id string, p P) { t.parts[id] = p }

// Offer wakes the pops that new entries, or such with jobs that came back, may be for.
// It asks only what never changes of them, so it needs no lock on the table.
func (t *Table[E, P]) Offer(entries ...E) {
	t.Waiters.Offer(func(w *match.Worker) bool {
		return slices.ContainsFunc(entries, func(e E) bool { return e.Wakes(w) })
	})
}
