package server

import (
	"bytes"
	"crypto/tls"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"net/url"
	"strings"
	"testing"

	"horde/internal/horde"
)

// baseFor is what addresses of ourselves begin with in the answer to a call.
func baseFor(t *testing.T, s *Server, edit func(*http.Request)) string {
	t.Helper()
	r := httptest.NewRequest("GET", "/base", nil)
	r.RemoteAddr, r.Host = "1.2.3.4:5", "horde.lan:7001"
	edit(r)

	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w.Body.String()
}

// baseRoute answers with what addresses of ourselves begin with.
var baseRoute = []Route{Get("/base", func(w http.ResponseWriter, r *http.Request) error {
	_, err := w.Write([]byte(horde.BaseOf(r.Context())))
	return err
})}

const local = "http://127.0.0.1:7001"

// Addresses of ourselves begin with what was set, else with what the caller
// reached; what others say of that counts only from our own proxies.
func TestAddressesOfOurselvesBeginWithWhatTheCallerReached(t *testing.T) {
	t.Parallel()
	trust := []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32"), netip.MustParsePrefix("10.0.0.0/8")}
	const proxy = "127.0.0.1:5"

	for _, c := range []struct {
		name, public string
		from, host   string // empty: a stranger at horde.lan:7001
		secure       bool
		headers      [][2]string
		want         string
	}{
		{name: "host of the call", want: "http://horde.lan:7001"},
		{name: "over TLS", secure: true, want: "https://horde.lan:7001"},
		{name: "another host", host: "192.168.1.9:7001", want: "http://192.168.1.9:7001"},
		{name: "IPv6", host: "[fd00::1]:7001", want: "http://[fd00::1]:7001"},
		{name: "what was set wins", public: "https://set.example", host: "other.example", want: "https://set.example"},
		{name: "over the proxy's word too", public: "https://set.example", from: proxy,
			headers: [][2]string{{"X-Forwarded-Host", "x.example"}}, want: "https://set.example"},

		{
			name:    "a stranger's word",
			headers: [][2]string{{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "evil.example"}},
			want:    "http://horde.lan:7001",
		},
		{
			name:    "a stranger's word by the standard",
			headers: [][2]string{{"Forwarded", "proto=https;host=evil.example"}}, want: "http://horde.lan:7001",
		},
		{
			name: "a proxy's word", from: proxy,
			headers: [][2]string{{"X-Forwarded-Proto", "https"}, {"X-Forwarded-Host", "horde.example"}},
			want:    "https://horde.example",
		},
		{
			name: "in capitals", from: proxy, headers: [][2]string{{"X-Forwarded-Proto", "HTTPS"}},
			want: "https://horde.lan:7001",
		},
		{
			name: "the scheme alone", from: proxy, headers: [][2]string{{"X-Forwarded-Proto", "https"}},
			want: "https://horde.lan:7001",
		},
		{
			name: "the host alone", from: proxy, headers: [][2]string{{"X-Forwarded-Host", "horde.example:8443"}},
			want: "http://horde.example:8443",
		},
		{
			name: "plain before TLS to us", from: proxy, secure: true,
			headers: [][2]string{{"X-Forwarded-Proto", "http"}}, want: "http://horde.lan:7001",
		},
		{name: "nothing said", from: proxy, want: "http://horde.lan:7001"},
		{
			name: "by the standard", from: proxy,
			headers: [][2]string{{"Forwarded", `for=192.0.2.60; Proto=https;host="horde.example:8443"`}},
			want:    "https://horde.example:8443",
		},
		{
			name: "by the standard, IPv6", from: proxy,
			headers: [][2]string{{"Forwarded", `for="[2001:db8::1]:99";host="[2001:db8::2]:7001"`}},
			want:    "http://[2001:db8::2]:7001",
		},
		{name: "X-Forwarded before the standard", from: proxy,
			headers: [][2]string{{"Forwarded", "host=evil.example;proto=https"}, {"X-Forwarded-Host", "horde.example"}},
			want:    "https://horde.example"},

		{
			name: "made up on the left", from: proxy,
			headers: [][2]string{{"X-Forwarded-For", "203.0.113.7"}, {"X-Forwarded-Host", "evil.example, horde.example"},
				{"X-Forwarded-Proto", "http,https"}}, want: "https://horde.example"},
		{name: "two of ours, each adds", from: proxy, headers: [][2]string{{"X-Forwarded-For", "203.0.113.7, 10.1.1.1"},
			{"X-Forwarded-Host", "evil.example, horde.example, inner:80"},
			{"X-Forwarded-Proto", "https, http"}}, want: "https://horde.example"},
		{name: "two of ours, one line each", from: proxy, headers: [][2]string{{"X-Forwarded-For", "203.0.113.7, 10.1.1.1"},
			{"X-Forwarded-Host", "horde.example"}, {"X-Forwarded-Host", "inner:80"}}, want: "http://horde.example"},
		{name: "two of ours by the standard", from: proxy, headers: [][2]string{{"X-Forwarded-For", "203.0.113.7, 10.1.1.1"},
			{"Forwarded", `host="a,b;c", host=horde.example;proto=https, host=inner`}}, want: "https://horde.example"},

		{
			name: "a proxy passes nonsense on", from: proxy,
			headers: [][2]string{{"X-Forwarded-Host", "evil.example/x?"}, {"X-Forwarded-Proto", "javascript"}},
			want:    "http://horde.lan:7001",
		},
		{name: "no host", host: "-", want: local},
		{name: "a path in it", host: "evil.example/x", want: local},
		{name: "a user in it", host: "me@evil.example", want: local},
		{name: "a quote in it", host: `a"b`, want: local},
		{name: "a port that is none", host: "a:b", want: local},
		{name: "a port without digits", host: "a:", want: local},
		{name: "two ports", host: "a:1:2", want: local},
		{name: "a zone", host: "[fe80::1%25eth0]:7001", want: local},
		{name: "brackets around a name", host: "[horde.example]", want: local},
		{name: "an open bracket", host: "[::1", want: local},
		{name: "too long", host: strings.Repeat("a", 254), want: local},
		{name: "an empty label", host: "a..b", want: local},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := New(Options{PublicURL: c.public, LocalURL: local, TrustedProxies: trust}, baseRoute)
			got := baseFor(t, s, func(r *http.Request) {
				if c.secure {
					r.TLS = &tls.ConnectionState{}
				}
				if c.from != "" {
					r.RemoteAddr = c.from
				}
				if c.host != "" {
					r.Host = strings.TrimPrefix(c.host, "-")
				}
				for _, h := range c.headers {
					r.Header.Add(h[0], h[1])
				}
			})
			if got != c.want {
				t.Errorf("%s, want %s", got, c.want)
			}
		})
	}
}

func TestProxyThatIsNotBelievedIsLoggedOnce(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := New(Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, baseRoute)

	for range 3 {
		baseFor(t, s, func(*http.Request) {})
	}

	if log.Len() != 0 {
		t.Errorf("without such a header: %s", log.String())
	}

	for range 3 {
		baseFor(t, s, func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https") })
	}

	if n := strings.Count(log.String(), "peer=1.2.3.4"); n != 1 || !strings.Contains(log.String(), "--trusted-proxies") {
		t.Errorf("logged %d times: %s", n, log.String())
	}
	log.Reset()
	s = New(Options{PublicURL: "https://set.example", Log: slog.New(slog.NewTextHandler(&log, nil))}, baseRoute)
	baseFor(t, s, func(r *http.Request) { r.Header.Set("X-Forwarded-Proto", "https") })
	if log.Len() != 0 {
		t.Errorf("with an address that was set: %s", log.String())
	}
}

// What counts as a host can stand in a link and changes nothing of the rest of it.
func FuzzValidHost(f *testing.F) {
	for _, seed := range []string{"a", "a.b:80", "[::1]:7001", "127.0.0.2", "a_b", "a/b", "a@b", "a?b", "[::1%25x]",
		"[::ffff:1.2.3.4]", "a:99999", "\x00", "ü"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, host string) {
		if !validHost(host) {
			return
		}
		u, err := url.Parse("http://" + host + "/blob/x?e=1")
		if err != nil || u.Host != host || u.Path != "/blob/x" || u.RawQuery != "e=1" || u.User != nil || u.Hostname() == "" {
			t.Errorf("%q makes %v, %v", host, u, err)
		}
		if len(host) > 300 {
			t.Errorf("a host of %d bytes", len(host))
		}
	})
}

// Whatever a proxy passes on, reading it ends.
func FuzzForwarded(f *testing.F) {
	f.Add(`for=1.2.3.4;host="a\"b";proto=https, host=b`, 1)
	f.Add(`"`, 3)
	f.Add(`;;,,=`, 0)
	f.Fuzz(func(t *testing.T, line string, proxies int) {
		h := map[string][]string{"Forwarded": {line}, "X-Forwarded-Host": {line}}
		got := forwardedOf(h, max(1, proxies))
		if len(got.host) > len(line) || len(got.proto) > 2*len(line)+8 {
			t.Errorf("%q becomes %+v", line, got)
		}
	})
}
