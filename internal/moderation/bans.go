package moderation

import (
	"context"
	"net/netip"
	"slices"
	"strings"
	"time"

	"horde/internal/horde"
	"horde/internal/store"
)

// Target is what a moderator shuts out: one address, or a range of them.
type Target struct {
	network netip.Prefix
	block   bool // a range
}

// ParseTarget reads an address such as 203.0.113.7, or a range such as
// 203.0.113.0/24, in which no bit after the prefix may be set. The error is a
// BadRequest.
func ParseTarget(text string) (Target, error) {
	if !strings.Contains(text, "/") {
		addr, err := parseAddress(text)
		if err != nil {
			return Target{}, err
		}
		return Target{network: netip.PrefixFrom(addr, addr.BitLen())}, nil
	}

	p, err := netip.ParsePrefix(text)
	if err == nil && p.Addr().Is4In6() && p.Bits() >= 96 {
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}

	switch {
	case err != nil || p.Addr().Is4In6():
		return Target{}, horde.Errorf(horde.BadRequest,
			"%q is not a range of addresses. Write it as 203.0.113.0/24 or 2001:db8::/64.", text)
	case p.Masked() != p:
		return Target{}, horde.Errorf(horde.BadRequest,
			"%s has bits set after its prefix. The range that it lies in is %s.", p, p.Masked())
	}
	return Target{network: p, block: true}, nil
}

func parseAddress(text string) (netip.Addr, error) {
	addr, err := netip.ParseAddr(text)
	if err != nil || addr.Zone() != "" {
		return netip.Addr{}, horde.Errorf(horde.BadRequest,
			"%q is not a network address. Write it as 203.0.113.7 or 2001:db8::7.", clip(text, 64))
	}
	return addr.Unmap(), nil
}

func clip(s string, n int) string {
	if len(s) > n {
		return s[:n] + "…"
	}
	return s
}

// TargetOfWorker returns what is blocked for the address of a worker: for IPv6 its
// network of 64 bits, as a range. ok is false if text is not an address.
func TargetOfWorker(text string) (t Target, ok bool) {
	addr, err := netip.ParseAddr(text)
	if err != nil {
		return t, false
	}
	p := callerOf(plain(addr))
	return Target{network: p, block: p.Addr().Is6()}, true
}

// String returns the target in the form that ParseTarget reads.
func (t Target) String() string { return networkText(t.network, t.block) }

// networkText writes a network: the timeout of a single address as the address.
func networkText(p netip.Prefix, block bool) string {
	if !block && p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// Ban shuts a target out for length, whatever was decided before.
func (a *Addresses) Ban(ctx context.Context, t Target, length time.Duration) error {
	return a.change(ctx, func(tx *store.Tx) error {
		until := tx.Now + horde.MicrosIn(length)
		return tx.SetAddressBan(store.AddressBan{Network: t.network.String(), Block: t.block, Until: until})
	})
}

// Unban lets a target in again and forgets its offences. For a single IPv6 address
// it also ends the timeout that its network got by PutInTimeout, and for a range the one that
// this very range got.
func (a *Addresses) Unban(ctx context.Context, t Target) error {
	bans := []store.AddressBan{{Network: t.network.String()}}
	if t.block {
		bans = append(bans, store.AddressBan{Network: t.network.String(), Block: true})
	}

	caller := callerOf(t.network.Addr())
	if !t.block && caller != t.network {
		bans = append(bans, store.AddressBan{Network: caller.String()})
	}

	return a.change(ctx, func(tx *store.Tx) error {
		for _, b := range bans {
			if err := tx.LiftAddressBan(b); err != nil {
				return err
			}
			if err := tx.ForgetOffences(b.Network); err != nil {
				return err
			}
		}
		return nil
	})
}

// Ban is one entry of Blocks and BansOf.
type Ban struct {
	Address string // a range, or an address
	Seconds int    // left of it
}

// Blocks lists the ranges that are shut out, in the order of addresses.
func (a *Addresses) Blocks() []Ban {
	return a.list(func(b listedBan) bool { return b.block })
}

// BansOf lists the ranges that shut out an address, then its timeouts. An address
// that is invalid is a BadRequest error.
func (a *Addresses) BansOf(text string) ([]Ban, error) {
	addr, err := parseAddress(text)
	if err != nil {
		return nil, err
	}
	return a.list(func(b listedBan) bool { return b.network.Contains(addr) }), nil
}

// listedBan is a timeout or a block of a network.
type listedBan struct {
	network netip.Prefix
	block   bool
	until   horde.Micros
}

// list returns the wanted bans that have not expired, blocks first.
func (a *Addresses) list(wanted func(listedBan) bool) []Ban {
	var found []listedBan
	a.mu.RLock()
	for p, b := range a.bans {
		found = append(found, listedBan{network: p, block: true, until: b.block}, listedBan{network: p, until: b.timeout})
	}
	a.mu.RUnlock()

	found = slices.DeleteFunc(found, func(b listedBan) bool { return b.until == 0 || !wanted(b) })
	slices.SortFunc(found, func(x, y listedBan) int {
		if x.block != y.block {
			if x.block {
				return -1
			}
			return 1
		}
		return x.network.Compare(y.network)
	})

	now := horde.MicrosOf(a.Clock())
	list := []Ban{}
	for _, e := range found {
		if seconds := secondsLeft(e.until, now); seconds > 0 {
			list = append(list, Ban{networkText(e.network, e.block), seconds})
		}
	}
	return list
}
