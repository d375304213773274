package server

import (
	"net/http"
	"net/netip"
	"strings"
)

// Addresses of ourselves begin with Options.PublicURL where it is set. Otherwise
// they begin with scheme and host of the call that they answer: what a stranger
// claims there reaches nobody but the stranger.

// BaseURL implements horde.Reached. It is worked out when it is first asked for:
// most answers hold no address of ours.
func (x *exchange) BaseURL() string {
	x.baseOnce.Do(func() {
		if x.server != nil {
			x.base = x.server.baseOf(x)
		}
	})
	return x.base
}

// baseOf is what addresses of ourselves begin with in the answer to a call.
func (s *Server) baseOf(x *exchange) string {
	if s.PublicURL != "" {
		return s.PublicURL
	}

	scheme, host := "http", x.call.Host
	if x.call.TLS != nil {
		scheme = "https"
	}
	// What our own proxies say of the call that they pass on counts before what we
	// see of it.
	if x.proxies > 0 {
		f := forwardedOf(x.call.Header, x.proxies)
		if f.proto == "http" || f.proto == "https" {
			scheme = f.proto
		}
		if validHost(f.host) {
			host = f.host
		}
	} else {
		s.warnOfProxy(x)
	}

	if !validHost(host) {
		return s.LocalURL
	}
	return scheme + "://" + host
}

// warnOfProxy tells the operator, once, that somebody speaks for a caller who is
// none of the trusted proxies. It may be a stranger who makes it up.
func (s *Server) warnOfProxy(x *exchange) {
	for _, name := range []string{"X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded"} {
		if x.call.Header[name] == nil {
			continue
		}
		s.proxyWarned.Do(func() {
			s.log.Warn("links begin with the scheme and host of each call, and a proxy that is not trusted says otherwise: "+
				"if it is yours, name it in --trusted-proxies, or set --public-url", "peer", x.peer.String(), "header", name)
		})
		return
	}
}

// forwarded is what a proxy says of the call that it passes on.
type forwarded struct{ proto, host string }

// forwardedOf reads the X-Forwarded headers, and Forwarded (RFC 7239) for what
// they do not say, of a call that came through so many proxies of ours.
func forwardedOf(h http.Header, proxies int) forwarded {
	f := forwarded{
		proto: outermost(elementsOf(h["X-Forwarded-Proto"], ','), proxies),
		host:  outermost(elementsOf(h["X-Forwarded-Host"], ','), proxies),
	}

	if f.proto == "" || f.host == "" {
		standard := parseForwarded(outermost(elementsOf(h["Forwarded"], ','), proxies))
		if f.proto == "" {
			f.proto = standard.proto
		}
		if f.host == "" {
			f.host = standard.host
		}
	}

	f.proto = strings.ToLower(f.proto)
	return f
}

// outermost is the element that the outermost of our proxies wrote. Each appends
// one or replaces them all, so it is that many from the right: what stands left
// of it anybody may have made up.
func outermost(elements []string, proxies int) string {
	if len(elements) == 0 {
		return ""
	}
	return elements[max(0, len(elements)-proxies)]
}

// elementsOf parts the lines of a header at a separator outside of quotes. Empty
// elements are left out.
func elementsOf(lines []string, separator byte) (elements []string) {
	add := func(text string) {
		if text = strings.TrimSpace(text); text != "" {
			elements = append(elements, text)
		}
	}

	for _, line := range lines {
		from, quoted := 0, false
		for i := 0; i < len(line); i++ {
			switch {
			case quoted && line[i] == '\\':
				i++
			case line[i] == '"':
				quoted = !quoted
			case !quoted && line[i] == separator:
				add(line[from:i])
				from = i + 1
			}
		}
		add(line[from:])
	}
	return elements
}

// parseForwarded reads one element of Forwarded, such as for=_x;proto=https;host="h:1".
func parseForwarded(element string) (f forwarded) {
	for _, pair := range elementsOf([]string{element}, ';') {
		name, value, _ := strings.Cut(pair, "=")
		value = unquote(strings.TrimSpace(value))
		switch strings.ToLower(strings.TrimSpace(name)) {
		case "proto":
			f.proto = value
		case "host":
			f.host = value
		}
	}
	return f
}

// unquote is the text of a token or of a quoted string of a header.
func unquote(value string) string {
	if len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
		return value
	}
	var b strings.Builder
	for i := 1; i < len(value)-1; i++ {
		if value[i] == '\\' && i+1 < len(value)-1 {
			i++
		}
		b.WriteByte(value[i])
	}
	return b.String()
}

const (
	maxHostName = 253 // bytes, of a name in the DNS
	maxPort     = 5   // digits
)

// validHost reports whether a text is host[:port] and nothing else, so that it can
// stand in a link: a name of letters, digits, dots, hyphens and underscores, an
// IPv4 address, or an IPv6 address in brackets.
func validHost(text string) bool {
	name, rest := text, ""
	if strings.HasPrefix(text, "[") {
		end := strings.IndexByte(text, ']')
		if end < 0 {
			return false
		}
		name, rest = text[1:end], text[end+1:]
		addr, err := netip.ParseAddr(name)
		return err == nil && addr.Is6() && addr.Zone() == "" && validPort(rest)
	}

	if i := strings.IndexByte(text, ':'); i >= 0 {
		name, rest = text[:i], text[i:]
	}

	if name == "" || len(name) > maxHostName || name[0] == '.' || strings.Contains(name, "..") {
		return false
	}
	for _, c := range []byte(name) {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '.', c == '-', c == '_':
		default:
			return false
		}
	}

	return validPort(rest)
}

// validPort reports whether what follows a host is nothing or a port.
func validPort(rest string) bool {
	if rest == "" {
		return true
	}
	digits := strings.TrimPrefix(rest, ":")
	return rest[0] == ':' && digits != "" && len(digits) <= maxPort && strings.Trim(digits, "0123456789") == ""
}
