package site

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/server"
	"horde/web"
)

// errorPage is what error.html shows: what happened, and what to do.
type errorPage struct {
	web.Frame
	Text, Advice string
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

// ErrorPage shows a refusal as a page to whoever reads pages, and returns false for
// everybody else. It is an option of the server. Retry-After, if any, stands in the
// header already.
func (s *Site) ErrorPage(w http.ResponseWriter, r *http.Request, status int, body *api.Error) bool {
	if !underAPI(r) {
		w.Header().Add("Vary", "Accept")
	}
	if !wantsPage(r) {
		return false
	}

	if err := s.page(w, status, "error", s.explained(status, body)); err != nil {
		_ = server.ReplyPlain(w, http.StatusInternalServerError, &api.Error{Message: server.TextInternal})
	}
	return true
}

// explained is a refusal in words for somebody who looks at a page.
func (s *Site) explained(status int, body *api.Error) errorPage {
	show := func(title, text, advice string) errorPage {
		return errorPage{Frame: s.frame(title), Text: text, Advice: advice}
	}

	switch {
	case status == http.StatusNotFound && body.RC == string(horde.NotFound):
		return show("There is no such page", "Nothing was found at this address.",
			"Check its spelling, or start from the first page.")
	case status == http.StatusTooManyRequests:
		return show("A little too fast", "The limit is "+body.Message+".", "Wait a moment, then load this page again.")
	case status >= http.StatusInternalServerError:
		return show("Something went wrong", "The server could not answer. This is not your fault.", "Try again in a moment.")
	}
	return show("This does not work", cmp.Or(body.Message, http.StatusText(status)), "")
}

// paged lets a handler whose errors are JSON show them as pages to browsers.
func (s *Site) paged(next http.Handler) http.Handler {
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
		s.ErrorPage(w, r, p.refused, &body)
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

// WriteHeader passes a status on unless it is an error's.
func (p *pagedWriter) WriteHeader(status int) {
	if status >= http.StatusBadRequest {
		p.refused = status
		return
	}
	p.ResponseWriter.WriteHeader(status)
}

// Write passes a body on, but keeps an error's.
func (p *pagedWriter) Write(b []byte) (int, error) {
	if p.refused == 0 {
		return p.ResponseWriter.Write(b)
	}
	p.body.Write(b[:min(len(b), maxKeptError-p.body.Len())])
	return len(b), nil
}

// Unwrap lets http.ResponseController reach the connection.
func (p *pagedWriter) Unwrap() http.ResponseWriter { return p.ResponseWriter }
