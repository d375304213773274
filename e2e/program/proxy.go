package program

import (
	"io"
	"net"
	"sync"
	"testing"
)

// Proxy is a way to a service which a test can cut or clog.
type Proxy struct {
	Addr string

	mu    sync.Mutex
	state proxyState        // guarded by mu
	free  *sync.Cond        // of mu: the state changed
	open  map[net.Conn]bool // guarded by mu
}

type proxyState int

const (
	proxyForwards proxyState = iota
	proxyHangs               // takes connections and bytes, and forwards none
	proxyIsCut               // no connection lives
)

// NewProxy forwards connections to an address until the test ends.
func NewProxy(t testing.TB, backend string) *Proxy {
	t.Helper()
	l, err := net.Listen("tcp", FreeAddr(t))
	if err != nil {
		t.Fatal(err)
	}

	p := &Proxy{Addr: l.Addr().String(), open: map[net.Conn]bool{}}
	p.free = sync.NewCond(&p.mu)
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go p.serve(conn, backend)
		}
	}()

	t.Cleanup(func() {
		l.Close()
		p.Cut()
	})
	return p
}

// Cut closes every connection, and each new one at once.
func (p *Proxy) Cut() {
	p.set(proxyIsCut)
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.open {
		_ = conn.Close()
	}
}

// Hang keeps connections open and forwards nothing.
func (p *Proxy) Hang() { p.set(proxyHangs) }

// Heal forwards again, what was clogged first.
func (p *Proxy) Heal() { p.set(proxyForwards) }

func (p *Proxy) set(s proxyState) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = s
	p.free.Broadcast()
}

// passes waits while the way is clogged, and reports whether it is there.
func (p *Proxy) passes() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	for p.state == proxyHangs {
		p.free.Wait()
	}
	return p.state == proxyForwards
}

// hold notes a connection, so that Cut reaches it.
func (p *Proxy) hold(conn net.Conn) (release func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[conn] = true
	return func() {
		_ = conn.Close()
		p.mu.Lock()
		defer p.mu.Unlock()
		delete(p.open, conn)
	}
}

func (p *Proxy) serve(conn net.Conn, backend string) {
	defer p.hold(conn)()
	if !p.passes() {
		return
	}
	behind, err := net.Dial("tcp", backend)
	if err != nil {
		return
	}
	defer p.hold(behind)()

	// Either direction that ends takes the other along.
	var both sync.WaitGroup
	for _, way := range [][2]net.Conn{{conn, behind}, {behind, conn}} {
		both.Go(func() {
			p.forward(way[1], way[0])
			_ = conn.Close()
			_ = behind.Close()
		})
	}
	both.Wait()
}

func (p *Proxy) forward(to io.Writer, from io.Reader) {
	buffer := make([]byte, 32<<10)
	for {
		n, err := from.Read(buffer)
		if n > 0 {
			if !p.passes() {
				return
			}
			if _, err := to.Write(buffer[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}
