package ext

import (
	"net/http"
	"strconv"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/server"
)

// keyRates limit how often a key is renewed.
var keyRates = server.Rates{{Calls: 10, Per: time.Minute, By: server.ByKey}}

// keyRoutes declares how API keys are renewed and revoked.
func (a *API) keyRoutes() []server.Route {
	return []server.Route{
		server.Post("/api/ext/v1/users/{user_id}/key", a.postKey).Limit(keyRates).
			About("Renew an API key: the old one no longer works; for its user and administrators", server.Key).
			AnswerWith(http.StatusCreated, api.RenewedKey{}),
		server.Delete("/api/ext/v1/users/{user_id}/key", a.deleteKey).Limit(keyRates).
			About("Revoke an API key; for its user and moderators", server.Key).Answer(api.Simple{}),
	}
}

// keyOwner finds the caller and the user in the path.
func (a *API) keyOwner(r *http.Request) (caller account.KeyHolder, user horde.UserID, err error) {
	if err := server.RequireKey(r); err != nil {
		return account.KeyHolder{}, 0, err
	}
	u, err := a.Caller(r)
	if err != nil {
		return account.KeyHolder{}, 0, err
	}

	text := r.PathValue("user_id")
	id, err := strconv.ParseInt(text, 10, 32)
	if err != nil || id < 0 {
		err = horde.Errorf(horde.UserNotFound, "User with id '%s' not found.", server.Clip(text, 40))
	}
	return account.KeyHolder{User: u, Key: server.APIKey(r)}, horde.UserID(id), err
}

// postKey renews a key. It is shown in this answer and nowhere else.
func (a *API) postKey(w http.ResponseWriter, r *http.Request) error {
	caller, user, err := a.keyOwner(r)
	if err != nil {
		return err
	}
	key, err := a.Accounts.RenewKey(r.Context(), caller, user)
	if err != nil {
		return err
	}

	w.Header().Set("Cache-Control", "no-store")
	return server.Reply(w, r, http.StatusCreated, &api.RenewedKey{APIKey: key})
}

// deleteKey revokes a key.
func (a *API) deleteKey(w http.ResponseWriter, r *http.Request) error {
	caller, user, err := a.keyOwner(r)
	if err != nil {
		return err
	}
	if err := a.Accounts.RevokeKey(r.Context(), caller, user); err != nil {
		return err
	}
	return server.ReplyOK(w, r)
}
