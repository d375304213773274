package site

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

func TestTheServiceTellsOfItself(t *testing.T) {
	t.Parallel()
	s := serve(Options{Version: "1.0"})
	var info struct {
		Version  string
		Software map[string]string
		API      map[string]map[string]string
	}
	w := visit(s, "GET", "/.well-known/serviceinfo", "")
	if err := json.Unmarshal(w.Body.Bytes(), &info); err != nil {
		t.Fatal(err)
	}
	if info.Version != "0.2" || info.Software["version"] != "1.0" ||
		info.API["aihorde"]["base_url"] != "https://horde.example/api/v2" ||
		info.API["aihorde"]["documentation"] != "https://horde.example/api" || info.API["aihorde"]["version"] != "2.5" {
		t.Errorf("%s", w.Body)
	}
}

func TestTheAPIHasItsPages(t *testing.T) {
	t.Parallel()
	s := serve(Options{Log: slog.New(slog.DiscardHandler), Metrics: prometheus.NewRegistry()})
	w := visit(s, "GET", "/api", "")
	if w.Code != http.StatusPermanentRedirect || w.Header().Get("Location") != "/api/" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	if w = visit(s, "GET", "/api/", ""); w.Code != 200 || !strings.Contains(w.Body.String(), "/api/swagger.json") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w = visit(serve(Options{TryOut: true}), "GET", "/api/?document=beyond", "")
	if !strings.Contains(w.Body.String(), `src="/apidocs/swagger-ui-bundle.js"`) {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	if w = visit(s, "GET", "/api/nothing", ""); w.Code != 404 {
		t.Errorf("%d", w.Code)
	}

	for _, path := range []string{"/healthz", "/readyz", "/metrics"} {
		if w = visit(s, "GET", path, ""); w.Code != 200 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
}

func TestContractIsAskedForByLevel(t *testing.T) {
	t.Parallel()
	s := serve(Options{})
	if w := visit(s, "GET", "/api/swagger.json?level=0.30", ""); w.Code != http.StatusOK {
		t.Errorf("a level that there is: %d %s", w.Code, w.Body)
	}
	if w := visit(s, "GET", "/api/swagger.json?level=1.0", ""); w.Code != http.StatusBadRequest {
		t.Errorf("a level that there is not: %d %s", w.Code, w.Body)
	}
}
