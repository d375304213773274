package server

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// maxWait is the longest that a call may ask to wait.
const maxWait = 60 * time.Second

// LongPoll returns how long a call wants to wait, and the context to wait in: it also
// ends with the server. The body, which was read, gives up its share of the budget for bodies.
func LongPoll(r *http.Request) (context.Context, time.Duration, context.CancelFunc) {
	wait := preferredWait(r)
	if wait == 0 {
		return r.Context(), 0, func() {}
	}

	x := exchangeOf(r)
	x.rest()
	ctx, cancel := UntilEnding(r)
	x.releaseBody()
	return ctx, wait, func() {
		cancel()
		x.resume()
	}
}

// preferredWait reads "Prefer: wait=N" (RFC 7240), N in seconds.
func preferredWait(r *http.Request) time.Duration {
	for _, header := range r.Header["Prefer"] {
		for part := range strings.SplitSeq(header, ",") {
			if n, ok := strings.CutPrefix(strings.TrimSpace(part), "wait="); ok {
				seconds, err := strconv.Atoi(n)
				if err == nil && seconds > 0 {
					return time.Duration(min(seconds, int(maxWait/time.Second))) * time.Second
				}
			}
		}
	}
	return 0
}

// UntilEnding returns a context for a call that waits for something to happen: it
// ends with the call, and when the server that answers it begins to stop.
func UntilEnding(r *http.Request) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(r.Context())
	s := exchangeOf(r).server
	go func() {
		select {
		case <-s.ending:
			cancel()
		case <-ctx.Done():
		}
	}()
	return ctx, cancel
}
