package httpd

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"horde/internal/golden"
	"horde/internal/horde"
)

// Every code of the original's list has a status.
func TestEveryCodeHasAStatus(t *testing.T) {
	raw, err := os.ReadFile(golden.Shared(t, "data", "swagger.json"))
	if err != nil {
		t.Fatal(err)
	}
	var d struct {
		Definitions struct {
			RequestError struct {
				Properties struct {
					RC struct{ Enum []horde.Code }
				}
			}
		}
	}
	if err := json.Unmarshal(raw, &d); err != nil {
		t.Fatal(err)
	}
	codes := d.Definitions.RequestError.Properties.RC.Enum
	if len(codes) != 160 {
		t.Errorf("%d codes", len(codes))
	}
	for _, c := range codes {
		if _, ok := statuses[c]; !ok {
			t.Errorf("no status for %s", c)
		}
	}
}

func TestStatusOf(t *testing.T) {
	for code, want := range map[horde.Code]int{
		"BadRequest": 400, "MaintenanceMode": 400, "ProcGenNotFound": 400, "ControlNetMismatch.": 400, "TooManyExtraSourceImages.": 400,
		"InvalidAPIKey": 401, "KudosUpfront": 403, "WorkerMaintenance": 403, "InvalidJobID": 404, "RequestNotFound": 404, "Image styleNotFound": 404,
		"SomethingNotFound": 404, "Locked": 423, "TooManyPrompts": 429, "RequestExpired": 410, "AbortedGen": 400, "": 400, "NotFound": 404,
	} {
		if got := statusOf(code); got != want {
			t.Errorf("%s: %d, want %d", code, got, want)
		}
	}
}

func TestWriteError(t *testing.T) {
	var log bytes.Buffer
	s := newServer(Options{Log: slog.New(slog.NewJSONHandler(&log, nil))}, func(*Server) []route { return nil })
	for _, c := range []struct {
		err    error
		status int
		body   string
	}{
		{horde.Errorf("InvalidAPIKey", "No user for <this> key."), 401, `{"message":"No user for <this> key.","rc":"InvalidAPIKey"}`},
		{fmt.Errorf("accept: %w", horde.Errorf("KudosUpfront", "Too dear.")), 403, `{"message":"Too dear.","rc":"KudosUpfront"}`},
		{invalid(map[string]string{"": "[] is not of type 'object'"}), 400, `{"message":"Input payload validation failed","errors":{"":"[] is not of type 'object'"}}`},
		{&horde.Error{Fields: map[string]string{"a": "b"}}, 400, `{"message":"Input payload validation failed","errors":{"a":"b"}}`},
		{notUnderstood(), 400, `{"message":"` + textNotUnderstood + `"}`},
		{errors.New("password is hunter2"), 500, `{"message":"Internal Server Error"}`},
	} {
		w := httptest.NewRecorder()
		s.writeError(w, httptest.NewRequest("GET", "/", nil), c.err)
		if got := strings.TrimSpace(w.Body.String()); w.Code != c.status || got != c.body {
			t.Errorf("%v: %d %s", c.err, w.Code, got)
		}
		if got := w.Header().Get("Content-Type"); got != "application/json; charset=utf-8" {
			t.Errorf("%v: %s", c.err, got)
		}
	}
	if !strings.Contains(log.String(), "hunter2") {
		t.Error("the internal error is not in the log")
	}
	w := httptest.NewRecorder()
	s.writeError(w, httptest.NewRequest("GET", "/", nil), &horde.Error{Code: "TooManyPrompts", RetryAfter: 1500 * time.Millisecond})
	if got := w.Header().Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After %q", got)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w = httptest.NewRecorder()
	s.writeError(w, httptest.NewRequest("GET", "/", nil).WithContext(ctx), fmt.Errorf("query: %w", context.Canceled))
	if w.Code != statusClientGone || w.Body.Len() > 0 {
		t.Errorf("a caller that hung up: %d %s", w.Code, w.Body)
	}
}

func TestReplyThatCannotBeWritten(t *testing.T) {
	w := httptest.NewRecorder()
	if err := reply(w, httptest.NewRequest("GET", "/", nil), http.StatusOK, make(chan int)); err == nil || w.Body.Len() > 0 {
		t.Errorf("%v, %s", err, w.Body)
	}
}
