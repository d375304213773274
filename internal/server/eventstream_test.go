package server

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"horde/api"
)

// TestReaderThatDoesNotRead: a stream that nobody reads ends when an event cannot be
// written in time.
func TestReaderThatDoesNotRead(t *testing.T) {
	t.Parallel()
	ended := make(chan bool, 1)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e := NewEventStream(w)
		e.writeTime = 100 * time.Millisecond
		preview := strings.Repeat("x", 64<<10)
		for range 10_000 { // more than all buffers between the two take
			if e.Write(api.EventProgress, preview); e.Failed() {
				break
			}
		}
		ended <- e.Failed()
	}))
	defer srv.Close()
	res, err := http.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	if failed := <-ended; !failed {
		t.Error("640 MB were written to one who does not read")
	}
}
