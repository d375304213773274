package account

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/netip"

	"horde/internal/horde"
	"horde/internal/kudos"
)

// Unpaid bounds what can be earned on one day, by UTC, of what nobody pays for
// (generation §6.14); 0: nothing does.
type Unpaid struct {
	Account horde.Kudos // by an account
	Address horde.Kudos // by all workers that call from an address
}

// trustedShare is how many times the bounds trusted owners have: they can run about five
// times as many workers as others (generation §1.14).
const trustedShare = 5

// UnpaidBounds is what a user may earn unpaid. addr is where the worker called from that
// earns it, "" where no worker does. A user of whom nothing is known is nil.
func (a *Accounts) UnpaidBounds(u *User, addr string) kudos.UnpaidBounds {
	share := horde.Kudos(1)
	switch {
	case u == nil:
	case u.Anonymous(): // what it has is nobody's, and cannot be given away
		return kudos.UnpaidBounds{}
	case u.Is(Trusted):
		share = trustedShare
	}

	bounds := a.config.Unpaid
	al := kudos.UnpaidBounds{Account: share * bounds.Account, Address: share * bounds.Address}
	if bounds.Address > 0 {
		al.From = a.addressKey(addr)
	}
	return al
}

// addressKey names an address without telling it, an IPv6 one by its /64; "" for what is
// no stranger's own: this machine and private networks, from which a proxy or the
// operator's own workers call.
func (a *Accounts) addressKey(text string) string {
	addr, err := netip.ParseAddr(text)
	addr = addr.Unmap().WithZone("")
	if err != nil || addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast() {
		return ""
	}

	bits := addr.BitLen()
	if addr.Is6() {
		bits = 64
	}
	sum := hmac.New(sha256.New, []byte(a.config.KeySecret))
	sum.Write([]byte("unpaid " + netip.PrefixFrom(addr, bits).Masked().String()))
	return hex.EncodeToString(sum.Sum(nil)[:16])
}
