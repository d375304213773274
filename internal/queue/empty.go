package queue

import (
	"context"

	"horde/internal/store"
)

// EmptyAll takes the waiting jobs of all live requests away: the horde goes into
// maintenance. What workers have already is still delivered. Kudos that were set
// aside for a request with nothing left to come are free again.
func (q *Queue) EmptyAll(ctx context.Context) error {
	var emptied []store.Request
	err := q.Store.Write(store.Unit{Do: func(tx *store.Tx) (err error) {
		emptied, err = tx.EmptyRequests()
		return err
	}})
	if err != nil {
		return err
	}
	var free []*entry
	x := q.index
	x.mu.Lock()
	for _, row := range emptied {
		if e := x.entries[row.ID]; e != nil {
			x.apply(e, row.RequestState)
			if e.record.Held && e.over(e.counts()) {
				free = append(free, e)
			}
		}
	}
	x.mu.Unlock()
	for _, e := range free {
		q.release(e)
	}
	return ctx.Err()
}
