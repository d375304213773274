package server

import (
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"horde/api"
)

// window is the simplest Limiter: one window that never ends.
type window map[string]int

func (m window) Take(key string, calls int, per time.Duration) (int, time.Time, bool) {
	m[key]++
	return calls - m[key], time.Now().Add(per), m[key] <= calls
}

// The headers say how a caller stands, the answer to one call too many which limit it is.
func TestLimitsAreToldInHeaders(t *testing.T) {
	t.Parallel()
	counts := window{}
	s := New(Options{Limits: counts}, testRoutes())
	w := call(s, "GET", "/api/v2/things")

	for name, want := range map[string]string{
		"X-RateLimit-Limit":     "90",
		"X-RateLimit-Remaining": "89",
		"Retry-After":           "60",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}

	call(s, "DELETE", "/api/v2/things/1")
	call(s, "DELETE", "/api/v2/things/1")
	w = call(s, "DELETE", "/api/v2/things/1")
	if w.Code != 429 || strings.TrimSpace(w.Body.String()) != `{"message":"2 per 1 minute"}` ||
		w.Header().Get("X-RateLimit-Remaining") != "0" {
		t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
	}
	if w = call(s, "DELETE", "/api/v2/things/2"); w.Code != 200 {
		t.Errorf("another id: %d", w.Code)
	}
	before := len(counts)

	for _, c := range [][2]string{{"OPTIONS", "/api/v2/things"}, {"GET", "/plain"}, {"GET", "/nowhere"}} {
		if w = call(s, c[0], c[1]); w.Header().Get("X-RateLimit-Limit") != "" {
			t.Errorf("%v is counted", c)
		}
	}

	if len(counts) != before {
		t.Errorf("%v", counts)
	}
}

// Requests are limited by address and by key; a whitelisted address has more, and so has
// the anonymous key, which many share.
func TestRequestsAreLimitedByAddressAndKey(t *testing.T) {
	t.Parallel()
	routes := []Route{Post("/async", func(w http.ResponseWriter, r *http.Request) error {
		return Reply(w, r, 202, nil)
	}).Limit(RequestRates)}

	for _, c := range []struct {
		name, key   string
		whitelisted bool
		passed      int
	}{
		{"a user", "k", false, 2},
		{"a user at a whitelisted address", "k", true, 10},
		{"anonymous", api.AnonymousKey, false, 2},
		{"anonymous, whitelisted", "", true, 10},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := New(Options{Limits: window{}, Whitelisted: func(netip.Addr) bool { return c.whitelisted }}, routes)
			n := 0
			for call(s, "POST", "/async", "apikey", c.key).Code == 202 {
				n++
			}
			if n != c.passed {
				t.Errorf("%d calls, want %d", n, c.passed)
			}
		})
	}

	// One key from many addresses.
	s := New(Options{Limits: window{}}, routes)
	n := 0

	for i := range 10 {
		r := httptest.NewRequest("POST", "/async", nil)
		r.RemoteAddr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{1, 1, 1, byte(i)}), 1).String()
		r.Header.Set("apikey", "k")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code == 202 {
			n++
		}
	}

	if n != 2 {
		t.Errorf("one key: %d calls", n)
	}
}

// A limit counts what is asked for, not how that is written (decision 57).
func TestOneThingHasOneWindow(t *testing.T) {
	t.Parallel()
	ok := func(w http.ResponseWriter, r *http.Request) error { return Reply(w, r, 200, nil) }
	once := Rates{{Calls: 1, Per: time.Minute, By: ByPath}, {Calls: 1, Per: time.Minute, By: ByKey}}
	routes := []Route{
		Get("/checks/{id}", ok).Limit(once),
		Delete("/checks/{id}", ok).Limit(once),
		Get("/users/{user_id}", ok).Limit(once),
		Get("/models/{name}", ok).Limit(once),
	}
	const id = "/checks/00000000-0000-4000-8000-00000000abcd"

	for _, c := range []struct {
		name, method, path string
		status             int
	}{
		{"the same", "GET", id, 429},
		{"capitals", "GET", "/checks/00000000-0000-4000-8000-00000000ABCD", 429},
		{"HEAD", "HEAD", id, 429},
		{"an escape", "GET", "/checks/00000000-0000-4000-8000-00000000%61bcd", 429},
		{"a query", "GET", id + "?x=1", 429},
		{"another method", "DELETE", id, 200},
		{"another id", "GET", "/checks/00000000-0000-4000-8000-00000000abce", 200},
		{"another number", "GET", "/users/70", 200},
		{"zeros in front", "GET", "/users/0007", 429},
		{"capitals of a name", "GET", "/models/SDXL", 429},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := New(Options{Limits: window{}}, routes)
			for _, path := range []string{id, "/users/7", "/models/sdxl"} {
				if w := call(s, "GET", path); w.Code != 200 {
					t.Fatalf("%s: %d", path, w.Code)
				}
			}
			if w := call(s, c.method, c.path); w.Code != c.status {
				t.Errorf("%d, want %d", w.Code, c.status)
			}
		})
	}
}
