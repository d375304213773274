package server

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const answerBytes = 8 << 20 // of large answers in tests: more than buffers on the way take

// answerServer answers with large files, and with a stream of bytes of which it counts
// what it could write.
func answerServer(t *testing.T) (s *Server, whole []byte, written *atomic.Int64) {
	t.Helper()
	whole = bytes.Repeat([]byte("0123456789abcde\n"), answerBytes/16)
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, whole, 0o600); err != nil {
		t.Fatal(err)
	}

	written = new(atomic.Int64)
	s = New(Options{MaxConnections: 20}, []Route{
		Get("/none", func(w http.ResponseWriter, r *http.Request) error { return ReplyOK(w, r) }),
		Get("/bytes", func(w http.ResponseWriter, r *http.Request) error {
			for part := whole; len(part) > 0; part = part[min(len(part), 64<<10):] {
				n, err := w.Write(part[:min(len(part), 64<<10)])
				written.Add(int64(n))
				if err != nil {
					return nil // the caller left
				}
			}
			return nil
		}),
		Get("/file", func(w http.ResponseWriter, r *http.Request) error {
			http.ServeFile(w, r, path)
			return nil
		}),
	})
	return s, whole, written
}

// ask is a call without a body.
func ask(path string) string { return "GET " + path + " HTTP/1.1\r\nHost: x\r\n\r\n" }

// Whoever does not read an answer loses the connection, which is counted; the system is
// given little of the answer before.
func TestAnAnswerThatNobodyReadsEndsTheConnection(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/bytes", "/file", "/none"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			s, _, written := answerServer(t)
			s.conns.answerPace = 300 * time.Millisecond
			conn := dial(t, served(t, s), "")
			_ = conn.(*net.TCPConn).SetReadBuffer(64 << 10)
			_ = conn.SetDeadline(time.Now().Add(tooLong))

			// Calls are sent until the server has gone.
			for sent := 0; ; sent++ {
				if _, err := io.WriteString(conn, strings.Repeat(ask(path), 100)); os.IsTimeout(err) {
					t.Fatalf("it is open after %v and %d calls", tooLong, 100*sent)
				} else if err != nil {
					break
				}
			}
			if n := closedFor(t, s, closedForUnread); n != 1 || s.conns.count() != 0 {
				t.Errorf("%.0f were counted as not read, %.0f are open", n, s.conns.count())
			}
			if n := written.Load(); n > 4<<20 {
				t.Errorf("%d bytes were written to one who reads none", n)
			}
		})
	}
}

func TestAnAnswerMayBeReadSlowly(t *testing.T) {
	t.Parallel()
	for _, path := range []string{"/bytes", "/file"} {
		t.Run(path, func(t *testing.T) {
			t.Parallel()
			s, whole, _ := answerServer(t)
			s.conns.answerPace = 750 * time.Millisecond
			conn := dial(t, served(t, s), ask(path))
			_ = conn.(*net.TCPConn).SetReadBuffer(64 << 10)

			began := time.Now()
			resp, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer resp.Body.Close()
			var got bytes.Buffer
			for err == nil {
				_, err = io.CopyN(&got, resp.Body, 256<<10)
				time.Sleep(60 * time.Millisecond) // the pace is what is tested
			}
			if err != io.EOF || !bytes.Equal(got.Bytes(), whole) {
				t.Errorf("%d bytes of %d came, then %v", got.Len(), len(whole), err)
			}
			if took := time.Since(began); took < 2*s.conns.answerPace {
				t.Errorf("it took only %v", took)
			}
			if n := closedFor(t, s, closedForUnread); n != 0 {
				t.Errorf("%.0f were counted as not read", n)
			}
		})
	}
}

// However many read no answers, who does is answered soon: those make room.
func TestThoseWhoDoNotReadShutNobodyOut(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		const most = 20
		began := make(chan struct{}, most)
		s := New(Options{MaxConnections: most}, []Route{
			Get("/none", func(w http.ResponseWriter, r *http.Request) error { return ReplyOK(w, r) }),
			Get("/bytes", func(w http.ResponseWriter, _ *http.Request) error {
				began <- struct{}{}
				_, _ = w.Write(make([]byte, answerBytes))
				return nil
			}),
		})
		l := piped(t, s)
		for range most {
			dialPipe(t, l, ask("/bytes"))
			<-began
		}

		for start := time.Now(); ; time.Sleep(stallTime / 10) {
			resp, err := http.ReadResponse(bufio.NewReader(dialPipe(t, l, ask("/none"))), nil)
			if err == nil {
				resp.Body.Close()
				return
			}
			if time.Since(start) > 2*stallTime {
				t.Fatal(err)
			}
		}
	})
}

// always refuses every call.
type always struct{}

func (always) Take(_ string, calls int, _ time.Duration) (left int, reset time.Time, ok bool) {
	return 0, time.Now(), false
}

func TestCallsBeyondARateEndTheConnection(t *testing.T) {
	t.Parallel()
	s := New(Options{Limits: always{}}, []Route{
		Get("/none", func(w http.ResponseWriter, r *http.Request) error { return ReplyOK(w, r) }),
	})
	conn := dial(t, served(t, s), "")
	answers := bufio.NewReader(conn)
	for i := range maxRefusals {
		_, _ = io.WriteString(conn, ask("/none"))
		resp, err := http.ReadResponse(answers, nil)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, resp.Body)
		resp.Body.Close()
		if last := i == maxRefusals-1; resp.StatusCode != http.StatusTooManyRequests || resp.Close != last {
			t.Fatalf("call %d: %s, closed %v", i, resp.Status, resp.Close)
		}
	}
}
