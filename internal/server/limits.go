package server

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"horde/api"
)

// Limiter counts calls in fixed windows. Take counts one call under key, of which
// there may be calls in every window of length per; ok is false for those beyond.
// left is how many more the window takes, reset when it ends.
type Limiter interface {
	Take(key string, calls int, per time.Duration) (left int, reset time.Time, ok bool)
}

// A RateKey is what the calls of a rate are counted by (platform §1.6).
type RateKey int

const (
	ByAddress RateKey = iota // network address and pattern, all methods together
	ByPath                   // client address, method, pattern and ids
	ByKey                    // API key, method, pattern and ids
)

// A Rate is one limit of a route.
type Rate struct {
	Calls      int
	Per        time.Duration
	By         RateKey
	Privileged int // calls for a whitelisted address, or with ByKey the anonymous key; 0: the same
}

// Rates are the limits of a route, all of which hold.
type Rates []Rate

// defaultRates limit a route that has no rates of its own.
var defaultRates = Rates{{Calls: 90, Per: time.Minute, By: ByAddress}}

// Rates that routes of several APIs share (generation §8).
var (
	// Unlimited is for what load balancers ask.
	Unlimited = Rates{}

	// RequestRates limit the making of requests.
	RequestRates = Rates{
		{Calls: 90, Per: time.Minute, By: ByPath, Privileged: 300},
		{Calls: 2, Per: time.Second, By: ByPath, Privileged: 10},
		{Calls: 2, Per: time.Second, By: ByKey, Privileged: 60},
	}

	// WorkerRates limit what workers call.
	WorkerRates = Rates{{Calls: 60, Per: time.Second, By: ByAddress}}

	// CheckRates limit how often one request is asked for.
	CheckRates = Rates{{Calls: 10, Per: time.Second, By: ByPath}}
)

// words is the limit as clients read it: "2 per 1 second".
func (l Rate) words(calls int) string {
	unit := "second"
	switch l.Per {
	case time.Minute:
		unit = "minute"
	case time.Hour:
		unit = "hour"
	case 24 * time.Hour:
		unit = "day"
	}
	return strconv.Itoa(calls) + " per 1 " + unit
}

// admit counts a call against the limits of its route, answers 429 if it is one
// too many, and reports whether the call may go on. The headers show the limit
// that was exceeded, else the one with the shortest window.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, x *exchange, rt *Route) bool {
	limits := rt.Limits
	if limits == nil {
		limits = defaultRates
	}

	var shown time.Duration
	for i, l := range limits {
		key, calls := s.windowOf(r, x, i, l)
		left, reset, ok := s.Limits.Take(key, calls, l.Per)
		if !ok || shown == 0 || l.Per < shown {
			shown = l.Per
			limitHeaders(w.Header(), calls, left, reset)
		}

		if !ok {
			if x.conn.refused() {
				w.Header()["Connection"] = []string{"close"}
			}
			s.writeRefused(w, r, http.StatusTooManyRequests, &api.Error{Message: l.words(calls)})
			return false
		}
	}
	x.conn.admitted()
	return true
}

// limitHeaders says how a caller stands with a limit.
func limitHeaders(h http.Header, calls, left int, reset time.Time) {
	wait := max(0, int64(time.Until(reset)+time.Second-1)/int64(time.Second))
	h["X-Ratelimit-Limit"] = []string{strconv.Itoa(calls)}
	h["X-Ratelimit-Remaining"] = []string{strconv.Itoa(max(left, 0))}
	h["X-Ratelimit-Reset"] = []string{strconv.FormatInt(reset.Unix(), 10)}
	h["Retry-After"] = []string{strconv.FormatInt(wait, 10)}
}

// windowOf makes the text under which limit number i of a route is counted, and
// how many calls the caller has.
func (s *Server) windowOf(r *http.Request, x *exchange, i int, l Rate) (key string, calls int) {
	calls = l.Calls
	privileged := l.Privileged > 0 && s.Whitelisted != nil && s.Whitelisted(x.network)

	number := strconv.Itoa(i)
	switch l.By {
	case ByAddress:
		key = number + "@" + neighbourhood(x.network) + "@" + x.pattern
	case ByPath:
		key = number + "@" + neighbourhood(x.client) + "@" + x.asked(r)
	case ByKey:
		k := APIKey(r)
		if k == "" {
			k = api.AnonymousKey
		}
		privileged = privileged || l.Privileged > 0 && k == api.AnonymousKey
		sum := sha256.Sum256([]byte(k))
		key = number + "@" + hex.EncodeToString(sum[:]) + "@" + x.asked(r)
	}

	if privileged {
		calls = l.Privileged
	}
	return key, calls
}

// asked is what a call asks for, the same however it is written (decision 57): HEAD is
// GET, capitals are small letters, and the number 7 is no other than 007.
func (x *exchange) asked(r *http.Request) string {
	method := r.Method
	if method == http.MethodHead {
		method = http.MethodGet
	}

	text := method + "@" + x.pattern
	for _, name := range x.params {
		v := strings.ToLower(r.PathValue(name))
		if strings.Trim(v, "0123456789") == "" {
			v = strings.TrimLeft(v, "0")
		}
		text += "@" + v
	}
	return text
}

// neighbourhood is what an address is counted as: of IPv6 the /64, since whoever
// has one address has all of them.
func neighbourhood(a netip.Addr) string {
	if a.Is6() && !a.Is4In6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return p.String()
		}
	}
	return a.String()
}
