package server

import (
	"context"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"horde/internal/horde"
	"horde/internal/turns"
)

// endpoint is all routes of one pattern.
type endpoint struct {
	server  *Server
	pattern string
	params  []string // names of the pattern's wildcards
	methods map[string]*Route
	allow   []string // value of Allow
}

// newMux makes the multiplexer of a route table. Methods are told apart by endpoint,
// not by the mux, so that OPTIONS, HEAD and 405 are answered our way.
func (s *Server) newMux(routes []Route) *http.ServeMux {
	mux := http.NewServeMux()
	endpoints := map[string]*endpoint{}
	for i := range routes {
		rt := &routes[i]
		e := endpoints[rt.Pattern]
		if e == nil {
			e = &endpoint{server: s, pattern: rt.Pattern, params: Wildcards(rt.Pattern), methods: map[string]*Route{}}
			endpoints[rt.Pattern] = e
			mux.Handle(rt.Pattern, e)
		}
		if e.methods[rt.Method] != nil {
			panic("two routes for " + rt.Method + " " + rt.Pattern)
		}
		e.methods[rt.Method] = rt
	}

	for _, e := range endpoints {
		if get := e.methods[http.MethodGet]; get != nil && e.methods[http.MethodHead] == nil {
			e.methods[http.MethodHead] = get
		}
		names := append(slices.Collect(maps.Keys(e.methods)), http.MethodOptions)
		slices.Sort(names)
		e.allow = []string{strings.Join(names, ", ")}
	}

	if endpoints["/"] == nil {
		mux.HandleFunc("/", s.serveUnknown)
	}
	return mux
}

// dispatch finds the endpoint of a call. The mux would redirect paths that are
// not clean; to us they are unknown.
func (s *Server) dispatch(w http.ResponseWriter, r *http.Request) {
	if !cleanPath(r.URL.EscapedPath()) {
		s.serveUnknown(w, r)
		return
	}
	s.mux.ServeHTTP(w, r)
}

func cleanPath(p string) bool {
	if p == "" || p[0] != '/' {
		return false
	}
	for i := strings.IndexByte(p, '/'); i >= 0 && i+1 < len(p); {
		rest := p[i+1:]
		if rest[0] == '/' || rest[0] == '.' && isDots(rest) {
			return false
		}
		next := strings.IndexByte(rest, '/')
		if next < 0 {
			return true
		}
		i += 1 + next
	}
	return true
}

// isDots reports whether the first segment of rest is "." or "..".
func isDots(rest string) bool {
	segment, _, _ := strings.Cut(rest, "/")
	return segment == "." || segment == ".."
}

func (s *Server) serveUnknown(w http.ResponseWriter, r *http.Request) {
	if s.Pages != nil && s.Pages(w, r) {
		return
	}
	s.writeError(w, r, &horde.Error{Code: horde.NotFound, Detail: textUnknownURL})
}

// ServeHTTP picks the route by method and runs it, limits first.
func (e *endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	x := exchangeOf(r)
	x.pattern, x.params = e.pattern, e.params

	rt := e.methods[r.Method]
	switch {
	case rt != nil:
		sanitizePath(r, e.params)
		e.server.run(w, r, x, rt)
	case r.Method == http.MethodOptions:
		w.Header()["Allow"] = e.allow
		w.Header()["Content-Length"] = []string{"0"}
		w.WriteHeader(http.StatusOK)
	default:
		w.Header()["Allow"] = e.allow
		e.server.writeError(w, r, &horde.Error{Code: horde.MethodNotAllowed, Detail: textWrongMethod})
	}
}

// run answers a call by its route: limits, then the mask, then the handler.
func (s *Server) run(w http.ResponseWriter, r *http.Request, x *exchange, rt *Route) {
	defer x.leave()
	if err := s.overload.enter(r.Context(), x, rt); err != nil {
		x.shed = true
		s.writeError(w, r, err)
		return
	}

	if s.Limits != nil && !s.admit(w, r, x, rt) {
		return
	}

	if !rt.Plain {
		if v := r.Header["X-Fields"]; len(v) > 0 && v[0] != "" {
			m, err := parseMask(v[0])
			if err != nil {
				s.writeError(w, r, err)
				return
			}
			x.mask = m
		}
	}

	if err := rt.Handle(w, r); err != nil {
		s.writeError(w, r, err)
	}
}

// exchange is what is known of one call and its answer: the middleware's writer
// and the values that handlers ask for, in one piece.
type exchange struct {
	http.ResponseWriter
	server  *Server
	call    *http.Request
	id      string   // of the call, for logs
	pattern string   // of its endpoint; "": none
	params  []string // names of the pattern's wildcards
	mask    *mask    // nil: the whole answer

	peer, network, client netip.Addr
	proxies               int // of ours that the call came through; 0: none

	baseOnce sync.Once
	base     string // what addresses of ourselves begin with

	conn     *connection // nil: none (in tests)
	body     incoming
	keyKnown bool   // the caller's key was looked up
	share    string // of the budget for bodies that the body is in
	reserved int64  // bytes of that budget

	answer *turns.Turn // in the room for large answers; nil: none
	unread *time.Timer // that gives the caller up who does not read such an answer; nil: none

	status int   // of the answer; 0: it has not begun
	bytes  int64 // of its body

	load    *overload    // that counts this call; nil: none does
	shed    bool         // it was refused because there were too many
	resting atomic.Int32 // reasons why it does not count at the moment
}

type exchangeKey struct{}

// exchangeOf finds the exchange of a request; outside of Server.ServeHTTP (in
// tests of single handlers) it is an empty one.
func exchangeOf(r *http.Request) *exchange {
	if x, ok := r.Context().Value(exchangeKey{}).(*exchange); ok {
		return x
	}
	return &exchange{}
}

func withExchange(ctx context.Context, x *exchange) context.Context {
	return context.WithValue(ctx, exchangeKey{}, x)
}

func maskOf(r *http.Request) *mask { return exchangeOf(r).mask }
