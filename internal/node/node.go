package node

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"horde/api"
	"horde/internal/account"
	"horde/internal/admission"
	"horde/internal/alchemy"
	"horde/internal/blob"
	"horde/internal/catalog"
	"horde/internal/content"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/imaging"
	"horde/internal/kudos"
	"horde/internal/limit"
	"horde/internal/moderation"
	"horde/internal/notify"
	"horde/internal/patron"
	"horde/internal/queue"
	"horde/internal/rating"
	"horde/internal/requests"
	"horde/internal/server"
	"horde/internal/server/domain"
	"horde/internal/server/front"
	"horde/internal/source"
	"horde/internal/stats"
	"horde/internal/store"
	"horde/internal/style"
	"horde/internal/telemetry"
	"horde/web"
)

// Options configure a node.
type Options struct {
	Data  string // folder of the embedded database and of images
	DBURL string // postgres://…; empty: SQLite in Data

	Listener  net.Listener
	PublicURL string // where clients reach this node; empty: as each call reached it

	Title           string
	Contact         string            // how to reach the operator
	Documents       map[string]string // paths of the operator's own, by name
	APILevel        api.Level         // of /api/swagger.json, default 0.28
	TrustedProxies  []netip.Prefix
	Connections     Connections
	Services        []netip.Prefix // that call on behalf of many people
	AddressChecker  string         // URL that judges addresses; empty: all are safe
	Admins          func() []string
	Awarders        []string         // accounts that may award kudos; none: user id 1
	Patreon, Stripe Supporters       // who supports the horde; nil: nobody asks
	TrustThreshold  *int64           // escrow that makes a worker's owner trusted; nil: none does
	Server          admission.Server // switches from the environment
	Pricer          *kudos.Pricer    // of images; nil: by the net that comes with the program
	Timings         bool             // record how long images take

	// KeySecret is hashed before API keys, BlobSecret signs links of the image
	// folder. Empty: made at the first start and kept in the database, so that
	// all its nodes share them.
	KeySecret, BlobSecret string

	S3 *blob.S3Options

	Models Models

	NoFilters    bool // prompts are not filtered
	TestAccounts bool
	Limited      bool // rate limits apply
	MaxCalls     int  // calls worked on at a time; 0: any number
	MaxUpload    int64
	Waiting      admission.Bounds // of each kind of work
	Unpaid       account.Unpaid   // what is earned of what nobody pays for
	Quota        blob.Quota       // of the image folder
	Sources      source.Fetcher
	Hooks        notify.Sender // calls the webhooks of requests; nil: none is called

	Metrics          *prometheus.Registry
	MetricsElsewhere bool // /metrics is not served to everybody
	Log              *slog.Logger
	AccessLog        bool
	Clock            horde.Clock
}

// Models name the model references: files or URLs.
type Models struct {
	Image, ImageExtra, Text string
	Refresh                 time.Duration // 0: an hour
}

// Connections bound how many are open at a time; 0: the standard (server.Options).
type Connections struct{ Most, PerAddress int }

// Supporters is a service that lists who supports the horde (patron.Patreon,
// patron.Stripe).
type Supporters interface {
	Supporters(context.Context) ([]patron.Supporter, error)
}

// Node is a server that is ready to run.
type Node struct {
	Accounts  *account.Accounts
	Fleet     *fleet.Fleet
	Queue     *queue.Queue
	Alchemy   *alchemy.Queue
	Catalog   *catalog.Catalog
	Styles    *style.Styles
	Ratings   *rating.Ratings
	Stats     *stats.Stats
	Documents *content.Documents
	Switches  *moderation.Switches
	Addresses *moderation.Addresses
	Filters   *moderation.Filters
	Store     *store.Store
	Blobs     blob.Store

	options Options
	checker *moderation.Checker // nil without a service
	hooks   *notify.Notifier
	http    *server.Server
	ready   *telemetry.Readiness

	firstPop *prometheus.HistogramVec
	byClass  atomic.Pointer[map[countedAs]int64] // bytes, as they were counted last
}

// Open opens the store and creates everything on top of it. Close it with Run, or with
// Close if it never ran.
func Open(ctx context.Context, o Options) (*Node, error) {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Clock == nil {
		o.Clock = time.Now
	}

	s, err := store.Open(ctx, store.Options{URL: o.DBURL, Folder: o.Data, Clock: o.Clock, Log: o.Log})
	if err != nil {
		return nil, err
	}

	n := &Node{Store: s, options: o, firstPop: newFirstPop()}
	n.byClass.Store(&map[countedAs]int64{})
	if err := n.open(ctx); err != nil {
		s.Close()
		return nil, err
	}
	return n, nil
}

// open creates the packages of the domain in the order in which they depend on each
// other, and the HTTP server on top.
func (n *Node) open(ctx context.Context) (err error) {
	o := &n.options
	if err := n.secrets(ctx); err != nil {
		return err
	}

	if n.Catalog, err = n.openCatalog(); err != nil {
		return err
	}
	if n.Blobs, err = n.openBlobs(); err != nil {
		return err
	}
	if folder, ok := n.Blobs.(*blob.Folder); ok {
		if err := n.openFolder(ctx, folder); err != nil {
			return err
		}
	}
	n.Accounts, err = account.New(ctx, n.Store, account.Config{
		KeySecret: o.KeySecret,
		Log:       o.Log,
		Admins:    o.Admins,
		Awarders:  o.Awarders,
		Unpaid:    o.Unpaid,
		Clock:     o.Clock,
	})
	if err != nil {
		return err
	}

	if err := n.openModeration(ctx); err != nil {
		return err
	}
	if err := n.openWork(ctx); err != nil {
		return err
	}

	n.Documents, err = content.New(content.Config{
		Store:   n.Store,
		Clock:   o.Clock,
		Log:     o.Log,
		Title:   o.Title,
		Contact: o.Contact,
		Files:   o.Documents,
	})
	if err != nil {
		return err
	}
	n.Stats = &stats.Stats{Store: n.Store, Catalog: n.Catalog, Clock: o.Clock}
	if err := n.Stats.Begin(ctx); err != nil {
		return fmt.Errorf("statistics: %w", err)
	}

	if o.Metrics != nil {
		o.Metrics.MustRegister(imaging.Metrics()...)
		if f, ok := n.Blobs.(*blob.Folder); ok {
			o.Metrics.MustRegister(f.Metrics()...)
		}
	}
	n.ready = telemetry.NewReadiness(readyKept, readyTime)
	n.ready.Add("database", n.Store.Ready)
	n.ready.Add("images", n.Blobs.Ready)
	n.http = front.New(n.front())
	n.registerFigures()
	return nil
}

// openModeration opens what decides who and what gets in.
func (n *Node) openModeration(ctx context.Context) (err error) {
	o := &n.options
	if n.Switches, err = moderation.OpenSwitches(ctx, n.Store); err != nil {
		return err
	}

	n.Addresses, err = moderation.OpenAddresses(ctx, moderation.AddressConfig{
		Store:   n.Store,
		Clock:   o.Clock,
		Log:     o.Log,
		Service: n.isService,
	})
	if err != nil {
		return err
	}
	n.checker = moderation.NewChecker(moderation.CheckerConfig{
		URL:     o.AddressChecker,
		Clock:   o.Clock,
		Log:     o.Log,
		Trusted: n.isService,
	})

	n.Filters, err = moderation.OpenFilters(ctx, moderation.FilterConfig{Store: n.Store, Log: o.Log, Off: o.NoFilters})
	return err
}

// openWork opens the workers, and what requests ask them to do.
func (n *Node) openWork(ctx context.Context) (err error) {
	o := &n.options
	n.Fleet, err = fleet.New(ctx, fleet.Config{
		Store:      n.Store,
		Accounts:   n.Accounts,
		Catalog:    n.Catalog,
		Clock:      o.Clock,
		Log:        o.Log,
		InviteOnly: func() bool { return n.Switches.Modes().InviteOnly },
		Raid:       func() bool { return n.modes().Raid },
		Addresses:  n.Addresses,
		Checker:    n.checker,
	})
	if err != nil {
		return err
	}
	n.Styles = style.New(style.Config{Store: n.Store, Accounts: n.Accounts, Catalog: n.Catalog})
	if n.hooks, err = n.openHooks(); err != nil {
		return err
	}

	shared := requests.Config{
		Store:    n.Store,
		Accounts: n.Accounts,
		Fleet:    n.Fleet,
		Blobs:    n.Blobs,
		Clock:    o.Clock,
		Log:      o.Log,
		Modes:    n.modes,
		Sources:  o.Sources,
		Hooks:    n.hooks,
		Checker:  n.checker,
		Bounds:   o.Waiting,
		FirstPop: n.observeFirstPop,
	}
	n.Queue, err = queue.New(ctx, queue.Config{
		Config:    shared,
		Catalog:   n.Catalog,
		Styles:    n.Styles,
		Pricer:    o.Pricer,
		Timings:   o.Timings,
		Addresses: n.Addresses,
		Filters:   n.Filters,
	})
	if err != nil {
		return err
	}
	n.Ratings = rating.New(rating.Config{Store: n.Store, Accounts: n.Accounts, Queue: n.Queue, Clock: o.Clock})

	n.Alchemy, err = alchemy.New(ctx, shared)
	return err
}

// openHooks opens what keeps and calls the webhooks of requests.
func (n *Node) openHooks() (*notify.Notifier, error) {
	o := &n.options
	hooks := notify.Options{
		Store:  n.Store,
		Sender: o.Hooks,
		Image: func(ctx context.Context, name string, byLink bool) string {
			return n.Queue.Image(ctx, name, byLink)
		},
		Secret: []byte(o.KeySecret),
		Clock:  o.Clock,
		Log:    o.Log,
	}
	if o.Metrics != nil {
		hooks.Metrics = o.Metrics
	}
	return notify.New(hooks)
}

func (n *Node) openCatalog() (*catalog.Catalog, error) {
	o := &n.options
	c := catalog.Config{
		Images:      o.Models.Image,
		ExtraImages: o.Models.ImageExtra,
		Texts:       o.Models.Text,
		Refresh:     o.Models.Refresh,
		Store:       n.Store,
		Clock:       o.Clock,
		Log:         o.Log,
	}
	if o.Metrics != nil {
		c.Metrics = o.Metrics
	}
	return catalog.New(c)
}

// How readiness checks run.
const (
	readyKept = 2 * time.Second // how long a result is reused
	readyTime = 3 * time.Second // how long a check may take
)

// secrets reads the secrets that were not given from the database.
func (n *Node) secrets(ctx context.Context) error {
	for name, secret := range map[string]*string{
		"key-secret":  &n.options.KeySecret,
		"blob-secret": &n.options.BlobSecret,
	} {
		if *secret != "" {
			continue
		}

		err := n.Store.Write(ctx, store.Unit{Do: func(tx *store.Tx) (err error) {
			*secret, err = tx.InitSetting(name, rand.Text()+rand.Text())
			return err
		}})
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	return nil
}

// modes combines the switches of the environment and those of the whole horde.
func (n *Node) modes() admission.Server {
	s, now := n.options.Server, n.Switches.Modes()
	s.Maintenance = s.Maintenance || now.Maintenance
	s.Raid = s.Raid || now.Raid
	return s
}

// isService reports whether an address is that of a known service.
func (n *Node) isService(addr netip.Addr) bool {
	return slices.Contains(limit.Services, addr) ||
		slices.ContainsFunc(n.options.Services, func(p netip.Prefix) bool { return p.Contains(addr) })
}

// front is what the HTTP front of this node is made of.
func (n *Node) front() front.Options {
	o := &n.options
	page := web.New(web.Options{Title: o.Title, Version: api.Version, Repository: api.Repository})
	out := front.Options{
		Options: server.Options{
			Node:           o.Listener.Addr().String(),
			Version:        api.Version,
			PublicURL:      o.PublicURL,
			LocalURL:       n.URL(),
			TrustedProxies: o.TrustedProxies,
			Log:            o.Log,
			AccessLog:      o.AccessLog,
			Metrics:        o.Metrics,
			MaxWorking:     o.MaxCalls,
			Passkey:        n.Accounts.Passkey,
			KnownKey:       n.knownKey,
			Class:          n.classOf,
			Classes:        classNames(),
			Pages:          pagesOf(page),

			MaxConnections:        o.Connections.Most,
			ConnectionsPerAddress: o.Connections.PerAddress,
		},
		Domain: domain.Domain{
			Accounts:  n.Accounts,
			Fleet:     n.Fleet,
			Queue:     n.Queue,
			Alchemy:   n.Alchemy,
			Catalog:   n.Catalog,
			Styles:    n.Styles,
			Ratings:   n.Ratings,
			Stats:     n.Stats,
			Webhooks:  n.hooks,
			Documents: n.Documents,
			Switches:  n.Switches,
			Filters:   n.Filters,
			Addresses: n.Addresses,
		},
		Title:            o.Title,
		APILevel:         o.APILevel,
		Repository:       api.Repository,
		TryOut:           page.Has(web.SwaggerUIPath),
		MetricsElsewhere: o.MetricsElsewhere,
		TestAccounts:     o.TestAccounts,
		Ready:            n.ready.Ready,
		Register:         n.register,
	}

	if o.Limited {
		list := limit.NewWhitelist(o.Clock, limit.Services...)
		out.Limits, out.Whitelisted, out.Vouch = limit.NewWindows(o.Clock), list.Has, list.Add
	}
	if f, ok := n.Blobs.(*blob.Folder); ok {
		out.Blobs = f.Handler(n.uploads)
	}
	return out
}

// knownKey refuses a key that neither an account nor a shared key has.
func (n *Node) knownKey(ctx context.Context, key string) error {
	if horde.IsID(key) {
		_, err := n.Accounts.SharedKey(ctx, key)
		return err
	}
	_, err := n.Accounts.ByKey(ctx, key)
	return err
}

// uploads is what may be uploaded under a name: the result of a job or form.
func (n *Node) uploads(ctx context.Context, name string) (blob.Access, error) {
	id, _ := strings.CutSuffix(name, ".webp")
	if access, err := n.Queue.Uploads(ctx, id); err != nil || access != blob.Closed {
		return access, err
	}
	return n.Alchemy.Uploads(ctx, id)
}

// register makes a pseudonymous account for somebody at addr.
func (n *Node) register(ctx context.Context, username string, addr netip.Addr) (key, alias string, err error) {
	if err := n.Addresses.Check(addr); err != nil {
		return "", "", err
	}
	if n.Switches.Modes().Raid {
		return "", "", horde.Errorf(horde.Forbidden,
			"This horde takes no new pseudonymous accounts at the moment. Please try again later.")
	}
	return n.Accounts.Register(ctx, username)
}

// pagesOf serves the files of the web UI, and reports false for other paths.
func pagesOf(site *web.Site) func(http.ResponseWriter, *http.Request) bool {
	return func(w http.ResponseWriter, r *http.Request) bool {
		if !site.Has(r.URL.Path) {
			return false
		}
		site.ServeHTTP(w, r)
		return true
	}
}

// Addr returns the address that the node listens on.
func (n *Node) Addr() net.Addr { return n.options.Listener.Addr() }

// URL returns where clients on this machine reach the node.
func (n *Node) URL() string { return "http://" + reachable(n.options.Listener.Addr()) }

// grace is how long calls in progress may take at shutdown.
const grace = 10 * time.Second

// Run answers calls until ctx ends, then closes everything.
func (n *Node) Run(ctx context.Context) error {
	// The other nodes look for what this one takes, from its first answer on.
	if err := n.Store.Announce(ctx); err != nil {
		n.options.Log.Warn("sign of life", "error", err)
	}

	background, stop := context.WithCancel(ctx)
	var jobs sync.WaitGroup
	for _, job := range n.jobs() {
		jobs.Go(func() { job(background) })
	}

	err := n.http.Serve(ctx, n.options.Listener, grace)
	stop()
	jobs.Wait()
	return errors.Join(err, n.Close())
}

// Close closes a node that does not run.
func (n *Node) Close() error {
	err := n.Store.Close()
	if f, ok := n.Blobs.(*blob.Folder); ok {
		err = errors.Join(err, f.Close())
	}
	return err
}

// reachable returns an address that a client on this machine can use.
func reachable(a net.Addr) string {
	tcp, ok := a.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return a.String()
	}

	host := "127.0.0.1"
	if tcp.IP.To4() == nil && len(tcp.IP) == net.IPv6len && !tcp.IP.Equal(net.IPv6unspecified) {
		host = "::1"
	}
	return net.JoinHostPort(host, fmt.Sprint(tcp.Port))
}
