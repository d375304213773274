package server

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"horde/internal/horde"
)

// busyServer works on at most two calls at a time: POST /new is new work, GET /look goes
// on with some, GET /health is what load balancers ask, POST /hold is worked on until
// release is closed, after it has read its body; POST /poll and POST /elsewhere wait as
// long, for something to happen and for another server.
type busyServer struct {
	*Server
	log     bytes.Buffer
	began   chan struct{} // gets one for each call that holds
	release chan struct{}
	held    sync.WaitGroup
}

func newBusyServer(t *testing.T) *busyServer {
	t.Helper()
	b := &busyServer{began: make(chan struct{}, 100), release: make(chan struct{})}
	done := func(w http.ResponseWriter, r *http.Request) error { return Reply(w, r, http.StatusOK, nil) }

	hold := func(w http.ResponseWriter, r *http.Request) error {
		_, _ = io.Copy(io.Discard, r.Body)
		b.began <- struct{}{}
		<-b.release
		return done(w, r)
	}
	poll := func(w http.ResponseWriter, r *http.Request) error {
		_, _, stop := LongPoll(r)
		defer stop()
		return hold(w, r)
	}
	elsewhere := func(w http.ResponseWriter, r *http.Request) error {
		defer horde.PauseCounting(r.Context())()
		return hold(w, r)
	}

	b.Server = New(Options{
		MaxWorking: 2,
		Log:        slog.New(slog.NewTextHandler(&b.log, nil)),
	}, []Route{
		Post("/new", done).ShedFirst(),
		Get("/look", done),
		Get("/health", done).Limit(Unlimited),
		Post("/hold", hold),
		Post("/poll", poll),
		Post("/elsewhere", elsewhere).ShedFirst(),
	})
	return b
}

// start makes calls that end with finish, and returns when all of them are under way.
func (b *busyServer) start(path string, n int) {
	for range n {
		b.held.Go(func() {
			r := httptest.NewRequest(http.MethodPost, path, strings.NewReader("body"))
			r.Header.Set("Prefer", "wait=60")
			b.ServeHTTP(httptest.NewRecorder(), r)
		})
		<-b.began
	}
}

func (b *busyServer) finish() {
	close(b.release)
	b.held.Wait()
}

// TestNewWorkIsRefusedFirst: with as many calls as are allowed at a time, new requests
// are refused at once and told when to come again; what goes on with accepted work
// passes up to sixteen times as many, and health checks always do.
func TestNewWorkIsRefusedFirst(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name              string
		held              int
		new, look, health int
	}{
		{"room for one", 1, 200, 200, 200},
		{"full for new work", 2, 503, 200, 200},
		{"nearly full", 31, 503, 200, 200},
		{"full", 32, 503, 503, 200},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				b := newBusyServer(t)
				b.start("/hold", c.held)

				for _, ask := range []struct {
					method, path string
					want         int
				}{
					{http.MethodPost, "/new", c.new},
					{http.MethodGet, "/look", c.look},
					{http.MethodGet, "/health", c.health},
				} {
					w := call(b.Server, ask.method, ask.path)
					if w.Code != ask.want {
						t.Errorf("%s: %d, want %d", ask.path, w.Code, ask.want)
					}
					if refused := w.Code == http.StatusServiceUnavailable; refused &&
						(w.Header().Get("Retry-After") == "" || !strings.Contains(w.Body.String(), "try again")) {
						t.Errorf("%s is refused with %v %s", ask.path, w.Header(), w.Body)
					}
				}

				b.finish()
				if w := call(b.Server, http.MethodPost, "/new"); w.Code != http.StatusOK {
					t.Errorf("new work after the others ended: %d", w.Code)
				}
				if n := b.overload.working.Load(); n != 0 {
					t.Errorf("%d calls count that have ended", n)
				}
			})
		})
	}
}

// TestWaitingCallsKeepNobodyOut: long polls, calls that wait for another server, and calls
// whose body is on the way, are not worked on.
func TestWaitingCallsKeepNobodyOut(t *testing.T) {
	t.Parallel()
	b := newBusyServer(t)
	b.start("/poll", 10)
	b.start("/elsewhere", 10)

	body, sender := io.Pipe()
	for range 5 {
		b.held.Go(func() {
			b.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, "/hold", body))
		})
		if _, err := sender.Write([]byte("x")); err != nil { // returns when somebody reads it
			t.Fatal(err)
		}
	}

	if w := call(b.Server, http.MethodPost, "/new"); w.Code != http.StatusOK {
		t.Errorf("new work beside calls that wait: %d", w.Code)
	}

	sender.Close()
	b.finish()
	if n := b.overload.working.Load(); n != 0 {
		t.Errorf("%d calls count that have ended", n)
	}
}

// TestABurstWaits: a new request that comes when all is full waits a moment for a call to
// end, and is refused nearly at once where others have waited for long.
func TestABurstWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBusyServer(t)
		b.start("/hold", 2)

		began := time.Now()
		if w := call(b.Server, http.MethodPost, "/new"); w.Code != http.StatusServiceUnavailable {
			t.Errorf("a burst that does not end: %d", w.Code)
		}
		if took := time.Since(began); took != burstWait {
			t.Errorf("it was refused after %v", took)
		}

		// Two keep the line from being empty; the third comes late.
		var line sync.WaitGroup
		for _, at := range []time.Duration{0, burstWait - time.Millisecond, burstWait + time.Millisecond} {
			line.Go(func() {
				time.Sleep(at)
				call(b.Server, http.MethodPost, "/new")
			})
		}
		time.Sleep(burstWait + 2*time.Millisecond)
		began = time.Now()
		if w := call(b.Server, http.MethodPost, "/new"); w.Code != http.StatusServiceUnavailable {
			t.Errorf("in an overload: %d", w.Code)
		}
		if took := time.Since(began); took != overloadWait {
			t.Errorf("in an overload it was refused after %v", took)
		}
		line.Wait()

		// Those that wait when there is room come in, in their order.
		for range 2 {
			line.Go(func() {
				if w := call(b.Server, http.MethodPost, "/new"); w.Code != http.StatusOK {
					t.Errorf("a burst that ends: %d", w.Code)
				}
			})
		}
		synctest.Wait()
		b.finish()
		line.Wait()
	})
}

// TestOverloadLastsUntilNobodyWaits: while more comes than can be done new requests are
// refused nearly at once, also after moments in which nobody waited; after a pause a burst
// waits again.
func TestOverloadLastsUntilNobodyWaits(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBusyServer(t)
		b.start("/hold", 2)
		var line sync.WaitGroup
		come := func(want int, patience time.Duration) {
			line.Go(func() {
				began := time.Now()
				w := call(b.Server, http.MethodPost, "/new")
				if took := time.Since(began); w.Code != want || took != patience {
					t.Errorf("%d after %v, want %d after %v", w.Code, took, want, patience)
				}
			})
			synctest.Wait()
		}

		// One after the other, so that somebody always waits.
		for range 4 {
			come(http.StatusServiceUnavailable, burstWait)
			time.Sleep(burstWait / 3)
		}
		come(http.StatusServiceUnavailable, overloadWait)
		line.Wait()

		// Nobody waits for a moment, and the overload lasts.
		time.Sleep(pauseTime / 2)
		come(http.StatusServiceUnavailable, overloadWait)
		line.Wait()

		time.Sleep(pauseTime + time.Millisecond)
		come(http.StatusServiceUnavailable, burstWait)
		line.Wait()
		b.finish()
		if n := b.overload.working.Load(); n != 0 {
			t.Errorf("%d calls count that have ended", n)
		}
	})
}

// TestOnlyAsManyAreLetInAsThereIsRoomFor: those that are let in count at once, not when
// they go on.
func TestOnlyAsManyAreLetInAsThereIsRoomFor(t *testing.T) {
	t.Parallel()
	o := newBusyServer(t).overload
	o.working.Store(o.most + 1)
	var turns []chan struct{}
	for range 5 {
		turn, _ := o.lineUp()
		turns = append(turns, turn)
	}

	// Room for two.
	for range 3 {
		o.ended()
	}
	for i, turn := range turns {
		var in bool
		select {
		case <-turn:
			in = true
		default:
		}
		if in != (i < 2) {
			t.Errorf("number %d was let in: %v", i, in)
		}
	}
	if n := o.working.Load(); n != o.most {
		t.Errorf("%d are worked on, want %d", n, o.most)
	}
}

// TestFewWaitInAnOverload: many wait in a burst; when some have waited for long, those
// that come beyond a few are refused without waiting.
func TestFewWaitInAnOverload(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		o := newBusyServer(t).overload
		o.working.Store(o.most)
		lined := func(want int, patience time.Duration) {
			t.Helper()
			for i := range want + 1 {
				turn, p := o.lineUp()
				if (turn != nil) != (i < want) || turn != nil && p != patience {
					t.Fatalf("number %d of %d waits: %v, for %v", i, want, turn != nil, p)
				}
			}
		}
		lined(maxLine, burstWait)

		time.Sleep(burstWait + 1)
		lined(0, 0)
		for range maxLine {
			o.ended() // one is let in for each
		}
		lined(overloadLine, overloadWait)
	})
}

func TestOverloadIsLoggedOnce(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		b := newBusyServer(t)
		b.start("/hold", 2)

		var all sync.WaitGroup
		for range 50 {
			all.Go(func() { call(b.Server, http.MethodPost, "/new") })
		}
		all.Wait()

		if n := strings.Count(b.log.String(), "too many calls at a time"); n != 1 {
			t.Errorf("%d lines:\n%s", n, b.log.String())
		}
		if strings.Contains(b.log.String(), "/new") {
			t.Errorf("calls that were too many have lines of their own:\n%s", b.log.String())
		}
		if got := gathered(t, b.Metrics, "horde_calls_refused_total"); got != 50 {
			t.Errorf("%v refusals are counted", got)
		}
		b.finish()
	})
}

// gathered is the sum of a counter over its labels.
func gathered(t *testing.T, reg *prometheus.Registry, name string) (sum float64) {
	t.Helper()
	families, err := reg.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != name {
			continue
		}
		for _, m := range f.GetMetric() {
			sum += m.GetCounter().GetValue()
		}
	}
	return sum
}
