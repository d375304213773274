package v2

import (
	"net/http"
	"strings"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/moderation"
	"horde/internal/server"
	"horde/internal/server/pyjson"
)

// testUserRoutes declares the maker of accounts for tests (platform §8.6). It is in
// no document.
func (a *API) testUserRoutes() []server.Route {
	return []server.Route{
		server.Post("/api/v2/dev/test-user", a.postTestUser).Unmasked(),
	}
}

// postTestUser makes an account for tests; only from this machine, not through a proxy on
// it, and only where the operator switched it on (platform §8.6).
func (a *API) postTestUser(w http.ResponseWriter, r *http.Request) error {
	if !a.TestAccounts {
		return server.ReplyPlain(w, http.StatusNotFound, &api.Error{Message: "Not Found"})
	}
	if !server.Loopback(server.PeerAddr(r)) || server.Forwarded(r) {
		return server.ReplyPlain(w, http.StatusForbidden, &api.Error{Message: "Forbidden"})
	}

	body, err := server.LenientObject(w, r)
	if err != nil {
		return err
	}
	q, err := readTestUser(body)
	if err != nil {
		return err
	}

	n := account.NewUser{Username: q.username, OAuthID: q.oauth}
	switch {
	case q.moderator:
		n.Roles = account.Moderator | account.Trusted
	case q.trusted:
		n.Roles = account.Trusted
	}

	user, key, created, err := a.Accounts.TestUser(r.Context(), n, q.kudos)
	if err != nil {
		return err
	}
	balance, err := a.Accounts.Balance(r.Context(), user.ID)
	if err != nil {
		return err
	}

	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	return server.ReplyPlain(w, status, &api.TestUser{
		APIKey:    key,
		UserID:    user.ID.String(),
		Username:  user.Username,
		Alias:     user.Alias(),
		Kudos:     int64(balance.Float()),
		Trusted:   user.Is(account.Trusted),
		Moderator: user.Is(account.Moderator),
		Created:   created,
	})
}

// testUser is an account that tests ask for.
type testUser struct {
	username, oauth    string
	moderator, trusted bool
	kudos              *int64
}

const (
	testUserKudos    = 10_000            // unless asked for otherwise
	maxTestUserKudos = 1_000_000_000_000 // 10¹²
)

// readTestUser reads the body of postTestUser, in which a wrong type is refused though
// no schema describes it.
func readTestUser(body map[string]any) (testUser, error) {
	standard := int64(testUserKudos)
	q := testUser{
		username:  "test_user",
		oauth:     "ci_test_user",
		moderator: true,
		trusted:   true,
		kudos:     &standard,
	}
	wrong := func(name, want string) error { return &horde.Error{Detail: name + " must be " + want + "."} }

	texts := map[string]*string{"username": &q.username, "oauth_id": &q.oauth}
	for name, into := range texts {
		if v, ok := body[name]; ok {
			text, ok := v.(string)
			if !ok || strings.TrimSpace(text) == "" {
				return q, wrong(name, "a text that is not empty")
			}
			*into = text
		}
	}
	if moderation.Profane(q.username) {
		return q, wrong("username", "decent")
	}

	for name, into := range map[string]*bool{"moderator": &q.moderator, "trusted": &q.trusted} {
		if v, ok := body[name]; ok {
			if *into, ok = v.(bool); !ok {
				return q, wrong(name, "true or false")
			}
		}
	}

	v, ok := body["kudos"]
	switch n, whole := pyjson.WholeNumber(v); {
	case !ok:
	case v == nil:
		q.kudos = nil
	case !whole || n < 0 || n > maxTestUserKudos:
		return q, wrong("kudos", "a whole number from 0 to 10¹², or null")
	default:
		q.kudos = &n
	}
	return q, nil
}
