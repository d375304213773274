package queue

import (
	"horde/internal/account"
	"horde/internal/fleet"
	"horde/internal/kinds"
	"horde/internal/store"
)

// offered are the models of the workers that could get a user's request which names
// none.
func (q *Queue) offered(x *index, r kinds.Described, of *account.User) (models []string) {
	if len(r.Common().Models) > 0 {
		return nil
	}
	for _, w := range q.takers(x, r, of) {
		models = append(models, w.Settings.Models...)
	}
	return models
}

// takers are the live workers that could get a user's request which is being priced.
// New ones do not count where others are there: whoever makes up a worker does not
// decide what requests cost.
func (q *Queue) takers(x *index, r kinds.Described, of *account.User) []*fleet.Worker {
	rec := recordOf(r)
	rec.Trusted = of.Is(account.Trusted)
	e := x.newEntry(store.Request{Kind: x.kind.name, UserID: of.ID}, rec)

	c := q.contest(e, func(string) bool { return false })
	var proven, all []*fleet.Worker
	q.Fleet.Online(x.kind.name, func(w *fleet.Worker) bool {
		if c.CouldGet(w) {
			all = append(all, w)
			if fleet.HasDelivered(&w.Worker) {
				proven = append(proven, w)
			}
		}
		return true
	})
	if len(proven) > 0 {
		return proven
	}
	return all
}
