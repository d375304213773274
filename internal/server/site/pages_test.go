package site

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"horde/api"
	"horde/internal/server"
	"horde/internal/server/swagger"
	"horde/web"
)

// What browsers send when somebody opens an address.
const browserAccept = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,image/webp,*/*;q=0.8"

// serve is a server of a site alone.
func serve(o Options) *server.Server {
	if o.API == nil {
		o.API = swagger.New(o.Title, api.Level028)
	}
	s := New(o)
	return server.New(server.Options{Version: o.Version, PublicURL: "https://horde.example", ErrorPage: s.ErrorPage},
		s.Routes())
}

func visit(s *server.Server, method, path, accept string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	if accept != "" {
		r.Header.Set("Accept", accept)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// Errors are pages to browsers outside of the API, and JSON to everybody else.
func TestErrorsAreForWhoeverAsks(t *testing.T) {
	t.Parallel()
	s := serve(Options{Title: "Fox & <b>Friends</b>"})
	for _, c := range []struct {
		name, method, path, accept string
		status                     int
		page                       string // a text of it; "": JSON
	}{
		{"a browser, unknown address", "GET", "/nothing", browserAccept, 404, "There is no such page"},
		{"a browser, an address that is not clean", "GET", "/a//b", browserAccept, 404, "There is no such page"},
		{"a browser, wrong method", "DELETE", "/register", browserAccept, 405, "The method is not allowed"},
		{"a browser, unknown API address", "GET", "/api/v2/nothing", browserAccept, 404, ""},
		{"a browser's script", "GET", "/nothing", "*/*", 404, ""},
		{"a program that says nothing", "GET", "/nothing", "", 404, ""},
		{"a program that wants JSON", "GET", "/nothing", "application/json", 404, ""},
		{"JSON rather than a page", "GET", "/nothing", "application/json, text/html;q=0.5", 404, ""},
		{
			"a page rather than JSON", "GET", "/nothing", "application/json;q=0.5, TEXT/HTML; q=0.6", 404,
			"There is no such page",
		},
		{"anything but a page", "GET", "/nothing", "text/html;q=0, */*", 404, ""},
		{"a quality that is none", "GET", "/nothing", "text/html;q=x", 404, ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := visit(s, c.method, c.path, c.accept)
			if w.Code != c.status {
				t.Errorf("status %d, want %d", w.Code, c.status)
			}

			if vary := w.Header().Get("Vary"); (vary == "Accept") == strings.HasPrefix(c.path, "/api/") {
				t.Errorf("Vary: %q", vary)
			}

			if c.page != "" {
				isPage(t, w, c.page)
				return
			}

			var e api.Error
			if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Message == "" || e.RC == "" {
				t.Errorf("%v %s", err, w.Body)
			}
		})
	}
}

// isPage fails unless the answer is a whole page of this horde with a text.
func isPage(t *testing.T, w *httptest.ResponseRecorder, text string) {
	t.Helper()
	body := w.Body.String()
	if got := w.Header().Get("Content-Type"); got != "text/html; charset=utf-8" {
		t.Fatalf("type %q: %s", got, body)
	}
	if got := w.Header().Get("Content-Security-Policy"); got != web.FramePolicy {
		t.Errorf("policy %q", got)
	}

	for _, part := range []string{
		text, " · Fox &amp; &lt;b&gt;Friends&lt;/b&gt;</title>", `name="viewport"`, `href="/plain.css"`,
		`<nav aria-label="Pages">`, "<h1>", "</footer>\n</body>",
	} {
		if !strings.Contains(body, part) {
			t.Errorf("the page lacks %q: %s", part, body)
		}
	}

	if strings.Contains(body, "<b>") {
		t.Errorf("the title is not escaped: %s", body)
	}
}

func TestPagesBearTheTitle(t *testing.T) {
	t.Parallel()
	s := serve(Options{Title: "Fox & <b>Friends</b>", Version: "9.8", Repository: "https://example.org/source"})
	for path, heading := range map[string]string{
		"/register": "<h1>Join Fox &amp; &lt;b&gt;Friends&lt;/b&gt;</h1>",
		"/api/":     "<h1>Fox &amp; &lt;b&gt;Friends&lt;/b&gt; API</h1>",
	} {
		for _, accept := range []string{browserAccept, ""} {
			w := visit(s, "GET", path, accept)
			isPage(t, w, heading)
			if !strings.Contains(w.Body.String(), `href="https://example.org/source"`) ||
				!strings.Contains(w.Body.String(), "version 9.8") {
				t.Errorf("%s does not say what runs here: %s", path, w.Body)
			}
		}
	}
}

// A link to an image that is gone is opened in browsers, too.
func TestErrorsOfImageLinksAreForWhoeverAsks(t *testing.T) {
	t.Parallel()
	const title = "Fox & <b>Friends</b>"
	s := serve(Options{Title: title, Blobs: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.PathValue("name") == "there.webp" {
			w.Header().Set("Content-Type", "image/webp")
			_, _ = w.Write([]byte("RIFF"))
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"message":"This link has expired.","rc":"BlobLinkExpired"}`))
	})})

	w := visit(s, "GET", "/blob/gone.webp", browserAccept)
	if w.Code != http.StatusForbidden {
		t.Errorf("status %d", w.Code)
	}
	isPage(t, w, "This link has expired.")
	if w = visit(s, "GET", "/blob/gone.webp", "image/webp,*/*"); w.Code != http.StatusForbidden ||
		!strings.HasPrefix(w.Body.String(), `{"message"`) {
		t.Errorf("to a program: %d %s", w.Code, w.Body)
	}
	if w = visit(s, "GET", "/blob/there.webp", browserAccept); w.Code != http.StatusOK || w.Body.String() != "RIFF" ||
		w.Header().Get("Content-Type") != "image/webp" {
		t.Errorf("an image: %d %s %v", w.Code, w.Body, w.Header())
	}
}
