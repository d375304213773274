package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/fstest"
)

func builtSite() *site {
	return newSite(fstest.MapFS{
		"dist/index.html":         {Data: []byte("<!doctype html><title>Horde</title>")},
		"dist/theme.js":           {Data: []byte("document.documentElement")},
		"dist/.keep":              {},
		"dist/assets/app-1234.js": {Data: []byte(strings.Repeat("const a = 1;\n", 50))},
		"dist/assets/f-99.woff2":  {Data: []byte("wOF2")},
	}, "dist")
}

func get(h http.Handler, url string, header ...string) *http.Response {
	r := httptest.NewRequest(http.MethodGet, url, nil)
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	return w.Result()
}

func TestServesBuiltFiles(t *testing.T) {
	s := builtSite()
	const immutable = "public, max-age=31536000, immutable"
	for _, tt := range []struct {
		url, kind, cache string
		status           int
	}{
		{"/", "text/html; charset=utf-8", "no-cache", 200},
		{"/index.html", "text/html; charset=utf-8", "no-cache", 200},
		{"/theme.js", "text/javascript; charset=utf-8", "no-cache", 200},
		{"/assets/app-1234.js", "text/javascript; charset=utf-8", immutable, 200},
		{"/assets/f-99.woff2", "font/woff2", immutable, 200},
		{"/assets", "text/plain; charset=utf-8", "", 404},
		{"/.keep", "text/plain; charset=utf-8", "", 404},
		{"/nothing", "text/plain; charset=utf-8", "", 404},
		{"/../embed.go", "text/plain; charset=utf-8", "", 404},
	} {
		res := get(s, tt.url)
		if res.StatusCode != tt.status {
			t.Errorf("GET %s: status %d, want %d", tt.url, res.StatusCode, tt.status)
		}
		if got := res.Header.Get("Content-Type"); got != tt.kind {
			t.Errorf("GET %s: type %q, want %q", tt.url, got, tt.kind)
		}
		if got := res.Header.Get("Cache-Control"); got != tt.cache {
			t.Errorf("GET %s: cache %q, want %q", tt.url, got, tt.cache)
		}
		if got := res.Header.Get("Content-Security-Policy"); got != Policy {
			t.Errorf("GET %s: policy %q", tt.url, got)
		}
		if got, want := s.has(tt.url), tt.status == 200; got != want {
			t.Errorf("has(%s) = %v, want %v", tt.url, got, want)
		}
	}
}

func TestRevalidates(t *testing.T) {
	s := builtSite()
	for _, encoding := range []string{"", "gzip"} {
		tag := get(s, "/", "Accept-Encoding", encoding).Header.Get("ETag")
		res := get(s, "/", "Accept-Encoding", encoding, "If-None-Match", tag)
		if tag == "" || res.StatusCode != http.StatusNotModified {
			t.Errorf("encoding %q: tag %s, status %d, want 304", encoding, tag, res.StatusCode)
		}
	}
}

func TestGzip(t *testing.T) {
	s := builtSite()
	for _, tt := range []struct {
		url, accept string
		zipped      bool
	}{
		{"/assets/app-1234.js", "gzip, deflate, br", true},
		{"/assets/app-1234.js", "br, *", true},
		{"/assets/app-1234.js", "gzip;q=0.5", true},
		{"/assets/app-1234.js", "gzip;q=0", false},
		{"/assets/app-1234.js", "br", false},
		{"/assets/app-1234.js", "", false},
		{"/assets/f-99.woff2", "gzip", false},
	} {
		res := get(s, tt.url, "Accept-Encoding", tt.accept, "Range", "bytes=0-")
		if got := res.Header.Get("Content-Encoding") == "gzip"; got != tt.zipped {
			t.Errorf("%s with %q: gzip %v, want %v", tt.url, tt.accept, got, tt.zipped)
			continue
		}
		if !tt.zipped {
			continue
		}
		r, err := gzip.NewReader(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		if body, err := io.ReadAll(r); err != nil || string(body) != string(s.files[tt.url].body) {
			t.Errorf("%s: unzipped to %d bytes, %v", tt.url, len(body), err)
		}
	}
}

func TestRefusesOtherMethods(t *testing.T) {
	w := httptest.NewRecorder()
	builtSite().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST /: %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}

func TestUnbuilt(t *testing.T) {
	s := newSite(fstest.MapFS{"dist/.keep": {}}, "dist")
	res := get(s, "/")
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode != 200 || !strings.Contains(string(body), "make ui") || !s.has("/") {
		t.Errorf("unbuilt page: %d %s", res.StatusCode, body)
	}
	if s.has("/index.html") || get(s, "/index.html").StatusCode != 404 {
		t.Error("an unbuilt site must have no index.html")
	}
}

// The embedded page, built or not, answers at the root.
func TestEmbedded(t *testing.T) {
	if !Has("/") || Has("/api/v2/generate/async") || Has("/.keep") {
		t.Error("Has is wrong about the embedded page")
	}
	if res := get(Handler(), "/"); res.StatusCode != 200 {
		t.Errorf("GET /: %d", res.StatusCode)
	}
}
