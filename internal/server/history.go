package server

import (
	"net/http"
	"time"

	"horde/api"
	"horde/internal/account"
)

// historyRates bound how often a key looks into the ledger.
var historyRates = rates{{calls: 60, per: time.Minute, by: byKey}}

const historyPage = 50 // movements, unless asked for otherwise

// historyRoutes are the lines of the routes table for what moved kudos.
func (s *Server) historyRoutes() []route {
	text := func(about string) *api.Schema { return &api.Schema{Type: api.String, Description: about} }
	return []route{
		{
			method: http.MethodPost, pattern: "/api/ext/v1/kudos/adjust", handle: s.postAdjust, limits: historyRates,
			doc: &doc{summary: "Give or take kudos by hand, with a reason; for administrators", key: true, body: api.AdjustmentSchema, answers: map[int]any{http.StatusOK: api.Adjusted{}}},
		},
		{
			method: http.MethodGet, pattern: "/api/ext/v1/kudos/history", handle: s.getHistory, limits: historyRates,
			doc: &doc{
				summary: "See what moved your kudos, newest first", key: true, agent: true, answers: map[int]any{http.StatusOK: api.KudosHistory{}},
				query: []queryParam{
					{"limit", &api.Schema{Type: api.Integer, Description: "Movements on a page, at most 200.", Default: historyPage}},
					{"before", text("The next of the page before.")},
					{"username", text("Somebody else, by name#id or id; for moderators.")},
				},
			},
		},
	}
}

// getHistory tells a user, or a moderator, what moved the user's kudos.
func (s *Server) getHistory(w http.ResponseWriter, r *http.Request) error {
	if err := requireKey(r); err != nil {
		return err
	}
	query := r.URL.Query()
	limit, err := queryInt(query.Get("limit"), "limit", historyPage)
	if err != nil {
		return err
	}
	if limit < 1 || limit > account.MaxHistory {
		return invalidField("limit", "a page has 1 to 200 movements")
	}
	caller, err := s.Accounts.ByKey(r.Context(), apiKey(r))
	if err != nil {
		return err
	}
	user, err := s.Accounts.HistoryOf(r.Context(), caller, query.Get("username"))
	if err != nil {
		return err
	}
	history, err := s.Accounts.History(r.Context(), user.ID, query.Get("before"), limit)
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, history)
}

// postAdjust moves kudos by an administrator's hand.
func (s *Server) postAdjust(w http.ResponseWriter, r *http.Request) error {
	in, err := decode[api.Adjustment](w, r, api.AdjustmentSchema)
	if err != nil {
		return err
	}
	caller, err := s.Accounts.ByKey(r.Context(), apiKey(r))
	if err != nil {
		return err
	}
	done, err := s.Accounts.Adjust(r.Context(), caller, account.Adjustment{Target: in.Username, Amount: in.Amount, Reason: in.Reason})
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &api.Adjusted{Username: done.Alias, Adjusted: api.Float(done.Moved.Float()), Kudos: api.Float(done.Balance.Float())})
}
