package front

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"horde/api"
	"horde/internal/limit"
	"horde/internal/server"
)

// standardRate is that of every operation without one of its own.
const standardRate = "90/min by address"

// rateTable is the table of generation §8 and platform §1.6:
// below /api/v2, "+" before the higher number of whitelisted addresses (by key
// the anonymous one has it too). A line holds for all methods of its path unless
// it names one.
var rateTable = map[string]string{
	"POST /generate/async":       "90/min by path +300, 2/s by path +10, 2/s by key +60",
	"POST /generate/text/async":  "90/min by path +300, 2/s by path +10, 2/s by key +60",
	"/generate/check/{id}":       "10/s by path",
	"/generate/status/{id}":      "10/min by path",
	"/generate/text/status/{id}": "60/min by path",
	"/generate/rate/{id}":        "5/min by path",
	"/generate/pop":              "60/s by address",
	"/generate/submit":           "60/s by address",
	"/generate/text/pop":         "60/s by address",
	"/generate/text/submit":      "60/s by address",
	"/interrogate/pop":           "60/s by address",
	"/interrogate/submit":        "60/s by address",
	"POST /interrogate/async":    standardRate,
	"/interrogate/status/{id}":   "10/s by path",

	"POST /kudos/transfer": "1/s by key, 90/h by key +600",
	"/users":               standardRate,
	"/users/{user_id}":     "60/min by path",
	"/workers/{worker_id}": "30/min by path",
	"/teams":               "30/min by path",
	"/teams/{team_id}":     "30/min by path",
	"/status/modes":        "30/min by address",
	"/status/heartbeat":    "none",
	"PUT /sharedkeys":      "5/min by path",

	"/styles/image":                    "90/min by path +300, 2/s by path +10",
	"/styles/image/{style_id}/example": "90/min by path +300, 2/s by path +10",
	"/styles/image/{style_id}":         "20/h by path, 2/s by path +10",
	"/styles/text":                     "20/h by path, 2/s by path +10",
	"/styles/text/{style_id}":          "90/min by path +300, 2/s by path +10",
	"/collections":                     "90/min by path +300, 2/s by path +10",
	"/collections/{collection_id}":     "90/min by path +300, 2/s by path +10",
}

// TestEveryRouteHasTheOriginalsLimits compares the limits of every route of the original's API with the
// table, in both directions.
func TestEveryRouteHasTheOriginalsLimits(t *testing.T) {
	t.Parallel()
	routes := allRoutes()
	used := map[string]bool{}
	for _, rt := range routes {
		path, below := strings.CutPrefix(rt.Pattern, "/api/v2")
		if !below {
			continue
		}
		want := standardRate
		for _, line := range []string{path, rt.Method + " " + path} {
			if w, ok := rateTable[line]; ok {
				want, used[line] = w, true
			}
		}
		got := standardRate
		if rt.Limits != nil {
			got = inWords(rt.Limits)
		}
		if got != want {
			t.Errorf("%s %s: %s, want %s", rt.Method, path, got, want)
		}
	}

	for _, line := range slices.Sorted(maps.Keys(rateTable)) {
		if !used[line] {
			t.Errorf("no route for the line %s", line)
		}
	}
}

// inWords writes limits as rateTable does.
func inWords(limits server.Rates) string {
	var words []string
	for _, l := range limits {
		unit := map[time.Duration]string{time.Second: "s", time.Minute: "min", time.Hour: "h"}[l.Per]
		by := map[server.RateKey]string{server.ByAddress: "address", server.ByPath: "path", server.ByKey: "key"}[l.By]
		text := fmt.Sprintf("%d/%s by %s", l.Calls, unit, by)
		if l.Privileged > 0 {
			text += fmt.Sprintf(" +%d", l.Privileged)
		}
		words = append(words, text)
	}
	if words == nil {
		return "none"
	}
	return strings.Join(words, ", ")
}

// limited is a server of the original's routes of requests whose handlers do
// nothing but answer, behind a proxy at 10.0.0.1, with real windows.
func limited(whitelisted func(netip.Addr) bool) *server.Server {
	routes := allRoutes()
	for i := range routes {
		routes[i].Handle = func(w http.ResponseWriter, r *http.Request) error {
			return server.Reply(w, r, http.StatusOK, api.Simple{Message: "OK"})
		}
	}
	return server.New(server.Options{
		Limits:         limit.NewWindows(nil),
		Whitelisted:    whitelisted,
		TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.1/32")},
	}, routes)
}

// sendFrom sends a call from an address, through our proxy if peer is 10.0.0.1.
func sendFrom(s *server.Server, peer, forwarded, method, path, key string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.RemoteAddr = netip.AddrPortFrom(netip.MustParseAddr(peer), 5).String()
	if forwarded != "" {
		r.Header.Set("X-Forwarded-For", forwarded)
	}
	if key != "" {
		r.Header.Set("apikey", key)
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// passing counts the calls that pass before the first 429.
func passing(most int, send func(i int) *httptest.ResponseRecorder) int {
	for i := range most {
		if send(i).Code == http.StatusTooManyRequests {
			return i
		}
	}
	return most
}

// TestRoutesAreCountedTogether: what shares a window and what has one of its own. most is
// how many of 200 calls at once pass.
func TestRoutesAreCountedTogether(t *testing.T) {
	t.Parallel()
	const (
		status = "/api/v2/generate/status/"
		check  = "/api/v2/generate/check/"
		pop    = "/api/v2/generate/pop"
		users  = "/api/v2/users"
	)

	for _, c := range []struct {
		name string
		most int
		send func(s *server.Server, i int) *httptest.ResponseRecorder
	}{
		{"one id from one address", 10, func(s *server.Server, _ int) *httptest.ResponseRecorder {
			return sendFrom(s, "192.0.2.1", "", "GET", status+"a", "")
		}},
		{"many ids", 200, func(s *server.Server, i int) *httptest.ResponseRecorder {
			return sendFrom(s, "192.0.2.1", "", "GET", fmt.Sprint(status, i), "")
		}},
		{"reading and cancelling are counted apart", 20, func(s *server.Server, i int) *httptest.ResponseRecorder {
			return sendFrom(s, "192.0.2.1", "", []string{"GET", "DELETE"}[i%2], status+"a", "")
		}},
		{"queries and keys are no other path", 10, func(s *server.Server, i int) *httptest.ResponseRecorder {
			return sendFrom(s, "192.0.2.1", "", "GET", fmt.Sprint(status+"a?x=", i), fmt.Sprint("key", i))
		}},
		{"one id from many addresses", 200, func(s *server.Server, i int) *httptest.ResponseRecorder {
			return sendFrom(s, fmt.Sprintf("192.0.2.%d", i), "", "GET", status+"a", "")
		}},
		{"the addresses of one IPv6 network are one", 10, func(s *server.Server, i int) *httptest.ResponseRecorder {
			return sendFrom(s, fmt.Sprintf("2001:db8:0:7:%x::%x", i, i), "", "GET", status+"a", "")
		}},
		{"networks are not", 200, func(s *server.Server, i int) *httptest.ResponseRecorder {
			return sendFrom(s, fmt.Sprintf("2001:db8:0:%x::1", i), "", "GET", status+"a", "")
		}},
		{"IPv4 written as IPv6 is IPv4", 10, func(s *server.Server, i int) *httptest.ResponseRecorder {
			return sendFrom(s, []string{"192.0.2.1", "::ffff:192.0.2.1"}[i%2], "", "GET", status+"a", "")
		}},
		{"a header of a stranger is no address", 10, func(s *server.Server, i int) *httptest.ResponseRecorder {
			return sendFrom(s, "192.0.2.1", fmt.Sprintf("198.51.100.%d", i), "GET", status+"a", "")
		}},
		{"behind our proxy what stands left of the last hop is made up", 10, func(
			s *server.Server, i int,
		) *httptest.ResponseRecorder {
			return sendFrom(s, "10.0.0.1", fmt.Sprintf("198.51.100.%d, 192.0.2.1", i), "GET", status+"a", "")
		}},
		{"behind our proxy the last hop counts", 200, func(s *server.Server, i int) *httptest.ResponseRecorder {
			return sendFrom(s, "10.0.0.1", fmt.Sprintf("198.51.100.%d", i), "GET", status+"a", "")
		}},
		{"all pops of an address, whatever the key", 60, func(s *server.Server, i int) *httptest.ResponseRecorder {
			return sendFrom(s, "192.0.2.1", "", "POST", pop, fmt.Sprint("key", i))
		}},
		{"pops and submits are counted apart", 120, func(s *server.Server, i int) *httptest.ResponseRecorder {
			return sendFrom(s, "192.0.2.1", "", "POST", []string{pop, "/api/v2/generate/submit"}[i%2], "k")
		}},
		{"all methods of an endpoint by address", 90, func(s *server.Server, i int) *httptest.ResponseRecorder {
			return sendFrom(s, "192.0.2.1", "", []string{"GET", "HEAD"}[i%2], users, "")
		}},
		{"a key from many addresses", 2, func(s *server.Server, i int) *httptest.ResponseRecorder {
			return sendFrom(s, fmt.Sprintf("192.0.2.%d", i), "", "POST", "/api/v2/generate/async", "k")
		}},
		{"the anonymous key from many addresses", 60, func(s *server.Server, i int) *httptest.ResponseRecorder {
			key := []string{api.AnonymousKey, ""}[i%2]
			return sendFrom(s, fmt.Sprintf("192.0.2.%d", i), "", "POST", "/api/v2/generate/async", key)
		}},
		{"images and texts are counted apart", 4, func(s *server.Server, i int) *httptest.ResponseRecorder {
			path := []string{"/api/v2/generate/async", "/api/v2/generate/text/async"}[i%2]
			return sendFrom(s, "192.0.2.1", "", "POST", path, "k")
		}},
		{"checks by the second", 10, func(s *server.Server, _ int) *httptest.ResponseRecorder {
			return sendFrom(s, "192.0.2.1", "", "GET", check+"a", "")
		}},
		{"the heartbeat is not counted", 200, func(s *server.Server, _ int) *httptest.ResponseRecorder {
			return sendFrom(s, "192.0.2.1", "", "GET", "/api/v2/status/heartbeat", "")
		}},
		{"transfers of a key", 1, func(s *server.Server, i int) *httptest.ResponseRecorder {
			return sendFrom(s, fmt.Sprintf("192.0.2.%d", i), "", "POST", "/api/v2/kudos/transfer", "k")
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := limited(nil)
				if n := passing(200, func(i int) *httptest.ResponseRecorder { return c.send(s, i) }); n != c.most {
					t.Errorf("%d calls pass, want %d", n, c.most)
				}
			})
		})
	}
}

// TestWindowsEnd: after its window a caller may go on; the headers tell when.
func TestWindowsEnd(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, path, words string
		whitelisted         bool
		calls               int
		pause               time.Duration
	}{
		{"POST", "/api/v2/generate/async", "2 per 1 second", false, 2, time.Second},
		{"POST", "/api/v2/generate/async", "10 per 1 second", true, 10, time.Second},
		{"GET", "/api/v2/generate/status/a", "10 per 1 minute", false, 10, time.Minute},
		{"POST", "/api/v2/generate/rate/a", "5 per 1 minute", false, 5, time.Minute},
		{"GET", "/api/v2/users", "90 per 1 minute", true, 90, time.Minute},
		{"POST", "/api/v2/interrogate/async", "90 per 1 minute", false, 90, time.Minute},
		{"PUT", "/api/v2/sharedkeys", "5 per 1 minute", false, 5, time.Minute},
	} {
		t.Run(fmt.Sprint(c.path, c.whitelisted), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := limited(func(netip.Addr) bool { return c.whitelisted })
				send := func() *httptest.ResponseRecorder { return sendFrom(s, "192.0.2.1", "", c.method, c.path, "k") }
				for i := range c.calls {
					w := send()
					if h := w.Header(); w.Code != 200 || h.Get("X-RateLimit-Limit") != fmt.Sprint(c.calls) ||
						h.Get("X-RateLimit-Remaining") != fmt.Sprint(c.calls-1-i) {
						t.Fatalf("call %d: %d %v", i, w.Code, h)
					}
				}

				time.Sleep(c.pause / 2)
				w := send()

				left := (c.pause/2 + time.Second - 1) / time.Second
				if h := w.Header(); w.Code != 429 || strings.TrimSpace(w.Body.String()) != `{"message":"`+c.words+`"}` ||
					h.Get("X-RateLimit-Remaining") != "0" ||
					h.Get("Retry-After") != fmt.Sprint(int(left)) ||
					h.Get("X-RateLimit-Reset") != fmt.Sprint(time.Now().Add(c.pause/2).Unix()) {
					t.Errorf("one too many: %d %s %v", w.Code, w.Body, h)
				}

				time.Sleep(c.pause / 2)
				if w := send(); w.Code != 200 {
					t.Errorf("after the window: %d", w.Code)
				}
			})
		})
	}
}

// A long window still holds when a short one has ended.
func TestLongWindowsHold(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		method, path string
		calls        int
		pause        time.Duration
	}{
		{"POST", "/api/v2/generate/async", 90, 500 * time.Millisecond},
		{"POST", "/api/v2/kudos/transfer", 90, time.Second},
		{"GET", "/api/v2/styles/text", 20, time.Second},
	} {
		t.Run(c.path, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := limited(nil)
				n := passing(200, func(int) *httptest.ResponseRecorder {
					time.Sleep(c.pause)
					return sendFrom(s, "192.0.2.1", "", c.method, c.path, "k")
				})
				if n != c.calls {
					t.Errorf("%d calls pass, want %d", n, c.calls)
				}
			})
		})
	}
}

// Without a Limiter nobody is limited (HORDE_TEST_RATELIMIT_DISABLED), and no
// header says otherwise.
func TestLimitsSwitchedOff(t *testing.T) {
	t.Parallel()
	s := limited(nil)
	s.Limits = nil
	for range 200 {
		w := sendFrom(s, "192.0.2.1", "", "POST", "/api/v2/generate/async", "k")
		if w.Code != 200 || w.Header().Get("X-RateLimit-Limit") != "" {
			t.Fatalf("%d %v", w.Code, w.Header())
		}
	}
}
