package server

import (
	"net/http"
	"net/netip"
	"strconv"
	"strings"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/moderation"
	"horde/internal/server/pyjson"
)

// popOwner finds the user whose worker pops. A malformed priority username is
// refused before the key is looked at (generation §1.14).
func (s *Server) popOwner(r *http.Request, priority []string) (*account.User, error) {
	for _, name := range priority {
		if !strings.Contains(name, "#") {
			return nil, horde.Errorf(horde.InvalidPriorityUsername, "The priority username %q lacks its number. Use the form name#id.", clip(name, 60))
		}
	}
	return s.Accounts.ByKey(r.Context(), apiKey(r))
}

// getFindUser tells whose a key is (platform §3.1).
func (s *Server) getFindUser(w http.ResponseWriter, r *http.Request) error {
	key := apiKey(r)
	if key == "" {
		return account.ErrUnknownKey
	}
	unknown := horde.Errorf(horde.UserNotFound, "No user matching the sent API key.")
	if horde.IsID(key) {
		shared, err := s.Accounts.SharedKey(r.Context(), key)
		if horde.CodeOf(err) != "" {
			return unknown
		}
		if err != nil {
			return err
		}
		details, err := s.Accounts.KeyHolder(r.Context(), shared)
		if err != nil {
			return err
		}
		s.addWorkers(details)
		return reply(w, r, http.StatusOK, details)
	}
	user, err := s.Accounts.ByKey(r.Context(), key)
	if horde.CodeOf(err) == horde.InvalidAPIKey {
		return unknown
	}
	if err != nil {
		return err
	}
	return s.replyUser(w, r, user, account.Own)
}

// postTestUser makes an account for tests; only from this machine, and only
// where the operator switched it on (platform §8.6).
func (s *Server) postTestUser(w http.ResponseWriter, r *http.Request) error {
	if !s.TestAccounts {
		return replyPlain(w, http.StatusNotFound, &api.Error{Message: "Not Found"})
	}
	if !loopback(PeerAddr(r)) {
		return replyPlain(w, http.StatusForbidden, &api.Error{Message: "Forbidden"})
	}
	body, err := looseObject(w, r)
	if err != nil {
		return err
	}
	q, err := readTestUser(body)
	if err != nil {
		return err
	}
	user, key, created, err := s.Accounts.TestUser(r.Context(), q.username, q.oauth, q.moderator, q.trusted, q.kudos)
	if err != nil {
		return err
	}
	acc, err := s.Accounts.Balance(r.Context(), user.ID)
	if err != nil {
		return err
	}
	status := http.StatusOK
	if created {
		status = http.StatusCreated
	}
	return replyPlain(w, status, &api.TestUser{APIKey: key, UserID: strconv.FormatInt(user.ID, 10), Username: user.Username,
		Alias: user.Alias(), Kudos: int64(acc.Float()), Trusted: user.Is(account.Trusted), Moderator: user.Is(account.Moderator), Created: created})
}

func loopback(a netip.Addr) bool { return a.Unmap().IsLoopback() }

type testUser struct {
	username, oauth    string
	moderator, trusted bool
	kudos              *int64
}

// readTestUser reads the loose body of postTestUser strictly: a wrong type is
// refused.
func readTestUser(body map[string]any) (testUser, error) {
	ten := int64(10000)
	q := testUser{username: "test_user", oauth: "ci_test_user", moderator: true, trusted: true, kudos: &ten}
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
	if v, ok := body["kudos"]; ok {
		if v == nil {
			q.kudos = nil
			return q, nil
		}
		n, ok := pyjson.WholeNumber(v)
		const most = 1_000_000_000_000
		if _, isBool := v.(bool); !ok || isBool || n < 0 || n > most {
			return q, wrong("kudos", "a whole number from 0 to 10¹², or null")
		}
		q.kudos = &n
	}
	return q, nil
}
