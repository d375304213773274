package server

import (
	"context"
	"net/http"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/server/pyjson"
)

// sharedKeyRates limits the making of shared keys (platform §1.6).
var sharedKeyRates = rates{{calls: 5, per: time.Minute, by: byPath}}

// sharedKeyRoutes are the lines of the routes table for shared keys.
func (s *Server) sharedKeyRoutes() []route {
	key := map[int]any{http.StatusOK: api.SharedKey{}}
	const one = "/api/v2/sharedkeys/{sharedkey_id}"
	return []route{
		{method: http.MethodPut, pattern: "/api/v2/sharedkeys", handle: s.putSharedKey, limits: sharedKeyRates,
			doc: &doc{summary: "Make a key that shares your kudos", key: true, agent: true, body: api.SharedKeyInputSchema, answers: key}},
		{method: http.MethodGet, pattern: one, handle: s.getSharedKey,
			doc: &doc{summary: "See a shared key", agent: true, answers: key}},
		{method: http.MethodPatch, pattern: one, handle: s.patchSharedKey,
			doc: &doc{summary: "Change a shared key", key: true, agent: true, body: api.SharedKeyInputSchema, answers: key}},
		{method: http.MethodDelete, pattern: one, handle: s.deleteSharedKey,
			doc: &doc{summary: "Delete a shared key", key: true, agent: true, answers: map[int]any{http.StatusOK: api.Simple{}}}},
	}
}

// readSharedKey reads the loose body of putSharedKey and patchSharedKey, after
// the header apikey.
func readSharedKey(w http.ResponseWriter, r *http.Request) (c account.SharedKeyChange, body map[string]any, err error) {
	if body, err = looseObject(w, r); err != nil {
		return c, nil, err
	}
	if err := requireKey(r); err != nil {
		return c, nil, err
	}
	for _, f := range []struct {
		name string
		into **int64
	}{
		{"kudos", &c.Kudos}, {"expiry", &c.Expiry},
		{"max_image_pixels", &c.MaxPixels}, {"max_image_steps", &c.MaxSteps}, {"max_text_tokens", &c.MaxTokens},
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
		return c, nil, invalid(wrong)
	}
	return c, body, refuseNUL(&struct {
		Name *string `json:"name"`
	}{c.Name})
}

// putSharedKey makes a shared key (platform §3.3).
func (s *Server) putSharedKey(w http.ResponseWriter, r *http.Request) error {
	in, _, err := readSharedKey(w, r)
	if err != nil {
		return err
	}
	user, err := s.Accounts.ByKey(r.Context(), apiKey(r))
	if err != nil {
		return err
	}
	key, err := s.Accounts.CreateSharedKey(r.Context(), user, in)
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, key.Details())
}

// getSharedKey shows a shared key to whoever knows it.
func (s *Server) getSharedKey(w http.ResponseWriter, r *http.Request) error {
	key, err := s.Accounts.SharedKey(r.Context(), r.PathValue("sharedkey_id"))
	if err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, key.Details())
}

// patchSharedKey changes a shared key: what is absent stays.
func (s *Server) patchSharedKey(w http.ResponseWriter, r *http.Request) error {
	in, body, err := readSharedKey(w, r)
	if err != nil {
		return err
	}
	key, user, err := s.ownSharedKey(r)
	if err != nil {
		return err
	}
	key, err = s.Accounts.ModifySharedKey(r.Context(), user, key, in)
	if err != nil {
		return explainUnselected(err, r, body, api.SharedKeyInputSchema)
	}
	return reply(w, r, http.StatusOK, key.Details())
}

// deleteSharedKey removes a shared key and ends what was asked for with it.
func (s *Server) deleteSharedKey(w http.ResponseWriter, r *http.Request) error {
	if err := requireKey(r); err != nil {
		return err
	}
	key, user, err := s.ownSharedKey(r)
	if err != nil {
		return err
	}
	if err := s.Accounts.DeleteSharedKey(r.Context(), user, key); err != nil {
		return err
	}
	// The key is gone, so its requests must go too, even if the caller has left.
	if err := s.Queue.DropKey(context.WithoutCancel(r.Context()), key.UserID, key.ID); err != nil {
		return err
	}
	return reply(w, r, http.StatusOK, &api.Simple{Message: "OK"})
}

// ownSharedKey finds the shared key of the path, then the caller; whether the
// one is the other's is for the accounts to say.
func (s *Server) ownSharedKey(r *http.Request) (*account.SharedKey, *account.User, error) {
	key, err := s.Accounts.SharedKey(r.Context(), r.PathValue("sharedkey_id"))
	if err != nil {
		return nil, nil, err
	}
	user, err := s.Accounts.ByKey(r.Context(), apiKey(r))
	return key, user, err
}
