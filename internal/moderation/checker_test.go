package moderation

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"horde/internal/horde"
)

// service is a checker of addresses for tests.
type service struct {
	*httptest.Server
	calls  atomic.Int64
	answer atomic.Pointer[func(w http.ResponseWriter, r *http.Request)]
}

func newService(t *testing.T) *service {
	s := &service{}
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.calls.Add(1)
		(*s.answer.Load())(w, r)
	}))
	t.Cleanup(s.Close)
	s.says(200, "0")
	return s
}

func (s *service) says(status int, body string) {
	f := func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		_, _ = w.Write([]byte(body))
	}
	s.answer.Store(&f)
}

func (s *service) does(f func(w http.ResponseWriter, r *http.Request)) { s.answer.Store(&f) }

func newChecker(s *service, clock *hands) *Checker {
	return NewChecker(CheckerConfig{URL: s.URL + "/check.php?ip={ipaddr}&contact=me&token=secret", Clock: clock.now,
		HTTP:    s.Client(),
		Trusted: func(a netip.Addr) bool { return a == netip.MustParseAddr("198.51.100.1") }})
}

// Which answer makes which verdict, and for how long it holds
// (generation §7.6, platform §7.3).
func TestAnswersMakeVerdicts(t *testing.T) {
	s, clock := newService(t), newHands()
	for _, c := range []struct {
		status int
		body   string
		want   Verdict
		kept   time.Duration
	}{
		{200, "0", Safe, 6 * time.Hour},
		{200, "0.929999", Safe, 6 * time.Hour},
		{200, "0.93", Unsafe, 6 * time.Hour},
		{200, " 1\n", Unsafe, 6 * time.Hour},
		{200, "-3", Safe, 6 * time.Hour},
		{200, "Inf", Unsafe, 6 * time.Hour},
		{200, "NaN", Safe, time.Minute},
		{200, "", Safe, time.Minute},
		{200, "<html>busy</html>", Safe, time.Minute},
		{200, "0.95" + strings.Repeat(" ", 1<<20), Unsafe, 6 * time.Hour},
		{400, "1", Safe, time.Minute},
		{503, "", Safe, time.Minute},
		{429, "1", Unknown, time.Minute},
	} {
		t.Run(fmt.Sprintf("%d %.20s", c.status, c.body), func(t *testing.T) {
			checker := newChecker(s, clock)
			s.says(c.status, c.body)
			addr := netip.MustParseAddr("203.0.113.7")
			before := horde.Micros(s.calls.Load())

			name := c.body[:min(len(c.body), 20)]
			for range 3 {
				if got := checker.Judge(t.Context(), addr); got != c.want {
					t.Errorf("%d %q: verdict %d, want %d", c.status, name, got, c.want)
				}
			}

			clock.pass(c.kept - time.Second)
			checker.Judge(t.Context(), addr)
			if n := horde.Micros(s.calls.Load()) - before; n != 1 {
				t.Errorf("%d %q: asked %d times within %v", c.status, name, n, c.kept)
			}

			clock.pass(time.Second)
			checker.Judge(t.Context(), addr)
			if n := horde.Micros(s.calls.Load()) - before; n != 2 {
				t.Errorf("%d %q: asked %d times after %v", c.status, name, n, c.kept)
			}
		})
	}
}

func TestTheServiceIsAskedForTheAddress(t *testing.T) {
	s := newService(t)
	checker := newChecker(s, newHands())
	var asked []string
	s.does(func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Query().Get("ip")+" "+r.URL.Query().Get("contact"))
		_, _ = w.Write([]byte("1"))
	})

	for _, text := range []string{"203.0.113.7", "::ffff:203.0.113.7", "2001:db8::1", "2001:db8::2", "127.0.0.1", "::1",
		"10.1.2.3", "192.168.0.1",
		"fd00::1", "fe80::1", "169.254.1.1", "0.0.0.0", "198.51.100.1"} {
		want := Unsafe
		if !strings.HasPrefix(text, "203") && !strings.HasPrefix(text, "2001") && !strings.HasPrefix(text, "::ffff") {
			want = Safe
		}
		if got := checker.Judge(t.Context(), netip.MustParseAddr(text)); got != want {
			t.Errorf("%s: verdict %d", text, got)
		}
	}

	if got := strings.Join(asked, ", "); got != "203.0.113.7 me, 2001:db8::1 me" {
		t.Errorf("asked for %s", got)
	}

	if got := checker.Judge(t.Context(), netip.Addr{}); got != Safe {
		t.Errorf("no address: verdict %d", got)
	}

	if got := (*Checker)(nil).Judge(t.Context(), netip.MustParseAddr("203.0.113.7")); got != Safe ||
		NewChecker(CheckerConfig{}) != nil {
		t.Errorf("no checker: verdict %d", got)
	}
}

// A service that does not answer holds nobody up for long, and its token does not
// get into the log.
func TestAServiceThatDoesNotAnswerHoldsNobodyUp(t *testing.T) {
	var log bytes.Buffer
	s := newService(t)
	checker := newChecker(s, newHands())
	checker.Log = slog.New(slog.NewTextHandler(&log, nil))
	hang := make(chan struct{})
	s.does(func(http.ResponseWriter, *http.Request) { <-hang })
	start := time.Now()
	if got := checker.Judge(t.Context(), netip.MustParseAddr("203.0.113.7")); got != Unknown {
		t.Errorf("verdict %d", got)
	}
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("it took %v", took)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := checker.Judge(ctx, netip.MustParseAddr("203.0.113.8")); got != Unknown {
		t.Errorf("of somebody who is gone: verdict %d", got)
	}
	close(hang)
	s.CloseClientConnections()
	if !strings.Contains(log.String(), "checker") || strings.Contains(log.String(), "secret") {
		t.Errorf("the log: %s", &log)
	}
}

func TestManyCallersOfOneAddressAskOnce(t *testing.T) {
	s := newService(t)
	checker := newChecker(s, newHands())
	all := make(chan struct{})
	s.does(func(w http.ResponseWriter, _ *http.Request) { <-all; _, _ = w.Write([]byte("1")) })
	var group sync.WaitGroup
	for range 20 {
		group.Go(func() {
			if got := checker.Judge(t.Context(), netip.MustParseAddr("203.0.113.7")); got != Unsafe {
				t.Errorf("verdict %d", got)
			}
		})
	}
	for s.calls.Load() == 0 {
		time.Sleep(time.Millisecond)
	}
	close(all)
	group.Wait()
	if n := s.calls.Load(); n != 1 {
		t.Errorf("asked %d times", n)
	}
}

func TestVerdictsAreBounded(t *testing.T) {
	checker := newChecker(newService(t), newHands())
	for i := range maxVerdicts + 10 {
		p := netip.PrefixFrom(netip.AddrFrom4([4]byte{1, byte(i >> 16), byte(i >> 8), byte(i)}), 32)
		checker.keep(p, judged{Safe, checker.Clock().Add(time.Hour)})
	}
	if n := len(checker.known); n > maxVerdicts {
		t.Errorf("%d verdicts are kept", n)
	}
}
