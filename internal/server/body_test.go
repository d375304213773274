package server

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"sync"
	"testing"

	"horde/api"
	"horde/internal/horde"
)

// large is a valid body of so many bytes.
func large(bytes int) string {
	const begin, end = `{"prompt":"`, `"}`
	return begin + strings.Repeat("x", bytes-len(begin)-len(end)) + end
}

// sendBody sends a body to a server from an address.
func sendBody(s *Server, body io.Reader, addr, key string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", "/schema", body)
	r.RemoteAddr = addr + ":5"
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("apikey", key)
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// A large body of somebody whom nobody knows is refused before it takes memory; small
// ones are compared with their schema first.
func TestWhoSendsMuchHasToBeKnown(t *testing.T) {
	t.Parallel()
	s := New(Options{KnownKey: func(_ context.Context, key string) error {
		if key != "known" {
			return horde.Errorf(horde.InvalidAPIKey, "No such key.")
		}
		return nil
	}}, bodyRoutes())

	for name, c := range map[string]struct {
		body, key string
		status    int
		text      string
	}{
		"a large one of somebody known":      {large(8 << 20), "known", 200, "OK"},
		"a large one of a stranger":          {large(8 << 20), "stranger", 401, "InvalidAPIKey"},
		"a large one that fits no schema":    {`{"x":"` + large(8<<20), "stranger", 401, "InvalidAPIKey"},
		"a small one of a stranger":          {large(1 << 10), "stranger", 200, "OK"},
		"a small one that fits no schema":    {`{}`, "stranger", 400, "required property"},
		"one that is too large":              {large(17 << 20), "stranger", 413, "PayloadTooLarge"},
		"one of a size that small ones have": {large(60 << 10), "stranger", 200, "OK"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := sendBody(s, strings.NewReader(c.body), "192.0.2.1", c.key)
			if w.Code != c.status || !strings.Contains(w.Body.String(), c.text) {
				t.Errorf("%d %.200s", w.Code, w.Body)
			}
		})
	}
}

// What is refused for its key or its number of values costs next to nothing.
func TestARefusedBodyTakesLittleMemory(t *testing.T) {
	unknown := func(context.Context, string) error {
		return horde.Errorf(horde.InvalidAPIKey, "No such key.")
	}
	for name, c := range map[string]struct {
		body string
		key  bool // is known
		most int64
	}{
		"by its key":          {large(15 << 20), false, 1 << 20},
		"by its values":       {`{"prompt":"x","a":[` + strings.Repeat(`{"":0},`, 2<<20) + `0]}`, true, 64 << 20},
		"by its values, kept": {`{"prompt":"x","params":{"a":[` + strings.Repeat(`{},`, 4<<20) + `0]}}`, true, 64 << 20},
	} {
		t.Run(name, func(t *testing.T) {
			s := New(Options{KnownKey: unknown}, bodyRoutes())
			if c.key {
				s.KnownKey = nil
			}

			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			w := sendBody(s, strings.NewReader(c.body), "192.0.2.1", "k")
			runtime.ReadMemStats(&after)

			if w.Code != 401 && w.Code != 400 {
				t.Errorf("%d %.200s", w.Code, w.Body)
			}
			if took := int64(after.TotalAlloc - before.TotalAlloc); took > c.most {
				t.Errorf("%d bytes were allocated, at most %d are right", took, c.most)
			}
		})
	}
}

// All bodies under way share a budget: who comes when it is spent is told when to try
// again, and what was taken comes back.
func TestLargeBodiesShareABudget(t *testing.T) {
	t.Parallel()
	began, end := make(chan struct{}), make(chan struct{})
	s := New(Options{}, []Route{Post("/schema", func(w http.ResponseWriter, r *http.Request) error {
		if _, err := Decode[api.ImageRequest](w, r, api.ImageRequestSchema); err != nil {
			return err
		}
		began <- struct{}{}
		<-end
		return ReplyOK(w, r)
	})})
	s.bodies.most, s.bodies.perAddress = 4<<20, 2<<20

	// Two of one address and one of another fill it.
	var running sync.WaitGroup
	for _, addr := range []string{"192.0.2.1", "192.0.2.2", "192.0.2.3"} {
		running.Go(func() {
			if w := sendBody(s, strings.NewReader(large(5<<18)), addr, "k"); w.Code != http.StatusOK {
				t.Errorf("%s: %d %s", addr, w.Code, w.Body)
			}
		})
		<-began
	}
	for name, c := range map[string]struct {
		addr  string
		bytes int
		fits  bool
	}{
		"beyond the share of an address": {"192.0.2.1", 1 << 20, false},
		"beyond the budget":              {"192.0.2.4", 1 << 20, false},
		"this machine's, beyond it":      {"127.0.0.1", 1 << 20, false},
		"a usual one":                    {"192.0.2.1", 10 << 10, true},
	} {
		t.Run(name, func(t *testing.T) {
			if c.fits {
				running.Go(func() {
					if w := sendBody(s, strings.NewReader(large(c.bytes)), c.addr, "k"); w.Code != http.StatusOK {
						t.Errorf("%d %s", w.Code, w.Body)
					}
				})
				<-began
				return
			}
			w := sendBody(s, strings.NewReader(large(c.bytes)), c.addr, "k")
			if w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") != "2" ||
				!strings.Contains(w.Body.String(), string(horde.ServerBusy)) {
				t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
			}
		})
	}

	close(end)
	running.Wait()
	if s.bodies.taken() != 0 || len(s.bodies.byAddr) != 0 {
		t.Errorf("%v bytes, of %v, are still taken", s.bodies.taken(), s.bodies.byAddr)
	}
}

// halted is a body of which a part comes and then nothing until it is closed.
type halted struct {
	io.Reader
	came chan struct{}
	end  chan struct{}
}

func (h halted) Read(p []byte) (int, error) {
	n, err := h.Reader.Read(p)
	if err == io.EOF {
		close(h.came)
		<-h.end
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// A body takes what came of it, not what it announces, and a call that waits has given
// it back.
func TestABodyTakesWhatCame(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		path  string
		sent  int
		whole bool
		most  float64 // bytes of the budget
	}{
		"nothing":            {"/bytes", 0, false, 0},
		"a little":           {"/bytes", 16 << 10, false, 48 << 10},
		"a part":             {"/bytes", 1 << 20, false, 2 << 20},
		"a call that waits":  {"/waits", 1 << 19, true, 0},
		"a call that reads":  {"/bytes", 1 << 19, false, 1 << 20},
		"one of usual sizes": {"/bytes", 10 << 10, false, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			waits := make(chan struct{})
			s := New(Options{}, append(bodyRoutes(), Post("/waits", func(w http.ResponseWriter, r *http.Request) error {
				if _, err := LenientObject(w, r); err != nil {
					return err
				}

				ctx, _, done := LongPoll(r)
				defer done()
				close(waits)
				<-ctx.Done()
				return ctx.Err()
			})))
			h := halted{strings.NewReader(strings.Repeat(" ", c.sent)), make(chan struct{}), make(chan struct{})}
			r := httptest.NewRequest("POST", c.path, h)
			if c.whole {
				r = httptest.NewRequest("POST", c.path, strings.NewReader(large(c.sent)))
				r.Header.Set("Prefer", "wait=60")
			} else {
				r.ContentLength = 16 << 20
			}
			r.Header.Set("Content-Type", "application/json")

			ctx, stop := context.WithCancel(t.Context())
			done := make(chan struct{})
			go func() {
				s.ServeHTTP(httptest.NewRecorder(), r.WithContext(ctx))
				close(done)
			}()
			if c.whole {
				<-waits
			} else {
				<-h.came
			}
			if got := s.bodies.taken(); got > c.most {
				t.Errorf("%v bytes are taken, at most %v are right", got, c.most)
			}

			stop()
			close(h.end)
			<-done
			if s.bodies.taken() != 0 {
				t.Errorf("%v bytes are still taken", s.bodies.taken())
			}
		})
	}
}
