package live

import "horde/internal/horde"

// Rows are a request in the database and what it is made of.
type Rows[R, J any] struct {
	Key     string
	Expires horde.Micros
	Request R
	Parts   []J // jobs or forms, in their order
}

// Keeper knows what the rows of a kind's requests mean. It is called under the lock of
// their index.
type Keeper[R, J any, E any] interface {
	// Read makes an entry of rows.
	Read(*Rows[R, J]) (E, error)
	// Commit gives an entry that this node has made the row that was committed.
	Commit(E, *Rows[R, J])
	// Apply gives an entry of the index the state of rows, as far as it knows no newer one.
	Apply(E, *Rows[R, J])
}

// Take brings rows of requests into an index, whose lock the caller holds, and forgets
// those of gone that have no row. It returns the entries of the rows of which anything is
// left to be done, to be offered, and the keys of outdated rows: their requests have
// left memory in a newer state. What is unreadable is left out.
func Take[R, J any, E Entry[P], P any](
	x *Index[E, P], k Keeper[R, J, E], rows []Rows[R, J], gone []string, now horde.Micros,
) (open []E, outdated []string) {
	var none E
	found := make(map[string]bool, len(gone))
	for i := range rows {
		r := &rows[i]
		found[r.Key] = true
		e := x.Requests.Get(r.Key)
		if e == none {
			if e = readEntry(x, k, r, now); e == none {
				continue
			}
			if x.Requests.Ended.newer(r.Key, e.Version()) {
				outdated = append(outdated, r.Key)
				continue
			}
			x.AddLocked(e)
		}

		k.Apply(e, r)
		if e.Load().Jobs > 0 {
			open = append(open, e)
		}
	}

	for _, key := range gone {
		if found[key] {
			continue
		}
		x.Requests.Ended.Remove(key)
		if e := x.Requests.Get(key); e != none {
			x.RemoveLocked(e)
		}
	}
	return open, outdated
}

// readEntry is a new entry of rows, or the one that this node has made; nil: there is
// none. What has expired may have been removed since it was read.
func readEntry[R, J any, E Entry[P], P any](
	x *Index[E, P], k Keeper[R, J, E], r *Rows[R, J], now horde.Micros,
) (none E) {
	if r.Expires <= now {
		return none
	}

	if e := x.Requests.Reserved(r.Key); e != none {
		k.Commit(e, r)
		return e
	}

	e, err := k.Read(r)
	if err != nil {
		x.Log.Error("unreadable request", "error", err)
		return none
	}
	return e
}

// BringIn is Take for who does not hold the lock. It offers what is left to be done, and
// takes out of memory what is over.
func BringIn[R, J any, E Entry[P], P any](
	x *Index[E, P], k Keeper[R, J, E], rows []Rows[R, J], gone []string, now horde.Micros,
) (outdated []string) {
	x.Lock()
	open, outdated := Take(x, k, rows, gone, now)
	x.RetireLocked(now)
	x.Unlock()
	x.Requests.Offer(open...)
	return outdated
}
