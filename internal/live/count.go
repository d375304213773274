package live

import (
	"maps"
	"slices"
)

// Reserve counts a request that is being committed among what its user has, until
// Release or Add.
func (t *Table[E, P]) Reserve(key string, user int64, load Load) {
	t.reserved[key] = reservation{user: user, load: load}
	t.userOf(user).reserved++
	t.count(user, load, 1)
}

// Release undoes Reserve, if there is anything to undo.
func (t *Table[E, P]) Release(key string) {
	p, ok := t.reserved[key]
	if !ok {
		return
	}
	delete(t.reserved, key)
	t.count(p.user, p.load, -1)
	t.users[p.user].reserved--
	t.tidy(p.user)
}

// Total is what all entries and reservations count.
func (t *Table[E, P]) Total() Load { return t.total }

// JobsOf is how many jobs a user has, or, where models are named, how many for each of
// them: a job that names two counts twice.
func (t *Table[E, P]) JobsOf(id int64, models ...string) (n int) {
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

// userOf is what a user has, made when there was nothing.
func (t *Table[E, P]) userOf(id int64) *user[E] {
	u := t.users[id]
	if u == nil {
		u = &user[E]{entries: map[E]bool{}, byModel: map[string]int{}}
		t.users[id] = u
	}
	return u
}

// tidy forgets a user who has nothing.
func (t *Table[E, P]) tidy(id int64) {
	if u := t.users[id]; len(u.entries) == 0 && u.reserved == 0 {
		delete(t.users, id)
	}
}

// count adds a load to the sums, or takes it off (sign −1).
func (t *Table[E, P]) count(id int64, load Load, sign int) {
	t.total.Jobs += sign * load.Jobs
	t.total.Units += int64(sign) * load.Units

	u := t.users[id]
	u.jobs += sign * load.Jobs
	for _, m := range load.Models {
		if u.byModel[m] += sign * load.Jobs; u.byModel[m] == 0 {
			delete(u.byModel, m)
		}
	}
}

// Tally is what a table counts, in plain values, for whoever compares it with what it
// should count.
type Tally struct {
	Total    Load
	Jobs     map[int64]int            // by user
	ByModel  map[int64]map[string]int // by user and model
	Reserved int                      // requests that are being committed
	Parts    []string                 // ids, sorted
}

// Tally lists what the table counts.
func (t *Table[E, P]) Tally() Tally {
	all := Tally{Total: t.total, Jobs: map[int64]int{}, ByModel: map[int64]map[string]int{}, Reserved: len(t.reserved)}
	for id, u := range t.users {
		all.Jobs[id], all.ByModel[id] = u.jobs, maps.Clone(u.byModel)
	}
	for id := range t.parts {
		all.Parts = append(all.Parts, id)
	}
	slices.Sort(all.Parts)
	return all
}
