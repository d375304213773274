package bench

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// script serves connections that answer each request with these bytes.
func script(t *testing.T, answers ...string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			nc, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer nc.Close()
				in := bufio.NewReader(nc)
				for _, a := range answers {
					if _, err := http.ReadRequest(in); err != nil {
						return
					}
					for _, part := range strings.Split(a, "|") { // sent piece by piece
						io.WriteString(nc, part)
					}
				}
			}()
		}
	}()

	return l.Addr().String()
}

func TestAConnectionReadsEveryAnswer(t *testing.T) {
	get := []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	big := strings.Repeat("0123456789", 20_000)
	for _, c := range []struct {
		name, answer, body string
		status             int
		err                error
	}{
		{"length", "HTTP/1.1 200 OK\r\ncontent-length: 5\r\n\r\nhel|lo", "hello", 200, nil},
		{"split header", "HTTP/1.1 202 Acc|epted\r\nContent-Length: 2\r|\n\r\n{}", "{}", 202, nil},
		{"chunked", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n|2;x=y\r\nde\r\n0\r\n\r\n", "abcde",
			200, nil},
		{"trailer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nX: y\r\n\r\n", "a", 200, nil},
		{"no content", "HTTP/1.1 204 No Content\r\n\r\n", "", 204, nil},
		{"large", fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(big), big), big, 200, nil},
		{"to the end", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it", "all of it", 200, nil},
		{"cut", "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel", "", 0, io.ErrUnexpectedEOF},
		{"other protocol", "SSH-2.0-OpenSSH\r\n\r\n", "", 0, errHTTP},
		{"bad chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "", 0, errHTTP},
	} {
		t.Run(c.name, func(t *testing.T) {
			n := newConn(script(t, c.answer))
			for range 2 { // the second time on a new connection
				status, body, err := n.do(get)
				if status != c.status || string(body) != c.body || !errors.Is(err, c.err) {
					t.Errorf("%s: %d %.40q %v", c.name, status, body, err)
				}
				n.close()
			}
		})
	}
}

func TestConnIsKept(t *testing.T) {
	ok := "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n"
	n := newConn(script(t, ok+"1", ok+"2", "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 1\r\n\r\n3"))
	for _, want := range []string{"1", "2", "3", "1"} {
		_, body, err := n.do([]byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n"))
		if err != nil || string(body) != want {
			t.Errorf("%q %v, want %q", body, err, want)
		}
	}
	n.close()
}

// A call on a connection that the server closed meanwhile is sent again, but
// only if it lay idle.
func TestAnIdleConnectionThatWasClosedIsOpenedAgain(t *testing.T) {
	n := newConn(script(t, "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n1"))
	get := []byte("GET / HTTP/1.1\r\nHost: x\r\n\r\n")
	if _, _, err := n.do(get); err != nil {
		t.Fatal(err)
	}

	n.used = n.used.Add(-time.Minute)
	if _, body, err := n.do(get); err != nil || string(body) != "1" {
		t.Errorf("after idleness: %q %v", body, err)
	}
	if _, _, err := n.do(get); err == nil {
		t.Error("a lost call was sent again at once")
	}
	n.close()
}

func TestMembersAreFoundInAnswers(t *testing.T) {
	body := []byte(`{"x": "done", "ids": ["a"], "done" : true, "n":12.5e1,"one":1,"eleven":11,"id":"` + noID +
		`","nothing":null}`)
	if !newKey("done").is(body, "true") || newKey("done").is(body, "tru") || newKey("eleven").is(body, "1") ||
		!newKey("one").is(body, "1") {
		t.Error("is")
	}
	if v, ok := newKey("n").number(body); !ok || v != 125 {
		t.Error("number", v, ok)
	}
	if _, ok := newKey("x").number(body); ok {
		t.Error("a text is a number")
	}
	if string(keyID.id(body)) != noID || newKey("x").id(body) != nil || newKey("nothing").text(body) != nil ||
		newKey("absent").value(body) != nil {
		t.Error("id, text or value")
	}
}

func TestAMarkTellsItsClientAndNumber(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		client, number := rapid.Uint64Range(0, 99999).Draw(t, "client"), rapid.Uint64Range(0, 999999999999).Draw(t, "number")
		var mark [markSize]byte
		putMark(mark[:], "0123abcd", client, number)
		c, n, ok := readMark(mark[:], "0123abcd")
		if !ok || c != client || n != number || len(emptyMark) != markSize {
			t.Fatalf("%s: %d %d %v", mark, c, n, ok)
		}
		if _, _, ok := readMark(mark[:], "ffffffff"); ok {
			t.Fatal("a mark of another run")
		}
	})
}

func TestPercentilesAreThoseOfTheCalls(t *testing.T) {
	t.Run("any duration is right to a thousandth", func(t *testing.T) {
		rapid.Check(t, func(t *rapid.T) {
			d := time.Duration(rapid.Int64Range(0, int64(10*time.Minute)).Draw(t, "d"))
			h := newHistogram()
			h.add(d)

			s := h.summary()
			if s.p50 < d || float64(s.p50) > float64(d)*1.001+1 || s.mean != d || s.max != d || s.count != 1 {
				t.Fatalf("%d became %+v", d, s)
			}
		})
	})

	t.Run("percentiles", func(t *testing.T) {
		h := newHistogram()
		for i := range 1000 {
			h.add(time.Duration(i+1) * time.Microsecond)
		}

		s := h.summary()
		for want, got := range map[time.Duration]time.Duration{500: s.p50, 950: s.p95, 990: s.p99, 1000: s.max} {
			if got < want*time.Microsecond || got > want*time.Microsecond*1001/1000 {
				t.Errorf("%v instead of %d µs", got, want)
			}
		}
		if s.mean != 500500*time.Nanosecond {
			t.Errorf("mean %v", s.mean)
		}
	})

	t.Run("nothing, or beyond the range", func(t *testing.T) {
		if s := newHistogram().summary(); s != (summary{}) {
			t.Errorf("empty: %+v", s)
		}
		h := newHistogram()
		h.add(-time.Second)
		h.add(time.Hour)
		if s := h.summary(); s.count != 2 || s.max != longestMeasure {
			t.Errorf("%+v", s)
		}
	})
}

// BenchmarkCall is the cost of one call with the smallest possible server, so
// an upper bound of ours.
func BenchmarkCall(b *testing.B) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		io.WriteString(w, `{"id":"`+noID+`","kudos":4.0}`)
	}))
	defer srv.Close()
	t, err := parseTarget(srv.URL, false)
	if err != nil {
		b.Fatal(err)
	}

	c := newConn(t.addr)
	defer c.close()
	req := t.newTemplate("POST", "/generate/async", "key", imageBody("m"), emptyMark)
	var mark [markSize]byte
	b.ReportAllocs()

	for b.Loop() {
		putMark(mark[:], "00000000", 1, 2)
		if _, body, err := c.do(req.with(mark[:])); err != nil || keyID.id(body) == nil {
			b.Fatal(err)
		}
	}
}
