package server

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"horde/api"
	"horde/internal/horde"
)

func TestRegister(t *testing.T) {
	var name string
	s := New(Options{Register: func(_ context.Context, username string, addr netip.Addr) (string, string, error) {
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
	if w.Code != 200 || !found || key != "the-key_0123456789abcd" || name != "<b>Ann</b>" || strings.Contains(w.Body.String(), "<b>Ann") {
		t.Errorf("%d %q %s", w.Code, key, w.Body)
	}
	if got := w.Header().Get("Cache-Control"); got != "no-store" {
		t.Errorf("a page with a key must not be kept: %q", got)
	}
	w = submit("bad")
	if w.Code != 200 || strings.Contains(w.Body.String(), `class="ah-api-key">`) || !strings.Contains(w.Body.String(), "That &lt;name&gt; is not decent.") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w = submit(strings.Repeat("x", 20<<10)); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("large form: %d", w.Code)
	}
	if w = call(s, "GET", "/register"); w.Code != 200 || !strings.Contains(w.Body.String(), `name="username"`) || strings.Contains(w.Body.String(), `class="ah-api-key">`) {
		t.Errorf("form: %d %s", w.Code, w.Body)
	}
}

func TestServiceInfo(t *testing.T) {
	s := New(Options{PublicURL: "https://horde.example", Version: "1.0"})
	var info struct {
		Version  string
		Software map[string]string
		API      map[string]map[string]string
	}
	w := call(s, "GET", "/.well-known/serviceinfo")
	if err := json.Unmarshal(w.Body.Bytes(), &info); err != nil {
		t.Fatal(err)
	}
	if info.Version != "0.2" || info.Software["version"] != "1.0" || info.API["aihorde"]["base_url"] != "https://horde.example/api/v2" ||
		info.API["aihorde"]["documentation"] != "https://horde.example/api" || info.API["aihorde"]["version"] != "2.5" {
		t.Errorf("%s", w.Body)
	}
}

func TestAPIPages(t *testing.T) {
	s := New(Options{})
	w := call(s, "GET", "/api")
	if w.Code != http.StatusPermanentRedirect || w.Header().Get("Location") != "/api/" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w = call(s, "GET", "/api/"); w.Code != 200 || !strings.Contains(w.Body.String(), "/api/swagger.json") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w = call(New(Options{TryOut: true}), "GET", "/api/?document=beyond"); !strings.Contains(w.Body.String(), `src="/apidocs/swagger-ui-bundle.js"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w = call(s, "GET", "/api/nothing"); w.Code != 404 {
		t.Errorf("%d", w.Code)
	}
	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if w = call(s, "GET", path); w.Code != 200 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestSwagger(t *testing.T) {
	s := newServer(Options{}, func(s *Server) []route {
		return []route{
			{method: "POST", pattern: "/api/v2/generate/async", doc: &doc{summary: "Ask for pictures", body: api.ImageRequestSchema, agent: true,
				answers: map[int]any{202: api.Accepted{}, 200: api.DryRun{}}}},
			{method: "GET", pattern: "/api/v2/generate/status/{id}", doc: &doc{summary: "Read", answers: map[int]any{200: api.ImageStatus{}}}},
			{method: "GET", pattern: "/api/v2/status/models", doc: &doc{summary: "Models", query: []queryParam{{"type", &api.Schema{Type: api.String, Enum: []string{"image", "text"}}}},
				answers: map[int]any{200: []api.ActiveModel{}}}},
			{method: "GET", pattern: "/api/swagger.json", handle: s.getSwagger, plain: true},
		}
	})
	w := call(s, "GET", "/api/swagger.json")
	var d struct {
		Swagger, BasePath string
		Info              map[string]string
		Paths             map[string]map[string]any
		Definitions       map[string]map[string]any
	}
	if err := json.Unmarshal(w.Body.Bytes(), &d); err != nil {
		t.Fatal(err)
	}
	if d.Swagger != "2.0" || d.BasePath != "/api" || d.Info["title"] != "AI Horde" || d.Info["version"] != "2.5" || len(d.Info) != 3 {
		t.Errorf("%v %v %v", d.Swagger, d.BasePath, d.Info)
	}
	if d.Paths["/v2/generate/async"]["post"] == nil || d.Paths["/v2/generate/status/{id}"]["get"] == nil || len(d.Paths) != 3 {
		t.Errorf("%v", d.Paths)
	}
	status := d.Definitions["RequestStatusStable"]["properties"].(map[string]any)
	if status["generations"] == nil || status["kudos"] == nil {
		t.Errorf("embedded fields: %v", status)
	}
	// Every reference leads somewhere.
	for _, part := range strings.Split(w.Body.String(), `"#/definitions/`)[1:] {
		name, _, _ := strings.Cut(part, `"`)
		if d.Definitions[name] == nil {
			t.Errorf("no definition %s", name)
		}
	}
}
