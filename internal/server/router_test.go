package server

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"horde/api"
)

// testRoutes is a small table with one route of each kind.
func testRoutes(s *Server) []route {
	ok := func(w http.ResponseWriter, r *http.Request) error {
		return reply(w, r, http.StatusOK, map[string]any{"id": r.PathValue("id"), "deep": map[string]int{"a": 1, "b": 2}})
	}
	return []route{
		{method: "GET", pattern: "/api/v2/things", handle: ok},
		{method: "POST", pattern: "/api/v2/things", handle: func(w http.ResponseWriter, r *http.Request) error {
			in, err := decode[api.ImagePop](w, r, api.ImagePopSchema)
			if err != nil {
				return err
			}
			return reply(w, r, http.StatusOK, in.Name)
		}},
		{method: "GET", pattern: "/api/v2/things/{id}", handle: ok},
		{method: "DELETE", pattern: "/api/v2/things/{id}", handle: ok, limits: rates{{calls: 2, per: time.Minute, by: byPath}}},
		{method: "GET", pattern: "/plain", plain: true, limits: exempt, handle: func(w http.ResponseWriter, _ *http.Request) error {
			return replyPlain(w, http.StatusOK, map[string]int{"a": 1, "b": 2})
		}},
		{method: "GET", pattern: "/panic", handle: func(http.ResponseWriter, *http.Request) error { panic("secret") }},
		{method: "GET", pattern: "/broken", handle: func(w http.ResponseWriter, _ *http.Request) error {
			_, _ = w.Write([]byte("half"))
			panic("late")
		}},
		{method: "GET", pattern: "/fail", handle: func(http.ResponseWriter, *http.Request) error { return errors.New("secret") }},
		{method: "GET", pattern: "/addr", plain: true, handle: func(w http.ResponseWriter, r *http.Request) error {
			return replyPlain(w, 200, []string{PeerAddr(r).String(), NetworkAddr(r).String(), ClientAddr(r).String()})
		}},
	}
}

func call(s http.Handler, method, path string, headers ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

func TestRouting(t *testing.T) {
	s := newServer(Options{Node: "here:7001", Version: "1.2.3"}, testRoutes)
	for _, c := range []struct {
		method, path string
		status       int
		rc, allow    string
	}{
		{"GET", "/api/v2/things", 200, "", ""},
		{"HEAD", "/api/v2/things", 200, "", ""},
		{"GET", "/api/v2/things/7", 200, "", ""},
		{"GET", "/api/v2/things/a%2Fb", 200, "", ""},
		{"PUT", "/api/v2/things", 405, "MethodNotAllowed", "GET, HEAD, OPTIONS, POST"},
		{"BREW", "/api/v2/things/7", 405, "MethodNotAllowed", "DELETE, GET, HEAD, OPTIONS"},
		{"OPTIONS", "/api/v2/things/7", 200, "", "DELETE, GET, HEAD, OPTIONS"},
		{"OPTIONS", "/nowhere", 404, "NotFound", ""},
		{"GET", "/api/v2/things/", 404, "NotFound", ""},
		{"DELETE", "/api/v2/things/", 404, "NotFound", ""},
		{"GET", "/api/v2//things", 404, "NotFound", ""},
		{"GET", "//api/v2/things", 404, "NotFound", ""},
		{"GET", "/api/./v2/things", 404, "NotFound", ""},
		{"GET", "/api/v2/things/../things", 404, "NotFound", ""},
		{"GET", "/api/v2/things/..", 404, "NotFound", ""},
		{"GET", "/api/v2/things/.hidden", 200, "", ""},
		{"GET", "/", 404, "NotFound", ""},
		{"GET", "/nothing", 404, "NotFound", ""},
		{"GET", "/fail", 500, "", ""},
		{"GET", "/panic", 500, "", ""},
	} {
		w := call(s, c.method, c.path)
		h := w.Header()
		var e api.Error
		_ = json.Unmarshal(w.Body.Bytes(), &e)
		if w.Code != c.status || e.RC != c.rc || h.Get("Allow") != c.allow {
			t.Errorf("%s %s: %d %s, Allow %q", c.method, c.path, w.Code, w.Body, h.Get("Allow"))
		}
		if c.status >= 400 && e.Message == "" {
			t.Errorf("%s %s: no message in %s", c.method, c.path, w.Body)
		}
		if strings.Contains(w.Body.String(), "secret") {
			t.Errorf("%s %s: leaks", c.method, c.path)
		}
		for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Methods", "Access-Control-Expose-Headers", "Access-Control-Max-Age", "X-Request-Id"} {
			if h.Get(name) == "" {
				t.Errorf("%s %s: no %s", c.method, c.path, name)
			}
		}
		if h.Get("Horde-Node") != "here:7001:1.2.3" {
			t.Errorf("Horde-Node: %s", h.Get("Horde-Node"))
		}
	}
}

// What no database takes as text reaches no handler in path or query.
func TestMendAddress(t *testing.T) {
	var id, query string
	s := newServer(Options{}, func(*Server) []route {
		return []route{{method: "GET", pattern: "/things/{id}/of/{owner}", handle: func(w http.ResponseWriter, r *http.Request) error {
			id, query = r.PathValue("id")+" "+r.PathValue("owner"), r.URL.Query().Encode()
			return nil
		}}}
	})
	for path, want := range map[string][2]string{
		"/things/a/of/b":                    {"a b", ""},
		"/things/%FF%FEa/of/%00":            {"\ufffda \ufffd", ""},
		"/things/a%2Fb/of/%E2%80%AE":        {"a/b \u202e", ""},
		"/things/a/of/b?x=%ff&y=1&x=2":      {"a b", "x=%EF%BF%BD&x=2&y=1"},
		"/things/a/of/b?x=a%00b":            {"a b", "x=a%EF%BF%BDb"},
		"/things/a/of/b?x=%C3%A9&z=a+b%2Bc": {"a b", "x=%C3%A9&z=a+b%2Bc"},
	} {
		if call(s, "GET", path); id != want[0] || query != want[1] {
			t.Errorf("%s: %q %q", path, id, query)
		}
	}
}

func TestPages(t *testing.T) {
	s := newServer(Options{Pages: func(w http.ResponseWriter, r *http.Request) bool {
		if r.URL.Path != "/" {
			return false
		}
		_, _ = w.Write([]byte("page"))
		return true
	}}, testRoutes)
	if w := call(s, "GET", "/"); w.Body.String() != "page" {
		t.Errorf("%s", w.Body)
	}
	if w := call(s, "GET", "/api/v2/x"); w.Code != 404 || !strings.HasPrefix(w.Body.String(), "{") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestMaskOnRoutes(t *testing.T) {
	s := newServer(Options{}, testRoutes)
	for _, c := range []struct{ path, mask, want string }{
		{"/api/v2/things/7", "id", `{"id":"7"}`},
		{"/api/v2/things/7", "deep{a}", `{"deep":{"a":1}}`},
		{"/api/v2/things/7", "{id", `{"message":"Mask parse error: Missing closing bracket"}`},
		{"/plain", "a", `{"a":1,"b":2}`},
		{"/plain", "{a", `{"a":1,"b":2}`},
		{"/api/v2/nothing", "id", `{"message":"` + textUnknownURL + `","rc":"NotFound"}`},
	} {
		w := call(s, "GET", c.path, "X-Fields", c.mask)
		if got := strings.TrimSpace(w.Body.String()); got != c.want {
			t.Errorf("%s %s: %d %s", c.path, c.mask, w.Code, got)
		}
	}
}

func TestRequestIDs(t *testing.T) {
	s := newServer(Options{}, testRoutes)
	for id, kept := range map[string]bool{"abc-123_x.y": true, "": false, "a b": false, "a\"b": false, strings.Repeat("x", 65): false, "é": false} {
		got := call(s, "GET", "/plain", "X-Request-Id", id).Header().Get("X-Request-Id")
		if kept != (got == id) || got == "" {
			t.Errorf("%q: %q", id, got)
		}
	}
}

func TestPanicAfterHalfAnAnswerCutsTheConnection(t *testing.T) {
	srv := httptest.NewServer(newServer(Options{}, testRoutes))
	defer srv.Close()
	resp, err := http.Get(srv.URL + "/broken")
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
	if err == nil {
		t.Error("half an answer looks like a whole one")
	}
}

func TestAccessLogHasNoKeys(t *testing.T) {
	var log bytes.Buffer
	s := newServer(Options{AccessLog: true, Log: slog.New(slog.NewTextHandler(&log, nil))}, testRoutes)
	call(s, "GET", "/api/v2/things/7?apikey=topsecret", "apikey", "topsecret", "Client-Agent", "me:1:you")
	if !strings.Contains(log.String(), "path=/api/v2/things/7") || strings.Contains(log.String(), "topsecret") {
		t.Errorf("%s", &log)
	}
}

func TestMetricsCountByPattern(t *testing.T) {
	o := Options{}
	s := newServer(o, testRoutes)
	call(s, "GET", "/api/v2/things/7")
	call(s, "BREW", "/nowhere/at/all")
	families, err := s.Metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, f := range families {
		text += f.String()
	}
	if !strings.Contains(text, "/api/v2/things/{id}") || !strings.Contains(text, `"unknown"`) || strings.Contains(text, "BREW") || strings.Contains(text, "things/7") {
		t.Errorf("%s", text)
	}
}

func TestServeStopsCleanly(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	began, finish := make(chan struct{}), make(chan struct{})
	s := newServer(Options{}, func(*Server) []route {
		return []route{{method: "GET", pattern: "/slow", handle: func(w http.ResponseWriter, r *http.Request) error {
			close(began)
			<-finish
			return reply(w, r, 200, "done")
		}}}
	})
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- s.Serve(ctx, l, 5*time.Second) }()
	answer := make(chan string, 1)
	go func() {
		resp, err := http.Get("http://" + l.Addr().String() + "/slow")
		if err != nil {
			answer <- err.Error()
			return
		}
		b, _ := io.ReadAll(resp.Body)
		resp.Body.Close()
		answer <- strings.TrimSpace(string(b))
	}()
	<-began
	stop()
	close(finish)
	if got := <-answer; got != `"done"` {
		t.Errorf("a running call got %s", got)
	}
	if err := <-served; err != nil {
		t.Error(err)
	}
}

// A caller that never sends its body is cut off; one whose call takes long is not.
func TestBodyDeadlineReachesTheConnection(t *testing.T) {
	srv := httptest.NewServer(newServer(Options{}, func(*Server) []route {
		return []route{{method: "POST", pattern: "/b", handle: func(w http.ResponseWriter, r *http.Request) error {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(-time.Second))
			_, err := r.Body.Read(make([]byte, 1))
			return readError(err, 1)
		}}}
	}))
	defer srv.Close()
	conn, err := net.Dial("tcp", srv.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_, _ = conn.Write([]byte("POST /b HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n"))
	reply, _ := io.ReadAll(conn)
	if !bytes.Contains(reply, []byte(" 408 ")) || !bytes.Contains(reply, []byte("RequestTimeout")) {
		t.Errorf("%s", reply)
	}
}

func TestAddresses(t *testing.T) {
	trust := []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8")}
	passkey := func(_ context.Context, key string) bool { return key == "right" }
	for _, c := range []struct {
		name, remote string
		trusted      []netip.Prefix
		headers      []string
		want         [3]string // peer, network, client
	}{
		{"direct", "1.2.3.4:5", trust, nil, [3]string{"1.2.3.4", "1.2.3.4", "1.2.3.4"}},
		{"a stranger's header", "1.2.3.4:5", trust, []string{"X-Forwarded-For", "9.9.9.9"}, [3]string{"1.2.3.4", "1.2.3.4", "1.2.3.4"}},
		{"nobody trusted", "127.0.0.1:5", nil, []string{"X-Forwarded-For", "9.9.9.9"}, [3]string{"127.0.0.1", "127.0.0.1", "127.0.0.1"}},
		{"one hop", "127.0.0.1:5", trust, []string{"X-Forwarded-For", "203.0.113.7"}, [3]string{"127.0.0.1", "203.0.113.7", "203.0.113.7"}},
		{"made up on the left", "127.0.0.1:5", trust, []string{"X-Forwarded-For", "6.6.6.6, 203.0.113.7"}, [3]string{"127.0.0.1", "203.0.113.7", "203.0.113.7"}},
		{"two of ours", "127.0.0.1:5", trust, []string{"X-Forwarded-For", "6.6.6.6, 203.0.113.7, 10.1.1.1"}, [3]string{"127.0.0.1", "203.0.113.7", "203.0.113.7"}},
		{"rubbish", "127.0.0.1:5", trust, []string{"X-Forwarded-For", "1.1.1.1, zzz"}, [3]string{"127.0.0.1", "127.0.0.1", "127.0.0.1"}},
		{"mapped", "[::ffff:127.0.0.1]:5", trust, []string{"X-Forwarded-For", "[2001:db8::1]:99"}, [3]string{"127.0.0.1", "2001:db8::1", "2001:db8::1"}},
		{"service", "127.0.0.1:5", trust, []string{"X-Forwarded-For", "5.5.5.5", "Proxied-For", "7.7.7.7", "Proxy-Authorization", "right"}, [3]string{"127.0.0.1", "5.5.5.5", "7.7.7.7"}},
		{"wrong passkey", "127.0.0.1:5", trust, []string{"X-Forwarded-For", "5.5.5.5", "Proxied-For", "7.7.7.7", "Proxy-Authorization", "wrong"}, [3]string{"127.0.0.1", "5.5.5.5", "5.5.5.5"}},
		{"service, no proxy", "5.5.5.5:1", trust, []string{"Proxied-For", "7.7.7.7", "Proxy-Authorization", "right"}, [3]string{"5.5.5.5", "5.5.5.5", "5.5.5.5"}},
	} {
		s := newServer(Options{TrustedProxies: c.trusted, Passkey: passkey}, testRoutes)
		r := httptest.NewRequest("GET", "/addr", nil)
		r.RemoteAddr = c.remote
		for i := 0; i < len(c.headers); i += 2 {
			r.Header.Set(c.headers[i], c.headers[i+1])
		}
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		var got [3]string
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got != c.want {
			t.Errorf("%s: %v, want %v (%v)", c.name, got, c.want, err)
		}
	}
}

// window is the simplest Limiter: one window that never ends.
type window map[string]int

func (m window) Take(key string, calls int, per time.Duration) (int, time.Time, bool) {
	m[key]++
	return calls - m[key], time.Now().Add(per), m[key] <= calls
}

func TestLimits(t *testing.T) {
	counts := window{}
	s := newServer(Options{Limits: counts}, testRoutes)
	w := call(s, "GET", "/api/v2/things")
	for name, want := range map[string]string{"X-RateLimit-Limit": "90", "X-RateLimit-Remaining": "89", "Retry-After": "60"} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	call(s, "DELETE", "/api/v2/things/1")
	call(s, "DELETE", "/api/v2/things/1")
	w = call(s, "DELETE", "/api/v2/things/1")
	if w.Code != 429 || strings.TrimSpace(w.Body.String()) != `{"message":"2 per 1 minute"}` || w.Header().Get("X-RateLimit-Remaining") != "0" {
		t.Errorf("%d %s %v", w.Code, w.Body, w.Header())
	}
	if w = call(s, "DELETE", "/api/v2/things/2"); w.Code != 200 {
		t.Errorf("another id: %d", w.Code)
	}
	before := len(counts)
	for _, c := range [][2]string{{"OPTIONS", "/api/v2/things"}, {"GET", "/plain"}, {"GET", "/nowhere"}} {
		if w = call(s, c[0], c[1]); w.Header().Get("X-RateLimit-Limit") != "" {
			t.Errorf("%v is counted", c)
		}
	}
	if len(counts) != before {
		t.Errorf("%v", counts)
	}
}

func TestAsyncLimits(t *testing.T) {
	routes := func(*Server) []route {
		return []route{{method: "POST", pattern: "/async", limits: asyncRates, handle: func(w http.ResponseWriter, r *http.Request) error {
			return reply(w, r, 202, nil)
		}}}
	}
	for _, c := range []struct {
		name, key   string
		whitelisted bool
		passed      int
	}{
		{"a user", "k", false, 2}, {"a user at a whitelisted address", "k", true, 10}, {"anonymous", api.AnonymousKey, false, 2}, {"anonymous, whitelisted", "", true, 10},
	} {
		s := newServer(Options{Limits: window{}, Whitelisted: func(netip.Addr) bool { return c.whitelisted }}, routes)
		n := 0
		for call(s, "POST", "/async", "apikey", c.key).Code == 202 {
			n++
		}
		if n != c.passed {
			t.Errorf("%s: %d calls, want %d", c.name, n, c.passed)
		}
	}
	// One key from many addresses.
	s := newServer(Options{Limits: window{}}, routes)
	n := 0
	for i := range 10 {
		r := httptest.NewRequest("POST", "/async", nil)
		r.RemoteAddr = netip.AddrPortFrom(netip.AddrFrom4([4]byte{1, 1, 1, byte(i)}), 1).String()
		r.Header.Set("apikey", "k")
		w := httptest.NewRecorder()
		s.ServeHTTP(w, r)
		if w.Code == 202 {
			n++
		}
	}
	if n != 2 {
		t.Errorf("one key: %d calls", n)
	}
}

func TestTwoRoutesOfOneKindAreAMistake(t *testing.T) {
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	one := route{method: "GET", pattern: "/x"}
	newServer(Options{}, func(*Server) []route { return []route{one, one} })
}

type nullWriter struct{ h http.Header }

func (w nullWriter) Header() http.Header         { return w.h }
func (w nullWriter) Write(p []byte) (int, error) { return len(p), nil }
func (w nullWriter) WriteHeader(int)             {}

// The price of our own layer: a route that does nothing.
func BenchmarkNoopRoute(b *testing.B) {
	s := newServer(Options{TrustedProxies: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}}, func(*Server) []route {
		return []route{{method: "GET", pattern: "/api/v2/generate/check/{id}", handle: func(w http.ResponseWriter, _ *http.Request) error {
			w.WriteHeader(http.StatusNoContent)
			return nil
		}}}
	})
	r := httptest.NewRequest("GET", "/api/v2/generate/check/00000000-0000-0000-0000-000000000000", nil)
	w := nullWriter{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		s.ServeHTTP(w, r)
	}
}

func BenchmarkReply(b *testing.B) {
	r := httptest.NewRequest("GET", "/", nil)
	w := nullWriter{http.Header{}}
	b.ReportAllocs()
	for b.Loop() {
		if err := reply(w, r, 200, &api.Check{Finished: 1, Kudos: 10.5}); err != nil {
			b.Fatal(err)
		}
	}
}
