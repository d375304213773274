package moderation

import (
	"context"
	"fmt"
	"log/slog"
	"net/netip"
	"slices"
	"sync"
	"time"

	"horde/internal/horde"
	"horde/internal/store"
)

// Figures of generation §7.4.
const (
	timeoutStep    = 3 * time.Minute // the first timeout; each later one is two steps longer
	serviceTimeout = 5 * time.Minute // the longest for a service
	serviceMemory  = time.Hour       // in which its offences count
	proxyMemory    = time.Hour
	proxyOffences  = 10                 // of callers behind a proxy, beyond which the log says so
	tellableWait   = 4 * 24 * time.Hour // longer waits are not disclosed
)

// networkV6 is the prefix length of an IPv6 network that belongs to one caller: whoever has
// a network of 64 bits has all addresses in it.
const networkV6 = 64

// AddressConfig is what Addresses depend on.
type AddressConfig struct {
	Store *store.Store
	Clock horde.Clock
	Log   *slog.Logger
	// Service reports whether an address is that of a known service that calls on behalf of
	// many people: its timeouts are short. Nil: none is.
	Service func(netip.Addr) bool
}

// Addresses holds the addresses that are shut out: timeouts of single callers and
// blocks of whole ranges (platform §3.7). They are in the database for
// all nodes, and in memory for every check. A nil *Addresses refuses nobody.
type Addresses struct {
	AddressConfig

	reading sync.Mutex // one read at a time, so that memory never goes back in time

	mu      sync.RWMutex
	bans    map[netip.Prefix]ban // guarded by mu
	lengths [2][]int             // guarded by mu: of the prefixes in bans, IPv4 and IPv6
	sweepAt int                  // guarded by mu: size of bans at which expired ones are dropped
}

// ban says until when a network is shut out, in microseconds; 0: not at all.
type ban struct{ timeout, block horde.Micros }

func (b ban) until() horde.Micros { return max(b.timeout, b.block) }

// minSweep is the number of bans at which expired ones are first dropped.
const minSweep = 1024

// OpenAddresses reads the bans of a store.
func OpenAddresses(ctx context.Context, c AddressConfig) (*Addresses, error) {
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Service == nil {
		c.Service = func(netip.Addr) bool { return false }
	}
	a := &Addresses{AddressConfig: c}
	c.Store.Follow(func(ctx context.Context, changes *store.Changes) error {
		if changes.Missed {
			return a.reload(ctx)
		}
		return a.refresh(ctx, changes.Addresses)
	})
	return a, a.reload(ctx)
}

// reload reads all bans again.
func (a *Addresses) reload(ctx context.Context) error {
	a.reading.Lock()
	defer a.reading.Unlock()
	rows, err := a.Store.AddressBans(ctx, horde.MicrosOf(a.Clock()))
	if err != nil {
		return fmt.Errorf("read the bans of addresses: %w", err)
	}

	a.mu.Lock()
	a.bans, a.lengths, a.sweepAt = map[netip.Prefix]ban{}, [2][]int{}, minSweep
	a.mu.Unlock()
	return a.take(rows)

}

// refresh reads the bans of networks again that have changed.
func (a *Addresses) refresh(ctx context.Context, networks []string) error {
	if len(networks) == 0 {
		return nil
	}
	a.reading.Lock()
	defer a.reading.Unlock()
	rows, err := a.Store.AddressBansOf(ctx, networks)
	if err != nil {
		return fmt.Errorf("read the bans of addresses: %w", err)
	}

	gone := make([]store.AddressBan, 0, 2*len(networks))
	for _, n := range networks {
		gone = append(gone, store.AddressBan{Network: n}, store.AddressBan{Network: n, Block: true})
	}
	return a.take(append(gone, rows...))
}

// take brings rows into memory; one that ends at 0 removes the ban.
func (a *Addresses) take(rows []store.AddressBan) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, row := range rows {
		p, err := netip.ParsePrefix(row.Network)
		if err != nil {
			return fmt.Errorf("ban of an address: %w", err)
		}

		b := a.bans[p]
		if row.Block {
			b.block = row.Until
		} else {
			b.timeout = row.Until
		}

		if b == (ban{}) {
			delete(a.bans, p)
			continue
		}

		a.bans[p] = b
		lengths := &a.lengths[family(p.Addr())]
		if !slices.Contains(*lengths, p.Bits()) {
			*lengths = append(*lengths, p.Bits())
		}
	}

	if len(a.bans) >= a.sweepAt {
		a.sweepLocked()
	}
	return nil
}

// sweepLocked drops bans that have ended; the caller holds mu.
func (a *Addresses) sweepLocked() {
	now := horde.MicrosOf(a.Clock())
	a.lengths = [2][]int{}
	for p, b := range a.bans {
		if b.until() <= now {
			delete(a.bans, p)
			continue
		}

		lengths := &a.lengths[family(p.Addr())]
		if !slices.Contains(*lengths, p.Bits()) {
			*lengths = append(*lengths, p.Bits())
		}
	}
	a.sweepAt = max(minSweep, 2*len(a.bans))
}

// family is the index of an address family in lengths.
func family(addr netip.Addr) int {
	if addr.Is4() {
		return 0
	}
	return 1
}

// plain returns an address as bans name it: IPv4 written as IPv6 is IPv4, zones are
// dropped.
func plain(addr netip.Addr) netip.Addr { return addr.Unmap().WithZone("") }

// callerOf returns the network that belongs to the caller at an address.
func callerOf(addr netip.Addr) netip.Prefix {
	bits := addr.BitLen()
	if addr.Is6() {
		bits = networkV6
	}
	p, _ := addr.Prefix(bits)
	return p
}

// Refused reports whether an address is shut out now, and for how many more seconds
// at least. It consults memory only and does not allocate.
func (a *Addresses) Refused(addr netip.Addr) (seconds int, refused bool) {
	if a == nil || !addr.IsValid() {
		return 0, false
	}
	addr = plain(addr)

	var until horde.Micros
	a.mu.RLock()
	for _, bits := range a.lengths[family(addr)] {
		p, _ := addr.Prefix(bits)
		if b, ok := a.bans[p]; ok {
			until = max(until, b.until())
		}
	}
	a.mu.RUnlock()

	if until == 0 {
		return 0, false
	}
	seconds = secondsLeft(until, horde.MicrosOf(a.Clock()))
	return seconds, seconds > 0
}

// secondsLeft returns the seconds until a moment, rounded up; 0 when it has passed.
func secondsLeft(until, now horde.Micros) int {
	if until <= now {
		return 0
	}
	return int((until - now + 999_999) / 1_000_000)
}

// Check refuses an address that is shut out with a TimeoutIP error, which says for
// how long unless that is more than 4 days (platform §7.3).
func (a *Addresses) Check(addr netip.Addr) error {
	seconds, refused := a.Refused(addr)
	switch {
	case !refused:
		return nil
	case time.Duration(seconds)*time.Second > tellableWait:
		return horde.Errorf(horde.TimeoutIP, "Your network address is blocked. Please contact the moderators of this horde.")
	}
	return horde.Errorf(horde.TimeoutIP, "Your network address has been put into timeout for %d more seconds.", seconds)
}

// PutInTimeout puts the caller at an address into timeout for an offence: 3 minutes, and
// 6 more for each earlier one within 24 hours (generation §7.4). Of IPv6
// the network of 64 bits counts, since its owner may choose any address in it. A
// known service gets at most 5 minutes, and its offences are forgotten after an
// hour. An invalid address is nobody's.
func (a *Addresses) PutInTimeout(ctx context.Context, addr netip.Addr) error {
	if a == nil || !addr.IsValid() {
		return nil
	}
	if err := ctx.Err(); err != nil {
		return err
	}

	addr = plain(addr)
	service := a.Service(addr)
	memory := store.OffenceMemory
	if service {
		memory = serviceMemory
	}

	offender := store.Offender{Network: callerOf(addr).String()}
	return a.change(ctx, func(tx *store.Tx) error {
		earlier, err := tx.Offences(offender, tx.Now-horde.MicrosIn(memory))
		if err != nil {
			return err
		}
		if err := tx.InsertOffence(horde.NewID(), offender); err != nil {
			return err
		}
		length := time.Duration(2*earlier+1) * timeoutStep
		if service {
			length = min(length, serviceTimeout)
		}
		return tx.ExtendAddressBan(store.AddressBan{Network: offender.Network, Until: tx.Now + horde.MicrosIn(length)})
	})
}

// PutProxiedInTimeout is PutInTimeout for a caller at an address that a service has passed on:
// the service is not punished, but counted, and the log says when many of its
// callers offend within an hour.
func (a *Addresses) PutProxiedInTimeout(ctx context.Context, addr, proxy netip.Addr) error {
	if err := a.PutInTimeout(ctx, addr); err != nil || a == nil || !proxy.IsValid() || proxy == addr {
		return err
	}

	passer := store.Offender{Network: callerOf(plain(proxy)).String(), Proxy: true}
	n := 0
	err := a.Store.Write(ctx, store.Unit{Key: passer.Network, Do: func(tx *store.Tx) (err error) {
		if err := tx.InsertOffence(horde.NewID(), passer); err != nil {
			return err
		}
		n, err = tx.Offences(passer, tx.Now-horde.MicrosIn(proxyMemory))
		return err
	}})
	if err == nil && n == proxyOffences+1 {
		a.Log.Warn("many callers behind one service offend", "proxy", proxy, "within", proxyMemory, "offences", n)
	}
	return err
}

// change commits what edit does to bans.
func (a *Addresses) change(ctx context.Context, edit func(*store.Tx) error) error {
	return a.Store.Write(ctx, store.Unit{Key: "address", Do: edit})
}
