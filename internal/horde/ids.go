package horde

import "strconv"

// UserID numbers an account: 0 is the anonymous user's, the first registered is 1. Users
// see it behind their name, as in "name#1".
type UserID int64

// AnonymousID is the id of the user behind api.AnonymousKey.
const AnonymousID UserID = 0

// String is the number in decimal.
func (u UserID) String() string { return strconv.FormatInt(int64(u), 10) }
