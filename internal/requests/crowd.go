package requests

import (
	"horde/internal/account"
	"horde/internal/admission"
	"horde/internal/horde"
	"horde/internal/live"
	"horde/internal/store"
)

// CrowdLocked is what waits in an index when a request of a user comes. The caller holds
// its lock.
func CrowdLocked[E live.Entry[P], P any](x *live.Index[E, P], user *account.User) admission.Crowd {
	t := x.Requests
	all := t.Total()
	return admission.Crowd{
		All:       admission.Backlog{Jobs: all.Jobs, Bytes: all.Bytes},
		Own:       admission.Backlog{Jobs: t.JobsOf(user.ID), Bytes: t.BytesOf(user.ID)},
		Anonymous: user.Anonymous(),
	}
}

// CrowdOf is what waits of requests outside of the index, where one of a user comes.
func CrowdOf(user horde.UserID, requests []store.Backlog) (c admission.Crowd) {
	for _, b := range requests {
		backlog := admission.Backlog{Jobs: b.Jobs, Bytes: b.Bytes}
		c.All = c.All.Plus(backlog)
		if b.UserID == user {
			c.Own = c.Own.Plus(backlog)
		}
	}
	return c
}
