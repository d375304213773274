package server

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// Three addresses are known of a caller. Peer is the other end of the socket.
// Network is the first hop that is no trusted proxy of ours; it is what
// addresses are limited and banned by. Client is what a service account says in
// Proxied-For, where its passkey is right, else Network (platform §1.2).

// PeerAddr is the other end of the connection.
func PeerAddr(r *http.Request) netip.Addr { return exchangeOf(r).peer }

// NetworkAddr is the caller behind our own proxies.
func NetworkAddr(r *http.Request) netip.Addr { return exchangeOf(r).network }

// ClientAddr is the person behind a service that calls for them.
func ClientAddr(r *http.Request) netip.Addr { return exchangeOf(r).client }

// CallerKey implements horde.Caller: shares are counted by client address, of IPv6 by /64.
func (x *exchange) CallerKey() string { return neighbourhood(x.client) }

// forwardHeaders are set by proxies, ours or not, and by nobody who calls directly.
var forwardHeaders = []string{
	"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Real-Ip", "Forwarded", "Via", "Proxied-For",
}

// Forwarded reports whether a call shows signs of having come through a proxy, whether it is
// one of ours or not: then the other end of the connection is not who calls.
func Forwarded(r *http.Request) bool {
	return exchangeOf(r).proxies > 1 || slices.ContainsFunc(forwardHeaders, func(name string) bool {
		return r.Header[name] != nil
	})
}

// locate finds the three addresses of a caller.
func (s *Server) locate(x *exchange, r *http.Request) {
	x.peer = parseAddr(r.RemoteAddr)
	x.network = x.peer
	trusted := s.trusts(x.peer)
	if trusted {
		x.network, x.proxies = s.behindProxies(x.peer, r.Header["X-Forwarded-For"])
	}

	x.client = x.network
	if trusted && s.Passkey != nil && r.Header["Proxied-For"] != nil {
		key := r.Header.Get("Proxy-Authorization")
		if addr := parseAddr(r.Header.Get("Proxied-For")); addr.IsValid() && key != "" && s.Passkey(r.Context(), key) {
			x.client = addr
		}
	}
}

// trusts reports whether an address is one of our proxies.
func (s *Server) trusts(addr netip.Addr) bool {
	for _, p := range s.TrustedProxies {
		if p.Contains(addr) {
			return true
		}
	}
	return false
}

// behindProxies walks X-Forwarded-For from the right, where the proxy next to us
// writes, and stops at the first hop that is none of our proxies: what stands
// left of it anybody may have made up. An entry that is no address ends the walk.
// It also returns the number of proxies on the way, the peer among them.
func (s *Server) behindProxies(peer netip.Addr, headers []string) (found netip.Addr, proxies int) {
	found, proxies = peer, 1
	for h := len(headers) - 1; h >= 0; h-- {
		rest := headers[h]
		for rest != "" {
			hop := rest
			if i := strings.LastIndexByte(rest, ','); i >= 0 {
				hop, rest = rest[i+1:], rest[:i]
			} else {
				rest = ""
			}

			addr := parseAddr(strings.TrimSpace(hop))
			if !addr.IsValid() {
				return found, proxies
			}
			found = addr
			if !s.trusts(addr) {
				return found, proxies
			}
			proxies++
		}
	}
	return found, proxies
}

// parseAddr reads an address with or without a port; IPv4 written as IPv6 is
// IPv4, zones are dropped. The zero Addr means that text is no address.
func parseAddr(text string) netip.Addr {
	if ap, err := netip.ParseAddrPort(text); err == nil {
		return ap.Addr().Unmap().WithZone("")
	}
	addr, err := netip.ParseAddr(strings.Trim(text, "[]"))
	if err != nil {
		return netip.Addr{}
	}
	return addr.Unmap().WithZone("")
}

// Loopback reports whether an address is this machine's own.
func Loopback(a netip.Addr) bool { return a.Unmap().IsLoopback() }
