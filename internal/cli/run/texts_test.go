package run

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"

	"horde/engine"
)

// A server that is away when the worker starts keeps nobody waiting: its engine is there at
// once, offers nothing, and finds out what the server is when that answers.
func TestATextServerMayComeLater(t *testing.T) {
	t.Parallel()
	var up atomic.Bool
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case !up.Load():
			http.Error(w, "bad gateway", http.StatusBadGateway)
		case r.URL.Path == "/v1/models":
			io.WriteString(w, `{"data":[{"id":"org/words"}]}`)
		case r.URL.Path == "/v1/completions":
			w.Header().Set("Content-Type", "application/json")
			io.WriteString(w, `{"choices":[{"text":" there was","finish_reason":"stop"}]}`)
		default:
			http.NotFound(w, r)
		}
	}))
	t.Cleanup(server.Close)

	e, err := openTextEngine(TextFlags{Text: server.URL, TextEngine: "auto"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	if err := e.Probe(t.Context()); err == nil || len(e.Models()) != 0 {
		t.Fatalf("probe while it is away: %v, models %q", err, e.Models())
	}

	up.Store(true)
	if err := e.Probe(t.Context()); err != nil || len(e.Models()) != 1 || e.Models()[0] != "org/words" {
		t.Fatalf("probe: %v, models %q", err, e.Models())
	}
	r, err := e.GenerateText(t.Context(), engine.TextJob{Model: "org/words"}, engine.TextHooks{})
	if err != nil || r.Text != " there was" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestTheAddressOfATextServerIsCheckedAtOnce(t *testing.T) {
	t.Parallel()
	for _, kind := range []string{"auto", "llamacpp", "ollama", "openai"} {
		if _, err := openTextEngine(TextFlags{Text: "127.0.0.1:8080", TextEngine: kind}); err == nil {
			t.Errorf("%s: no error", kind)
		}
	}
}
