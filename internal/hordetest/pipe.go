package hordetest

import (
	"net"
	"net/netip"
	"sync"
)

// Pipes is a net.Listener of connections in memory, without a buffer: whoever writes
// waits for the other end to read. Server and callers can run in a bubble of package
// synctest, where deadlines pass without anybody waiting for them.
type Pipes struct {
	arriving chan net.Conn
	closed   chan struct{}
	once     sync.Once
}

// NewPipes makes a listener that is open.
func NewPipes() *Pipes {
	return &Pipes{arriving: make(chan net.Conn), closed: make(chan struct{})}
}

// Dial returns the caller's end of a new connection, once it is accepted; net.ErrClosed
// when the listener is closed. The server sees it come from an address (192.0.2.1).
func (p *Pipes) Dial(addr string) (net.Conn, error) {
	theirs, ours := net.Pipe()
	select {
	case p.arriving <- From(ours, addr):
		return theirs, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Accept implements net.Listener.
func (p *Pipes) Accept() (net.Conn, error) {
	select {
	case conn := <-p.arriving:
		return conn, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (p *Pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

// Addr implements net.Listener.
func (p *Pipes) Addr() net.Addr { return pipeAddr("127.0.0.1") }

// From lets a connection seem to come from an address (192.0.2.1), which has to be valid.
func From(conn net.Conn, addr string) net.Conn { return from{conn, pipeAddr(addr)} }

// from is a connection that seems to come from an address.
type from struct {
	net.Conn
	addr net.Addr
}

func (c from) RemoteAddr() net.Addr { return c.addr }

// pipeAddr is an address with some port.
func pipeAddr(addr string) net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(addr), 5))
}
