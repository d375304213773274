package server

import (
	"bytes"
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

func TestServeStopsCleanly(t *testing.T) {
	t.Parallel()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	began, finish := make(chan struct{}), make(chan struct{})
	s := New(Options{}, []Route{Get("/slow", func(w http.ResponseWriter, r *http.Request) error {
		close(began)
		<-finish
		return Reply(w, r, 200, "done")
	})})

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

func TestBodyDeadlineReachesTheConnection(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(New(Options{}, []Route{Post("/b", func(w http.ResponseWriter, r *http.Request) error {
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(-time.Second))
		_, err := r.Body.Read(make([]byte, 1))
		return readError(err, 1)
	})}))
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
