package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func TestLoggerCarriesTheRequest(t *testing.T) {
	var b bytes.Buffer
	log, err := NewLogger(&b, "json", slog.LevelInfo)
	if err != nil {
		t.Fatal(err)
	}

	ctx := WithRequest(t.Context(), "r-1")
	log.With("room", "queue").InfoContext(ctx, "popped", "job", 7)
	log.DebugContext(ctx, "not shown")
	var line map[string]any
	if err := json.Unmarshal(b.Bytes(), &line); err != nil {
		t.Fatal(err)
	}

	if line["request"] != "r-1" || line["room"] != "queue" || line["job"] != 7.0 || line["msg"] != "popped" {
		t.Errorf("line is %v", line)
	}

	b.Reset()
	log, _ = NewLogger(&b, "", slog.LevelDebug)
	log.Info("plain")
	if s := b.String(); !strings.Contains(s, "msg=plain") || strings.Contains(s, "request") {
		t.Errorf("line is %q", s)
	}

	if _, err := NewLogger(&b, "xml", nil); err == nil {
		t.Error("format xml was taken")
	}
}

func TestMetricsTellOfTheProgram(t *testing.T) {
	w := httptest.NewRecorder()
	promhttp.HandlerFor(NewRegistry("1.2.3"), promhttp.HandlerOpts{}).ServeHTTP(w,
		httptest.NewRequest("GET", "/metrics", nil))
	for _, want := range []string{`horde_build_info{`, `version="1.2.3"`, "go_goroutines", "process_open_fds"} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("no %s in /metrics", want)
		}
	}
}

func TestReadinessAsksOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewReadiness(2*time.Second, time.Second)
		var asked atomic.Int32

		var broken atomic.Bool
		r.Add("store", func(context.Context) error {
			asked.Add(1)
			time.Sleep(100 * time.Millisecond)
			if broken.Load() {
				return errors.New("connection refused")
			}
			return nil
		})

		r.Add("pictures", func(ctx context.Context) error { return nil })
		var wg sync.WaitGroup
		for range 100 {
			wg.Go(func() {
				if err := r.Ready(t.Context()); err != nil {
					t.Error(err)
				}
			})
		}

		wg.Wait()
		if err := r.Ready(t.Context()); err != nil || asked.Load() != 1 {
			t.Errorf("asked %d times, %v", asked.Load(), err)
		}

		broken.Store(true)
		time.Sleep(2 * time.Second)
		if err := r.Ready(t.Context()); err == nil || err.Error() != "store: connection refused" {
			t.Errorf("Ready = %v", err)
		}

		w := httptest.NewRecorder()
		r.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
		if w.Code != 503 || strings.TrimSpace(w.Body.String()) != `{"message":"Not ready: store","checks":{"pictures":"ok","store":"failed"}}` {
			t.Errorf("%d %s", w.Code, w.Body)
		}

		broken.Store(false)
		time.Sleep(2 * time.Second)
		w = httptest.NewRecorder()
		r.Handler().ServeHTTP(w, httptest.NewRequest("GET", "/readyz", nil))
		if w.Code != 200 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	})
}

func TestACheckThatHangsEndsInTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := NewReadiness(time.Second, 3*time.Second)
		r.Add("store", func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() })
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := r.Ready(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller with less patience: %v", err)
		}
		if err := r.Ready(t.Context()); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("Ready = %v", err)
		}
	})
}
