package server

import (
	"bytes"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// A caller's id of a call is taken over if it can stand in a log as it is.
func TestRequestIDsOfCallersAreKept(t *testing.T) {
	t.Parallel()
	s := New(Options{}, testRoutes())
	for id, kept := range map[string]bool{
		"abc-123_x.y":           true,
		"":                      false,
		"a b":                   false,
		"a\"b":                  false,
		strings.Repeat("x", 65): false,
		"é":                     false,
	} {
		t.Run(id, func(t *testing.T) {
			got := call(s, "GET", "/plain", "X-Request-Id", id).Header().Get("X-Request-Id")
			if kept != (got == id) || got == "" {
				t.Errorf("%q becomes %q", id, got)
			}
		})
	}
}

func TestPanicAfterHalfAnAnswerCutsTheConnection(t *testing.T) {
	t.Parallel()
	srv := httptest.NewServer(New(Options{}, testRoutes()))
	defer srv.Close()
	resp, err := http.Get(srv.URL + "/broken")
	if err == nil {
		_, err = io.ReadAll(resp.Body)
		resp.Body.Close()
	}
	if err == nil {
		t.Error("half an answer looks like a whole one")
	}
}

func TestAccessLogHasNoKeys(t *testing.T) {
	t.Parallel()
	var log bytes.Buffer
	s := New(Options{AccessLog: true, Log: slog.New(slog.NewTextHandler(&log, nil))}, testRoutes())
	call(s, "GET", "/api/v2/things/7?apikey=topsecret", "apikey", "topsecret", "Client-Agent", "me:1:you")
	if !strings.Contains(log.String(), "path=/api/v2/things/7") || strings.Contains(log.String(), "topsecret") {
		t.Errorf("%s", &log)
	}
}

func TestMetricsCountByPattern(t *testing.T) {
	t.Parallel()
	o := Options{}
	s := New(o, testRoutes())
	call(s, "GET", "/api/v2/things/7")
	call(s, "BREW", "/nowhere/at/all")
	families, err := s.Metrics.Gather()
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, f := range families {
		text += f.String()
	}
	if !strings.Contains(text, "/api/v2/things/{id}") || !strings.Contains(text, `"unknown"`) ||
		strings.Contains(text, "BREW") || strings.Contains(text, "things/7") {
		t.Errorf("%s", text)
	}
}
