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
	"horde/internal/turns"
)

// Options are what a Server is made of. Zero fields switch things off.
type Options struct {
	Node    string // host:port, for the header Horde-Node
	Version string // of this program, for the same

	PublicURL      string         // where clients reach us, without a slash at the end; "": as each call reached us
	LocalURL       string         // where this machine reaches us: for calls that do not say how they did
	TrustedProxies []netip.Prefix // whose word counts on who calls, and how

	Log       *slog.Logger
	AccessLog bool                 // log every call, not only the failed ones
	Metrics   *prometheus.Registry // nil: a registry of its own

	// MaxWorking is how many calls are worked on at a time before new requests wait, and
	// after a moment are refused with 503; 0: any number.
	MaxWorking int

	// Limits counts calls; nil switches rate limits off.
	Limits Limiter
	// Whitelisted reports whether an address has the higher limits.
	Whitelisted func(netip.Addr) bool
	// Passkey reports whether a service account has this proxy passkey. It must
	// compare in constant time.
	Passkey func(ctx context.Context, passkey string) bool

	// KnownKey returns why an API key is refused that no account or share has. It is asked
	// before a large body is read; nil: never.
	KnownKey func(ctx context.Context, key string) error

	// Class returns the class of account, one of Classes, of the API key of a call that was
	// answered; "" where that is not known. nil: never.
	Class   func(key string) string
	Classes []string

	// MaxConnections and ConnectionsPerAddress bound the connections that are open at a
	// time: in all, and of one address that is neither this machine nor a trusted proxy.
	// 0: as many as there are file descriptors for, within reason; 512.
	MaxConnections, ConnectionsPerAddress int

	// Pages serves paths that no route knows: the web page and its files. It returns
	// false, having written nothing, for what it does not know either.
	Pages func(w http.ResponseWriter, r *http.Request) bool
	// ErrorPage shows a refusal as a page to whoever reads pages. It returns false,
	// having written nothing but headers, for programs, which get it as JSON.
	ErrorPage func(w http.ResponseWriter, r *http.Request, status int, body *api.Error) bool
}

// Server answers the calls of a route table. Make one with New.
type Server struct {
	Options
	log         *slog.Logger
	mux         *http.ServeMux
	node        []string // value of Horde-Node
	metrics     *metrics
	ending      chan struct{} // closed when the server begins to stop
	proxyWarned sync.Once
	streams     *streams
	bodies      *bodyBudget
	answers     *turns.Turns // room for large answers
	conns       *connections
	times       times
	overload    *overload
}

// times are the patience with callers; tests have less.
type times struct{ header, body, pace, drain, answer time.Duration }

// New makes a Server of a route table. Two routes of one method and pattern are a
// mistake of ours: it panics.
func New(o Options, routes []Route) *Server {
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Metrics == nil {
		o.Metrics = prometheus.NewRegistry()
	}

	s := &Server{
		Options: o,
		log:     o.Log,
		node:    []string{o.Node + ":" + o.Version},
		ending:  make(chan struct{}),
		streams: newStreams(),
		bodies:  newBodyBudget(),
		answers: newAnswerRoom(),
		times: times{
			header: headerTime,
			body:   bodyTime,
			pace:   paceTime,
			drain:  drainTime,
			answer: answerPace,
		},
	}
	s.metrics = newMetrics(o.Metrics, o.Classes, s.streams.count, s.bodies.taken)
	s.conns = newConnections(s)
	s.overload = newOverload(o.MaxWorking, o.Log, o.Metrics)
	s.mux = s.newMux(routes)
	return s
}

// Limits of a connection. A body (incoming.go) and an answer (outgoing.go) have limits of
// their own.
const (
	headerTime     = 10 * time.Second
	idleTime       = 2 * time.Minute
	maxHeaderBytes = 64 << 10
)

// Serve answers on l until ctx ends, then lets running calls finish for at most
// grace and returns. It returns nil after an orderly stop.
func (s *Server) Serve(ctx context.Context, l net.Listener, grace time.Duration) error {
	srv := &http.Server{
		Handler:           s,
		ReadHeaderTimeout: s.times.header,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeaderBytes,
		ConnState:         s.conns.state,
		ConnContext:       withConnection,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}

	failed := make(chan error, 1)
	go func() { failed <- srv.Serve(&listener{l, s.conns}) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
	}

	// Long polls and streams end with this channel, other calls by themselves.
	close(s.ending)
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), grace)
	defer cancel()
	err := srv.Shutdown(stop)
	if errors.Is(err, context.DeadlineExceeded) {
		err = srv.Close()
	}

	if served := <-failed; !errors.Is(served, http.ErrServerClosed) {
		return served
	}
	return err
}
