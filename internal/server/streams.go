package server

import (
	"fmt"
	"math"
	"net/http"
	"runtime/debug"
	"sync"
	"time"

	"horde/internal/horde"
)

// Bounds of the event streams that are open at a time. Each holds a connection.
const (
	maxStreams            = 4096     // in all; fewer where there is little memory
	minStreams            = 256      // in all, however little memory there is
	streamShare           = 4        // streams may take this part of the memory that the process may use
	streamBytes           = 64 << 10 // that one takes, with what the system holds for it
	maxStreamsPerAddress  = 64       // an address, of IPv6 a /64
	maxStreamsWhitelisted = 1024     // an address with the higher limits
	streamRetry           = 10 * time.Second
)

// streams counts the open event streams.
type streams struct {
	most, perAddress, whitelisted int

	mu     sync.Mutex
	open   int            // guarded by mu
	byAddr map[string]int // streams by network address; guarded by mu
}

func newStreams() *streams {
	most := int64(maxStreams)
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		most = max(minStreams, min(most, limit/streamShare/streamBytes))
	}
	return &streams{
		most:        int(most),
		perAddress:  maxStreamsPerAddress,
		whitelisted: maxStreamsWhitelisted,
		byAddr:      map[string]int{},
	}
}

// EnterStream takes a place for a stream of events, which leave gives back. Where
// there is none the caller is told to poll meanwhile.
func EnterStream(r *http.Request) (leave func(), err error) {
	x := exchangeOf(r)
	give, err := x.server.enterStream(x)
	if err != nil {
		return nil, err
	}

	// A stream waits most of the time: it is no call that is worked on.
	x.rest()
	x.conn.boundSends(streamBuffer)
	return func() {
		x.conn.boundSends(sendBuffer)
		x.resume()
		give()
	}, nil
}

// enterStream takes a place for a stream, which leave gives back. Where there is none the
// caller is told to poll meanwhile: 429 when it has too many itself, 503 when all
// together have.
func (s *Server) enterStream(x *exchange) (leave func(), err error) {
	addr, most := neighbourhood(x.client), s.streams.perAddress
	if s.Whitelisted != nil && s.Whitelisted(x.network) {
		most = s.streams.whitelisted
	}

	t := s.streams
	t.mu.Lock()
	defer t.mu.Unlock()
	switch {
	case t.byAddr[addr] >= most:
		return nil, noStream(http.StatusTooManyRequests, fmt.Sprintf("%d event streams at a time for one address. "+
			"One stream can follow many requests; until then poll.", most))
	case t.open >= t.most:
		return nil, noStream(http.StatusServiceUnavailable,
			"All event streams of this server are in use. Poll until one is free.")
	}

	t.open++
	t.byAddr[addr]++
	return func() { t.leave(addr) }, nil
}

// noStream refuses a stream for now.
func noStream(status int, why string) error {
	return RefusedAs(&horde.Error{Detail: why, RetryAfter: streamRetry}, status)
}

// leave gives the place of a stream back.
func (t *streams) leave(addr string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open--
	if t.byAddr[addr]--; t.byAddr[addr] == 0 {
		delete(t.byAddr, addr)
	}
}

// count returns how many streams are open.
func (t *streams) count() float64 {
	t.mu.Lock()
	defer t.mu.Unlock()
	return float64(t.open)
}
