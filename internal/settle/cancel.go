package settle

import (
	"context"
	"errors"

	"horde/internal/store"
)

// Cancel ends the handing out of a request's jobs: what workers have already is still
// delivered, paid and charged (generation §1.12). ErrLost: the request is gone.
func Cancel(ctx context.Context, s *store.Store, id string, f Funds) error {
	return s.Write(ctx, store.Unit{Key: id, Accounts: f.accounts(), Do: func(tx *store.Tx) error {
		state, err := tx.Cancel(id)
		if err != nil {
			return err
		}
		return releaseIfOver(tx, &f, func(tx *store.Tx) (bool, error) { return requestOver(tx, id, state) })
	}})
}

// Release frees the funds of a request whose waiting jobs were taken away, once no
// worker has any. A request that is gone has none.
func Release(ctx context.Context, s *store.Store, id string, f Funds) error {
	return s.Write(ctx, store.Unit{Key: id, Accounts: f.accounts(), Do: func(tx *store.Tx) error {
		// Lock the request, so that no other node changes it meanwhile.
		state, err := tx.LockRequest(id)
		if errors.Is(err, store.ErrLost) {
			return nil
		}
		if err != nil {
			return err
		}
		return releaseIfOver(tx, &f, func(tx *store.Tx) (bool, error) { return requestOver(tx, id, state) })
	}})
}

// CancelledForm is a form to be cancelled.
type CancelledForm struct {
	*Form
	Funds Funds

	// InHand is what the worker gets that has the form in its hands, as if it had
	// delivered (generation §3.2); nil: none has.
	InHand *Delivery
}

// CancelForms cancels forms of a request in one transaction. ErrLost: one of them has
// changed meanwhile, and none is cancelled.
func CancelForms(ctx context.Context, s *store.Store, request string, forms []CancelledForm) error {
	u := store.Unit{Key: request}
	for _, f := range forms {
		u.Accounts = append(u.Accounts, f.Funds.Payer)
		if f.InHand != nil {
			u.Accounts = append(u.Accounts, f.InHand.accounts()...)
			u.Workers = append(u.Workers, f.InHand.Worker)
			u.Unpaid = append(u.Unpaid, f.InHand.unpaid()...)
		}
	}

	u.Do = func(tx *store.Tx) error {
		for _, f := range forms {
			if err := f.cancel(tx); err != nil {
				return err
			}
		}
		return releaseAll(tx, forms)
	}
	return s.Write(ctx, u)
}

func (c *CancelledForm) cancel(tx *store.Tx) (err error) {
	if c.Progress, err = tx.CancelForm(&c.Row); err != nil || c.InHand == nil {
		return err
	}

	d := c.InHand
	if err := d.pay(tx, d.Rules.Cancelled, 0); err != nil {
		return err
	}
	return d.count(tx, d.countEarned)
}

// releaseAll frees what is set aside for forms, all at once.
func releaseAll(tx *store.Tx, forms []CancelledForm) error {
	var holds []string
	for _, f := range forms {
		if f.Funds.Hold != "" {
			holds = append(holds, f.Funds.Hold)
		}
	}
	return releaseHolds(tx, holds)
}
