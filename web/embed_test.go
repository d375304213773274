package web

import (
	"compress/gzip"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func builtSite() *Site {
	return newSite(fstest.MapFS{
		"dist/index.html": {Data: []byte("<!doctype html>" + titleElement + nameElement +
			sourceElement + "")},
		"dist/theme.js":                       {Data: []byte("document.documentElement")},
		"dist/.keep":                          {},
		"dist/assets/app-1234.js":             {Data: []byte(strings.Repeat("const a = 1;\n", 50))},
		"dist/assets/f-99.woff2":              {Data: []byte("wOF2")},
		"dist/assets/hanken-grotesk-x1.woff2": {Data: []byte("wOF2")},
	}, "dist", Options{})
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
		t.Run(tt.url, func(t *testing.T) {
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

			if got, want := s.Has(tt.url), tt.status == 200; got != want {
				t.Errorf("has(%s) = %v, want %v", tt.url, got, want)
			}
		})
	}
}

func TestFilesAreRevalidated(t *testing.T) {
	s := builtSite()
	for _, encoding := range []string{"", "gzip"} {
		tag := get(s, "/", "Accept-Encoding", encoding).Header.Get("ETag")
		res := get(s, "/", "Accept-Encoding", encoding, "If-None-Match", tag)
		if tag == "" || res.StatusCode != http.StatusNotModified {
			t.Errorf("encoding %q: tag %s, status %d, want 304", encoding, tag, res.StatusCode)
		}
	}
}

func TestFilesAreCompressed(t *testing.T) {
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
		t.Run(tt.url+" "+tt.accept, func(t *testing.T) {
			res := get(s, tt.url, "Accept-Encoding", tt.accept, "Range", "bytes=0-")
			if got := res.Header.Get("Content-Encoding") == "gzip"; got != tt.zipped {
				t.Errorf("%s with %q: gzip %v, want %v", tt.url, tt.accept, got, tt.zipped)
				return
			}

			if !tt.zipped {
				return
			}

			r, err := gzip.NewReader(res.Body)
			if err != nil {
				t.Fatal(err)
			}

			if body, err := io.ReadAll(r); err != nil || string(body) != string(s.files[tt.url].body) {
				t.Errorf("%s: unzipped to %d bytes, %v", tt.url, len(body), err)
			}
		})
	}
}

func TestRefusesOtherMethods(t *testing.T) {
	w := httptest.NewRecorder()
	builtSite().ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/", nil))
	if w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
		t.Errorf("POST /: %d, Allow %q", w.Code, w.Header().Get("Allow"))
	}
}

func TestAnUnbuiltPageSaysSo(t *testing.T) {
	s := newSite(fstest.MapFS{"dist/.keep": {}}, "dist", Options{})
	res := get(s, "/")
	body, _ := io.ReadAll(res.Body)
	if res.StatusCode != 200 || !strings.Contains(string(body), "make ui") ||
		!strings.Contains(string(body), StylePath) || !s.Has("/") {
		t.Errorf("unbuilt page: %d %s", res.StatusCode, body)
	}
	if s.Has("/index.html") || get(s, "/index.html").StatusCode != 404 {
		t.Error("an unbuilt site must have no index.html")
	}
}

// The page has the horde's title before its first call, and nothing of it is markup.
func TestIndexBearsTheTitle(t *testing.T) {
	const title = `Fox & "Friends" </title><script>alert(1)</script>`
	source, err := os.ReadFile("index.html")
	if err != nil {
		t.Fatal(err)
	}
	files := fstest.MapFS{"dist/index.html": {Data: source}}
	read := func(o Options) (string, string) {
		res := get(newSite(files, "dist", o), "/")
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return string(body), res.Header.Get("ETag")
	}

	plain, before := read(Options{})
	for _, element := range []string{titleElement, nameElement, versionElement, sourceElement} {
		if strings.Count(string(source), element) != 1 {
			t.Errorf("index.html must have %s once", element)
		}
	}
	if !strings.Contains(plain, titleElement) {
		t.Error("without a title the page is called Horde")
	}
	body, after := read(Options{Title: title, Version: "9.8", Repository: "https://example.org/"})
	const escaped = "Fox &amp; &#34;Friends&#34; &lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;"
	for _, want := range []string{
		"<title>" + escaped + "</title>", `<meta name="application-name" content="` + escaped + `" />`,
		`<meta name="horde-version" content="9.8" />`, `<meta name="horde-source" content="https://example.org/" />`,
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(body, "alert(1)</script>") || before == after {
		t.Errorf("title not escaped, or the same ETag (%s): %s", after, body)
	}
}

func TestFrameHasItsFiles(t *testing.T) {
	served := regexp.MustCompile(`^(register|api|terms|privacy|sponsors|#)`) // routes of the server, pages of the page
	for name, s := range map[string]*Site{"built": builtSite(), "not built": newSite(fstest.MapFS{}, "dist", Options{})} {
		for _, part := range strings.Split(FrameHTML, `="/`)[1:] {
			url, _, _ := strings.Cut(part, `"`)
			if !served.MatchString(url) && !s.Has("/"+url) {
				t.Errorf("%s: the frame asks for /%s, which is not there", name, url)
			}
		}
		res := get(s, StylePath)
		style, _ := io.ReadAll(res.Body)
		for _, want := range []string{"--accent:", ".control", ".bar", ".plain"} {
			if res.Header.Get("Content-Type") != "text/css; charset=utf-8" || !strings.Contains(string(style), want) {
				t.Errorf("%s: style without %s", name, want)
			}
		}
		if got := strings.Contains(string(style), "url('/assets/hanken-grotesk-x1.woff2')"); got != (name == "built") {
			t.Errorf("%s: fonts in the style: %v", name, got)
		}
	}
}

func TestTheEmbeddedPageAnswersAtTheRoot(t *testing.T) {
	s := New(Options{})
	if !s.Has("/") || s.Has("/api/v2/generate/async") || s.Has("/.keep") {
		t.Error("Has is wrong about the embedded page")
	}
	if res := get(s, "/"); res.StatusCode != 200 {
		t.Errorf("GET /: %d", res.StatusCode)
	}
}
