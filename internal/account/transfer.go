package account

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/store"
)

// returnDelay is how long received kudos must stay: within it the receiver cannot
// send any back.
const returnDelay = 60 * time.Second

// Gift is a POST /kudos/transfer: whole kudos for the user with an alias or id, or
// for the owner of a shared key, whose budget rises with it.
type Gift struct {
	Target string
	Amount int64
	// Key is the sender's own id for the gift: sent again with the same key it
	// moves nothing more. "" for none.
	Key string
}

// Transfer gives kudos of source to another user, with the refusals of
// platform §3.2 in order.
func (a *Accounts) Transfer(ctx context.Context, source *User, g Gift) error {
	if source.Anonymous() {
		return horde.Errorf(horde.KudosTransferFromAnon,
			"The anonymous account cannot send kudos. Use the key of an account of your own.")
	}

	target, key, err := a.receiver(ctx, g.Target)
	if err != nil {
		return err
	}
	if err := a.mayGive(ctx, source, target); err != nil {
		return err
	}

	switch {
	case g.Amount < 0:
		return horde.Errorf(horde.NegativeKudosTransfer, "The amount must be positive: kudos cannot be taken from others.")
	case g.Amount == 0:
		return horde.Errorf(horde.InvalidKudosTransferAmount, "Please send at least 1 kudos.")
	}
	return a.give(ctx, source, target, key, g)
}

// receiver finds who gets a gift, by alias, id or shared key; key is the id
// of the shared key.
func (a *Accounts) receiver(ctx context.Context, name string) (u *User, key string, err error) {
	unknown := horde.Errorf(horde.InvalidTargetUsername,
		"The receiver of the kudos was not found. Send to name#id, a bare id or a shared key.")
	if horde.IsID(name) {
		k, err := a.SharedKey(ctx, name)
		switch {
		case horde.CodeOf(err) != "":
			return nil, "", unknown
		case err != nil:
			return nil, "", err
		case a.Expired(k):
			return nil, "", horde.Errorf(horde.SharedKeyExpired, "This shared key has expired and cannot be topped up.")
		}
		return k.Owner, k.ID, nil
	}

	id, ok := IDOfAlias(name)
	if !ok {
		return nil, "", unknown
	}
	u, err = a.ByID(ctx, id)
	if horde.CodeOf(err) != "" {
		return nil, "", unknown
	}
	return u, "", err
}

// mayGive refuses gifts that the state of either user forbids.
func (a *Accounts) mayGive(ctx context.Context, source, target *User) error {
	switch {
	case target.Anonymous():
		return horde.Errorf(horde.KudosTransferToAnon,
			"The anonymous account cannot receive kudos. Send them to a registered user.")
	case target.ID == source.ID:
		return horde.Errorf(horde.KudosTransferToSelf, "You cannot send kudos to yourself.")
	}

	last, err := a.store.LastTransfer(ctx, target.ID, source.ID)
	if err != nil {
		return err
	}
	if tooFast(last, horde.MicrosOf(a.config.Clock())) {
		return errTooFast(target)
	}

	switch {
	case source.Suspicious():
		return horde.Errorf(horde.FaultWhenKudosSending,
			"Your account cannot send kudos at the moment. Please contact the moderators of this horde.")
	case source.Is(Flagged):
		return horde.Errorf(horde.SourceAccountFlagged,
			"Your account is flagged and cannot send kudos. Please contact the moderators of this horde.")
	case source.Is(Education):
		return horde.Errorf(horde.EducationCannotSendKudos, "Education accounts cannot send kudos.")
	case target.Suspicious():
		return horde.Errorf(horde.FaultWhenKudosReceiving, "This account cannot receive kudos at the moment.")
	case target.Is(Flagged):
		return horde.Errorf(horde.TargetAccountFlagged, "This account is flagged and cannot receive kudos.")
	case target.Is(Deleted):
		return horde.Errorf(horde.DeletedUser, "The receiver's account is scheduled for deletion.")
	case source.Is(Deleted):
		return horde.Errorf(horde.DeletedUser, "Your account is scheduled for deletion and cannot send kudos.")
	}
	return nil
}

// tooFast reports whether the receiver of a gift last sent its sender kudos so
// shortly before now that these must stay where they are.
func tooFast(last, now horde.Micros) bool { return last != 0 && now-last < horde.MicrosIn(returnDelay) }

func errTooFast(target *User) error {
	return horde.Errorf(horde.TooFastKudosTransfers,
		"%s sent you kudos a moment ago. Wait a minute before you send some back.", target.Alias())
}

// maxKudos is more than a horde can hold, in whole kudos; no balance covers more.
const maxKudos = 1_000_000_000_000_000

// give moves the kudos, exactly once per idempotency key. key is the shared
// key that they were sent to, "" for none.
func (a *Accounts) give(ctx context.Context, source, target *User, key string, g Gift) error {
	amount := horde.Whole(min(g.Amount, maxKudos))
	t := store.Transfer{
		ID:        "transfer:" + horde.NewID(),
		Source:    source.ID,
		Target:    target.ID,
		Amount:    amount,
		SharedKey: key,
	}

	if g.Key != "" {
		name := "aihorde-kudos:transfer:" + source.ID.String() + ":" + g.Key
		t.ID = "transfer:" + uuid.NewSHA1(uuid.NameSpaceURL, []byte(name)).String()
	}

	move := func(tx *store.Tx) error {
		if g.Key != "" {
			if before, err := tx.Transfer(t.ID); err == nil {
				return repeated(before, t)
			} else if !errors.Is(err, store.ErrNotFound) {
				return err
			}
		}

		// Of two gifts in opposite directions at one moment, one came first.
		if last, err := tx.LastTransfer(target.ID, source.ID); err != nil {
			return err
		} else if tooFast(last, tx.Now) {
			return errTooFast(target)
		}

		e := kudos.NewEntry(tx, t.ID, "transfer", "", "")
		e.About(kudos.About{By: source.ID, Key: key})
		gift := kudos.Gift{From: source.ID, To: target.ID, Amount: amount, Donation: target.Is(Education)}
		if err := e.Transfer(gift); errors.Is(err, kudos.ErrInsufficient) {
			return horde.Errorf(horde.KudosTransferNotEnough,
				"You do not have enough kudos above what your account keeps and what your requests have set aside.")
		} else if err != nil {
			return err
		}

		if err := e.Commit(); err != nil {
			return err
		}
		if key != "" {
			if err := tx.TopUpSharedKey(key, amount); err != nil {
				return err
			}
		}

		t.Created = tx.Now
		return tx.InsertTransfer(t)
	}

	unit := store.Unit{Accounts: []horde.UserID{source.ID, target.ID}, Do: move}
	err := a.store.Write(ctx, unit)
	if errors.Is(err, store.ErrDuplicate) { // another node was faster with the same key
		err = a.store.Write(ctx, unit)
	}
	return err
}

// repeated answers a gift whose idempotency key was used before.
func repeated(before, now store.Transfer) error {
	if before.Target == now.Target && before.Amount == now.Amount && before.SharedKey == now.SharedKey {
		return nil
	}
	return horde.Errorf(horde.IdempotencyKeyConflict,
		"This Idempotency-Key was used for another transfer. Use a new one for each.")
}
