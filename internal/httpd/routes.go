package httpd

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// routes is the table of everything the server answers. One line per method and
// pattern; the wildcards are those of http.ServeMux.
func (s *Server) routes() []route {
	measure := promhttp.HandlerFor(s.Metrics, promhttp.HandlerOpts{})
	return []route{
		{method: http.MethodGet, pattern: "/register", handle: s.getRegister, plain: true},
		{method: http.MethodPost, pattern: "/register", handle: s.postRegister, plain: true},
		{method: http.MethodGet, pattern: "/.well-known/serviceinfo", handle: s.getServiceInfo, plain: true},
		{method: http.MethodGet, pattern: "/api", handle: s.getAPIRoot, plain: true},
		{method: http.MethodGet, pattern: "/api/{$}", handle: s.getAPIPage, plain: true},
		{method: http.MethodGet, pattern: "/api/swagger.json", handle: s.getSwagger, plain: true},
		{method: http.MethodGet, pattern: "/healthz", handle: s.getHealth, limits: exempt, plain: true},
		{method: http.MethodGet, pattern: "/readyz", handle: s.getReady, limits: exempt, plain: true},
		{method: http.MethodGet, pattern: "/metrics", handle: wrap(measure), limits: exempt, plain: true},
	}
}

// wrap makes a handler of a plain http.Handler.
func wrap(h http.Handler) handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		h.ServeHTTP(w, r)
		return nil
	}
}

// getHealth tells that the process runs.
func (s *Server) getHealth(w http.ResponseWriter, _ *http.Request) error {
	return replyPlain(w, http.StatusOK, map[string]string{"status": "ok"})
}

// getReady tells whether calls can be served; a load balancer takes the node out
// while it answers 503.
func (s *Server) getReady(w http.ResponseWriter, r *http.Request) error {
	if s.Ready != nil {
		if err := s.Ready(r.Context()); err != nil {
			s.log.Warn("not ready", "err", err)
			return replyPlain(w, http.StatusServiceUnavailable, map[string]string{"status": "not ready"})
		}
	}
	return replyPlain(w, http.StatusOK, map[string]string{"status": "ok"})
}
