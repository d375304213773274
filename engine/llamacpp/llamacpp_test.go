package llamacpp_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"
	"unicode/utf8"

	"horde/api"
	"horde/engine"
	"horde/engine/llamacpp"
	"horde/internal/textserver"
)

func open(t *testing.T, o llamacpp.Options) engine.TextEngine {
	t.Helper()
	e, err := llamacpp.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

// real is an engine over a real server, probed.
func real(t *testing.T) (engine.TextEngine, *textserver.Server) {
	t.Helper()
	s := textserver.Start(t)
	e := open(t, llamacpp.Options{URL: s.URL, Key: s.Key, Reproducible: true})
	if err := e.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	return e, s
}

func job(prompt string, length int, change func(*api.TextPayload)) engine.TextJob {
	j := engine.TextJob{Seed: 7, Payload: api.TextPayload{Prompt: prompt, MaxLength: length, MaxContextLength: 1024}}
	if change != nil {
		change(&j.Payload)
	}
	return j
}

// TestRealServer asks llama.cpp's own server.
func TestRealServer(t *testing.T) {
	e, s := real(t)
	greedy := func(p *api.TextPayload) { p.Temperature = new(api.Float) }

	t.Run("it says what it can hold", func(t *testing.T) {
		can := e.TextCapabilities()
		if can.MaxContextLength != textserver.Context || can.MaxLength != textserver.Context-1 ||
			can.Slots != textserver.Slots || can.Speed <= 0 {
			t.Errorf("%+v", can)
		}
		if models := e.Models(); !slices.Equal(models, []string{"SmolLM2-135M-Instruct.Q4_1"}) {
			t.Errorf("models %q", models)
		}
	})

	t.Run("a text has the length that was asked for", func(t *testing.T) {
		for _, length := range []int{1, 16, 40} {
			r, err := e.GenerateText(t.Context(), job("Once upon a time", length, func(p *api.TextPayload) {
				yes := true
				p.DefaultBadWordsIDs = &yes // the model may not end it
			}), engine.TextHooks{})
			if err != nil || r.Tokens != length || r.PromptTokens != 4 || r.Stop != "" {
				t.Errorf("%d tokens: %+v, %v", length, r, err)
			}
		}
	})

	t.Run("a stop sequence ends it", func(t *testing.T) {
		r, err := e.GenerateText(t.Context(), job("1, 2, 3, 4, 5, 6,", 40, func(p *api.TextPayload) {
			greedy(p)
			p.StopSequence = []string{"", "never", "9"}
		}), engine.TextHooks{})
		if err != nil || r.Text != " 7, 8, " || r.Stop != "9" {
			t.Errorf("%+v, %v", r, err)
		}
	})

	t.Run("pieces are the text, and the same seed the same one", func(t *testing.T) {
		var texts []string
		for range 2 {
			var pieces strings.Builder
			last := 0
			r, err := e.GenerateText(t.Context(), job("The meaning of life is", 30, nil), engine.TextHooks{
				Progress: func(p engine.TextProgress) {
					pieces.WriteString(p.Piece)
					if p.Tokens < last {
						t.Errorf("%d tokens after %d", p.Tokens, last)
					}
					last = p.Tokens
				}})
			if err != nil || pieces.String() != r.Text || last != r.Tokens {
				t.Errorf("pieces %q, %d tokens; text %q, %d; %v", pieces.String(), last, r.Text, r.Tokens, err)
			}
			texts = append(texts, r.Text)
		}

		// The same asked from the server itself, in one piece.
		whole := s.Post(t, "/completion", map[string]any{"prompt": "The meaning of life is", "n_predict": 30, "seed": 7,
			"cache_prompt": false})["content"]
		if texts[0] != texts[1] || texts[0] != whole {
			t.Errorf("texts %q, and %q in one piece", texts, whole)
		}
	})

	t.Run("a prompt that is too long is cut from the left", func(t *testing.T) {
		prompt := strings.Repeat("The quick brown fox. ", 50_000) + "1, 2, 3, 4, 5, 6," // 1 MB
		r, err := e.GenerateText(t.Context(), job(prompt, 16, func(p *api.TextPayload) {
			greedy(p)
			p.MaxContextLength = 128
			p.StopSequence = []string{"8"}
		}), engine.TextHooks{})
		if err != nil || r.PromptTokens != 128-16 || r.Text != " 7, " {
			t.Errorf("%+v, %v", r, err)
		}
	})

	t.Run("settings that make no sense are clamped or left out", func(t *testing.T) {
		huge, nan, minus := api.Float(1e9), api.Float(math.NaN()), api.Float(-5)
		wide, few := 1<<40, -3
		r, err := e.GenerateText(t.Context(), job("Hello", 1<<30, func(p *api.TextPayload) {
			p.MaxContextLength = 40
			p.Temperature, p.TopP, p.TFS, p.TopA, p.RepPen = &huge, &nan, &minus, &huge, &minus
			p.TopK, p.RepPenRange = &wide, &few
			p.SamplerOrder = []int{1, 1, 1, 1, 1, 1, 99}
			for n := range 100_000 {
				p.StopSequence = append(p.StopSequence, fmt.Sprint("stop ", n))
			}
		}), engine.TextHooks{})
		if err != nil || len(r.Ignored) < 8 {
			t.Errorf("%+v, %v", r, err)
		}
	})

	t.Run("a cancel frees the slot", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		_, err := e.GenerateText(ctx, job("Once upon a time", 1000, func(p *api.TextPayload) {
			p.MaxContextLength = textserver.Context
		}), engine.TextHooks{Progress: func(p engine.TextProgress) {
			if p.Tokens == 3 {
				if s.Busy(t) == 0 {
					t.Error("no slot is busy during a text")
				}
				cancel()
			}
		}})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		s.AwaitIdle(t)
	})

	t.Run("a wrong key is refused with a reason", func(t *testing.T) {
		err := open(t, llamacpp.Options{URL: s.URL, Key: "wrong"}).Probe(t.Context())
		if err == nil || !strings.Contains(err.Error(), "API key") {
			t.Errorf("error %v", err)
		}
	})
}

// A server may answer anything.
func TestAServerMayAnswerAnything(t *testing.T) {
	t.Parallel()
	props := `{"default_generation_settings":{"n_ctx":512},"total_slots":2,"model_path":"/m/x.gguf"}`
	for _, tc := range []struct {
		name, props, stream string
		status              int
		says                string
	}{
		{"no JSON", "<html>", "", 200, "JSON"},
		{"no model", `{"default_generation_settings":{"n_ctx":512}}`, "", 200, "no model"},
		{"no context", `{"model_path":"x"}`, "", 200, "context of 0"},
		{"an absurd context", `{"model_path":"x","default_generation_settings":{"n_ctx":1e15}}`, "", 200, ""},
		{"a busy server", props, `{"error":{"message":"no slot\u0007 is\nfree"}}`, 503, "no slot is free"},
		{"an error in the stream", props, `data: {"error":{"message":"out of memory"}}`, 200, "out of memory"},
		{"another form of it", props, `error: {"error":"out of memory"}`, 200, "out of memory"},
		{"a stream that breaks off", props, `data: {"content":" a","tokens_predicted":1}`, 200, "broke off"},
		{"no messages", props, `data: 17`, 200, "JSON"},
		{"a line without end", props, "data: " + strings.Repeat("x", 2<<20), 200, "line"},
		{"more than tokens can be", props,
			`data: {"content":"` + strings.Repeat("x", 9000) + `","tokens_predicted":1}`, 200, "more than"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			e := open(t, llamacpp.Options{URL: fake(t, tc.props, func(w http.ResponseWriter, _ map[string]any) {
				w.Header().Set("Content-Type", "text/event-stream")
				w.WriteHeader(tc.status)
				io.WriteString(w, tc.stream+"\n\n")
			})})
			err := e.Probe(t.Context())
			if err == nil || !strings.Contains(err.Error(), tc.says) {
				t.Errorf("error %v", err)
			}
			if err != nil && (len(err.Error()) > 500 || strings.ContainsAny(err.Error(), "\a\n")) {
				t.Errorf("an error of %d bytes: %.600q", len(err.Error()), err)
			}
		})
	}

	t.Run("a server that does not stop is cut off", func(t *testing.T) {
		t.Parallel()
		e := open(t, llamacpp.Options{URL: fake(t, props, func(w http.ResponseWriter, body map[string]any) {
			w.Header().Set("Content-Type", "text/event-stream")
			for n := 1; n < 100_000; n++ {
				if _, err := fmt.Fprintf(w, "data: {\"content\":\" é\",\"tokens_predicted\":%d}\n\n", n); err != nil {
					return
				}
			}
		})})
		_, err := e.GenerateText(t.Context(), job("x", 20, nil), engine.TextHooks{})
		if err == nil || !strings.Contains(err.Error(), "broke off") {
			t.Errorf("error %v", err)
		}
	})
}

// fake is a server with these props whose completions are written by a function.
func fake(t *testing.T, props string, complete func(http.ResponseWriter, map[string]any)) string {
	t.Helper()
	mux := http.NewServeMux()
	answer := func(text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, text) }
	}
	mux.HandleFunc("GET /health", answer(`{"status":"ok"}`))
	mux.HandleFunc("GET /props", answer(props))
	mux.HandleFunc("POST /tokenize", answer(`{"tokens":[]}`))
	mux.HandleFunc("POST /completion", func(w http.ResponseWriter, r *http.Request) {
		var body map[string]any
		if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
			t.Error(err)
		}
		complete(w, body)
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL
}

// What a payload asks for is what the server is asked, in its words.
func TestSettingsAreMapped(t *testing.T) {
	t.Parallel()
	var got atomic.Pointer[map[string]any]
	props := `{"default_generation_settings":{"n_ctx":4096},"total_slots":1,"model_alias":"org/name"}`
	e := open(t, llamacpp.Options{URL: fake(t, props, func(w http.ResponseWriter, body map[string]any) {
		got.Store(&body)
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, `data: {"content":" x","tokens_predicted":1,"tokens_evaluated":3}`+"\n")
		io.WriteString(w, `data: {"content":"","stop":true,"tokens_predicted":1,"tokens_evaluated":3,"stop_type":"eos"}`+"\n")
	})})
	if err := e.Probe(t.Context()); err != nil || e.Models()[0] != "org/name" {
		t.Fatalf("%v, models %q", err, e.Models())
	}

	f := func(v float64) *api.Float { x := api.Float(v); return &x }
	n := func(v int) *int { return &v }
	r, err := e.GenerateText(t.Context(), job("abc", 80, func(p *api.TextPayload) {
		p.TextSampling = api.TextSampling{
			Temperature: f(0.5), TopP: f(0.9), MinP: f(0.1), Typical: f(0.8), TopA: f(0.2), TFS: f(1), RepPen: f(1.1),
			RepPenSlope: f(0.7), SmoothingFactor: f(0), DynatempRange: f(0.3), DynatempExponent: f(1.5),
			TopK: n(40), RepPenRange: n(0), SamplerOrder: []int{6, 0, 1, 3, 4, 2, 5}, StopSequence: []string{"a", "", "a", "b"},
		}
	}), engine.TextHooks{})
	if err != nil || r.Text != " x" || r.Tokens != 1 || r.PromptTokens != 3 {
		t.Fatalf("%+v, %v", r, err)
	}

	want := map[string]any{"prompt": "abc", "n_predict": 80.0, "seed": 7.0, "stream": true, "cache_prompt": true,
		"temperature": 0.5, "top_p": 0.9, "min_p": 0.1, "typical_p": 0.8, "repeat_penalty": 1.1, "repeat_last_n": 1024.0,
		"dynatemp_range": 0.3, "dynatemp_exponent": 1.5, "top_k": 40.0, "stop": []any{"a", "b"},
		"samplers": []any{"penalties", "top_k", "typ_p", "top_p", "min_p", "temperature"}}
	for key, value := range want {
		if have := (*got.Load())[key]; fmt.Sprint(have) != fmt.Sprint(value) {
			t.Errorf("%s: %v, not %v", key, have, value)
		}
	}
	if len(r.Ignored) != 2 || !strings.HasPrefix(r.Ignored[0], "top_a") ||
		!strings.HasPrefix(r.Ignored[1], "rep_pen_slope") {
		t.Errorf("ignored %q", r.Ignored)
	}
}

// FuzzStream: whatever a server sends, a text that is taken is valid and bounded.
func FuzzStream(f *testing.F) {
	f.Add("data: {\"content\":\" a\",\"tokens_predicted\":1}\n\ndata: {\"stop\":true,\"tokens_predicted\":1}\n\n")
	f.Add("data: {\"content\":\"\xff\",\"tokens_predicted\":-1,\"stop\":true}\n")
	f.Add("error: {\"error\":null}\ndata: [DONE]\n")
	f.Fuzz(func(t *testing.T, stream string) {
		e := open(t, llamacpp.Options{URL: fake(t, "{}", func(w http.ResponseWriter, _ map[string]any) {
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, stream)
		})})
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		r, err := e.GenerateText(ctx, job("x", 20, nil), engine.TextHooks{})
		if err == nil && (!utf8.ValidString(r.Text) || len(r.Text) > 20*64+4096) {
			t.Errorf("text %q", r.Text)
		}
	})
}

func TestAnAddressIsChecked(t *testing.T) {
	t.Parallel()
	for _, address := range []string{"", "127.0.0.1:8080", "ftp://x", "http://", "http://user:secret@x", "http://x/?a=b"} {
		if _, err := llamacpp.New(llamacpp.Options{URL: address}); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%q: %v", address, err)
		}
	}
}
