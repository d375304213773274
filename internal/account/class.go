package account

import (
	"context"

	"horde/internal/horde"
)

// Class is what kind of account something belongs to: for figures that are not to grow
// with the number of accounts.
type Class string

// Classes of accounts.
const (
	ClassAnonymous Class = "anonymous"
	ClassUntrusted Class = "untrusted"
	ClassTrusted   Class = "trusted"
	ClassHorde     Class = "horde" // administrators and moderators
)

// Classes are all of them.
var Classes = []Class{ClassAnonymous, ClassUntrusted, ClassTrusted, ClassHorde}

// ClassesOf finds the classes of users. Who is not known is not trusted.
func (a *Accounts) ClassesOf(ctx context.Context, users []horde.UserID) (map[horde.UserID]Class, error) {
	roles, err := a.store.Roles(ctx, users)
	if err != nil {
		return nil, err
	}

	classes := make(map[horde.UserID]Class, len(users))
	for _, id := range users {
		switch {
		case id == horde.AnonymousID:
			classes[id] = ClassAnonymous
		case Role(roles[id])&Moderator != 0 || a.administers(id):
			classes[id] = ClassHorde
		case Role(roles[id])&Trusted != 0:
			classes[id] = ClassTrusted
		default:
			classes[id] = ClassUntrusted
		}
	}
	return classes, nil
}
