package run

import (
	"net"
	"net/netip"
	"strconv"

	"horde/internal/cli/console"
	"horde/internal/config"
)

// maxLANURLs bounds how many addresses are shown.
const maxLANURLs = 4

// warnAboutLinks says at the start that the address by which others reach the server
// is not known.
func warnAboutLinks(con *console.Console, c *config.Serve, listener net.Addr) {
	tcp, ok := listener.(*net.TCPAddr)
	if c.PublicURL != "" || len(c.TrustedProxies) > 0 || ok && tcp.IP.IsLoopback() {
		return
	}
	con.Log.Warn("no --public-url is set: links begin with the scheme and host of each call, and those in webhooks "+
		"with those of the call that made the request. Behind a proxy that speaks https they would begin with http: "+
		"set --public-url, or --trusted-proxies",
		"listen", listener.String())
}

// lanURLs are the addresses by which other machines reach a server that listens on all
// addresses of this one; none where it listens on a single one.
func lanURLs(listener net.Addr, own []net.Addr) (urls []string) {
	tcp, ok := listener.(*net.TCPAddr)
	if !ok || !tcp.IP.IsUnspecified() {
		return nil
	}

	onlyIPv4 := tcp.IP.To4() != nil
	for _, a := range own {
		prefix, err := netip.ParsePrefix(a.String())
		addr := prefix.Addr().Unmap()
		if err != nil || !addr.IsGlobalUnicast() || onlyIPv4 && !addr.Is4() || len(urls) == maxLANURLs {
			continue
		}
		urls = append(urls, "http://"+net.JoinHostPort(addr.String(), strconv.Itoa(tcp.Port)))
	}
	return urls
}
