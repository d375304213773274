package server

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"horde/api"
	"horde/internal/hordetest"
)

// tooLong is when a test gives up.
const tooLong = 20 * time.Second

// bodyRoutes is a route for each way to read a body.
func bodyRoutes() []Route {
	ok := func(w http.ResponseWriter, r *http.Request) error { return ReplyOK(w, r) }
	return []Route{
		Get("/none", ok),
		Post("/none", ok),
		Post("/schema", func(w http.ResponseWriter, r *http.Request) error {
			if _, err := Decode[api.ImageRequest](w, r, api.ImageRequestSchema); err != nil {
				return err
			}
			return ReplyOK(w, r)
		}),
		Post("/lenient", func(w http.ResponseWriter, r *http.Request) error {
			if _, err := LenientObject(w, r); err != nil {
				return err
			}
			return ReplyOK(w, r)
		}),
		Post("/bytes", func(w http.ResponseWriter, r *http.Request) error {
			if _, err := ReadBody(w, r, 64<<20); err != nil {
				return err
			}
			return ReplyOK(w, r)
		}),
		Post("/form", func(w http.ResponseWriter, r *http.Request) error {
			if err := ReadForm(w, r, 1<<20); err != nil {
				return err
			}
			return ReplyOK(w, r)
		}),
		Put("/file", func(w http.ResponseWriter, r *http.Request) error {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(time.Hour))
			if _, err := io.Copy(io.Discard, r.Body); err != nil {
				return readError(err, 1)
			}
			return ReplyOK(w, r)
		}),
		Post("/wait", func(w http.ResponseWriter, r *http.Request) error {
			if _, err := LenientObject(w, r); err != nil {
				return err
			}

			ctx, wait, done := LongPoll(r)
			defer done()

			select {
			case <-time.After(wait):
				return ReplyOK(w, r)
			case <-ctx.Done():
				return ctx.Err()
			}
		}),
		Get("/panic", func(http.ResponseWriter, *http.Request) error { panic("secret") }),
	}
}

// served is a server on a real socket.
func served(t *testing.T, s *Server) (addr string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	serveOn(t, s, l)
	return l.Addr().String()
}

// serveOn serves on a listener until the test ends.
func serveOn(t *testing.T, s *Server, l net.Listener) {
	t.Helper()
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, l, 0) }()

	t.Cleanup(func() {
		stop()
		<-done
	})
}

// piped is a server on connections in memory, for tests in a bubble of package synctest:
// there the patience with callers is the real one, and nobody waits for it.
func piped(t *testing.T, s *Server) *hordetest.Pipes {
	t.Helper()
	l := hordetest.NewPipes()
	serveOn(t, s, l)
	return l
}

// dialPipe connects to such a server and sends something.
func dialPipe(t *testing.T, l *hordetest.Pipes, text string) net.Conn {
	t.Helper()
	conn, err := l.Dial("192.0.2.1")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(time.Hour))
	_, _ = io.WriteString(conn, text)
	return conn
}

// dial connects to a server and sends something.
func dial(t *testing.T, addr, text string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(tooLong))
	_, _ = io.WriteString(conn, text)
	return conn
}

// head is the header of a call with a body of an announced length.
func head(method, path string, length int, more ...string) string {
	lines := append([]string{
		method + " " + path + " HTTP/1.1",
		"Host: x",
		"Content-Type: application/json",
		"Apikey: 0000000000",
		fmt.Sprint("Content-Length: ", length),
	}, more...)
	return strings.Join(lines, "\r\n") + "\r\n\r\n"
}

// Whoever announces a body and does not send it is answered, or told so, and the
// connection ends.
func TestABodyThatDoesNotComeEndsTheConnection(t *testing.T) {
	t.Parallel()
	const encoded = "application/x-www-form-urlencoded"
	for call, c := range map[string]struct {
		status int
		kind   string // of the body; "": JSON
	}{
		"GET /none":      {200, ""},
		"POST /none":     {200, ""},
		"HEAD /none":     {200, ""},
		"OPTIONS /none":  {200, ""},
		"DELETE /none":   {405, ""},
		"GET /nowhere":   {404, ""},
		"POST /nowhere":  {404, ""},
		"GET /panic":     {500, ""},
		"POST /schema":   {408, ""},
		"POST /lenient":  {408, ""},
		"POST /bytes":    {408, ""},
		"POST /form":     {408, encoded},
		"PUT /file":      {408, ""},
		"POST /wait":     {408, ""},
		"GET //x/../y":   {404, ""},
		"BREW /none":     {405, ""},
		"PATCH /schema":  {405, ""},
		"OPTIONS /bytes": {200, ""},
	} {
		method, path, _ := strings.Cut(call, " ")
		for name, header := range map[string]string{
			"with a length":      head(method, path, 1000, "Prefer: wait=60"),
			"half of it":         head(method, path, 1000, "Prefer: wait=60") + strings.Repeat("x", 500),
			"in chunks":          strings.Replace(head(method, path, 0), "Content-Length: 0", "Transfer-Encoding: chunked", 1),
			"asked to continue":  head(method, path, 1000, "Expect: 100-continue"),
			"more than is taken": head(method, path, 300<<10),
		} {
			if c.kind != "" {
				header = strings.Replace(header, "application/json", c.kind, 1)
			}
			t.Run(call+" "+name, func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) { bodyDoesNotCome(t, header, c.status) })
			})
		}
	}
}

// bodyDoesNotCome sends what there is of a call, and wants it answered in time.
func bodyDoesNotCome(t *testing.T, text string, status int) {
	l := piped(t, New(Options{}, bodyRoutes()))
	began := time.Now()
	all, err := io.ReadAll(dialPipe(t, l, text))
	took := time.Since(began)
	if err != nil && len(all) == 0 {
		t.Fatalf("no end after %v: %v", took, err)
	}

	answer := strings.TrimPrefix(string(all), "HTTP/1.1 100 Continue\r\n\r\n")
	resp, err := http.ReadResponse(bufio.NewReader(strings.NewReader(answer)), nil)
	if err != nil {
		t.Fatalf("%q: %v", all, err)
	}
	resp.Body.Close()
	if resp.StatusCode != status || !resp.Close {
		t.Errorf("%s, closed %v; want %d", resp.Status, resp.Close, status)
	}

	most := drainTime
	if status == http.StatusRequestTimeout {
		most += paceTime
	}
	if took > most {
		t.Errorf("it took %v, more than %v", took, most)
	}
}

func TestABodyHasToComeAtAPace(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		call   string
		part   int           // bytes
		every  time.Duration // between two parts
		parts  int
		status int
		after  time.Duration // when it is answered
	}{
		"steadily":                    {"POST /bytes", paceBytes, paceTime - 1, 3, 200, 2 * (paceTime - 1)},
		"the rest may be small":       {"POST /bytes", 100, paceTime/2 - 1, 3, 200, paceTime - 2},
		"too slowly":                  {"POST /bytes", 10, time.Second, 70, 408, paceTime},
		"steadily, but for too long":  {"POST /bytes", paceBytes, paceTime / 2, 10, 408, bodyTime},
		"a file may take its time":    {"PUT /file", paceBytes, paceTime / 2, 10, 200, 9 * paceTime / 2},
		"a file that stalls does not": {"PUT /file", 10, time.Second, 70, 408, paceTime},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				method, path, _ := strings.Cut(c.call, " ")
				began := time.Now()
				conn := dialPipe(t, piped(t, New(Options{}, bodyRoutes())), head(method, path, c.part*c.parts))
				go func() {
					for range c.parts {
						if _, err := io.WriteString(conn, strings.Repeat("x", c.part)); err != nil {
							return
						}
						select {
						case <-time.After(c.every):
						case <-t.Context().Done():
							return
						}
					}
				}()

				resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					t.Fatal(err)
				}
				resp.Body.Close()
				took := time.Since(began)
				if resp.StatusCode != c.status || took < c.after || took > c.after+drainTime {
					t.Errorf("%s after %v, want %d after %v", resp.Status, took, c.status, c.after)
				}
			})
		})
	}
}

// Once its body is there a call may wait longer than a part of a body may take, and the
// next call on the connection is answered too.
func TestACallMayWaitOnceItsBodyIsThere(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		s := New(Options{}, bodyRoutes())
		s.times.body = maxWait / 2
		conn := dialPipe(t, piped(t, s), head("POST", "/wait", 2, "Prefer: wait=60")+"{}")
		answers := bufio.NewReader(conn)
		for range 2 {
			resp, err := http.ReadResponse(answers, nil)
			if err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, resp.Body)
			resp.Body.Close()
			if resp.StatusCode != http.StatusOK {
				t.Fatal(resp.Status)
			}
			_, _ = io.WriteString(conn, head("POST", "/bytes", 2)+"{}")
		}
	})
}

func TestASmallBodyThatNobodyReadKeepsTheConnection(t *testing.T) {
	t.Parallel()
	conn := dial(t, served(t, New(Options{}, bodyRoutes())), "")
	answers := bufio.NewReader(conn)
	for range 3 {
		_, _ = io.WriteString(conn, head("POST", "/none", 1000)+strings.Repeat("x", 1000))
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if resp.StatusCode != http.StatusOK || resp.Close {
			t.Fatalf("%s, closed %v", resp.Status, resp.Close)
		}
	}
}
