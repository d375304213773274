package account

import (
	"slices"

	"horde/internal/horde"
)

// Admin reports whether the user may do everything. The id decides, not the name:
// moderators can change names.
func (a *Accounts) Admin(u *User) bool { return a.administers(u.ID) }

func (a *Accounts) administers(id horde.UserID) bool {
	return id != horde.AnonymousID && lists(a.config.Admins(), id)
}

// lists reports whether one of some aliases or bare ids is that of the account.
func lists(names []string, id horde.UserID) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		listed, ok := IDOfAlias(name)
		return ok && listed == id
	})
}

// RefuseAbove refuses a caller who would change the account of an administrator, or what
// belongs to it, and is none. Rights over others end below those who gave them.
func (a *Accounts) RefuseAbove(caller *User, target horde.UserID) error {
	if caller.ID == target || !a.administers(target) || a.Admin(caller) {
		return nil
	}
	return horde.Errorf(horde.NotAdmin,
		"This belongs to an administrator of this horde, and only administrators can change it.")
}
