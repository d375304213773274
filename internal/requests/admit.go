package requests

import (
	"context"

	"horde/internal/horde"
	"horde/internal/live"
	"horde/internal/store"
)

// Admit commits a request by take, in whose transaction it is known what other nodes took in
// meanwhile (store.Tx.Unheard). From then until it is in the index the request has its place
// among what its user has waiting, so that calls at one moment see each other.
func Admit[E live.Entry[P], P any](
	ctx context.Context, s *store.Store, x *live.Index[E, P], e E, accounts []horde.UserID, take func(*store.Tx) error,
) error {
	unit := store.Unit{Key: e.Key(), Accounts: accounts, Unheard: true, Do: func(tx *store.Tx) error {
		// Of a run that was rolled back, so that what is refused now is not in the way
		// of others.
		x.LeavePlace(e.Key())

		if err := take(tx); err != nil {
			return err
		}
		x.KeepPlace(e)
		return nil
	}}
	err := s.Write(ctx, unit)
	x.LeavePlace(e.Key()) // if the request has not come in and taken it
	return err
}
