// Package site answers what people open in a browser and what operators ask: the pages
// that the server writes itself, the descriptions of the API, the node's health and its
// metrics, and the links to images.
package site

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"horde/internal/content"
	"horde/internal/server"
	"horde/internal/server/swagger"
)

// Options are what a Site is made of. Zero fields switch things off.
type Options struct {
	Title      string // of the horde
	Version    string // of this program
	Repository string // URL of the source code of what runs here

	Log     *slog.Logger
	Texts   *content.Documents   // terms, privacy notice and sponsors
	API     *swagger.Documents   // the descriptions of the API
	TryOut  bool                 // the files of Swagger UI are among the pages
	Blobs   http.Handler         // serves signed links of a folder store; nil with S3
	Metrics *prometheus.Registry // nil: served elsewhere
	// Ready returns why this node cannot serve (/readyz).
	Ready func(context.Context) error
	// Register makes a pseudonymous account for somebody at addr and returns its key,
	// which is shown once, and its alias; nil: registration is closed.
	Register func(ctx context.Context, username string, addr netip.Addr) (key, alias string, err error)
}

// Site has the handlers of pages and of what operators ask.
type Site struct{ Options }

// New makes a Site.
func New(o Options) *Site { return &Site{o} }

// Routes is the route table of the site.
func (s *Site) Routes() []server.Route {
	return slices.Concat(
		s.pageRoutes(),
		s.descriptionRoutes(),
		s.operatorRoutes(),
		s.blobRoutes(),
	)
}

// pageRoutes declares the pages that people open.
func (s *Site) pageRoutes() []server.Route {
	return []server.Route{
		server.Get("/register", s.getRegister).Unmasked(),
		server.Post("/register", s.postRegister).Unmasked(),
		server.Get("/terms", s.showDocument(content.Terms, "Terms of use")).Unmasked(),
		server.Get("/privacy", s.showDocument(content.Privacy, "Privacy")).Unmasked(),
		server.Get("/sponsors", s.showDocument(content.Sponsors, "Sponsors")).Unmasked(),
	}
}
