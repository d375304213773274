package kudos

import (
	"horde/internal/horde"
	"horde/internal/store"
)

// StyleBonus counts what the owners of styles earn by their use.
var StyleBonus = Bucket{func(t *store.Totals) *horde.Kudos { return &t.Styled }, StyleUsed}

// StyleReward is what the owner of a style gets for each accepted request of
// someone else that uses it (generation §6.11).
func StyleReward() horde.Kudos { return horde.Whole(2) }

// Bonus gives a user newly minted kudos for something other than a delivery: a
// style that was used, images that were rated (generation §6.11). All
// of it, within the bounds of the event, can be spent at once.
func (e *Entry) Bonus(user horde.UserID, amount horde.Kudos, b Bucket) error {
	granted, err := e.grant(user, amount)
	if err != nil {
		return err
	}

	e.note(user, b.what, amount)
	if err := e.move(user, granted, func(t *store.Totals) { *b.of(t) += granted }); err != nil {
		return err
	}
	e.post(Mint, -granted)
	return nil
}
