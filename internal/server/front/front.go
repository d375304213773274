// Package front puts the HTTP front together: the route tables of the APIs and of the
// site, the documents that describe them, and the server that answers. An API that is
// added is added here.
package front

import (
	"cmp"
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"slices"

	"github.com/prometheus/client_golang/prometheus"

	"horde/api"
	"horde/internal/server"
	"horde/internal/server/domain"
	"horde/internal/server/ext"
	"horde/internal/server/site"
	"horde/internal/server/swagger"
	"horde/internal/server/v2"
)

// Options are what a front is made of. Zero fields switch things off; only the rooms of
// the domain that the routes in use need must be there.
type Options struct {
	server.Options // ErrorPage is set by New

	Domain domain.Domain

	Title      string    // of the horde and of the API, default "AI Horde"
	APILevel   api.Level // what /api/swagger.json shows, default 0.28
	Repository string    // URL of the source code of what runs here

	// TryOut: the files of Swagger UI are among the pages.
	TryOut bool
	// MetricsElsewhere: /metrics is served on an address of its own, not here.
	MetricsElsewhere bool
	// TestAccounts opens POST /api/v2/dev/test-user to this machine.
	TestAccounts bool
	// Blobs serves signed links of a folder store; nil with S3.
	Blobs http.Handler

	// Ready returns why this node cannot serve; nil: it always can.
	Ready func(context.Context) error
	// Vouch gives an address the higher limits for a day; nil: there are none.
	Vouch func(netip.Addr)
	// Register makes a pseudonymous account for somebody at addr and returns its key,
	// which is shown once, and its alias; nil: registration is closed.
	Register func(ctx context.Context, username string, addr netip.Addr) (key, alias string, err error)
}

// New makes the server of all routes.
func New(o Options) *server.Server {
	o = o.withDefaults()
	site, routes := o.routes()
	o.ErrorPage = site.ErrorPage
	return server.New(o.Options, routes)
}

// Documents makes the documents of all routes, for a program that only writes them: it
// needs no domain.
func Documents(o Options) *swagger.Documents {
	site, _ := o.withDefaults().routes()
	return site.API
}

func (o Options) withDefaults() Options {
	o.Title = cmp.Or(o.Title, "AI Horde")
	o.APILevel = cmp.Or(o.APILevel, api.Level028)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = prometheus.NewRegistry()
	}
	return o
}

// routes puts the route table together, and the site, which describes it.
func (o Options) routes() (*site.Site, []server.Route) {
	documents := swagger.New(o.Title, o.APILevel)
	pages := site.New(site.Options{
		Title:      o.Title,
		Version:    o.Version,
		Repository: o.Repository,
		Log:        o.Log,
		Texts:      o.Domain.Documents,
		API:        documents,
		TryOut:     o.TryOut,
		Blobs:      o.Blobs,
		Metrics:    o.Metrics,
		Ready:      o.Ready,
		Register:   o.Register,
	})
	if o.MetricsElsewhere {
		pages.Metrics = nil
	}
	contract := &v2.API{
		Domain:       o.Domain,
		Version:      o.Version,
		Ready:        o.Ready,
		Vouch:        o.Vouch,
		TestAccounts: o.TestAccounts,
	}
	extensions := &ext.API{Domain: o.Domain, Log: o.Log}

	routes := slices.Concat(pages.Routes(), contract.Routes(), extensions.Routes())
	documents.Describe(routes)
	return pages, routes
}
