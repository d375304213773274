package settle

import (
	"cmp"
	"context"
	"errors"
	"slices"

	"horde/internal/horde"
	"horde/internal/store"
)

// ClaimJobs writes that a worker has jobs of a request, all of one pop: the request
// gives them up and they exist, or neither. It lives on until expires at least, in
// microseconds. ErrLost: the request had fewer jobs by now.
//
// Decoys take nothing, but the request has to be there, and the other nodes to hear
// of it.
func ClaimJobs(
	ctx context.Context, s *store.Store, jobs []store.Job, expires horde.Micros,
) error {
	first, n := jobs[0], len(jobs)
	if first.Decoy {
		n, expires = 0, 0
	}
	claim := store.ClaimOf(first.RequestID, n, expires, first.Started)

	return s.Write(ctx, store.Unit{Key: first.RequestID, First: []store.Asked{claim}, Do: func(tx *store.Tx) error {
		if _, err := claim.Answer(tx); err != nil {
			return err
		}
		for _, j := range jobs {
			tx.InsertJob(j)
		}
		return nil
	}})
}

// FormClaim is forms that one pop is to get. Times are in microseconds.
type FormClaim struct {
	Worker string // id
	Pop    string // id
	Forms  []*Form

	At      horde.Micros
	Ends    horde.Micros // of the worker's time
	Expires horde.Micros // of the requests from now on, at least
}

// ClaimForms writes that a worker has forms, and returns those that nobody has changed
// since the caller read them. Of the others the worker has none.
func ClaimForms(ctx context.Context, s *store.Store, c FormClaim) (taken []*Form, err error) {
	// All nodes lock rows in one order.
	forms := slices.SortedFunc(slices.Values(c.Forms), func(a, b *Form) int { return cmp.Compare(a.Row.ID, b.Row.ID) })
	u := store.Unit{Key: forms[0].Row.RequestID}

	var requests []string
	for _, f := range forms {
		requests = append(requests, f.Row.RequestID)
	}
	slices.Sort(requests)

	// Ask that the requests live on, and for each form.
	var renewals []*store.Ask[string]
	for _, id := range slices.Compact(requests) {
		renewal := store.RenewAlchemyOf(id, c.Expires, c.At)
		renewals = append(renewals, renewal)
		u.First = append(u.First, renewal)
	}
	claims := make([]*store.Ask[store.FormProgress], len(forms))
	for i, f := range forms {
		claims[i] = store.ClaimFormOf(&f.Row, c.Worker, c.Pop, c.Ends, c.At)
		u.First = append(u.First, claims[i])
	}

	u.Do = func(tx *store.Tx) error {
		taken = nil // of a run that was rolled back
		for _, r := range renewals {
			if _, err := r.Answer(tx); err != nil && !errors.Is(err, store.ErrLost) {
				return err
			}
		}
		for i, f := range forms {
			var err error
			if f.Progress, err = claims[i].Answer(tx); err == nil {
				taken = append(taken, f)
			} else if !errors.Is(err, store.ErrLost) {
				return err
			}
		}
		return nil
	}
	err = s.Write(ctx, u)
	return taken, err
}
