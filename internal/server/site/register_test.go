package site

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"horde/internal/horde"
)

// The key of a new account is shown once, on a page that nobody keeps; a refusal is shown
// on the page, too.
func TestANewKeyIsShownOnce(t *testing.T) {
	t.Parallel()
	var name string
	s := serve(Options{Register: func(_ context.Context, username string, addr netip.Addr) (string, string, error) {
		name = username
		if username == "bad" {
			return "", "", horde.Errorf(horde.ProfaneUserName, "That <name> is not decent.")
		}
		if !addr.IsValid() {
			t.Error("no address")
		}
		return "the-key_0123456789abcd", username + "#1", nil
	}})

	submit := func(username string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("POST", "/register", strings.NewReader(url.Values{"username": {username}}.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}

	w := submit("<b>Ann</b>")
	_, rest, found := strings.Cut(w.Body.String(), `class="ah-api-key">`)
	key, _, _ := strings.Cut(rest, "<")
	if w.Code != 200 || !found || key != "the-key_0123456789abcd" || name != "<b>Ann</b>" ||
		strings.Contains(w.Body.String(), "<b>Ann") {
		t.Errorf("%d %q %s", w.Code, key, w.Body)
	}

	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("a page with a key must not be kept: %q", got)
	}

	w = submit("bad")
	if w.Code != 200 || strings.Contains(w.Body.String(), `class="ah-api-key">`) ||
		!strings.Contains(w.Body.String(), "That &lt;name&gt; is not decent.") {
		t.Errorf("%d %s", w.Code, w.Body)
	}

	if w = submit(strings.Repeat("x", 20<<10)); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("large form: %d", w.Code)
	}

	if w = visit(s, "GET", "/register", ""); w.Code != 200 || !strings.Contains(w.Body.String(), `name="username"`) ||
		strings.Contains(w.Body.String(), `class="ah-api-key">`) {
		t.Errorf("form: %d %s", w.Code, w.Body)
	}
}
