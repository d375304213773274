// Package web is the page of a horde: a Svelte program, built by Vite into dist
// and embedded in the binary. [Handler] serves it, [Has] says which paths are
// its own, so that the server can answer every other one with its JSON 404.
//
// The Go build needs no Node: in a checkout whose page was never built, dist
// holds only .keep and Handler answers "/" with a note on how to build it.
package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
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

// Policy is the Content-Security-Policy of the page. Code, styles and fonts
// come from the binary alone. Pictures may lie on another host (S3, or the
// public URL of this server), hence the open img-src, and connect-src for
// keeping and downloading them under a proper name.
const Policy = "default-src 'none'; script-src 'self'; style-src 'self'; font-src 'self'; " +
	"img-src * data: blob:; connect-src 'self' http: https:; manifest-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// built are the files of the embedded page.
var built = sync.OnceValue(func() *site { return newSite(dist, "dist") })

// Handler serves the page: "/", and the files that the build left beside it.
// Names with a content hash (assets/) may be cached for ever, all else is
// revalidated by ETag. Texts go out gzipped to those who accept it. Only GET and
// HEAD are answered, others with 405; a path that is not [Has] gets 404.
func Handler() http.Handler { return built() }

// Has tells whether the URL path belongs to the page. "/" always does.
func Has(path string) bool { return built().has(path) }

// site is a set of files, read once, by URL path.
type site struct {
	files map[string]*file
}

// file is one served file. Its gzipped form is made when first asked for.
type file struct {
	body   []byte
	kind   string // Content-Type
	cache  string // Cache-Control
	etag   string
	zipped func() []byte // nil: does not pay, the format is compressed already
}

// newSite reads all files below root. Dot files are not part of a site. The
// embedded file system cannot fail; were it to, the site would be empty.
func newSite(fsys fs.FS, root string) *site {
	s := &site{files: map[string]*file{}}
	_ = fs.WalkDir(fsys, root, func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || strings.HasPrefix(d.Name(), ".") {
			return err
		}
		body, err := fs.ReadFile(fsys, name)
		if err != nil {
			return err
		}
		url := strings.TrimPrefix(name, root)
		s.files[url] = newFile(url, body)
		return nil
	})
	if index, ok := s.files["/index.html"]; ok {
		s.files["/"] = index
	}
	return s
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

func (s *site) has(url string) bool {
	_, ok := s.files[url]
	return ok || url == "/"
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
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
		serveUnbuilt(w)
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

const unbuilt = `<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Horde</title></head>
<body>
<h1>The horde is running, its page is not built yet</h1>
<p>This binary was compiled without the page. Run <code>make ui</code> in the source folder, build the binary again and restart it.</p>
<p>The API works meanwhile: <a href="/api/v2/status/heartbeat">/api/v2/status/heartbeat</a>.</p>
</body>
</html>
`

func serveUnbuilt(w http.ResponseWriter) {
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	_, _ = w.Write([]byte(unbuilt)) // the reader may be gone; nothing to be done
}
