package v2

import (
	"context"
	"net/http"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/server"
	"horde/internal/server/pyjson"
)

// sharedKeyRates limit the making of shared keys (platform §1.6).
var sharedKeyRates = server.Rates{{Calls: 5, Per: time.Minute, By: server.ByPath}}

// sharedKeyRoutes declares shared keys (platform §3.3).
func (a *API) sharedKeyRoutes() []server.Route {
	return []server.Route{
		server.Put("/api/v2/sharedkeys", a.putSharedKey).Limit(sharedKeyRates).
			About("Make a key that shares your kudos", server.Key, server.Agent).
			Body(api.SharedKeyInputSchema).Answer(api.SharedKey{}).
			Operation("put_shared_key", "400 401 403 404"),
		server.Get("/api/v2/sharedkeys/{sharedkey_id}", a.getSharedKey).
			About("See a shared key", server.Agent).Answer(api.SharedKey{}).
			Operation("get_shared_key_single", "401 404"),
		server.Patch("/api/v2/sharedkeys/{sharedkey_id}", a.patchSharedKey).
			About("Change a shared key", server.Key, server.Agent).Body(api.SharedKeyInputSchema).Answer(api.SharedKey{}).
			Operation("patch_shared_key_single", "400 401 403 404"),
		server.Delete("/api/v2/sharedkeys/{sharedkey_id}", a.deleteSharedKey).
			About("Delete a shared key", server.Key, server.Agent).Answer(api.Simple{}).
			Operation("delete_shared_key_single", "404"),
	}
}

// readSharedKey reads the body of putSharedKey and patchSharedKey, which no schema
// describes, and refuses a call without the header apikey.
func readSharedKey(w http.ResponseWriter, r *http.Request) (c account.SharedKeyChange, body map[string]any, err error) {
	if body, err = server.LenientObject(w, r); err != nil {
		return c, nil, err
	}
	if err := server.RequireKey(r); err != nil {
		return c, nil, err
	}

	for _, f := range []struct {
		name string
		into **int64
	}{
		{"kudos", &c.Kudos},
		{"expiry", &c.Expiry},
		{"max_image_pixels", &c.MaxPixels},
		{"max_image_steps", &c.MaxSteps},
		{"max_text_tokens", &c.MaxTokens},
	} {
		if body[f.name] == nil {
			continue
		}
		v, err := pyjson.Int(body, f.name, 0)
		if err != nil {
			return c, nil, err
		}
		*f.into = &v
	}
	if name, ok := pyjson.Text(body, "name"); ok {
		c.Name = &name
	}

	if wrong := c.Check(); len(wrong) > 0 {
		return c, nil, server.Invalid(wrong)
	}
	name := struct {
		Name *string `json:"name"`
	}{c.Name}
	return c, body, server.RefuseNUL(&name)
}

// putSharedKey makes a shared key (platform §3.3).
func (a *API) putSharedKey(w http.ResponseWriter, r *http.Request) error {
	in, _, err := readSharedKey(w, r)
	if err != nil {
		return err
	}
	user, err := a.Caller(r)
	if err != nil {
		return err
	}

	key, err := a.Accounts.CreateSharedKey(r.Context(), user, in)
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, key.Details())
}

// getSharedKey shows a shared key to whoever knows it.
func (a *API) getSharedKey(w http.ResponseWriter, r *http.Request) error {
	key, err := a.Accounts.SharedKey(r.Context(), r.PathValue("sharedkey_id"))
	if err != nil {
		return err
	}
	return server.Reply(w, r, http.StatusOK, key.Details())
}

// patchSharedKey changes a shared key: what is absent stays.
func (a *API) patchSharedKey(w http.ResponseWriter, r *http.Request) error {
	in, body, err := readSharedKey(w, r)
	if err != nil {
		return err
	}
	key, user, err := a.ownSharedKey(r)
	if err != nil {
		return err
	}

	key, err = a.Accounts.ModifySharedKey(r.Context(), user, key, in)
	if err != nil {
		return explainUnselected(err, r, body, api.SharedKeyInputSchema)
	}
	return server.Reply(w, r, http.StatusOK, key.Details())
}

// deleteSharedKey removes a shared key and ends what was asked for with it.
func (a *API) deleteSharedKey(w http.ResponseWriter, r *http.Request) error {
	if err := server.RequireKey(r); err != nil {
		return err
	}
	key, user, err := a.ownSharedKey(r)
	if err != nil {
		return err
	}

	if err := a.Accounts.DeleteSharedKey(r.Context(), user, key); err != nil {
		return err
	}
	// The key is gone, so its requests must go too, even if the caller has left.
	if err := a.Queue.DropKey(context.WithoutCancel(r.Context()), key.UserID, key.ID); err != nil {
		return err
	}
	return server.ReplyOK(w, r)
}

// ownSharedKey finds the shared key of the path, then the caller; whether the
// one is the other's is for the accounts to say.
func (a *API) ownSharedKey(r *http.Request) (*account.SharedKey, *account.User, error) {
	key, err := a.Accounts.SharedKey(r.Context(), r.PathValue("sharedkey_id"))
	if err != nil {
		return nil, nil, err
	}
	user, err := a.Caller(r)
	return key, user, err
}
