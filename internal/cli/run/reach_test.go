package run

import (
	"bytes"
	"log/slog"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"horde/internal/cli/console"
	"horde/internal/config"
)

func addresses(t *testing.T, texts ...string) (list []net.Addr) {
	t.Helper()
	for _, text := range texts {
		ip, prefix, err := net.ParseCIDR(text)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, &net.IPNet{IP: ip, Mask: prefix.Mask})
	}
	return list
}

// A server on all addresses names those that other machines can reach, and no
// others.
func TestAddressesForOtherMachines(t *testing.T) {
	own := addresses(t, "127.0.0.1/8", "::1/128", "192.168.1.5/24", "fe80::1/64", "fd00::5/64", "10.0.0.7/8")
	for listen, want := range map[string][]string{
		"0.0.0.0:7001":     {"http://192.168.1.5:7001", "http://10.0.0.7:7001"},
		"[::]:7001":        {"http://192.168.1.5:7001", "http://[fd00::5]:7001", "http://10.0.0.7:7001"},
		"127.0.0.1:7001":   nil,
		"192.168.1.5:7001": nil,
	} {
		t.Run(listen, func(t *testing.T) {
			addr := net.TCPAddrFromAddrPort(netip.MustParseAddrPort(listen))
			if got := lanURLs(addr, own); !slices.Equal(got, want) {
				t.Errorf("%s: %v, want %v", listen, got, want)
			}
		})
	}

	many := addresses(t, "10.0.0.1/8", "10.0.0.2/8", "10.0.0.3/8", "10.0.0.4/8", "10.0.0.5/8")
	if got := lanURLs(&net.TCPAddr{IP: net.IPv4zero, Port: 1}, many); len(got) != maxLANURLs {
		t.Errorf("%d of %d are shown", len(got), len(many))
	}
}

func TestLinksAreWarnedOfWhereTheyCannotBeKnown(t *testing.T) {
	for _, c := range []struct {
		name, listen string
		serve        config.Serve
		want         bool
	}{
		{"all addresses", "0.0.0.0:7001", config.Serve{}, true},
		{"all addresses of IPv6", "[::]:7001", config.Serve{}, true},
		{"an address of the network", "192.168.1.5:7001", config.Serve{}, true},
		{"this machine alone", "127.0.0.1:7001", config.Serve{}, false},
		{"a public address", "0.0.0.0:7001", config.Serve{PublicURL: "https://horde.example"}, false},
		{"a trusted proxy", "0.0.0.0:7001",
			config.Serve{TrustedProxies: config.Prefixes{netip.MustParsePrefix("10.0.0.1/32")}}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			con := &console.Console{Log: slog.New(slog.NewTextHandler(&log, nil))}
			warnAboutLinks(con, &c.serve, net.TCPAddrFromAddrPort(netip.MustParseAddrPort(c.listen)))
			if got := strings.Contains(log.String(), "--public-url"); got != c.want {
				t.Errorf("warned %v, want %v: %s", got, c.want, log.String())
			}
		})
	}
}
