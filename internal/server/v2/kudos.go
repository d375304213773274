package v2

import (
	"net/http"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/server"
	"horde/internal/server/pyjson"
)

// transferRates limit how often a key gives kudos (platform §1.6).
var transferRates = server.Rates{
	{Calls: 1, Per: time.Second, By: server.ByKey},
	{Calls: 90, Per: time.Hour, By: server.ByKey, Privileged: 600},
}

// kudosRoutes declares how kudos are given (platform §3.2).
func (a *API) kudosRoutes() []server.Route {
	return []server.Route{
		server.Post("/api/v2/kudos/transfer", a.postTransfer).Limit(transferRates).
			About("Give kudos to another user", server.Key, server.Agent, server.IdempotencyKey).
			Body(api.KudosTransferSchema).Answer(api.KudosTransferred{}).
			Operation("post_transfer_kudos", "400 401"),
		server.Post("/api/v2/kudos/award", a.postAward).
			About("Award kudos to a user", server.Key).Body(api.KudosTransferSchema).Answer(api.KudosAwarded{}).
			Operation("post_award_kudos", "400 401 403"),
	}
}

// standardGift is how many kudos are given where nothing is said.
const standardGift = 100

// gift reads the body that transfers and awards share, and finds whose key was sent.
func (a *API) gift(w http.ResponseWriter, r *http.Request) (*account.User, account.Gift, error) {
	body, err := server.LenientObject(w, r)
	if err != nil {
		return nil, account.Gift{}, err
	}
	if err := server.RequireKey(r); err != nil {
		return nil, account.Gift{}, err
	}

	target, ok := pyjson.Text(body, "username")
	if !ok {
		return nil, account.Gift{}, server.InvalidField("username",
			"The user ID which will receive the kudos. Missing required parameter in the JSON body")
	}
	amount, err := pyjson.Amount(body, "amount", standardGift)
	if err != nil {
		return nil, account.Gift{}, err
	}

	source, err := a.Caller(r)
	return source, account.Gift{Target: target, Amount: amount, Key: r.Header.Get("Idempotency-Key")}, err
}

// postTransfer gives kudos to somebody (platform §3.2).
func (a *API) postTransfer(w http.ResponseWriter, r *http.Request) error {
	source, gift, err := a.gift(w, r)
	if err != nil {
		return err
	}

	// All refusals of a transfer have this status, whatever their usual one.
	if err := a.Accounts.Transfer(r.Context(), source, gift); horde.CodeOf(err) != "" {
		return server.RefusedAs(err, http.StatusBadRequest)
	} else if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, &api.KudosTransferred{Transferred: api.Float(gift.Amount)})
}

// postAward gives kudos of the horde to somebody, or takes some back
// (platform §3.2).
func (a *API) postAward(w http.ResponseWriter, r *http.Request) error {
	source, gift, err := a.gift(w, r)
	if err != nil {
		return err
	}
	if err := a.Accounts.Award(r.Context(), source, gift.Target, gift.Amount); err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, &api.KudosAwarded{Awarded: api.Float(gift.Amount)})
}
