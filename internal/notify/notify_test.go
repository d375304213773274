package notify

import (
	"context"
	"errors"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
)

// sender fails as often as it is told to.
type sender struct {
	mu    sync.Mutex
	calls []string
	fail  int
	hold  chan struct{} // nil: answers at once
}

func (s *sender) Post(ctx context.Context, address, contentType string, body []byte) error {
	s.mu.Lock()
	s.calls = append(s.calls, address+" "+contentType+" "+string(body))
	bad := s.fail > 0
	s.fail--
	s.mu.Unlock()
	if s.hold != nil {
		select {
		case <-s.hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if bad {
		return &url.Error{Op: "Post", URL: address, Err: errors.New("refused")}
	}
	return nil
}

func TestAttempts(t *testing.T) {
	for _, tt := range []struct{ fail, calls int }{{0, 1}, {2, 3}, {9, 3}} {
		synctest.Test(t, func(t *testing.T) {
			var log strings.Builder
			s := &sender{fail: tt.fail}
			n := New(Options{Sender: s, Log: slog.New(slog.NewTextHandler(&log, nil))})
			ctx, cancel := context.WithCancel(t.Context())
			go n.Run(ctx)
			if !n.Send("https://x.example/secret", map[string]int{"a": 1}) {
				t.Error("not taken")
			}
			synctest.Wait()
			cancel()
			synctest.Wait()
			if len(s.calls) != tt.calls || s.calls[0] != `https://x.example/secret application/json {"a":1}` {
				t.Errorf("%d failures: %q", tt.fail, s.calls)
			}
			if given := strings.Contains(log.String(), "given up"); given != (tt.fail > 3) || strings.Contains(log.String(), "secret") {
				t.Error(log.String())
			}
		})
	}
}

// What is too much is dropped; a dead address holds up nobody who sends.
func TestBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &sender{hold: make(chan struct{})}
		n := New(Options{Sender: s, Waiting: 2, Senders: 1})
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { n.Run(ctx); close(ended) }()
		n.Send("https://x.example", 0)
		synctest.Wait() // it is under way
		for i, want := range []bool{true, true, false, false} {
			if got := n.Send("https://x.example", i); got != want {
				t.Errorf("call %d taken: %v", i, got)
			}
		}
		close(s.hold)
		synctest.Wait()
		if len(s.calls) != 3 {
			t.Errorf("%q", s.calls)
		}
		cancel()
		<-ended
	})
}

func TestNoCalls(t *testing.T) {
	var none *Notifier
	n := New(Options{Sender: &sender{}})
	if none.Send("https://x.example", 1) || n.Send("", 1) || n.Send("https://x.example", func() {}) {
		t.Error("taken")
	}
}
