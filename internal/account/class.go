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
		classes[id] = a.classOf(id, Role(roles[id]))
	}
	return classes, nil
}

// ClassOfKey returns the class of an account by its API key, as of a call that was just
// answered: known is false for a key that none has used lately, such as one of nobody.
func (a *Accounts) ClassOfKey(key string) (class Class, known bool) {
	if key == "" || len(key) > maxKey {
		return "", false
	}
	hash := a.hash(key)
	a.mu.RLock()
	c, known := a.byKey[hash]
	a.mu.RUnlock()
	if !known {
		return "", false
	}
	return a.classOf(c.user.ID, c.user.Roles), true
}

func (a *Accounts) classOf(id horde.UserID, roles Role) Class {
	switch {
	case id == horde.AnonymousID:
		return ClassAnonymous
	case roles&Moderator != 0 || a.administers(id):
		return ClassHorde
	case roles&Trusted != 0:
		return ClassTrusted
	}
	return ClassUntrusted
}
