package server

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"horde/api"
)

// Options are what a Server is made of. Zero fields switch things off; only the
// domain objects that the routes in use need must be there.
type Options struct {
	Domain

	Title          string    // of the API, default "AI Horde"
	APILevel       api.Level // what /api/swagger.json shows, default 0.28
	Version        string    // of this program
	Node           string    // host:port, for the header Horde-Node
	PublicURL      string    // where clients reach us, without a slash at the end; empty: as each call reached us
	LocalURL       string    // where this machine reaches us: for calls that do not say how they did
	Repository     string    // URL of the source code of what runs here
	TrustedProxies []netip.Prefix

	Log       *slog.Logger
	AccessLog bool                 // log every call, not only the failed ones
	Metrics   *prometheus.Registry // nil: a registry of its own
	// MetricsElsewhere: /metrics is served on an address of its own, not here.
	MetricsElsewhere bool

	// Limits counts calls; nil switches rate limits off. Whitelisted tells
	// whether an address has the higher limits.
	Limits      Limiter
	Whitelisted func(netip.Addr) bool
	// Vouch gives an address the higher limits for a day.
	Vouch func(netip.Addr)

	// Ready tells whether this node can serve (/readyz).
	Ready func(context.Context) error
	// Passkey tells whether a service account has this proxy passkey. It must
	// compare in constant time.
	Passkey func(ctx context.Context, passkey string) bool
	// Register makes a pseudonymous account for somebody at addr and returns
	// its key, which is shown once, and its alias.
	Register func(ctx context.Context, username string, addr netip.Addr) (key, alias string, err error)
	// Pages serves paths that no route knows: the web page and its files. It
	// returns false, having written nothing, for what it does not know either.
	Pages func(w http.ResponseWriter, r *http.Request) bool
	// TryOut: the files of Swagger UI are among them.
	TryOut bool
}

// Server is the handler of the whole HTTP surface. Make one with New.
type Server struct {
	Options
	log          *slog.Logger
	mux          *http.ServeMux
	table        []route
	node         []string // value of Horde-Node
	metrics      *metrics
	descriptions descriptions
	ending       chan struct{} // closed when the server begins to stop
	proxyWarned  sync.Once
	streams      *streams
}

// New makes a Server with the routes of routes.go.
func New(o Options) *Server { return newServer(o, (*Server).routes) }

func newServer(o Options, routes func(*Server) []route) *Server {
	if o.Title == "" {
		o.Title = "AI Horde"
	}
	if o.APILevel == "" {
		o.APILevel = api.Level028
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = prometheus.NewRegistry()
	}
	s := &Server{Options: o, log: o.Log, node: []string{o.Node + ":" + o.Version}, ending: make(chan struct{}), streams: newStreams()}
	s.metrics = newMetrics(o.Metrics, s.streams.count)
	s.table = routes(s)
	s.buildMux()
	return s
}

// Limits of a connection. A body has its own time limit (bodyTime), and streams
// lift the write limit for themselves.
const (
	headerTime     = 10 * time.Second
	answerTime     = 2 * time.Minute
	idleTime       = 2 * time.Minute
	maxHeaderBytes = 64 << 10
)

// Serve answers on l until ctx ends, then lets running calls finish for at most
// grace and returns. It returns nil after an orderly stop.
func (s *Server) Serve(ctx context.Context, l net.Listener, grace time.Duration) error {
	srv := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: headerTime,
		WriteTimeout:      answerTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}
	close(s.ending)
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := srv.Shutdown(stop)
	if errors.Is(err, context.DeadlineExceeded) {
		err = srv.Close() // long polls and streams end here
	}
	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		return served
	}
	return err
}

// untilEnding is a context for calls that wait for something to happen: it ends
// with the call, and when the server begins to stop.
func (s *Server) untilEnding(ctx context.Context) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		select {
		case <-s.ending:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}

// stream lifts the time limit of the answer for a handler that keeps writing;
// each write must then be bounded by the handler itself.
func stream(w http.ResponseWriter, until time.Time) {
	_ = http.NewResponseController(w).SetWriteDeadline(until)
}
