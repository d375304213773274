// Package domain is what the handlers of every API share: the rooms that they call,
// and who is calling.
package domain

import (
	"net/http"

	"horde/internal/account"
	"horde/internal/alchemy"
	"horde/internal/catalog"
	"horde/internal/content"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/moderation"
	"horde/internal/notify"
	"horde/internal/queue"
	"horde/internal/rating"
	"horde/internal/server"
	"horde/internal/stats"
	"horde/internal/style"
)

// Domain is what the handlers call: one object for each room behind them.
type Domain struct {
	Accounts *account.Accounts
	Fleet    *fleet.Fleet
	Queue    *queue.Queue
	Alchemy  *alchemy.Queue
	Catalog  *catalog.Catalog
	Styles   *style.Styles
	Ratings  *rating.Ratings
	Stats    *stats.Stats
	Webhooks *notify.Notifier

	Documents *content.Documents    // terms, privacy notice and sponsors
	Switches  *moderation.Switches  // of the whole horde
	Filters   *moderation.Filters   // of prompts
	Addresses *moderation.Addresses // those that are kept out
}

// ErrNotModerator refuses what only moderators may do.
var ErrNotModerator = horde.Errorf(horde.NotModerator, "This is for the moderators of this horde.")

// Caller returns whose API key was sent. A call without one is the unknown key's.
func (d *Domain) Caller(r *http.Request) (*account.User, error) {
	return d.Accounts.ByKey(r.Context(), server.APIKey(r))
}

// Moderator returns the caller, who has to be a moderator.
func (d *Domain) Moderator(r *http.Request) (*account.User, error) {
	if err := server.RequireKey(r); err != nil {
		return nil, err
	}

	caller, err := d.Caller(r)
	if err == nil && !caller.Is(account.Moderator) {
		err = ErrNotModerator
	}
	return caller, err
}

// Admin returns the caller, who has to be an administrator.
func (d *Domain) Admin(r *http.Request) (*account.User, error) {
	if err := server.RequireKey(r); err != nil {
		return nil, err
	}

	caller, err := d.Caller(r)
	if err == nil && !d.Accounts.Admin(caller) {
		err = horde.Errorf(horde.NotAdmin, "This is for the administrators of this horde: the accounts that ADMINS names.")
	}
	return caller, err
}

// From returns where a call comes from.
func From(r *http.Request) queue.From {
	return queue.From{
		Key:         server.APIKey(r),
		ClientAgent: server.ClientAgent(r),
		Addr:        server.ClientAddr(r),
		Proxy:       server.NetworkAddr(r),
	}
}
