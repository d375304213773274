package site

import (
	"bytes"
	"embed"
	"html/template"
	"net/http"
	"strconv"

	"horde/web"
)

// The pages that the server writes itself: registration, the description of the
// API, and what a browser is shown instead of an error in JSON. They need no
// script.

//go:embed pages/*.html
var pageFiles embed.FS

var pages = template.Must(template.Must(template.New("pages").Parse(web.FrameHTML)).ParseFS(pageFiles, "pages/*.html"))

// frame is what the frame of a page shows.
func (s *Site) frame(page string) web.Frame {
	return web.Frame{Site: s.Title, Page: page, Version: s.Version, Repository: s.Repository}
}

// page writes a page of the server's own.
func (s *Site) page(w http.ResponseWriter, status int, name string, data any) error {
	return writePage(w, status, name, data, web.FramePolicy)
}

// writePage writes a page under a Content-Security-Policy.
func writePage(w http.ResponseWriter, status int, name string, data any, policy string) error {
	var out bytes.Buffer
	if err := pages.ExecuteTemplate(&out, name+".html", data); err != nil {
		return err
	}

	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(out.Len()))
	h.Set("Cache-Control", "no-store")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Security-Policy", policy)
	w.WriteHeader(status)
	_, _ = w.Write(out.Bytes()) // a reader that hung up is no error of ours
	return nil
}
