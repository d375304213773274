package server

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"net/netip"
	"strconv"
	"time"

	"horde/api"
)

// Limiter counts calls in fixed windows. Take counts one call under key, of which
// there may be calls in every window of length per; ok is false for those beyond.
// left is how many more the window takes, reset when it ends.
type Limiter interface {
	Take(key string, calls int, per time.Duration) (left int, reset time.Time, ok bool)
}

// What the calls of a rate are counted by (platform §1.6).
type rateKey int

const (
	byAddr rateKey = iota // network address and pattern, all methods together
	byPath                // client address, method and full path
	byKey                 // API key, method and full path
)

// rate is one limit of a route.
type rate struct {
	calls      int
	per        time.Duration
	by         rateKey
	privileged int // calls for a whitelisted address, or with byKey the anonymous key; 0: the same
}

type rates []rate

// Limits that several routes share; a route without any has defaultRates.
var (
	defaultRates = rates{{calls: 90, per: time.Minute, by: byAddr}}
	exempt       = rates{}
	asyncRates   = rates{
		{calls: 90, per: time.Minute, by: byPath, privileged: 300},
		{calls: 2, per: time.Second, by: byPath, privileged: 10},
		{calls: 2, per: time.Second, by: byKey, privileged: 60},
	}
	workerRates      = rates{{calls: 60, per: time.Second, by: byAddr}}
	checkRates       = rates{{calls: 10, per: time.Second, by: byPath}}
	imageStatusRates = rates{{calls: 10, per: time.Minute, by: byPath}}
	textStatusRates  = rates{{calls: 60, per: time.Minute, by: byPath}}
)

// words is the limit as clients read it: "2 per 1 second".
func (l rate) words(calls int) string {
	unit := "second"
	switch l.per {
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
// too many, and tells whether the call may go on. The headers show the limit
// that was exceeded, else the one with the shortest window.
func (s *Server) admit(w http.ResponseWriter, r *http.Request, x *exchange, rt *route) bool {
	limits := rt.limits
	if limits == nil {
		limits = defaultRates
	}
	var shown time.Duration
	for i, l := range limits {
		key, calls := s.rateKey(r, x, i, l)
		left, reset, ok := s.Limits.Take(key, calls, l.per)
		if !ok || shown == 0 || l.per < shown {
			shown = l.per
			limitHeaders(w.Header(), calls, left, reset)
		}
		if !ok {
			s.writeRefused(w, r, http.StatusTooManyRequests, &api.Error{Message: l.words(calls)})
			return false
		}
	}
	return true
}

func limitHeaders(h http.Header, calls, left int, reset time.Time) {
	wait := max(0, int64(time.Until(reset)+time.Second-1)/int64(time.Second))
	h["X-Ratelimit-Limit"] = []string{strconv.Itoa(calls)}
	h["X-Ratelimit-Remaining"] = []string{strconv.Itoa(max(left, 0))}
	h["X-Ratelimit-Reset"] = []string{strconv.FormatInt(reset.Unix(), 10)}
	h["Retry-After"] = []string{strconv.FormatInt(wait, 10)}
}

// rateKey makes the text under which limit number i of a route is counted, and
// how many calls the caller has.
func (s *Server) rateKey(r *http.Request, x *exchange, i int, l rate) (key string, calls int) {
	calls = l.calls
	privileged := l.privileged > 0 && s.Whitelisted != nil && s.Whitelisted(x.network)
	number := strconv.Itoa(i)
	switch l.by {
	case byAddr:
		key = number + "@" + neighbourhood(x.network) + "@" + x.pattern
	case byPath:
		key = number + "@" + neighbourhood(x.client) + "@" + r.Method + "@" + r.URL.Path
	case byKey:
		k := apiKey(r)
		if k == "" {
			k = api.AnonymousKey
		}
		privileged = privileged || l.privileged > 0 && k == api.AnonymousKey
		sum := sha256.Sum256([]byte(k))
		key = number + "@" + hex.EncodeToString(sum[:]) + "@" + r.Method + "@" + r.URL.Path
	}
	if privileged {
		calls = l.privileged
	}
	return key, calls
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
