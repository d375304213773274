package server

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"horde/internal/hordetest"
)

// arrive opens a connection from an address and returns our end of it, nil when it was
// refused, and whether the other end was closed meanwhile.
func arrive(t *testing.T, c *connections, addr string) (ours *connection, closed func() bool) {
	t.Helper()
	a, b := net.Pipe()
	t.Cleanup(func() { a.Close(); b.Close() })
	ours = c.admit(hordetest.From(a, addr))
	return ours, func() bool {
		_ = b.SetReadDeadline(time.Now().Add(time.Second))
		_, err := b.Read(make([]byte, 1))
		return errors.Is(err, io.EOF)
	}
}

// Of too many connections the one goes that has kept us waiting longest; those that are
// being served stay.
func TestTheConnectionThatWaitsLongestMakesRoom(t *testing.T) {
	t.Parallel()
	const stranger, another, third, fourth, proxy = "192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4", "10.0.0.1"
	for name, c := range map[string]struct {
		addrs   []string // of the connections that are open, in their order
		serving []int    // those that are being served
		idle    []int    // those that were, and wait again
		next    string
		refused bool
		closed  int // which is closed for the next; -1: none
	}{
		"there is room":                    {[]string{stranger}, nil, nil, stranger, false, -1},
		"an address has too many":          {[]string{another, stranger, stranger}, nil, nil, stranger, false, 1},
		"the first is served":              {[]string{stranger, stranger}, []int{0}, nil, stranger, false, 1},
		"the first was served":             {[]string{stranger, stranger}, []int{0}, []int{0}, stranger, false, 1},
		"all of an address are served":     {[]string{another, stranger, stranger}, []int{1, 2}, nil, stranger, true, -1},
		"another address has room":         {[]string{stranger, stranger}, []int{0, 1}, nil, another, false, -1},
		"all together are too many":        {[]string{proxy, another, stranger, third}, []int{0}, nil, fourth, false, 1},
		"all are served":                   {[]string{proxy, proxy, proxy, third}, []int{0, 1, 2, 3}, nil, fourth, true, -1},
		"a proxy may have more":            {[]string{proxy, proxy, proxy}, nil, nil, proxy, false, -1},
		"this machine may have more":       {[]string{"127.0.0.1", "::1", "127.0.0.1"}, nil, nil, "127.0.0.1", false, -1},
		"a network of IPv6 is one address": {[]string{"2001:db8::1", "2001:db8::2"}, nil, nil, "2001:db8::3", false, 0},
		"networks are not":                 {[]string{"2001:db8::1", "2001:db8::2"}, nil, nil, "2001:db8:1::3", false, -1},
		"IPv4 written as IPv6 is IPv4":     {[]string{stranger, "::ffff:" + stranger}, nil, nil, stranger, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				home := New(Options{
					MaxConnections:        4,
					ConnectionsPerAddress: 2,
					TrustedProxies:        []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
				}, nil).conns

				var open []*connection
				var closed []func() bool
				for _, addr := range c.addrs {
					n, gone := arrive(t, home, addr)
					open, closed = append(open, n), append(closed, gone)
				}
				for _, i := range c.serving {
					open[i].serving()
				}
				for _, i := range c.idle {
					home.state(open[i], http.StateIdle)
				}

				next, _ := arrive(t, home, c.next)
				if (next == nil) != c.refused {
					t.Errorf("refused %v, want %v", next == nil, c.refused)
				}
				for i, gone := range closed {
					if got := gone(); got != (i == c.closed) {
						t.Errorf("connection %d closed: %v", i, got)
					}
				}

				for _, n := range append(open, next) {
					if n != nil {
						n.Close()
					}
				}
				if home.count() != 0 || len(home.byAddr) != 0 || home.waiting.Len() != 0 {
					t.Errorf("%v connections, of %v, %d that wait are left", home.count(), home.byAddr, home.waiting.Len())
				}
			})
		})
	}
}

func TestAThousandWhoSendNothingShutNobodyOut(t *testing.T) {
	t.Parallel()
	s := New(Options{MaxConnections: 100}, bodyRoutes())
	s.times = times{header: time.Hour, body: time.Hour, pace: time.Hour, drain: time.Hour}
	addr := served(t, s)
	for i := range 1000 {
		dial(t, addr, []string{head("POST", "/schema", 100), head("GET", "/none", 100), "GET /none HT", ""}[i%4])
	}

	began := time.Now()
	client := http.Client{Timeout: tooLong, Transport: &http.Transport{}}
	for range 5 {
		resp, err := client.Get("http://" + addr + "/none")
		if err != nil {
			t.Fatalf("after %v: %v", time.Since(began), err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
	}
	if took := time.Since(began); took > 2*time.Second {
		t.Errorf("an honest call took %v", took)
	}
	if n := closedFor(t, s, closedForTotal); n < 900 || s.conns.count() > 100 {
		t.Errorf("%.0f were closed, %v are open", n, s.conns.count())
	}
}

// closedFor is how many connections the metrics say were closed for a reason.
func closedFor(t *testing.T, s *Server, reason string) float64 {
	t.Helper()
	families, err := s.Metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}

	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == "horde_connections_closed_total" && m.GetLabel()[0].GetValue() == reason {
				return m.GetCounter().GetValue()
			}
		}
	}
	return -1
}

// flaky is a listener that fails a few times first.
type flaky struct {
	net.Listener
	mu     sync.Mutex
	errors []error // guarded by mu
}

func (l *flaky) Accept() (net.Conn, error) {
	l.mu.Lock()
	if len(l.errors) > 0 {
		err := l.errors[0]
		l.errors = l.errors[1:]
		l.mu.Unlock()
		return nil, err
	}
	l.mu.Unlock()
	return l.Listener.Accept()
}

// lockedBuffer is a log that several goroutines write.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer // guarded by mu
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// That the system gives no more connections is counted and stands in the log, once for
// many times; then calls are answered again.
func TestFailuresToAcceptAreLoggedAndCounted(t *testing.T) {
	t.Parallel()
	var log lockedBuffer
	s := New(Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, bodyRoutes())
	inner, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	none := &net.OpError{Op: "accept", Err: syscall.EMFILE}
	serveOn(t, s, &flaky{Listener: inner, errors: []error{none, none, none}})
	resp, err := http.Get("http://" + inner.Addr().String() + "/none")
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()

	if n := closedFor(t, s, closedForError); n != 3 {
		t.Errorf("%v failures were counted", n)
	}
	if text := log.String(); strings.Count(text, "level=WARN") != 1 || !strings.Contains(text, "too many open files") {
		t.Errorf("the log says\n%s", text)
	}
}

// Behind our proxies, where connections tell nothing, calls have the bound of an address.
func TestCallsThroughAProxyAreBoundedByAddress(t *testing.T) {
	t.Parallel()
	began, end := make(chan struct{}, 3), make(chan struct{})
	s := New(Options{
		ConnectionsPerAddress: 2,
		TrustedProxies:        []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")},
	}, []Route{Get("/slow", func(w http.ResponseWriter, r *http.Request) error {
		began <- struct{}{}
		<-end
		return ReplyOK(w, r)
	})})
	send := func(addr string) *httptest.ResponseRecorder {
		r := httptest.NewRequest("GET", "/slow", nil)
		r.RemoteAddr = "10.0.0.1:5"
		r.Header.Set("X-Forwarded-For", addr)
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		return w
	}

	var running sync.WaitGroup
	for _, addr := range []string{"192.0.2.1", "192.0.2.1", "192.0.2.2"} {
		running.Go(func() {
			if w := send(addr); w.Code != http.StatusOK {
				t.Errorf("%s: %d %s", addr, w.Code, w.Body)
			}
		})
		<-began
	}
	if w := send("192.0.2.1"); w.Code != http.StatusTooManyRequests || w.Header().Get("Retry-After") == "" {
		t.Errorf("one too many: %d %s %v", w.Code, w.Body, w.Header())
	}

	close(end)
	running.Wait()
	if len(s.conns.calls) != 0 {
		t.Errorf("%v calls are left", s.conns.calls)
	}
}

// There are descriptors left for the database and files, however few there are.
func TestConnectionsLeaveDescriptors(t *testing.T) {
	t.Parallel()
	most := New(Options{}, nil).conns.most
	if most > defaultConnections || most >= maxDescriptors() || most < 1 {
		t.Errorf("%d connections with %d descriptors", most, maxDescriptors())
	}
	if s := fmt.Sprint(networkOf(netip.Addr{})); s != "invalid Prefix" {
		t.Errorf("what is no address is counted as %s", s)
	}
}
