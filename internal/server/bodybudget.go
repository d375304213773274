package server

import (
	"math"
	"runtime/debug"
	"sync"
	"time"

	"horde/internal/horde"
)

// Bounds of the memory that bodies take while they are read and worked on.
const (
	maxBodyBudget = 96 << 20 // bytes, however much memory there is
	minBodyBudget = 40 << 20 // bytes: two of the largest bodies
	minBodyShare  = 17 << 20 // bytes: one of the largest
	bodyShare     = 5        // the budget is this part of the memory that the process may use
	addressShare  = 3        // and this part of it one address may use
	bodyRetry     = 2 * time.Second
)

// bodyBudget is the room that all bodies under way share.
type bodyBudget struct {
	most, perAddress int64 // bytes

	mu     sync.Mutex
	used   int64            // guarded by mu
	byAddr map[string]int64 // bytes by network address; guarded by mu
}

// newBodyBudget makes a budget that fits the memory limit of the process.
func newBodyBudget() *bodyBudget {
	most := int64(maxBodyBudget)
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		most = max(minBodyBudget, min(most, limit/bodyShare))
	}
	return &bodyBudget{most: most, perAddress: max(minBodyShare, most/addressShare), byAddr: map[string]int64{}}
}

// take takes room, unless there is too little of it. An address "" has no share of its
// own: it may take everything.
func (b *bodyBudget) take(addr string, bytes int64) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.used+bytes > b.most || addr != "" && b.byAddr[addr]+bytes > b.perAddress {
		return false
	}

	b.used += bytes
	if addr != "" {
		b.byAddr[addr] += bytes
	}
	return true
}

// give gives room back.
func (b *bodyBudget) give(addr string, bytes int64) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.used -= bytes
	if addr == "" {
		return
	}
	if b.byAddr[addr] -= bytes; b.byAddr[addr] == 0 {
		delete(b.byAddr, addr)
	}
}

// taken returns how many bytes are taken.
func (b *bodyBudget) taken() float64 {
	b.mu.Lock()
	defer b.mu.Unlock()
	return float64(b.used)
}

// reserveBody makes sure that the body of a call may take so many bytes in all.
func (x *exchange) reserveBody(bytes int64) error {
	more := bytes - smallBody - x.reserved
	if x.server == nil || more <= 0 {
		return nil
	}
	if x.reserved == 0 {
		x.share = x.server.shareOf(x)
	}
	if !x.server.bodies.take(x.share, more) {
		return &horde.Error{
			Code:       horde.ServerBusy,
			Detail:     "The server is reading as many large bodies as it can. Send yours again in a moment.",
			RetryAfter: bodyRetry,
		}
	}
	x.reserved += more
	return nil
}

// releaseBody gives back what the body of a call took.
func (x *exchange) releaseBody() {
	if x.reserved > 0 {
		x.server.bodies.give(x.share, x.reserved)
		x.reserved = 0
	}
}

// shareOf is the address in whose share of a bound a call falls; "" where it has none of
// its own: this machine, which may be a proxy that nobody named, and who has the higher
// limits.
func (s *Server) shareOf(x *exchange) string {
	if Loopback(x.network) || s.Whitelisted != nil && s.Whitelisted(x.network) {
		return ""
	}
	return neighbourhood(x.network)
}
