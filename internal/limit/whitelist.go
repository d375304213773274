package limit

import (
	"net/netip"
	"sync"
	"time"

	"horde/internal/horde"
)

// WhitelistTTL is how long an address keeps the higher limits after Add.
const WhitelistTTL = 24 * time.Hour

// maxWhitelisted bounds the addresses on a Whitelist.
const maxWhitelisted = 100_000

// Services are the two addresses that the original always gives the higher
// limits (platform §1.6).
var Services = []netip.Addr{netip.MustParseAddr("212.227.227.178"), netip.MustParseAddr("5.189.169.230")}

// Whitelist holds the addresses with the higher limits: some for good, others for
// a day after a trusted, service or education user has called from them
// without a proxy.
type Whitelist struct {
	clock horde.Clock
	fixed map[netip.Addr]bool

	mu    sync.RWMutex
	until map[netip.Addr]time.Time // guarded by mu
}

// NewWhitelist returns a list of the fixed addresses; clock nil means time.Now.
func NewWhitelist(clock horde.Clock, fixed ...netip.Addr) *Whitelist {
	if clock == nil {
		clock = time.Now
	}

	w := &Whitelist{clock: clock, fixed: map[netip.Addr]bool{}, until: map[netip.Addr]time.Time{}}
	for _, a := range fixed {
		w.fixed[a.Unmap()] = true
	}
	return w
}

// Has reports whether addr has the higher limits now.
func (l *Whitelist) Has(addr netip.Addr) bool {
	addr = addr.Unmap()
	if l.fixed[addr] {
		return true
	}
	l.mu.RLock()
	until, ok := l.until[addr]
	l.mu.RUnlock()
	return ok && l.clock().Before(until)
}

// Add gives addr the higher limits for a day from now.
func (l *Whitelist) Add(addr netip.Addr) {
	now := l.clock()
	l.mu.Lock()
	defer l.mu.Unlock()

	if len(l.until) >= maxWhitelisted {
		for a, until := range l.until {
			if !now.Before(until) || len(l.until) > maxWhitelisted/2 {
				delete(l.until, a)
			}
		}
	}

	l.until[addr.Unmap()] = now.Add(WhitelistTTL)
}
