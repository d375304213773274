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
// of it can be spent at once.
func (e *Entry) Bonus(user horde.UserID, amount horde.Kudos, b Bucket) error {
	e.note(user, b.what, amount)
	if err := e.move(user, amount, func(t *store.Totals) { *b.of(t) += amount }); err != nil {
		return err
	}
	e.post(Mint, -amount)
	return nil
}
