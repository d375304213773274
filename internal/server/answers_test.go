package server

import (
	"context"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"horde/internal/turns"
)

// largeServer answers GET /a with a text of so many bytes; GET /begin says so when its
// answer is being made, and makes it when it may.
func largeServer(bytes int, began, may chan struct{}) *Server {
	measure := func(context.Context) (int64, error) { return int64(bytes), nil }
	return New(Options{MaxWorking: 1}, []Route{
		Get("/a", func(w http.ResponseWriter, r *http.Request) error {
			if err := ReserveAnswer(r, measure); err != nil {
				return err
			}
			return Reply(w, r, http.StatusOK, strings.Repeat("x", bytes))
		}),
		Get("/begin", func(w http.ResponseWriter, r *http.Request) error {
			if err := ReserveAnswer(r, measure); err != nil {
				return err
			}
			began <- struct{}{}
			<-may
			return Reply(w, r, http.StatusOK, strings.Repeat("x", bytes))
		}),
	})
}

func getFrom(s *Server, addr, path string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodGet, path, nil)
	r.RemoteAddr = addr + ":1"
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	return w
}

// Large answers that are made or read take all of their room: others wait, are not counted
// meanwhile, and are told to come again. Small ones pass.
func TestLargeAnswersShareARoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, may := make(chan struct{}), make(chan struct{})
		large := largeServer(maxAnswerRoom/makingAnswer, began, may)
		var held sync.WaitGroup
		held.Go(func() {
			if w := getFrom(large, "192.0.2.1", "/begin"); w.Code != http.StatusOK {
				t.Errorf("the first: %d %s", w.Code, w.Body)
			}
		})
		<-began

		var second *httptest.ResponseRecorder
		var waiting sync.WaitGroup
		start := time.Now()
		waiting.Go(func() { second = getFrom(large, "192.0.2.2", "/a") })
		synctest.Wait()
		if n := large.overload.working.Load(); n != 1 {
			t.Errorf("%d calls are worked on, not the first alone", n)
		}
		waiting.Wait()
		if second.Code != http.StatusServiceUnavailable || second.Header().Get("Retry-After") == "" ||
			time.Since(start) != answerPatience {
			t.Errorf("the second: %d after %v", second.Code, time.Since(start))
		}

		waiting.Go(func() { second = getFrom(large, "192.0.2.2", "/a") })
		synctest.Wait()
		close(may)
		held.Wait()
		waiting.Wait()
		if second.Code != http.StatusOK {
			t.Errorf("when the first is read: %d", second.Code)
		}
	})
}

// A small answer needs no room.
func TestSmallAnswersPayNothing(t *testing.T) {
	began, may := make(chan struct{}), make(chan struct{})
	s := largeServer(largeAnswer, began, may)
	turn, err := s.answers.Take(t.Context(), turns.Who{}, maxAnswerRoom)
	if err != nil {
		t.Fatal(err)
	}
	defer s.answers.GiveBack(turn)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.answers.Take(ctx, turns.Who{}, maxAnswerRoom); err == nil {
		t.Fatal("there is room left for large answers")
	}

	if w := getFrom(s, "192.0.2.1", "/a"); w.Code != http.StatusOK {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

// An answer that grew while its call waited takes the room that it needs now.
func TestAnAnswerThatGrewIsMeasuredAgain(t *testing.T) {
	sizes := []int64{largeAnswer + 1, 2 * largeAnswer, 2 * largeAnswer}
	s := New(Options{}, []Route{Get("/a", func(w http.ResponseWriter, r *http.Request) error {
		err := ReserveAnswer(r, func(context.Context) (n int64, err error) {
			n, sizes = sizes[0], sizes[1:]
			return n, nil
		})
		if err != nil {
			return err
		}
		return ReplyOK(w, r)
	})})
	if w := getFrom(s, "192.0.2.1", "/a"); w.Code != http.StatusOK || len(sizes) > 0 {
		t.Errorf("%d %s, not measured: %v", w.Code, w.Body, sizes)
	}
}

// Whoever does not read a large answer in time is given up, however steadily they read.
func TestALargeAnswerHasToBeReadInTime(t *testing.T) {
	const bytes = 10 * answerRate
	for name, tt := range map[string]struct {
		after time.Duration // that it is read
		gone  bool
	}{
		"in time":  {answerTime + 9*time.Second, false},
		"too late": {answerTime + 11*time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ours, theirs := net.Pipe()
				defer ours.Close()
				defer theirs.Close()
				x := &exchange{server: New(Options{}, nil)}
				x.conn = &connection{Conn: ours, home: x.server.conns}

				if err := x.takeAnswer(t.Context(), bytes); err != nil {
					t.Fatal(err)
				}
				x.answerMade(bytes)
				time.Sleep(tt.after)
				x.releaseAnswer()
				time.Sleep(time.Hour)
				x.conn.home.mu.Lock()
				defer x.conn.home.mu.Unlock()
				if x.conn.gone != tt.gone {
					t.Errorf("gone: %v", x.conn.gone)
				}
			})
		})
	}
}
