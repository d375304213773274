package ext

import (
	"net/http"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/server"
)

// auditPage is how many actions a page has unless asked for otherwise.
const auditPage = 50

// auditRoutes declares what administrators read of what was done.
func (a *API) auditRoutes() []server.Route {
	return []server.Route{
		server.Get("/api/ext/v1/audit", a.getAudit).Limit(adminRates).
			About("See what moderators and administrators did, newest first; for administrators", server.Key).
			Query(
				server.IntParam("limit", "Actions on a page, at most 200.").Or(auditPage),
				server.TextParam("before", "The next of the page before."),
			).Answer(api.Audit{}),
	}
}

// getAudit shows administrators what was done by anybody's rights over others.
func (a *API) getAudit(w http.ResponseWriter, r *http.Request) error {
	if err := server.RequireKey(r); err != nil {
		return err
	}

	query := r.URL.Query()
	limit, err := server.QueryInt(query.Get("limit"), "limit", auditPage)
	if err != nil {
		return err
	}
	if limit < 1 || limit > account.MaxAudit {
		return server.InvalidField("limit", "a page has 1 to 200 actions")
	}

	before := query.Get("before")
	if before != "" && !horde.IsID(before) {
		return server.InvalidField("before", "is the next of another page")
	}

	caller, err := a.Caller(r)
	if err != nil {
		return err
	}
	page, err := a.Accounts.Audit(r.Context(), caller, before, limit)
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, page)
}
