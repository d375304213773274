package server

import (
	"bytes"
	"cmp"
	"embed"
	"encoding/json"
	"html/template"
	"net/http"
	"strconv"
	"strings"

	"horde/api"
	"horde/internal/horde"
	"horde/web"
)

// The pages that the server writes itself: registration, the description of the
// API, and what a browser is shown instead of an error in JSON. They need no
// script.

//go:embed pages/*.html
var pageFiles embed.FS

var pages = template.Must(template.Must(template.New("pages").Parse(web.FrameHTML)).ParseFS(pageFiles, "pages/*.html"))

// registerPage is what register.html shows: the form, or the key of a new account.
type registerPage struct {
	web.Frame
	Error, Key, Alias, Username string
}

// apiPage is what api.html shows.
type apiPage struct {
	web.Frame
	Routes []apiLine
}

type apiLine struct{ Method, Path, Summary string }

// documentPage is what document.html shows: a document of the horde, sanitised.
type documentPage struct {
	web.Frame
	Text template.HTML
}

// errorPage is what error.html shows: what happened, and what to do.
type errorPage struct {
	web.Frame
	Text, Advice string
}

func (s *Server) frame(page string) web.Frame {
	return web.Frame{Site: s.Title, Page: page, Version: s.Version, Repository: s.Repository}
}

func (s *Server) page(w http.ResponseWriter, status int, name string, data any) error {
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

// getAPIPage serves the page on which calls can be tried out; a server without the
// files of the web page lists its routes instead.
func (s *Server) getAPIPage(w http.ResponseWriter, _ *http.Request) error {
	p := apiPage{Frame: s.frame("API")}
	if s.TryOut {
		p.Whole = true
		return s.page(w, http.StatusOK, "tryout", p)
	}

	for _, rt := range s.table {
		if rt.doc != nil {
			p.Routes = append(p.Routes, apiLine{rt.method, rt.pattern, rt.doc.summary})
		}
	}
	return s.page(w, http.StatusOK, "api", p)
}

// wantsPage reports whether an error is better shown as a page: somebody looks at
// an address outside of the API with a browser. Programs, which ask for JSON or
// for anything, get JSON.
func wantsPage(r *http.Request) bool {
	if underAPI(r) {
		return false
	}
	page := quality(r.Header["Accept"], "text/html")
	return page > 0 && page >= quality(r.Header["Accept"], "application/json")
}

// underAPI reports whether a call is one of the API, where errors are JSON to all.
func underAPI(r *http.Request) bool {
	return r.URL.Path == "/api" || strings.HasPrefix(r.URL.Path, "/api/")
}

// quality is how much an Accept header wants a media type that it names, 0 to 1;
// wildcards do not count.
func quality(accept []string, kind string) float64 {
	for part := range strings.SplitSeq(strings.Join(accept, ","), ",") {
		name, params, _ := strings.Cut(part, ";")
		if !strings.EqualFold(strings.TrimSpace(name), kind) {
			continue
		}
		for param := range strings.SplitSeq(params, ";") {
			if value, ok := strings.CutPrefix(strings.ReplaceAll(param, " ", ""), "q="); ok {
				q, err := strconv.ParseFloat(value, 64)
				if err != nil {
					return 0
				}
				return q
			}
		}
		return 1
	}
	return 0
}

// writeRefused answers with a refusal: as a page to whoever reads pages, else as
// JSON. Retry-After, if any, stands in the header already.
func (s *Server) writeRefused(w http.ResponseWriter, r *http.Request, status int, body *api.Error) {
	if !underAPI(r) {
		w.Header().Add("Vary", "Accept")
	}
	if !wantsPage(r) {
		writeBody(w, r, status, body)
		return
	}
	if err := s.page(w, status, "error", s.explained(status, body)); err != nil {
		writeBody(w, r, http.StatusInternalServerError, &api.Error{Message: textInternal})
	}
}

// explained is a refusal in words for somebody who looks at a page.
func (s *Server) explained(status int, body *api.Error) errorPage {
	show := func(title, text, advice string) errorPage {
		return errorPage{Frame: s.frame(title), Text: text, Advice: advice}
	}

	switch {
	case status == http.StatusNotFound && body.RC == string(horde.NotFound):
		return show("There is no such page", "Nothing was found at this address.", "Check its spelling, or start from the first page.")
	case status == http.StatusTooManyRequests:
		return show("A little too fast", "The limit is "+body.Message+".", "Wait a moment, then load this page again.")
	case status >= http.StatusInternalServerError:
		return show("Something went wrong", "The server could not answer. This is not your fault.", "Try again in a moment.")
	}
	return show("This does not work", cmp.Or(body.Message, http.StatusText(status)), "")
}

// paged lets a handler whose errors are JSON show them as pages to browsers.
func (s *Server) paged(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !wantsPage(r) {
			next.ServeHTTP(w, r)
			return
		}
		p := &pagedWriter{ResponseWriter: w}
		next.ServeHTTP(p, r)
		if p.refused == 0 {
			return
		}
		body := api.Error{}
		_ = json.Unmarshal(p.body.Bytes(), &body) // what is no JSON has no message to show
		s.writeRefused(w, r, p.refused, &body)
	})
}

// pagedWriter passes an answer on, but keeps an error back.
type pagedWriter struct {
	http.ResponseWriter
	refused int // status of the error, 0 while there is none
	body    bytes.Buffer
}

// maxKeptError is the most that is kept of an error's body, in bytes.
const maxKeptError = 4 << 10

func (p *pagedWriter) WriteHeader(status int) {
	if status >= http.StatusBadRequest {
		p.refused = status
		return
	}
	p.ResponseWriter.WriteHeader(status)
}

func (p *pagedWriter) Write(b []byte) (int, error) {
	if p.refused == 0 {
		return p.ResponseWriter.Write(b)
	}
	p.body.Write(b[:min(len(b), maxKeptError-p.body.Len())])
	return len(b), nil
}

// Unwrap lets http.ResponseController reach the connection.
func (p *pagedWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }
