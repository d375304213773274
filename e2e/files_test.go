package e2e

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestEveryBrowserSuiteIsRun: by `npm test` in its folder, and by `make test`.
func TestEveryBrowserSuiteIsRun(t *testing.T) {
	suites, err := filepath.Glob("browser/*.test.mjs")
	if err != nil || len(suites) < 4 {
		t.Fatalf("suites %q, %v", suites, err)
	}

	var pkg struct{ Scripts map[string]string }
	b, err := os.ReadFile("browser/package.json")
	if err != nil {
		t.Fatal(err)
	}

	if err := json.Unmarshal(b, &pkg); err != nil {
		t.Fatal(err)
	}

	here, err := os.ReadFile("clients_test.go")
	if err != nil {
		t.Fatal(err)
	}

	for _, path := range suites {
		name := filepath.Base(path)
		if !strings.Contains(pkg.Scripts["test"]+" ", " "+name+" ") {
			t.Errorf("npm test leaves out %s: %q", name, pkg.Scripts["test"])
		}
		if !strings.Contains(string(here), `"`+name+`"`) {
			t.Errorf("no test of this package runs %s", name)
		}
	}
}

// TestProxiesKeepThePort: links that the server makes lead back by the port that the
// client used, which $host of nginx does not have. Caddy passes the whole host on
// unless it is told another one.
func TestProxiesKeepThePort(t *testing.T) {
	site, err := os.ReadFile("../deploy/nginx.conf")
	if err != nil {
		t.Fatal(err)
	}
	for _, header := range []string{"Host", "X-Forwarded-Host"} {
		set := regexp.MustCompile(`proxy_set_header ` + header + ` (\S+);`).FindStringSubmatch(string(site))
		if set == nil || set[1] != "$http_host" {
			t.Errorf("nginx sets %s to %q", header, set)
		}
	}

	caddy, err := os.ReadFile("../deploy/Caddyfile")
	if err != nil {
		t.Fatal(err)
	}
	if strings.Contains(string(caddy), "header_up") {
		t.Error("the Caddyfile changes what it passes on: look whether the port stays")
	}
}
