package server

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"
	"testing"

	"horde/internal/horde"
)

// TestStreamsAreBounded: an address has only so many event streams, a whitelisted
// one more, all together have a bound too, and a place that is left is free again.
func TestStreamsAreBounded(t *testing.T) {
	t.Parallel()
	vouched := netip.MustParseAddr("192.0.2.9")
	s := New(Options{Whitelisted: func(a netip.Addr) bool { return a == vouched }}, nil)
	s.streams.most, s.streams.perAddress, s.streams.whitelisted = 5, 2, 3
	var leave []func()
	enter := func(addr string) int {
		t.Helper()
		a := netip.MustParseAddr(addr)
		left, err := s.enterStream(&exchange{network: a, client: a})
		if err == nil {
			leave = append(leave, left)
			return http.StatusOK
		}
		var refused *horde.Error
		var as refusedAs
		if !errors.As(err, &refused) || !errors.As(err, &as) || refused.RetryAfter <= 0 ||
			!strings.Contains(refused.Detail, "poll") && !strings.Contains(refused.Detail, "Poll") {
			t.Errorf("refused with %v", err)
		}
		return as.status
	}

	for _, step := range []struct {
		addr string
		want int
	}{
		{"192.0.2.1", http.StatusOK},
		{"192.0.2.1", http.StatusOK},
		{"192.0.2.1", http.StatusTooManyRequests},
		{"192.0.2.9", http.StatusOK},
		{"192.0.2.9", http.StatusOK},
		{"192.0.2.9", http.StatusOK},
		{"192.0.2.9", http.StatusTooManyRequests},
		{"2001:db8::1", http.StatusServiceUnavailable},
	} {
		if got := enter(step.addr); got != step.want {
			t.Errorf("%s: %d, want %d", step.addr, got, step.want)
		}
	}

	leave[0]()
	if got := enter("2001:db8::1"); got != http.StatusOK {
		t.Errorf("after one left: %d", got)
	}
	leave[1]()
	if got := enter("2001:db8::2"); got != http.StatusOK {
		t.Errorf("the second of a /64: %d", got)
	}

	for _, left := range leave[2:] {
		left()
	}

	if s.streams.count() != 0 || len(s.streams.byAddr) != 0 {
		t.Errorf("%v streams and %d addresses are left", s.streams.count(), len(s.streams.byAddr))
	}
}
