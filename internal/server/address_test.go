package server

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
)

// Of three addresses of a caller each is taken from whom we trust with it
// (platform §1.2).
func TestAddressesAreTakenFromWhomWeTrust(t *testing.T) {
	t.Parallel()
	trust := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	passkey := func(_ context.Context, key string) bool { return key == "right" }

	for _, c := range []struct {
		name, remote string
		trusted      []netip.Prefix
		headers      []string
		want         [3]string // peer, network, client
	}{
		{"direct", "1.2.3.4:5", trust, nil, [3]string{"1.2.3.4", "1.2.3.4", "1.2.3.4"}},
		{
			"a stranger's header", "1.2.3.4:5", trust, []string{"X-Forwarded-For", "9.9.9.9"},
			[3]string{"1.2.3.4", "1.2.3.4", "1.2.3.4"},
		},
		{
			"nobody trusted", "127.0.0.1:5", nil, []string{"X-Forwarded-For", "9.9.9.9"},
			[3]string{"127.0.0.1", "127.0.0.1", "127.0.0.1"},
		},
		{
			"one hop", "127.0.0.1:5", trust, []string{"X-Forwarded-For", "203.0.113.7"},
			[3]string{"127.0.0.1", "203.0.113.7", "203.0.113.7"},
		},
		{
			"made up on the left", "127.0.0.1:5", trust, []string{"X-Forwarded-For", "6.6.6.6, 203.0.113.7"},
			[3]string{"127.0.0.1", "203.0.113.7", "203.0.113.7"},
		},
		{
			"two of ours", "127.0.0.1:5", trust, []string{"X-Forwarded-For", "6.6.6.6, 203.0.113.7, 10.1.1.1"},
			[3]string{"127.0.0.1", "203.0.113.7", "203.0.113.7"},
		},
		{
			"rubbish", "127.0.0.1:5", trust, []string{"X-Forwarded-For", "1.1.1.1, zzz"},
			[3]string{"127.0.0.1", "127.0.0.1", "127.0.0.1"},
		},
		{
			"mapped", "[::ffff:127.0.0.1]:5", trust, []string{"X-Forwarded-For", "[2001:db8::1]:99"},
			[3]string{"127.0.0.1", "2001:db8::1", "2001:db8::1"},
		},
		{
			"service", "127.0.0.1:5", trust,
			[]string{"X-Forwarded-For", "5.5.5.5", "Proxied-For", "7.7.7.7", "Proxy-Authorization", "right"},
			[3]string{"127.0.0.1", "5.5.5.5", "7.7.7.7"},
		},
		{
			"wrong passkey", "127.0.0.1:5", trust,
			[]string{"X-Forwarded-For", "5.5.5.5", "Proxied-For", "7.7.7.7", "Proxy-Authorization", "wrong"},
			[3]string{"127.0.0.1", "5.5.5.5", "5.5.5.5"},
		},
		{
			"service, no proxy", "5.5.5.5:1", trust, []string{"Proxied-For", "7.7.7.7", "Proxy-Authorization", "right"},
			[3]string{"5.5.5.5", "5.5.5.5", "5.5.5.5"},
		},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := New(Options{TrustedProxies: c.trusted, Passkey: passkey}, testRoutes())
			r := httptest.NewRequest("GET", "/addr", nil)
			r.RemoteAddr = c.remote
			for i := 0; i < len(c.headers); i += 2 {
				r.Header.Set(c.headers[i], c.headers[i+1])
			}

			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			var got [3]string
			if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got != c.want {
				t.Errorf("%v, want %v (%v)", got, c.want, err)
			}
		})
	}
}

func TestForwardedCallsShowIt(t *testing.T) {
	t.Parallel()
	s := New(Options{}, []Route{Get("/x", func(w http.ResponseWriter, r *http.Request) error {
		return Reply(w, r, http.StatusOK, Forwarded(r))
	})})

	for _, header := range append([]string{""}, forwardHeaders...) {
		t.Run(header, func(t *testing.T) {
			want := "false"
			var headers []string
			if header != "" {
				want, headers = "true", []string{header, "127.0.0.1"}
			}
			if got := strings.TrimSpace(call(s, "GET", "/x", headers...).Body.String()); got != want {
				t.Errorf("%s, want %s", got, want)
			}
		})
	}
}
