package account

import (
	"encoding/json"
	"errors"
	"slices"

	"horde/internal/horde"

	"horde/internal/store"
)

// Reasons for suspicion, with the original's numbers (platform §6.5).
const (
	SuspicionName          = 0 // a long name of a worker
	SuspicionExtreme       = 1 // a very long one
	SuspicionUnsafeIP      = 3 // a worker at an unsafe address
	SuspicionTooFast       = 5 // faster than any hardware
	SuspicionCorruptPrompt = 8 // a prompt that the filters refused
	SuspicionAborts        = 9 // too many jobs dropped
)

const (
	suspectAt     = 5   // reasons from which someone is suspicious
	maxSuspicions = 200 // reasons remembered
)

// Suspicious reports whether the user gave too many reasons for suspicion; those of
// trusted users do not count (platform §6.1).
func (u *User) Suspicious() bool { return !u.Is(Trusted) && u.Suspicions >= suspectAt }

// Suspect adds a reason to the list of a user or worker. Each counts once, except
// those that can recur.
func Suspect(reasons []int, reason int) []int {
	repeats := reason == SuspicionTooFast || reason == SuspicionAborts
	if len(reasons) >= maxSuspicions || !repeats && slices.Contains(reasons, reason) {
		return reasons
	}
	return append(slices.Clip(reasons), reason)
}

// SuspectUser adds a reason to a user, in a unit of work that may change other
// things too. The anonymous user is never suspected, nor
// one that is gone.
func SuspectUser(tx *store.Tx, user horde.UserID, reason int) error {
	if user == horde.AnonymousID {
		return nil
	}
	row, err := tx.User(user)
	if errors.Is(err, store.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}

	b, err := json.Marshal(Suspect(reasonsOf(row.Suspicions), reason))
	if err != nil {
		return err
	}
	row.Suspicions = string(b)
	return tx.UpdateUser(row)
}

// reasonsOf reads a user's list; only SuspectUser writes it.
func reasonsOf(text string) (reasons []int) {
	_ = json.Unmarshal([]byte(text), &reasons)
	return reasons
}
