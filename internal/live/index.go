package live

import (
	"log/slog"
	"maps"
	"slices"
	"sync"

	"horde/internal/horde"
	"horde/internal/match"
)

// Index is the live requests of one kind as this node knows them, with what waits of
// them. The two change together, so one lock guards both, and what moves of entries and
// parts. Nothing under the lock waits for the database.
type Index[E Entry[P], P any] struct {
	Log *slog.Logger // hears of what is unreadable

	sync.Mutex
	Requests *Table[E, P]
	Queue    *match.Index // what waits
}

// NewIndex makes an index of nothing. c counts what pops skip, as in match.NewIndex.
func NewIndex[E Entry[P], P any](c *match.Counters) *Index[E, P] {
	return &Index[E, P]{Requests: NewTable[E, P](), Queue: match.NewIndex(c)}
}

// AddLocked takes an entry into the index.
func (x *Index[E, P]) AddLocked(e E) {
	x.Requests.Add(e)
	for _, it := range e.Items() {
		x.Queue.Update(it, it.State)
	}
}

// RemoveLocked forgets an entry.
func (x *Index[E, P]) RemoveLocked(e E) {
	if !x.Requests.Remove(e) {
		return
	}
	for _, it := range e.Items() {
		x.Queue.Remove(it)
	}
}

// RetireLocked takes out of memory what is over.
func (x *Index[E, P]) RetireLocked(now horde.Micros) {
	ended := x.Requests.Ended
	for _, e := range x.Requests.Over(now) {
		x.RemoveLocked(e)
		ended.leave(e.Key(), e.Version(), now)
		if e.Listed() {
			ended.List(e.Key(), e.User())
		}
	}
}

// Keys are those of the requests in memory.
func (x *Index[E, P]) Keys() []string {
	x.Lock()
	defer x.Unlock()
	return slices.Collect(maps.Keys(x.Requests.rows))
}

// Known returns a request that has not expired, nil if there is none in memory.
func (x *Index[E, P]) Known(key string, now horde.Micros) (none E) {
	x.Lock()
	defer x.Unlock()
	if e := x.Requests.Get(key); e != none && e.Expires() > now {
		return e
	}
	return none
}

// Over reports whether nothing of an entry waits or is in anybody's hands.
func (x *Index[E, P]) Over(e E) bool {
	x.Lock()
	defer x.Unlock()
	return e.Over()
}

// Size is how many requests are in memory, those that have just ended among them, and
// how many jobs or forms of them.
func (x *Index[E, P]) Size() (requests, parts int) {
	x.Lock()
	defer x.Unlock()
	return len(x.Requests.rows), len(x.Requests.parts)
}

// BytesByUser adds how many bytes the requests of each user take to a sum.
func (x *Index[E, P]) BytesByUser(sum map[horde.UserID]int64) {
	x.Lock()
	defer x.Unlock()
	for id, u := range x.Requests.users {
		sum[id] += u.bytes
	}
}

// KeepPlace counts a request that is being committed among what its user has, until it
// is in the index or LeavePlace is called.
func (x *Index[E, P]) KeepPlace(e E) {
	x.Lock()
	defer x.Unlock()
	x.Requests.Reserve(e)
}

// LeavePlace undoes KeepPlace, if there is anything to undo.
func (x *Index[E, P]) LeavePlace(key string) {
	x.Lock()
	defer x.Unlock()
	x.Requests.Release(key)
}
