package node

import (
	"net/http"
	"strings"
	"testing"

	"horde/api"
	"horde/internal/account"
)

// Administrators replace the documents of the horde, nobody else does
// (platform §3.11).
func TestAdministratorsReplaceDocuments(t *testing.T) {
	t.Parallel()
	n, admin := newNode(t)
	_, mod, _, err := n.Accounts.TestUser(t.Context(),
		account.NewUser{Username: "mod", OAuthID: "test-mod", Roles: account.Moderator | account.Trusted}, nil)
	if err != nil {
		t.Fatal(err)
	}
	const terms = "/api/ext/v1/documents/terms"

	for _, c := range []struct {
		name, method, path, key, body string
		status                        int
	}{
		{"no key", "PUT", terms, "", `{"markdown":"# x"}`, http.StatusBadRequest},
		{"unknown key", "PUT", terms, "nobody's", `{"markdown":"# x"}`, http.StatusUnauthorized},
		{"a moderator", "PUT", terms, mod, `{"markdown":"# x"}`, http.StatusForbidden},
		{"a moderator restores", "DELETE", terms, mod, "", http.StatusForbidden},
		{"a moderator lists", "GET", "/api/ext/v1/documents", mod, "", http.StatusForbidden},
		{"nothing", "PUT", terms, admin, `{}`, http.StatusBadRequest},
		{"both", "PUT", terms, admin, `{"markdown":"x","html":"x"}`, http.StatusBadRequest},
		{"too long", "PUT", terms, admin, `{"markdown":"` + strings.Repeat("x", 300_000) + `"}`, http.StatusBadRequest},
		{"no such document", "PUT", "/api/ext/v1/documents/rules", admin, `{"markdown":"x"}`, http.StatusNotFound},
		{"good", "PUT", terms, admin, `{"markdown":"# Be kind"}`, http.StatusOK},
	} {
		t.Run(c.name, func(t *testing.T) {
			if w := n.call(t, c.method, c.path, c.key, c.body, nil); w.Code != c.status {
				t.Errorf("%d %.200s, want %d", w.Code, w.Body, c.status)
			}
		})
	}

	var page api.HordeDocument
	if n.call(t, "GET", "/api/v2/documents/terms", "", "", &page); *page.HTML != "<h1>Be kind</h1>" ||
		page.Markdown != nil {
		t.Errorf("the terms are %+v", page)
	}
	if w := n.call(t, "GET", "/terms", "", "", nil); w.Code != http.StatusOK ||
		!strings.Contains(w.Body.String(), "<h1>Be kind</h1>") {
		t.Errorf("the page of the terms: %d %.300s", w.Code, w.Body)
	}
	var list []api.DocumentSource
	if n.call(t, "GET", "/api/ext/v1/documents", admin, "", &list); len(list) != 3 || list[0].From != "database" ||
		list[0].Changed == nil {
		t.Errorf("the list is %+v", list)
	}
	if w := n.call(t, "DELETE", terms, admin, "", nil); w.Code != http.StatusOK {
		t.Errorf("restore: %d %s", w.Code, w.Body)
	}
	if n.call(t, "GET", "/api/v2/documents/terms", "", "", &page); !strings.Contains(*page.HTML, "Terms of use") {
		t.Errorf("restored, the terms are %.80q", *page.HTML)
	}
}
