package site

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"horde/internal/server"
)

// operatorRoutes declares what load balancers and monitoring ask.
func (s *Site) operatorRoutes() []server.Route {
	routes := []server.Route{
		server.Get("/healthz", s.getHealth).Limit(server.Unlimited).Unmasked(),
		server.Get("/readyz", s.getReady).Limit(server.Unlimited).Unmasked(),
	}
	if s.Metrics != nil {
		measure := promhttp.HandlerFor(s.Metrics, promhttp.HandlerOpts{})
		routes = append(routes, server.Get("/metrics", wrap(measure)).Limit(server.Unlimited).Unmasked())
	}
	return routes
}

// blobRoutes declares the links to images of a folder store.
func (s *Site) blobRoutes() []server.Route {
	if s.Blobs == nil {
		return nil
	}
	h := wrap(s.paged(s.Blobs))
	return []server.Route{
		server.Get("/blob/{name}", h).Limit(server.Unlimited).Unmasked(),
		server.Put("/blob/{name}", h).Limit(server.Unlimited).Unmasked(),
	}
}

// getHealth says that the process runs.
func (s *Site) getHealth(w http.ResponseWriter, _ *http.Request) error {
	return server.ReplyPlain(w, http.StatusOK, map[string]string{"status": "ok"})
}

// getReady says whether calls can be served; a load balancer takes the node out
// while it answers 503.
func (s *Site) getReady(w http.ResponseWriter, r *http.Request) error {
	if s.Ready != nil {
		if err := s.Ready(r.Context()); err != nil {
			s.Log.Warn("not ready", "err", err)
			return server.ReplyPlain(w, http.StatusServiceUnavailable, map[string]string{"status": "not ready"})
		}
	}
	return server.ReplyPlain(w, http.StatusOK, map[string]string{"status": "ok"})
}

// wrap makes a handler of a plain http.Handler.
func wrap(h http.Handler) server.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		h.ServeHTTP(w, r)
		return nil
	}
}
