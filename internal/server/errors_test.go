package server

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"horde/internal/horde"
)

// A refusal is shown as it is; every other error may hold what strangers must not see.
func TestErrorsShowNothingButRefusals(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := New(Options{Log: slog.New(slog.NewJSONHandler(&log, nil))}, nil)

	for _, c := range []struct {
		err    error
		status int
		body   string
	}{
		{
			horde.Errorf(horde.InvalidAPIKey, "No user for <this> key."), 401,
			`{"message":"No user for <this> key.","rc":"InvalidAPIKey"}`,
		},
		{
			fmt.Errorf("accept: %w", horde.Errorf(horde.KudosUpfront, "Too dear.")), 403,
			`{"message":"Too dear.","rc":"KudosUpfront"}`,
		},
		{
			Invalid(map[string]string{"": "[] is not of type 'object'"}), 400,
			`{"message":"Input payload validation failed","errors":{"":"[] is not of type 'object'"}}`,
		},
		{
			&horde.Error{Fields: map[string]string{"a": "b"}}, 400,
			`{"message":"Input payload validation failed","errors":{"a":"b"}}`,
		},
		{notUnderstood(), 400, `{"message":"` + textNotUnderstood + `"}`},
		{errors.New("password is hunter2"), 500, `{"message":"Internal Server Error"}`},
		{horde.Errorf(horde.Code("Unheard"), "No table has it."), 500, `{"message":"No table has it.","rc":"Unheard"}`},
	} {
		t.Run(c.err.Error(), func(t *testing.T) {
			w := httptest.NewRecorder()
			s.writeError(w, httptest.NewRequest("GET", "/", nil), c.err)
			if got := strings.TrimSpace(w.Body.String()); w.Code != c.status || got != c.body {
				t.Errorf("%d %s", w.Code, got)
			}
			if got := w.Header().Get("Content-Type"); got != "application/json; charset=utf-8" {
				t.Errorf("type %s", got)
			}
		})
	}

	if !strings.Contains(log.String(), "hunter2") {
		t.Error("the internal error is not in the log")
	}
}

func TestRetryAfterIsRoundedUp(t *testing.T) {
	t.Parallel()
	s := New(Options{}, nil)
	w := httptest.NewRecorder()
	refusal := &horde.Error{Code: horde.TooManyPrompts, RetryAfter: 1500 * time.Millisecond}
	s.writeError(w, httptest.NewRequest("GET", "/", nil), refusal)
	if got := w.Header().Get("Retry-After"); got != "2" {
		t.Errorf("Retry-After %q", got)
	}
}

// Nobody reads the answer to a call whose sender hung up.
func TestCallerThatHungUpIsNoFailure(t *testing.T) {
	t.Parallel()
	s := New(Options{}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	s.writeError(w, httptest.NewRequest("GET", "/", nil).WithContext(ctx), fmt.Errorf("query: %w", context.Canceled))
	if w.Code != statusClientGone || w.Body.Len() > 0 {
		t.Errorf("a caller that hung up: %d %s", w.Code, w.Body)
	}
}

func TestReplyThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	w := httptest.NewRecorder()
	err := Reply(w, httptest.NewRequest("GET", "/", nil), http.StatusOK, make(chan int))
	if err == nil || w.Body.Len() > 0 {
		t.Errorf("%v, %s", err, w.Body)
	}
}

// A key that is nobody's leaves a line with route and address, and without the key.
func TestAFailedKeyIsLogged(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	unknown := horde.Errorf(horde.InvalidAPIKey, "No user has this key.")
	s := New(Options{Log: slog.New(slog.NewTextHandler(&log, nil))}, []Route{
		Get("/keys/{id}", func(http.ResponseWriter, *http.Request) error { return unknown }),
	})

	call(s, "GET", "/keys/1")
	if log.Len() != 0 {
		t.Errorf("a call without a key: %s", &log)
	}

	call(s, "GET", "/keys/secret-too", "apikey", "my-secret-key")
	line := log.String()
	for _, want := range []string{"unknown API key", "route=/keys/{id}", "network=192.0.2.1"} {
		if !strings.Contains(line, want) {
			t.Errorf("%q is not in %s", want, line)
		}
	}
	if strings.Contains(line, "secret") {
		t.Errorf("a secret: %s", line)
	}
}
