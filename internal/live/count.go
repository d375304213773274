package live

import (
	"maps"
	"slices"

	"horde/internal/horde"
)

// Total is what all entries and reservations count.
func (t *Table[E, P]) Total() Load { return t.total }

// JobsOf is how many jobs a user has, or, where models are named, how many for each of
// them: a job that names two counts twice.
func (t *Table[E, P]) JobsOf(id horde.UserID, models ...string) (n int) {
	u := t.users[id]
	switch {
	case u == nil:
		return 0
	case len(models) == 0:
		return u.jobs
	}
	for _, m := range models {
		n += u.byModel[m]
	}
	return n
}

// BytesOf is how many bytes the requests of a user take.
func (t *Table[E, P]) BytesOf(id horde.UserID) int64 {
	if u := t.users[id]; u != nil {
		return u.bytes
	}
	return 0
}

// Unknown are those of these keys, each once, that are neither in the table nor
// reserved.
func (t *Table[E, P]) Unknown(keys []string) (unknown []string) {
	for _, key := range keys {
		if _, reserved := t.reserved[key]; !reserved && t.rows[key] == nil {
			unknown = append(unknown, key)
		}
	}
	slices.Sort(unknown)
	return slices.Compact(unknown)
}

// Tally is what a table counts, in plain values, for whoever compares it with what it
// should count.
type Tally struct {
	Total    Load
	Jobs     map[horde.UserID]int            // by user
	Bytes    map[horde.UserID]int64          // by user
	ByModel  map[horde.UserID]map[string]int // by user and model
	Reserved int                             // requests that are being committed
	Parts    []string                        // ids, sorted
}

// Tally lists what the table counts.
func (t *Table[E, P]) Tally() Tally {
	all := Tally{
		Total:    t.total,
		Jobs:     map[horde.UserID]int{},
		Bytes:    map[horde.UserID]int64{},
		ByModel:  map[horde.UserID]map[string]int{},
		Reserved: len(t.reserved),
	}
	for id, u := range t.users {
		all.Jobs[id], all.Bytes[id], all.ByModel[id] = u.jobs, u.bytes, maps.Clone(u.byModel)
	}
	for id := range t.parts {
		all.Parts = append(all.Parts, id)
	}
	slices.Sort(all.Parts)
	return all
}
