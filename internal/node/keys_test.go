package node

import (
	"net/http"
	"testing"

	"horde/api"
	"horde/internal/account"
)

// Keys are renewed and revoked by call, and administrators read who did so to whom.
func TestKeysAreRenewedByCall(t *testing.T) {
	t.Parallel()
	n, admin := newNode(t)
	user, key, _, err := n.Accounts.TestUser(t.Context(), account.NewUser{Username: "ann", OAuthID: "test-ann"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	_, mod, _, err := n.Accounts.TestUser(t.Context(),
		account.NewUser{Username: "mod", OAuthID: "test-mod", Roles: account.Moderator}, nil)
	if err != nil {
		t.Fatal(err)
	}
	path := "/api/ext/v1/users/" + user.ID.String() + "/key"

	for _, c := range []struct {
		name, method, path, key string
		status                  int
	}{
		{"no key", "POST", path, "", http.StatusBadRequest},
		{"an unknown key", "POST", path, "nobody's", http.StatusUnauthorized},
		{"somebody else's account", "POST", path, mod, http.StatusForbidden},
		{"the anonymous account", "DELETE", "/api/ext/v1/users/0/key", admin, http.StatusForbidden},
		{"no account", "POST", "/api/ext/v1/users/x/key", admin, http.StatusNotFound},
		{"a moderator reads what was done", "GET", "/api/ext/v1/audit", mod, http.StatusForbidden},
		{"a page of too many", "GET", "/api/ext/v1/audit?limit=201", admin, http.StatusBadRequest},
		{"a page after nothing", "GET", "/api/ext/v1/audit?before=x", admin, http.StatusBadRequest},
	} {
		t.Run(c.name, func(t *testing.T) {
			if w := n.call(t, c.method, c.path, c.key, "", nil); w.Code != c.status {
				t.Errorf("%d %.200s, want %d", w.Code, w.Body, c.status)
			}
		})
	}

	var renewed api.RenewedKey
	w := n.call(t, "POST", path, key, "", &renewed)
	if w.Code != http.StatusCreated || w.Header().Get("Cache-Control") != "no-store" {
		t.Errorf("renew: %d %s %v", w.Code, w.Body, w.Header())
	}
	if w := n.call(t, "POST", path, key, "", nil); w.Code != http.StatusUnauthorized {
		t.Errorf("the old key: %d", w.Code)
	}
	if w := n.call(t, "DELETE", path, mod, "", nil); w.Code != http.StatusOK {
		t.Errorf("revoke: %d %s", w.Code, w.Body)
	}
	if w := n.call(t, "POST", path, renewed.APIKey, "", nil); w.Code != http.StatusUnauthorized {
		t.Errorf("the revoked key: %d", w.Code)
	}

	var page api.Audit
	n.call(t, "GET", "/api/ext/v1/audit", admin, "", &page)
	if len(page.Actions) != 1 || page.Actions[0].Action != "key revoked" || page.Actions[0].Target != user.Alias() {
		t.Errorf("what was done: %+v", page)
	}
}
