package server

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"horde/api"
)

func TestAStreamThatNobodyReadsEnds(t *testing.T) {
	t.Parallel()
	ended := make(chan bool, 1)
	s := New(Options{}, []Route{Get("/events", func(w http.ResponseWriter, r *http.Request) error {
		e := NewEventStream(w)
		preview := strings.Repeat("x", 64<<10)
		for range 10_000 { // more than all buffers between the two take
			if e.Write(api.EventProgress, preview); e.Failed() {
				break
			}
		}
		ended <- e.Failed()
		return nil
	})})
	s.conns.answerPace = 100 * time.Millisecond
	dial(t, served(t, s), "GET /events HTTP/1.1\r\nHost: x\r\n\r\n")
	if failed := <-ended; !failed {
		t.Error("640 MB were written to one who does not read")
	}
}
