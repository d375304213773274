package bench

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestRefusalsAreNoErrors: requests that a server refuses for want of time are counted
// apart, and other calls tried again until they pass.
func TestRefusalsAreNoErrors(t *testing.T) {
	f, srv := newFake(t)
	var calls atomic.Int64
	busy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/api/v2/generate/") && calls.Add(1)%3 == 0 {
			w.Header().Set("Retry-After", "1")
			answer(w, http.StatusServiceUnavailable, map[string]string{"rc": "ServerBusy"})
			return
		}
		f.ServeHTTP(w, r)
	}))
	defer busy.Close()
	defer srv.Close()

	cfg := small(Cycle, busy.URL)
	cfg.Refusals = true
	rep, err := Run(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	if rep.Refused == 0 || rep.Completed == 0 || rep.Failed > 0 {
		t.Errorf("%d refused, %d completed, errors %v", rep.Refused, rep.Completed, rep.Errors)
	}
}

// TestOverloadComparesShares: of what the server does at most, as much and half as
// much again are played and set side by side.
func TestOverloadComparesShares(t *testing.T) {
	_, srv := newFake(t)
	cfg := small(Cycle, srv.URL)
	cfg.Duration = 200 * time.Millisecond
	rep, err := OverloadOf(t.Context(), cfg, 20)
	if err != nil {
		t.Fatal(err)
	}

	if c := rep.Capacity.PerSecond; rep.Full.Rate != fullShare*c || rep.Overload.Rate != overloadShare*c {
		t.Errorf("rates %v and %v of %v", rep.Full.Rate, rep.Overload.Rate, c)
	}
	var text bytes.Buffer
	if err := rep.Write(&text); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"capacity: ", "p99 ms at 1.0", "async", "whole cycle", "delays of bench itself"} {
		if !strings.Contains(text.String(), want) {
			t.Errorf("there is no %q in\n%s", want, text.String())
		}
	}
}
