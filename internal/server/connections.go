package server

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"runtime"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"horde/internal/horde"
)

// Bounds of the connections that are open at a time, unless Options say otherwise.
const (
	defaultConnections           = 8192 // in all; fewer where there are not enough file descriptors
	defaultConnectionsPerAddress = 512  // of an address, of IPv6 a /64

	// reservedDescriptors are left to the database, files and calls of our own.
	reservedDescriptors = 256

	// warnEvery is the pause between two lines of the log on connections.
	warnEvery = 10 * time.Second

	// maxRefusals is how many calls in a row a connection may send beyond a rate. Then it
	// is closed, so that answers to nobody have an end.
	maxRefusals = 50

	// callRetry is when an address with too many calls may try again.
	callRetry = 2 * time.Second
)

// Why a connection was closed or never served.
const (
	closedForAddress = "address" // its address has too many
	closedForTotal   = "total"   // all together are too many
	closedForError   = "accept"  // the system gave none
	closedForUnread  = "unread"  // nobody read the answer
)

// connections bounds and counts the open connections of a server. Where there are too
// many, the one goes first that has kept us waiting longest: one that nobody uses at the
// moment, whose call has not arrived as a whole, or that does not take in its answer. So a
// flood of those shuts nobody out.
type connections struct {
	most, perAddress int
	answerPace       time.Duration         // for answerPaceBytes
	unbounded        func(netip.Addr) bool // addresses without a bound of their own
	log              *slog.Logger
	closed           *prometheus.CounterVec // by reason

	mu      sync.Mutex
	open    int                  // guarded by mu
	byAddr  map[netip.Prefix]int // guarded by mu
	waiting *list.List           // of *connection, longest first; guarded by mu
	calls   map[netip.Prefix]int // through our proxies, by address behind them; guarded by mu
	warned  time.Time            // of the last line of the log; guarded by mu
	missed  map[string]int       // closed since then, by reason; guarded by mu
}

// connection is one that is open. The zero pointer, of a call without one (in tests),
// can do nothing.
type connection struct {
	net.Conn
	home *connections
	addr netip.Prefix

	refusals int // calls in a row beyond a rate; of the goroutine that serves the connection

	place  *list.Element // among those that wait; nil: it is being served; guarded by home.mu
	unread bool          // it waits for an answer to be read; guarded by home.mu
	gone   bool          // guarded by home.mu
}

// newConnections makes the bounds of a server.
func newConnections(s *Server) *connections {
	c := &connections{
		most:       s.MaxConnections,
		perAddress: s.ConnectionsPerAddress,
		answerPace: s.times.answer,
		unbounded:  func(a netip.Addr) bool { return Loopback(a) || s.trusts(a) },
		log:        s.log,
		closed: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "horde_connections_closed_total",
			Help: "Connections that were closed or could not be accepted, by reason: too many, or answers that nobody read.",
		}, []string{"reason"}),
		byAddr:  map[netip.Prefix]int{},
		waiting: list.New(),
		calls:   map[netip.Prefix]int{},
		missed:  map[string]int{},
	}
	if c.most == 0 {
		most := maxDescriptors()
		c.most = min(defaultConnections, max(most-reservedDescriptors, most/2))
	}
	if c.perAddress == 0 {
		c.perAddress = defaultConnectionsPerAddress
	}

	for _, reason := range []string{closedForAddress, closedForTotal, closedForError, closedForUnread} {
		c.closed.WithLabelValues(reason) // so that it is there before the first
	}
	s.Metrics.MustRegister(c.closed, prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "horde_connections",
		Help: "Connections of callers that are open.",
	}, c.count))
	return c
}

// count returns how many connections are open.
func (c *connections) count() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return float64(c.open)
}

// listener accepts connections within the bounds.
type listener struct {
	net.Listener
	home *connections
}

// Accept implements net.Listener.
func (l *listener) Accept() (net.Conn, error) {
	for {
		conn, err := l.Listener.Accept()
		if err != nil {
			if !errors.Is(err, net.ErrClosed) {
				l.home.failed(err)
			}
			return nil, err // http.Server tries again where that helps
		}
		if c := l.home.admit(conn); c != nil {
			boundSendBuffer(conn, sendBuffer)
			return c, nil
		}
		_ = conn.Close()
	}
}

// failed notes that no connection could be accepted. Where descriptors have run out, one
// is freed.
func (c *connections) failed(err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.shedLocked(closedForError, nil)
	c.noteLocked(closedForError, "err", err)
}

// admit takes a connection in, and closes another for it where there are too many. It
// returns nil where none can be spared.
func (c *connections) admit(conn net.Conn) *connection {
	a := parseAddr(conn.RemoteAddr().String())
	n := &connection{Conn: conn, home: c, addr: networkOf(a)}

	c.mu.Lock()
	defer c.mu.Unlock()
	if c.byAddr[n.addr] >= c.perAddress && !c.unbounded(a) {
		c.noteLocked(closedForAddress, "addr", n.addr)
		if !c.shedLocked(closedForAddress, n) {
			return nil
		}
	}
	if c.open >= c.most {
		c.noteLocked(closedForTotal)
		if !c.shedLocked(closedForTotal, nil) {
			return nil
		}
	}

	c.open++
	c.byAddr[n.addr]++
	n.place = c.waiting.PushBack(n)
	return n
}

// networkOf is what the connections of an address are counted by: of IPv6 the /64, since
// whoever has one address has all of them.
func networkOf(a netip.Addr) netip.Prefix {
	bits := a.BitLen()
	if a.Is6() {
		bits = 64
	}
	p, _ := a.Prefix(bits) // fails for no address: those of one kind are one
	return p
}

// shedLocked closes the connection that has kept us waiting longest, of the address of
// another one or, where it is nil, of all. It reports whether there was one.
func (c *connections) shedLocked(reason string, like *connection) bool {
	for e := c.waiting.Front(); e != nil; e = e.Next() {
		old := e.Value.(*connection)
		if like != nil && old.addr != like.addr {
			continue
		}
		c.forgetLocked(old)
		// Whoever holds the lock waits for no socket.
		if old.unread {
			go abandon(old.Conn)
		} else {
			go old.Conn.Close()
		}
		return true
	}
	return false
}

// forgetLocked takes a connection out of the counts.
func (c *connections) forgetLocked(n *connection) {
	if n.gone {
		return
	}
	n.gone = true
	c.arriveLocked(n)

	c.open--
	if c.byAddr[n.addr]--; c.byAddr[n.addr] == 0 {
		delete(c.byAddr, n.addr)
	}
}

// arriveLocked takes a connection from those that wait.
func (c *connections) arriveLocked(n *connection) {
	if n.place != nil {
		c.waiting.Remove(n.place)
		n.place = nil
	}
}

// noteLocked counts a connection that was closed or missed, and now and then says so.
func (c *connections) noteLocked(reason string, args ...any) {
	c.closed.WithLabelValues(reason).Inc()
	c.missed[reason]++
	if time.Since(c.warned) < warnEvery {
		return
	}

	args = append(args, "open", c.open, "most", c.most, "per_address", c.perAddress)
	for reason, n := range c.missed {
		args = append(args, "closed_"+reason, n)
	}
	c.warned = time.Now()
	clear(c.missed)
	go c.log.Warn("connections are closed: too many, or not read", args...)
}

// serving notes that a call has arrived as a whole and is being answered.
func (n *connection) serving() {
	if n == nil {
		return
	}
	n.home.mu.Lock()
	defer n.home.mu.Unlock()
	n.home.arriveLocked(n)
	n.unread = false
}

// admitted notes that a call is within its rates.
func (n *connection) admitted() {
	if n != nil {
		n.refusals = 0
	}
}

// refused notes that a call is beyond its rates, and reports whether too many in a row
// were.
func (n *connection) refused() (tooMany bool) {
	if n == nil {
		return false
	}
	n.refusals++
	return n.refusals >= maxRefusals
}

// Close implements net.Conn.
func (n *connection) Close() error {
	n.home.mu.Lock()
	n.home.forgetLocked(n)
	n.home.mu.Unlock()
	return n.Conn.Close()
}

// CloseWrite lets http.Server end an answer before it closes, so that the caller reads it.
func (n *connection) CloseWrite() error {
	if c, ok := n.Conn.(interface{ CloseWrite() error }); ok {
		return c.CloseWrite()
	}
	return nil
}

// state hears from http.Server what becomes of a connection.
func (c *connections) state(conn net.Conn, state http.ConnState) {
	n, ok := conn.(*connection)
	if !ok || state != http.StateIdle {
		return
	}
	c.mu.Lock()
	c.waitLocked(n)
	c.mu.Unlock()

	// Whoever sends calls without waiting for answers would be served until the scheduler
	// steps in, 10 ms each, and others wait for all of them. The answer is on its way.
	runtime.Gosched()
}

// waitLocked notes that a connection waits for its caller.
func (c *connections) waitLocked(n *connection) {
	if n.place == nil && !n.gone {
		n.place = c.waiting.PushBack(n)
	}
}

// enterCall takes a place for a call that came through our proxies, which leave gives
// back. Their connections have no bound but the total one, so calls have it that come from
// one address behind them; leave is nil for one too many.
func (c *connections) enterCall(x *exchange) (leave func()) {
	if x.proxies == 0 || Loopback(x.network) {
		return func() {}
	}

	addr := networkOf(x.network)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.calls[addr] >= c.perAddress {
		return nil
	}

	c.calls[addr]++
	return func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.calls[addr]--; c.calls[addr] == 0 {
			delete(c.calls, addr)
		}
	}
}

// tooManyCalls refuses a call of an address that has too many under way.
func (c *connections) tooManyCalls() error {
	return RefusedAs(&horde.Error{
		Detail:     fmt.Sprintf("%d calls at a time for one address. Wait until one is answered.", c.perAddress),
		RetryAfter: callRetry,
	}, http.StatusTooManyRequests)
}

type connectionKey struct{}

// withConnection puts a connection into the context of its calls.
func withConnection(ctx context.Context, conn net.Conn) context.Context {
	return context.WithValue(ctx, connectionKey{}, conn)
}

// connectionOf finds the connection of a call; nil in tests without one.
func connectionOf(r *http.Request) *connection {
	n, _ := r.Context().Value(connectionKey{}).(*connection)
	return n
}
