package ext

import (
	"net/http"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/server"
)

// historyRates limit how often a key looks into the ledger.
var historyRates = server.Rates{{Calls: 60, Per: time.Minute, By: server.ByKey}}

// historyPage is how many movements a page has unless asked for otherwise.
const historyPage = 50

// kudosRoutes declares what moved kudos, and how administrators move them.
func (a *API) kudosRoutes() []server.Route {
	return []server.Route{
		server.Post("/api/ext/v1/kudos/adjust", a.postAdjust).Limit(historyRates).
			About("Give or take kudos by hand, with a reason; for administrators", server.Key).
			Body(api.AdjustmentSchema).Answer(api.Adjusted{}),
		server.Get("/api/ext/v1/kudos/history", a.getHistory).Limit(historyRates).
			About("See what moved your kudos, newest first", server.Key, server.Agent).
			Query(
				server.IntParam("limit", "Movements on a page, at most 200.").Or(historyPage),
				server.TextParam("before", "The next of the page before."),
				server.TextParam("username", "Somebody else, by name#id or id; for moderators."),
			).Answer(api.KudosHistory{}),
	}
}

// getHistory shows a user, or a moderator, what moved the user's kudos.
func (a *API) getHistory(w http.ResponseWriter, r *http.Request) error {
	if err := server.RequireKey(r); err != nil {
		return err
	}

	query := r.URL.Query()
	limit, err := server.QueryInt(query.Get("limit"), "limit", historyPage)
	if err != nil {
		return err
	}
	if limit < 1 || limit > account.MaxHistory {
		return server.InvalidField("limit", "a page has 1 to 200 movements")
	}

	caller, err := a.Caller(r)
	if err != nil {
		return err
	}

	user, err := a.Accounts.HistoryOf(r.Context(), caller, query.Get("username"))
	if err != nil {
		return err
	}

	history, err := a.Accounts.History(r.Context(), user.ID, query.Get("before"), limit)
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, history)
}

// postAdjust moves kudos by an administrator's hand.
func (a *API) postAdjust(w http.ResponseWriter, r *http.Request) error {
	in, err := server.Decode[api.Adjustment](w, r, api.AdjustmentSchema)
	if err != nil {
		return err
	}
	caller, err := a.Caller(r)
	if err != nil {
		return err
	}

	by := account.Adjustment{Target: in.Username, Amount: in.Amount, Reason: in.Reason}
	done, err := a.Accounts.Adjust(r.Context(), caller, by)
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, &api.Adjusted{
		Username: done.Alias,
		Adjusted: api.Float(done.Moved.Float()),
		Kudos:    api.Float(done.Balance.Float()),
	})
}
