package server

import (
	"context"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"

	"horde/internal/horde"
)

// handler answers a call or returns why it could not.
type handler func(w http.ResponseWriter, r *http.Request) error

// route is one line of the routes table.
type route struct {
	method  string
	pattern string // of http.ServeMux, without a method: /api/v2/generate/check/{id}
	limits  rates  // nil: defaultRates; exempt: none
	handle  handler
	plain   bool // the answer is not marshalled: no X-Fields mask
	doc     *doc // nil: not in the machine-readable document
}

// endpoint is all routes of one pattern.
type endpoint struct {
	server  *Server
	pattern string
	params  []string // names of the pattern's wildcards
	methods map[string]*route
	allow   []string // value of Allow
}

// buildMux makes the multiplexer. Methods are told apart by endpoint, not by the
// mux, so that OPTIONS, HEAD and 405 are answered our way.
func (s *Server) buildMux() {
	s.mux = http.NewServeMux()
	endpoints := map[string]*endpoint{}
	for i := range s.table {
		rt := &s.table[i]
		e := endpoints[rt.pattern]
		if e == nil {
			e = &endpoint{server: s, pattern: rt.pattern, params: wildcards(rt.pattern), methods: map[string]*route{}}
			endpoints[rt.pattern] = e
			s.mux.Handle(rt.pattern, e)
		}
		if e.methods[rt.method] != nil {
			panic("two routes for " + rt.method + " " + rt.pattern)
		}
		e.methods[rt.method] = rt
	}
	for _, e := range endpoints {
		if get := e.methods[http.MethodGet]; get != nil && e.methods[http.MethodHead] == nil {
			e.methods[http.MethodHead] = get
		}
		names := []string{http.MethodOptions}
		for m := range e.methods {
			names = append(names, m)
		}
		slices.Sort(names)
		e.allow = []string{strings.Join(names, ", ")}
	}
	if endpoints["/"] == nil {
		s.mux.HandleFunc("/", s.serveUnknown)
	}
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

// isDots tells whether the first segment of rest is "." or "..".
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
	x.pattern = e.pattern
	rt := e.methods[r.Method]
	switch {
	case rt != nil:
		mendAddress(r, e.params)
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

func (s *Server) run(w http.ResponseWriter, r *http.Request, x *exchange, rt *route) {
	if s.Limits != nil && !s.admit(w, r, x, rt) {
		return
	}
	if !rt.plain {
		if v := r.Header["X-Fields"]; len(v) > 0 && v[0] != "" {
			m, err := parseMask(v[0])
			if err != nil {
				s.writeError(w, r, err)
				return
			}
			x.mask = m
		}
	}
	if err := rt.handle(w, r); err != nil {
		s.writeError(w, r, err)
	}
}

// exchange is what is known of one call and its answer: the middleware's writer
// and the values that handlers ask for, in one piece.
type exchange struct {
	http.ResponseWriter
	id                    string
	peer, network, client netip.Addr
	pattern               string
	mask                  *mask
	status                int
	bytes                 int64

	server   *Server
	call     *http.Request
	proxies  int // of ours that the call came through; 0: none
	baseOnce sync.Once
	base     string // what addresses of ourselves begin with
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
