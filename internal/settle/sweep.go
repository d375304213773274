package settle

import (
	"context"
	"errors"

	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/store"
)

// SweepBatch is how many rows a sweep reads at once.
const SweepBatch = 500

// Sweep calls end for all that find brings now, which reads at most limit rows at a time.
// A row on which end fails with ErrLost is somebody else's by now.
func Sweep[T any](
	ctx context.Context,
	clock horde.Clock,
	find func(ctx context.Context, now horde.Micros, limit int) ([]T, error),
	end func(context.Context, T) error,
) error {
	for {
		found, err := find(ctx, clock.Micros(), SweepBatch)
		if err != nil {
			return err
		}

		ended := 0
		for _, row := range found {
			switch err := end(ctx, row); {
			case err == nil:
				ended++
			case !errors.Is(err, store.ErrLost):
				return err
			}
		}

		// Where nothing could be ended, the next look would find the same rows.
		if len(found) < SweepBatch || ended == 0 {
			return nil
		}
	}
}

// Expiry is the end of a request that nothing has happened to for too long. What is
// in workers' hands gets nothing (generation §5.8).
type Expiry struct {
	Request string // id
	Payer   horde.UserID

	// Delete removes its rows if it has expired at At, in microseconds: one of
	// (*store.Tx).DeleteRequest and DeleteAlchemy.
	Delete func(tx *store.Tx, id string, now horde.Micros) error
	At     horde.Micros

	Holds []string // that may be set aside for it
	OnKey bool     // a shared key may have kudos set aside for it
}

// Remove removes a request that has expired, with what is set aside for it. ErrLost: it
// was renewed or is gone.
func Remove(ctx context.Context, s *store.Store, e Expiry) error {
	u := store.Unit{Key: e.Request, Do: e.remove}
	if e.OnKey || len(e.Holds) > 0 {
		u.Accounts = []horde.UserID{e.Payer}
	}
	return s.Write(ctx, u)
}

func (e *Expiry) remove(tx *store.Tx) error {
	if err := e.Delete(tx, e.Request, e.At); err != nil {
		return err
	}
	if e.OnKey {
		if err := kudos.ReleaseKeyHold(tx, e.Request); err != nil {
			return err
		}
	}
	return releaseHolds(tx, e.Holds)
}

func releaseHolds(tx *store.Tx, holds []string) error {
	if len(holds) == 0 {
		return nil
	}
	return kudos.ReleaseHolds(tx, holds...)
}

// RepairKeys frees what nodes on an earlier version have left set aside on shared keys:
// they end requests without knowing of it.
func RepairKeys(ctx context.Context, s *store.Store) error {
	inconsistent, err := s.InconsistentKeys(ctx)
	if err != nil {
		return err
	}

	for _, k := range inconsistent {
		u := store.Unit{Key: k.ID, Accounts: []horde.UserID{k.UserID}}
		u.Do = func(tx *store.Tx) error { return kudos.RepairKey(tx, k) }
		if err := s.Write(ctx, u); err != nil {
			return err
		}
	}
	return nil
}
