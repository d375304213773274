// Package run is the commands that run a horde: serve, work and up (both in one
// process), bench, and config, which shows the settings of a server.
package run

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"slices"
	"sync"

	"github.com/prometheus/client_golang/prometheus"

	"horde/api"
	"horde/internal/account"
	"horde/internal/admission"
	"horde/internal/blob"
	"horde/internal/cli/console"
	"horde/internal/config"
	"horde/internal/content"
	"horde/internal/fetch"
	"horde/internal/horde"
	"horde/internal/imaging"
	"horde/internal/kudos"
	"horde/internal/node"
	"horde/internal/notify"
	"horde/internal/patron"
	"horde/internal/telemetry"
)

// ServeCmd runs a server.
type ServeCmd struct{ config.Serve }

// Help shows examples.
func (ServeCmd) Help() string {
	return `The server answers the AI Horde API and shows the web page. It runs in the foreground; SIGTERM or an interrupt ends it once the calls in progress are answered.

Examples:
  horde serve
  horde serve --listen 0.0.0.0:7001 --public-url https://horde.example.org --data /var/lib/horde
  horde serve --db postgres://horde@db/horde --s3-endpoint https://s3.example.org
  ADMINS='["alice#1"]' horde serve`
}

// Run serves until it is interrupted.
func (c *ServeCmd) Run(con *console.Console) error {
	imaging.FreeLargeBlocks()
	n, err := openNode(con, &c.Serve, nil)
	if err != nil {
		return err
	}

	stop, err := serveMetricsApart(c.MetricsListen, n.registry)
	if err != nil {
		n.Close()
		return err
	}
	defer stop()
	return n.Run(con.Ctx)
}

// runningNode is a node with what the commands add to it.
type runningNode struct {
	*node.Node
	registry *prometheus.Registry
	admins   *aliases
}

// aliases is a list of users (name#id) that may grow while it is read.
type aliases struct {
	mu   sync.RWMutex
	list []string // guarded by mu
}

func (a *aliases) all() []string {
	a.mu.RLock()
	defer a.mu.RUnlock()
	return slices.Clone(a.list)
}

func (a *aliases) add(alias string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.list = append(a.list, alias)
}

// openNode opens the server that the settings describe, on listener or, where it is
// nil, on the address of the settings.
func openNode(con *console.Console, c *config.Serve, listener net.Listener) (*runningNode, error) {
	c.Complete(con.Getenv)
	pricer, err := openPricer(c.KudosNet)
	if err != nil {
		return nil, err
	}

	if listener == nil {
		if listener, err = listen(con.Ctx, c.Listen); err != nil {
			return nil, err
		}
	}

	secrets := config.Secrets{Key: c.KeySecret, Blob: c.BlobSecret}
	if c.DB == "" { // the nodes of one PostgreSQL keep theirs in it
		if secrets, err = config.LoadSecrets(c.Data, secrets); err != nil {
			listener.Close()
			return nil, err
		}
	}

	n := &runningNode{registry: telemetry.NewRegistry(api.Version), admins: &aliases{list: c.Admins}}
	if c.Repository != "" {
		api.Repository = c.Repository
	}

	limitMemory(con.Log)
	options := nodeOptions(c, con.Log)
	options.Listener, options.Pricer = listener, pricer
	options.Admins, options.Metrics = n.admins.all, n.registry
	options.KeySecret, options.BlobSecret = secrets.Key, secrets.Blob
	if n.Node, err = node.Open(con.Ctx, options); err != nil {
		listener.Close()
		return nil, err
	}

	con.Log.Info("horde serves",
		"url", n.URL(),
		"version", api.Version,
		"data", c.Data,
		"database", databaseName(c.DB),
		"price_net", pricer.Net().Card().Name)
	warnAboutLinks(con, c, listener.Addr())
	return n, nil
}

// nodeOptions are those options of a node that follow from the settings alone.
func nodeOptions(c *config.Serve, log *slog.Logger) node.Options {
	options := node.Options{
		Data:           c.Data,
		DBURL:          c.DB,
		PublicURL:      c.PublicURL,
		Title:          c.Title,
		APILevel:       api.Level(c.APILevel),
		Contact:        c.Contact,
		Documents:      documentFiles(c),
		TrustedProxies: c.TrustedProxies,
		Connections:    node.Connections{Most: c.MaxConnections, PerAddress: c.ConnectionsPerAddress},
		Services:       c.Services,
		AddressChecker: c.IPChecker,
		Awarders:       c.Awarders,
		TrustThreshold: c.TrustThreshold,
		Server: admission.Server{
			MatchedTargeting:    bool(c.MatchedTargeting),
			UpfrontOnWorkerList: bool(c.UpfrontOnWorkerlist),
		},
		Timings:   bool(c.KudosRecord),
		S3:        c.S3.Options(c.MaxUpload),
		MaxUpload: c.MaxUpload,
		MaxCalls:  maxCalls(c.MaxCalls, runtime.GOMAXPROCS(0)),
		Quota:     blob.Quota{Total: c.MaxStored, Account: c.AccountQuota, MinFree: c.MinFreeDisk},
		Waiting: admission.Bounds{
			Jobs:          c.MaxWaiting,
			AnonymousJobs: c.MaxWaitingAnonymous,
			Bytes:         c.MaxWaitingBytes,
			AccountBytes:  c.MaxAccountBytes,
		},
		Unpaid: account.Unpaid{
			Account: horde.Whole(c.MaxUnpaidAccount),
			Address: horde.Whole(c.MaxUnpaidAddress),
		},
		Models: node.Models{
			Image:      c.ImageReference,
			ImageExtra: c.ImageReferenceExtra,
			Text:       c.TextReference,
			Refresh:    c.ReferenceRefresh,
		},
		NoFilters:        bool(c.DisableFilters),
		TestAccounts:     bool(c.TestAPIKeys),
		Limited:          !bool(c.NoRateLimits),
		Sources:          fetch.NewImageFetcher(fetch.New(fetch.Options{AllowPrivate: bool(c.PrivateFetch)})),
		Hooks:            fetch.New(fetch.Options{AllowPrivate: bool(c.PrivateFetch), Timeout: notify.Timeout}),
		MetricsElsewhere: c.MetricsListen != "",
		Log:              log,
		AccessLog:        bool(c.AccessLog),
	}
	if p := c.Patreon; p.Token != "" {
		options.Patreon = patron.NewPatreon(p.URL, p.Token, p.Campaign, log)
	}

	if s := c.Stripe; s.Key != "" {
		options.Stripe = patron.NewStripe(s.URL, s.Key, log)
	}

	return options
}

// documentFiles are the operator's own documents, by name.
func documentFiles(c *config.Serve) map[string]string {
	files := map[string]string{}
	for name, path := range map[string]string{
		content.Terms:    c.Terms,
		content.Privacy:  c.Privacy,
		content.Sponsors: c.Sponsors,
	} {
		if path != "" {
			files[name] = path
		}
	}
	return files
}

// openPricer prices by the net in a file, "" for the one in the program.
func openPricer(path string) (*kudos.Pricer, error) {
	if path == "" {
		return kudos.NewPricer(kudos.Standard()), nil
	}
	net, err := kudos.ReadNet(path)
	if err != nil {
		return nil, console.UsageError("--kudos-net: price network: %w", err)
	}
	return kudos.NewPricer(net), nil
}

func databaseName(url string) string {
	if url == "" {
		return "sqlite"
	}
	return "postgres"
}

func listen(ctx context.Context, addr string) (net.Listener, error) {
	var lc net.ListenConfig
	l, err := lc.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, fmt.Errorf("%w: choose another address with --listen HOST:PORT", err)
	}
	return l, nil
}

func serveMetricsApart(addr string, registry *prometheus.Registry) (func(), error) {
	if addr == "" {
		return func() {}, nil
	}
	return serveMetrics(addr, registry)
}
