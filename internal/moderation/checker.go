package moderation

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"horde/internal/horde"
)

// Verdict is the judgement of an address.
type Verdict int

// Verdicts. Unknown: the checker could not be asked.
const (
	Safe Verdict = iota
	Unsafe
	Unknown
)

// Figures of generation §7.6 and platform §7.3, except those
// that are ours.
const (
	unsafeAt      = 0.93 // probability from which an address is unsafe
	checkTime     = 2 * time.Second
	verdictKept   = 6 * time.Hour
	failureKept   = time.Minute // ours
	maxVerdicts   = 100_000     // ours
	maxChecks     = 16          // ours: at a time
	maxCheckBytes = 1 << 10     // ours
)

// AddressPlaceholder is what stands for the address in the URL of a checker.
const AddressPlaceholder = "{ipaddr}"

// CheckerConfig is what a Checker depends on.
type CheckerConfig struct {
	// URL is called for each address, with AddressPlaceholder replaced. The body of
	// its answer is the probability that the address is that of a VPN, a proxy or the
	// like.
	URL   string
	HTTP  *http.Client // nil: one with the time limit of the rulebook
	Clock horde.Clock
	Log   *slog.Logger
	// Trusted reports which addresses are safe without asking; nil: none.
	// Those of this machine and of private networks always are.
	Trusted func(netip.Addr) bool
}

// Checker judges addresses by an outside service. A nil *Checker finds all of them
// safe.
type Checker struct {
	CheckerConfig
	flights singleflight.Group
	slots   chan struct{}

	mu     sync.RWMutex
	known  map[netip.Prefix]judged // guarded by mu
	warned time.Time               // guarded by mu: when a failure was last logged
}

// judged is a verdict and how long it is kept.
type judged struct {
	Verdict
	until time.Time
}

// NewChecker makes a Checker; nil without a URL.
func NewChecker(c CheckerConfig) *Checker {
	if c.URL == "" {
		return nil
	}

	if c.HTTP == nil {
		c.HTTP = &http.Client{Timeout: checkTime}
	}
	if c.Clock == nil {
		c.Clock = time.Now
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.Trusted == nil {
		c.Trusted = func(netip.Addr) bool { return false }
	}

	return &Checker{CheckerConfig: c, slots: make(chan struct{}, maxChecks), known: map[netip.Prefix]judged{}}
}

// Judge reports whether an address is safe, asking the service if it has not been
// asked within 6 hours. It takes at most 2 seconds. Of IPv6, one verdict holds for
// a network of 64 bits.
func (c *Checker) Judge(ctx context.Context, addr netip.Addr) Verdict {
	if c == nil || !addr.IsValid() {
		return Safe
	}

	addr = plain(addr)
	if addr.IsLoopback() || addr.IsPrivate() || addr.IsLinkLocalUnicast() || addr.IsUnspecified() || c.Trusted(addr) {
		return Safe
	}

	caller := callerOf(addr)
	if v, ok := c.cached(caller); ok {
		return v
	}

	// Callers from one address wait for one answer, even if the first of them leaves.
	found := c.flights.DoChan(caller.String(), func() (any, error) {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), checkTime)
		defer cancel()
		v, kept := c.ask(ctx, addr)
		c.keep(caller, judged{v, c.Clock().Add(kept)})
		return v, nil
	})

	select {
	case r := <-found:
		return r.Val.(Verdict)
	case <-ctx.Done():
		return Unknown
	}
}

func (c *Checker) cached(caller netip.Prefix) (Verdict, bool) {
	c.mu.RLock()
	v, ok := c.known[caller]
	c.mu.RUnlock()
	return v.Verdict, ok && c.Clock().Before(v.until)
}

func (c *Checker) keep(caller netip.Prefix, v judged) {
	c.mu.Lock()

	defer c.mu.Unlock()
	if len(c.known) >= maxVerdicts {
		now := c.Clock()
		for p, old := range c.known {
			if !now.Before(old.until) || len(c.known) > maxVerdicts/2 {
				delete(c.known, p)
			}
		}
	}
	c.known[caller] = v
}

var errQuota = errors.New("the service answers 429")

// ask calls the service. kept is how long the verdict holds. A response that
// cannot be used, except 429, counts as safe; no response is no verdict.
func (c *Checker) ask(ctx context.Context, addr netip.Addr) (v Verdict, kept time.Duration) {
	select {
	case c.slots <- struct{}{}:
		defer func() { <-c.slots }()
	case <-ctx.Done():
		c.warn(errors.New("too many checks at a time"))
		return Unknown, failureKept
	}

	status, body, err := c.get(ctx, strings.ReplaceAll(c.URL, AddressPlaceholder, addr.String()))
	switch {
	case err == nil && status == http.StatusTooManyRequests:
		err = errQuota
		fallthrough
	case err != nil:
		c.warn(err)
		return Unknown, failureKept
	case status != http.StatusOK:
		c.warn(fmt.Errorf("the service answers %d", status))
		return Safe, failureKept
	}

	p, err := strconv.ParseFloat(strings.TrimSpace(body), 64)
	switch {
	case err != nil || math.IsNaN(p):
		c.warn(fmt.Errorf("the service answers %.40q, which is not a probability", body))
		return Safe, failureKept
	case p >= unsafeAt:
		return Unsafe, verdictKept
	}
	return Safe, verdictKept
}

func (c *Checker) get(ctx context.Context, address string) (status int, body string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return 0, "", err
	}
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, maxCheckBytes))
	return resp.StatusCode, string(b), err
}

// warn logs a failure, once a minute; without the URL, which may hold a token.
func (c *Checker) warn(err error) {
	now := c.Clock()
	c.mu.Lock()
	again := now.Sub(c.warned) >= time.Minute
	if again {
		c.warned = now
	}
	c.mu.Unlock()

	if !again {
		return
	}
	var at *url.Error
	if errors.As(err, &at) {
		err = at.Err
	}
	c.Log.Warn("the address checker failed", "error", err)
}
