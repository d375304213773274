// Package web is the page of a horde: a Svelte program, built by Vite into dist
// and embedded in the binary. A [Site] serves it, and says which paths are its
// own, so that the server can answer every other one with its 404. [Frame] is
// the same look for the few pages that the server writes itself.
//
// The Go build needs no Node: in a checkout whose page was never built, dist
// holds only .keep and the site answers "/" with a note on how to build it.
package web

import (
	"bytes"
	"cmp"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"html"
	"html/template"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
	"sync"
	"time"
)

//go:embed all:dist
var dist embed.FS

// What the pages that the server writes itself need of the page, also where the
// page was never built.
//
//go:embed public/theme.js public/favicon.svg src/styles/tokens.css src/styles/base.css src/styles/frame.css src/styles/plain.css
var sources embed.FS

// SwaggerUIPath is where a [Site] that was built has the program of Swagger UI.
const SwaggerUIPath = "/apidocs/swagger-ui-bundle.js"

// Policy is the Content-Security-Policy of the page. Code, styles and fonts
// come from the binary alone. Images may lie on another host (S3, or the
// public URL of this server), hence the open img-src, and connect-src for
// keeping and downloading them under a proper name.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; " +
	"img-src * data: blob:; connect-src 'self' http: https:; manifest-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// Options are what the page says of the horde that it belongs to.
type Options struct {
	Title      string // of the horde
	Version    string // of this program
	Repository string // URL of its source code
}

// Site serves the page: "/", and the files that the build left beside it.
// Names with a content hash (assets/) may be cached for ever, all else is
// revalidated by ETag. Texts go out gzipped to those who accept it. Only GET and
// HEAD are answered, others with 405; a path that it does not have gets 404.
type Site struct {
	options Options
	files   map[string]*file // by URL path
}

// New reads the embedded page.
func New(o Options) *Site { return newSite(dist, "dist", o) }

// Has reports whether the URL path belongs to the page. "/" always does.
func (s *Site) Has(path string) bool {
	_, ok := s.files[path]
	return ok || path == "/"
}

// newSite reads all files below root, once. Dot files are not part of a site. The
// embedded file system cannot fail; were it to, the site would be empty.
func newSite(fsys fs.FS, root string, o Options) *Site {
	o.Title = cmp.Or(o.Title, "Horde")
	s := &Site{options: o, files: map[string]*file{}}

	// The server's own pages look like the page whether it was built or not.
	for url, name := range map[string]string{"/theme.js": "public/theme.js", "/favicon.svg": "public/favicon.svg"} {
		s.add(url, source(name))
	}

	_ = fs.WalkDir(fsys, root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		body, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		s.add(strings.TrimPrefix(name, root), body)
		return nil
	})
	s.add(StylePath, s.plainStyle())

	if index, ok := s.files["/index.html"]; ok {
		s.add("/index.html", named(index.body, o))
		s.files["/"] = s.files["/index.html"]
	}
	return s
}

func (s *Site) add(url string, body []byte) { s.files[url] = newFile(url, body) }

// source is an embedded file, which is there.
func source(name string) []byte {
	body, err := sources.ReadFile(name)
	if err != nil {
		panic("web: " + err.Error())
	}
	return body
}

// What index.html says where nobody named the horde, and so what is replaced.
const (
	titleElement   = "<title>Horde</title>"
	nameElement    = `<meta name="application-name" content="Horde" />`
	versionElement = `<meta name="horde-version" content="" />`
	sourceElement  = `<meta name="horde-source" content="" />`
)

// named is index.html with the name of the horde in it, so that the page has it
// before its first call.
func named(index []byte, o Options) []byte {
	meta := func(name, content string) string {
		return `<meta name="` + name + `" content="` + html.EscapeString(content) + `" />`
	}
	return []byte(strings.NewReplacer(
		titleElement, "<title>"+html.EscapeString(o.Title)+"</title>",
		nameElement, meta("application-name", o.Title),
		versionElement, meta("horde-version", o.Version),
		sourceElement, meta("horde-source", o.Repository),
	).Replace(string(index)))
}

// file is one served file. Its gzipped form is made when first asked for.
type file struct {
	body   []byte
	kind   string // Content-Type
	cache  string // Cache-Control
	etag   string
	zipped func() []byte // nil: does not pay, the format is compressed already
}

func newFile(url string, body []byte) *file {
	sum := sha256.Sum256(body)
	f := &file{body: body, kind: contentType(url), cache: "no-cache", etag: hex.EncodeToString(sum[:12])}
	if strings.HasPrefix(url, "/assets/") {
		f.cache = "public, max-age=31536000, immutable"
	}
	if strings.HasPrefix(f.kind, "text/") || strings.Contains(f.kind, "svg") || strings.Contains(f.kind, "json") {
		f.zipped = sync.OnceValue(func() []byte { return zip(body) })
	}
	return f
}

// contentType does not trust the system's table of types, which may be absent
// or say something else for .js.
func contentType(name string) string {
	switch path.Ext(name) {
	case ".html":
		return "text/html; charset=utf-8"
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".css":
		return "text/css; charset=utf-8"
	case ".svg":
		return "image/svg+xml"
	case ".woff2":
		return "font/woff2"
	case ".webmanifest":
		return "application/manifest+json"
	case ".txt":
		return "text/plain; charset=utf-8"
	}
	if kind := mime.TypeByExtension(path.Ext(name)); kind != "" {
		return kind
	}
	return "application/octet-stream"
}

func zip(body []byte) []byte {
	var out bytes.Buffer
	w, _ := gzip.NewWriterLevel(&out, gzip.BestCompression) // the level is valid
	_, _ = w.Write(body)                                    // a bytes.Buffer takes all
	_ = w.Close()
	return out.Bytes()
}

func (s *Site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Allow", "GET, HEAD")
		http.Error(w, "The page can only be read: use GET.", http.StatusMethodNotAllowed)
		return
	}

	secure(w.Header())
	f, ok := s.files[r.URL.Path]
	switch {
	case ok:
		f.serve(w, r)
	case r.URL.Path == "/":
		s.serveUnbuilt(w)
	default:
		http.Error(w, "There is no such page.", http.StatusNotFound)
	}
}

func secure(h http.Header) {
	h.Set("Content-Security-Policy", Policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

func (f *file) serve(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", f.cache)

	body, tag := f.body, f.etag
	if f.zipped != nil {
		h.Add("Vary", "Accept-Encoding")
		if acceptsGzip(r.Header.Get("Accept-Encoding")) {
			body, tag = f.zipped(), tag+"-gz"
			h.Set("Content-Encoding", "gzip")
			// Ranges of a compressed text are of no use to anybody.
			r = r.Clone(r.Context())
			r.Header.Del("Range")
		}
	}

	h.Set("ETag", fmt.Sprintf("%q", tag))
	http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(body))
}

// acceptsGzip reads an Accept-Encoding header: gzip or * named, not with q=0.
func acceptsGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		coding, params, _ := strings.Cut(strings.TrimSpace(part), ";")
		coding = strings.ToLower(strings.TrimSpace(coding))
		if coding != "gzip" && coding != "*" {
			continue
		}

		q := strings.TrimPrefix(strings.ReplaceAll(params, " ", ""), "q=")
		return q == "" || strings.Trim(q, "0.") != ""
	}
	return false
}

// unbuilt is what "/" shows where the page was never built.
var unbuilt = template.Must(template.Must(template.New("frame").Parse(FrameHTML)).New("unbuilt").Parse(`{{template "head" .}}
<h1>The horde is running, its page is not built yet</h1>
<p>This binary was compiled without the page. Run <code>make ui</code> in the source folder, build the binary again and restart it.</p>
<p>The API works meanwhile: <a href="/api/v2/status/heartbeat">/api/v2/status/heartbeat</a>.</p>
{{template "foot" .}}
`))

func (s *Site) serveUnbuilt(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	frame := Frame{Site: s.options.Title, Page: "Not built", Version: s.options.Version, Repository: s.options.Repository}
	_ = unbuilt.Execute(w, frame) // the reader may be gone; nothing to be done
}
