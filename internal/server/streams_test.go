package server

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"horde/api"
	"horde/internal/horde"
)

// TestStreamsAreBounded: an address has only so many event streams, a whitelisted
// one more, all together have a bound too, and a place that is left is free again.
func TestStreamsAreBounded(t *testing.T) {
	vouched := netip.MustParseAddr("192.0.2.9")
	s := newServer(Options{Whitelisted: func(a netip.Addr) bool { return a == vouched }}, func(*Server) []route { return nil })
	s.streams.most, s.streams.perAddress, s.streams.whitelisted = 5, 2, 3
	var leave []func()
	enter := func(addr string) int {
		t.Helper()
		r := httptest.NewRequest(http.MethodGet, "/", nil)
		a := netip.MustParseAddr(addr)
		r = r.WithContext(withExchange(r.Context(), &exchange{network: a, client: a}))
		left, err := s.enterStream(r)
		if err == nil {
			leave = append(leave, left)
			return http.StatusOK
		}
		var refused *horde.Error
		var as refusedAs
		if !errors.As(err, &refused) || !errors.As(err, &as) || refused.RetryAfter <= 0 || !strings.Contains(refused.Detail, "poll") && !strings.Contains(refused.Detail, "Poll") {
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

func TestFollowedIDs(t *testing.T) {
	const a, b = "01a2103e-938a-7a68-a3ad-20273d303658", "01A2103E-938A-7A68-A3AD-20273D303659"
	many := func(n int) string {
		var ids []string
		for range n {
			ids = append(ids, horde.NewID())
		}
		return strings.Join(ids, ",")
	}
	for name, tc := range map[string]struct {
		query string
		want  int // ids; 0: refused
	}{
		"one":             {"ids=" + a, 1},
		"either case":     {"ids=" + a + "," + b + "," + strings.ToUpper(a), 2},
		"said twice":      {"ids=" + a + "&ids=" + b, 2},
		"with blanks":     {"ids=," + a + ",,%20" + b + ",", 2},
		"as many as can":  {"ids=" + many(api.MaxFollowed), api.MaxFollowed},
		"one too many":    {"ids=" + many(api.MaxFollowed+1), 0},
		"none":            {"", 0},
		"only commas":     {"ids=,,,", 0},
		"no id":           {"ids=" + a + ",%00x", 0},
		"a very long one": {"ids=" + strings.Repeat("x", 50_000), 0},
	} {
		t.Run(name, func(t *testing.T) {
			ids, err := followed(httptest.NewRequest(http.MethodGet, "/api/ext/v1/events?"+tc.query, nil))
			if len(ids) != tc.want || (err == nil) != (tc.want > 0) {
				t.Errorf("%d ids, %v", len(ids), err)
			}
			if err != nil && (horde.CodeOf(err) != horde.BadRequest || len(err.Error()) > 300) {
				t.Errorf("refused with %.400v", err)
			}
			for _, id := range ids {
				if id != strings.ToLower(id) {
					t.Errorf("%s is not as ids are kept", id)
				}
			}
		})
	}
}

// TestReaderThatDoesNotRead: a stream that nobody reads ends when an event cannot be
// written in time.
func TestReaderThatDoesNotRead(t *testing.T) {
	ended := make(chan bool, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := &eventWriter{w: w, flush: http.NewResponseController(w), writeTime: 100 * time.Millisecond}
		preview := strings.Repeat("x", 64<<10)
		for range 10_000 { // more than all buffers between the two take
			if e.write(api.EventProgress, preview); e.failed {
				break
			}
		}
		ended <- e.failed
	}))
	defer srv.Close()
	res, err := http.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if failed := <-ended; !failed {
		t.Error("640 MB were written to one who does not read")
	}
}
