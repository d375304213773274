package account

import (
	"context"
	"errors"
	"time"

	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/store"
)

// evaluation is how old an account must be to become trusted automatically.
const evaluation = 7 * 24 * time.Hour

// PromoteEarners makes those users trusted whose workers have earned more than
// threshold into escrow, who are not suspicious and whose accounts are old enough
// (platform §6.4). It returns their ids: their workers' pauses end.
func (a *Accounts) PromoteEarners(ctx context.Context, threshold horde.Kudos) ([]horde.UserID, error) {
	candidates, err := a.store.EscrowAbove(ctx, int64(threshold))
	if err != nil {
		return nil, err
	}

	var promoted []horde.UserID
	for _, id := range candidates {
		u, err := a.ByID(ctx, id)
		if horde.CodeOf(err) != "" {
			continue // wiped
		}
		if err != nil {
			return promoted, err
		}

		old := horde.MicrosOf(a.config.Clock())-u.Created >= horde.MicrosIn(evaluation)
		if !old || u.Anonymous() || u.Suspicious() || u.Is(Trusted) {
			continue
		}

		if err := a.promote(ctx, id); err != nil {
			return promoted, err
		}
		promoted = append(promoted, id)
	}
	return promoted, nil
}

// FreeEscrow gives trusted users what is still in their escrow: a delivery that was
// in progress when they became trusted may have left it there (platform §6.4).
func (a *Accounts) FreeEscrow(ctx context.Context) error {
	ids, err := a.store.EscrowOf(ctx, int64(Trusted))
	if err != nil {
		return err
	}
	for _, id := range ids {
		if err := a.freeEscrow(ctx, id); err != nil {
			return err
		}
	}
	return nil
}

// freeEscrow moves the escrow of a user who is trusted inside the
// transaction.
func (a *Accounts) freeEscrow(ctx context.Context, id horde.UserID) error {
	return a.store.Write(ctx, store.Unit{Accounts: []horde.UserID{id}, Do: func(tx *store.Tx) error {
		row, err := tx.User(id)
		if err != nil || Role(row.Roles)&Trusted == 0 {
			return err
		}
		return promotion(tx, id)
	}})
}

// promotion moves the escrow of a user who has become trusted.
func promotion(tx *store.Tx, id horde.UserID) error {
	e := kudos.NewEntry(tx, "trusted:"+horde.NewID(), "became trusted", "", "")
	if err := e.Promote(id); err != nil {
		return err
	}
	return e.Commit()
}

// promote grants the role and frees the escrow, together. A node that was faster
// leaves nothing to do.
func (a *Accounts) promote(ctx context.Context, id horde.UserID) error {
	err := a.store.Write(ctx, store.Unit{Accounts: []horde.UserID{id}, Do: func(tx *store.Tx) error {
		row, err := tx.User(id)
		if err != nil {
			return err
		}
		if Role(row.Roles)&Trusted != 0 {
			return store.ErrLost
		}

		row.Roles |= int64(Trusted)
		if err := promotion(tx, id); err != nil {
			return err
		}
		return tx.UpdateUser(row)
	}})
	if errors.Is(err, store.ErrLost) {
		return nil
	}
	return err
}
