package openai_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"horde/api"
	"horde/engine"
	"horde/engine/openai"
	"horde/internal/textserver"
)

func open(t *testing.T, o openai.Options) engine.TextEngine {
	t.Helper()
	e, err := openai.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e
}

func job(prompt string, length int, change func(*api.TextPayload)) engine.TextJob {
	j := engine.TextJob{Seed: 7, Payload: api.TextPayload{Prompt: prompt, MaxLength: length, MaxContextLength: 1024}}
	if change != nil {
		change(&j.Payload)
	}
	return j
}

// TestRealServer asks the OpenAI-compatible API of a real llama.cpp server.
func TestRealServer(t *testing.T) {
	s := textserver.Start(t)
	e := open(t, openai.Options{URL: s.URL + "/v1/", Key: s.Key, Slots: 2})
	if err := e.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if can := e.TextCapabilities(); can.MaxContextLength != textserver.Context || can.Slots != 2 || can.Speed <= 0 {
		t.Errorf("%+v", can)
	}
	greedy := func(p *api.TextPayload) { p.Temperature = new(api.Float) }

	t.Run("length and usage", func(t *testing.T) {
		r, err := e.GenerateText(t.Context(), job("Once upon a time", 24, func(p *api.TextPayload) {
			yes := true
			p.DefaultBadWordsIDs = &yes
		}), engine.TextHooks{})
		if err != nil || r.Tokens != 24 || r.PromptTokens != 4 {
			t.Errorf("%+v, %v", r, err)
		}
	})

	t.Run("a stop sequence is known, and frees the slot", func(t *testing.T) {
		var pieces strings.Builder
		r, err := e.GenerateText(t.Context(), job("1, 2, 3, 4, 5, 6,", 500, func(p *api.TextPayload) {
			greedy(p)
			p.StopSequence = []string{"never", "8, 9"}
		}), engine.TextHooks{Progress: func(p engine.TextProgress) { pieces.WriteString(p.Piece) }})
		if err != nil || r.Text != " 7, " || r.Stop != "8, 9" || pieces.String() != r.Text {
			t.Errorf("%+v, pieces %q, %v", r, pieces.String(), err)
		}
		s.AwaitIdle(t)
	})

	t.Run("in pieces as in one", func(t *testing.T) {
		r, err := e.GenerateText(t.Context(), job("The meaning of life is", 20, greedy), engine.TextHooks{})
		answer := s.Post(t, "/v1/completions", map[string]any{"prompt": "The meaning of life is", "max_tokens": 20,
			"temperature": 0, "seed": 7})
		whole := answer["choices"].([]any)[0].(map[string]any)["text"]
		if err != nil || r.Text != whole {
			t.Errorf("%q in pieces, %q in one: %v", r.Text, whole, err)
		}
	})

	t.Run("a prompt that is too long is cut from the left", func(t *testing.T) {
		prompt := strings.Repeat("The quick brown fox. ", 50_000) + "1, 2, 3, 4, 5, 6,"
		r, err := e.GenerateText(t.Context(), job(prompt, 16, func(p *api.TextPayload) {
			greedy(p)
			p.MaxContextLength = 128
		}), engine.TextHooks{})
		if err != nil || r.PromptTokens > 112 || r.PromptTokens < 90 || !strings.HasPrefix(r.Text, " 7, 8") {
			t.Errorf("%+v, %v", r, err)
		}
	})

	t.Run("a cancel frees the slot", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		_, err := e.GenerateText(ctx, job("Once upon a time", 900, nil), engine.TextHooks{
			Progress: func(p engine.TextProgress) {
				if p.Tokens == 3 {
					cancel()
				}
			}})
		if !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
		s.AwaitIdle(t)
	})
}

// strict is a server that takes no more than it has to: OpenAI's own members, within
// their bounds.
type strict struct {
	t *testing.T

	takes   string                                  // further members of a call, between spaces
	context int                                     // tokens; a byte is one here; 0: any
	write   func(w http.ResponseWriter, length int) // nil: so many words, in pieces
	busy    atomic.Bool                             // no call is answered
	last    atomic.Pointer[map[string]any]          // the last call that was taken

	replaced atomic.Bool // by a server with another model, of OpenAI's own members alone

	refused atomic.Int32 // calls
}

const standard = " model prompt max_tokens seed stop stream temperature top_p "

func (s *strict) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get("Authorization") != "Bearer key" {
		http.Error(w, `{"error":{"message":"Incorrect API key provided: sk-…"}}`, http.StatusUnauthorized)
		return
	}
	switch r.URL.Path {
	case "/v1/models":
		name := "org/words"
		if s.replaced.Load() {
			name = "org/replaced"
		}
		fmt.Fprintf(w, `{"object":"list","data":[{"id":%q,"max_model_len":1024},{"id":"other"}]}`, name)
	case "/v1/completions":
		s.complete(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (s *strict) complete(w http.ResponseWriter, r *http.Request) {
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		s.t.Error(err)
	}
	refuse := func(text string) {
		s.refused.Add(1)
		w.WriteHeader(http.StatusBadRequest)
		json.NewEncoder(w).Encode(map[string]any{"error": map[string]string{"message": text}})
	}
	if s.busy.Load() {
		http.Error(w, "busy", http.StatusServiceUnavailable)
		return
	}
	takes := standard
	if !s.replaced.Load() {
		takes += s.takes
	}
	for key := range body {
		if !strings.Contains(takes, " "+key+" ") {
			refuse("unknown " + key)
			return
		}
	}
	if stops, _ := body["stop"].([]any); len(stops) > 4 {
		refuse("too many stops")
		return
	}
	if v, _ := body["temperature"].(float64); v > 2 {
		refuse("too hot")
		return
	}
	if prompt := body["prompt"].(string); s.context > 0 && len(prompt) > s.context {
		refuse("maximum context length exceeded")
		return
	}

	s.last.Store(&body)
	length := int(body["max_tokens"].(float64))
	if s.write != nil {
		s.write(w, length)
		return
	}
	w.Header().Set("Content-Type", "text/event-stream; charset=utf-8")
	for n := range length {
		fmt.Fprintf(w, "data: {\"choices\":[{\"text\":\" w%d\",\"finish_reason\":null}]}\n\n", n)
	}
	io.WriteString(w, ": a remark\n\ndata: {\"choices\":[{\"text\":\"\",\"finish_reason\":\"length\"}]}\n\n")
	if body["stream_options"] != nil {
		fmt.Fprintf(w, "data: {\"choices\":[],\"usage\":{\"prompt_tokens\":4,\"completion_tokens\":%d}}\n\n", length)
	}
	io.WriteString(w, "data: [DONE]\n\ndata: never read\n\n")
}

func serve(t *testing.T, s *strict) string {
	t.Helper()
	s.t = t
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	return server.URL
}

func TestNoMoreIsSentThanTheServerTakes(t *testing.T) {
	t.Parallel()
	all := func(p *api.TextPayload) {
		hot, pen, typical, topK := api.Float(4), api.Float(1.2), api.Float(0.9), 40
		p.Temperature, p.RepPen, p.Typical, p.TopK = &hot, &pen, &typical, &topK
		p.StopSequence = []string{"a", "b", "c", "d", "e", "w17 w18"}
	}
	for _, tc := range []struct {
		name, takes string
		refusals    int32
		ignored     int
		sends       string // a member that is sent where it is taken
	}{
		{"OpenAI's own members", "", 4, 4, ""},
		{"and the usage", " stream_options ", 3, 4, "stream_options"},
		{"samplers as well", " repetition_penalty typical_p top_k ", 2, 0, "repetition_penalty"},
		{"and the usage with them", " stream_options repetition_penalty typical_p top_k ", 1, 0, "typical_p"},
		{"everything", " stream_options repetition_penalty typical_p top_k ignore_eos ", 0, 0, "typical_p"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := &strict{takes: tc.takes}
			e := open(t, openai.Options{URL: serve(t, s), Key: "key"})
			if err := e.Probe(t.Context()); err != nil || s.refused.Load() != tc.refusals {
				t.Fatalf("%d calls were refused: %v", s.refused.Load(), err)
			}
			if can := e.TextCapabilities(); can.MaxContextLength != 1024 || e.Models()[0] != "org/words" {
				t.Errorf("%+v, models %q", can, e.Models())
			}

			change := all
			if tc.sends == "repetition_penalty" || tc.sends == "typical_p" { // such servers know no bound of 2 here
				change = func(p *api.TextPayload) { all(p); *p.Temperature = 2 }
			}
			r, err := e.GenerateText(t.Context(), job("Once", 40, change), engine.TextHooks{})
			if err != nil || r.Stop != "w17 w18" || !strings.HasSuffix(r.Text, " w16 ") || len(r.Ignored) != tc.ignored {
				t.Errorf("%+v, %v", r, err)
			}
			if call := *s.last.Load(); tc.sends != "" && call[tc.sends] == nil || s.refused.Load() != tc.refusals {
				t.Errorf("call %v", call)
			}
		})
	}
}

func TestAServerThatDoesNotStreamIsToldWhereToStop(t *testing.T) {
	t.Parallel()
	s := &strict{write: func(w http.ResponseWriter, _ int) {
		w.Header().Set("Content-Type", "application/json")
		io.WriteString(w, `{"choices":[{"text":" there was a fox","finish_reason":"stop","stop_reason":"END"}],
			"usage":{"prompt_tokens":3,"completion_tokens":12}}`)
	}}
	e := open(t, openai.Options{URL: serve(t, s), Key: "key", ServerModel: "other", Model: "a fox", Context: 512})
	err := e.Probe(t.Context())
	if err != nil || e.Models()[0] != "a fox" || e.TextCapabilities().MaxContextLength != 512 {
		t.Fatalf("%v, models %q, %+v", err, e.Models(), e.TextCapabilities())
	}
	if can := e.TextCapabilities(); can.MaxLength != 511 || can.Speed <= 0 || !can.InOnePiece {
		t.Errorf("%+v", can)
	}
	r, err := e.GenerateText(t.Context(), job("Once", 40, func(p *api.TextPayload) {
		p.StopSequence = []string{"a1", "b1", "c1", "d1", "END"}
	}), engine.TextHooks{})
	if err != nil || r.Text != " there was a fox" || r.Stop != "END" || r.Tokens != 12 || r.PromptTokens != 3 {
		t.Errorf("%+v, %v", r, err)
	}
	if stops := (*s.last.Load())["stop"].([]any); len(stops) != 4 {
		t.Errorf("stop sequences %v", stops)
	}
}

// What a server took with one model says nothing of the next one, also where the first
// look at that fails.
func TestAnotherModelIsTriedAfresh(t *testing.T) {
	t.Parallel()
	s := &strict{takes: " stream_options repetition_penalty typical_p top_k ignore_eos "}
	e := open(t, openai.Options{URL: serve(t, s), Key: "key", Model: "words"})
	if err := e.Probe(t.Context()); err != nil || e.TextCapabilities().Speed <= 0 {
		t.Fatalf("%v, %+v", err, e.TextCapabilities())
	}

	s.replaced.Store(true)
	s.busy.Store(true)
	if err := e.Probe(t.Context()); err == nil {
		t.Fatal("no error of a server that is busy")
	}
	if can := e.TextCapabilities(); can.Speed != 0 {
		t.Errorf("the speed of the model before: %+v", can)
	}

	s.busy.Store(false)
	if err := e.Probe(t.Context()); err != nil || e.TextCapabilities().Speed <= 0 {
		t.Fatalf("%v, %+v", err, e.TextCapabilities())
	}
	before := s.refused.Load()
	_, err := e.GenerateText(t.Context(), job("Once", 20, nil), engine.TextHooks{})
	if err != nil || s.refused.Load() > before {
		t.Errorf("%v, %d refusals", err, s.refused.Load()-before)
	}
}

// What is refused of a payload is left out, and what is refused without it is no failure of
// the server.
func TestAPayloadThatIsRefusedIsNoFailure(t *testing.T) {
	t.Parallel()
	s := &strict{takes: " stream_options repetition_penalty typical_p top_k ignore_eos ", context: 1000}
	e := open(t, openai.Options{URL: serve(t, s), Key: "key"})
	if err := e.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}

	r, err := e.GenerateText(t.Context(), job("Once", 20, func(p *api.TextPayload) {
		half := api.Float(0.5)
		p.TopA = &half
	}), engine.TextHooks{})
	if err != nil || r.Tokens != 20 || len(r.Ignored) != 1 || !strings.HasPrefix(r.Ignored[0], "top_a") {
		t.Errorf("%+v, %v", r, err)
	}

	s.replaced.Store(true)
	s.context = 1
	_, err = e.GenerateText(t.Context(), job("Once", 20, nil), engine.TextHooks{})
	if !errors.Is(err, engine.ErrRefused) {
		t.Errorf("error %v", err)
	}
	s.context = 0
	if err := e.Probe(t.Context()); err != nil { // which looks again
		t.Fatal(err)
	}
	before := s.refused.Load()
	_, err = e.GenerateText(t.Context(), job("Once", 20, nil), engine.TextHooks{})
	if err != nil || s.refused.Load() > before {
		t.Errorf("%v, %d refusals", err, s.refused.Load()-before)
	}
}

func TestAPromptIsCutByBytesWhereNobodyCountsTokens(t *testing.T) {
	t.Parallel()
	s := &strict{context: 200} // where the job thinks it has 200 tokens, of three bytes
	e := open(t, openai.Options{URL: serve(t, s), Key: "key"})
	if err := e.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	before := s.refused.Load()
	r, err := e.GenerateText(t.Context(), job(strings.Repeat("é", 1<<19), 40, func(p *api.TextPayload) {
		p.MaxContextLength = 240
	}), engine.TextHooks{})
	if err != nil || r.Tokens != 40 || s.refused.Load() != before+1 || len((*s.last.Load())["prompt"].(string)) != 200 {
		t.Errorf("%+v, %v, %d refusals", r, err, s.refused.Load()-before)
	}
}

// A server may answer anything.
func TestAServerMayAnswerAnything(t *testing.T) {
	t.Parallel()
	event := func(text string) func(http.ResponseWriter, int) {
		return func(w http.ResponseWriter, _ int) {
			w.Header().Set("Content-Type", "text/event-stream")
			io.WriteString(w, text)
		}
	}
	for _, tc := range []struct {
		name  string
		write func(http.ResponseWriter, int)
		says  string
	}{
		{"nothing", event(""), "broke off"},
		{"a stream that breaks off", event("data: {\"choices\":[{\"text\":\" a\"}]}\n\n"), "broke off"},
		{"no JSON", event("data: <html>\n\n"), "JSON"},
		{"an error", event("data: {\"error\":{\"message\":\"out of\\u0000 memory\"}}\n\n"), "out of memory"},
		{"an error as a text", event("data: {\"error\":\"out of memory\"}\n\n"), "out of memory"},
		{"a choice that is none", event("data: {\"choices\":[7]}\n\n"), "not what was expected"},
		{"a line without end", event("data: " + strings.Repeat("x", 2<<20)), "line"},
		{"an answer without end", func(w http.ResponseWriter, _ int) {
			w.Header().Set("Content-Type", "application/json")
			for block := bytes.Repeat([]byte(" "), 1<<20); ; {
				if _, err := w.Write(block); err != nil {
					return
				}
			}
		}, "more than"},
		{"more than tokens can be",
			event("data: {\"choices\":[{\"text\":\"" + strings.Repeat("x", 9000) + "\"}]}\n\n"), "more than"},
		{"no tokens", event("data: {\"choices\":[{\"text\":\"\",\"finish_reason\":\"stop\"}]}\n\n"), "no tokens"},
		{"another address", func(w http.ResponseWriter, _ int) {
			w.Header().Set("Location", "http://127.0.0.1:1/")
			w.WriteHeader(http.StatusTemporaryRedirect)
		}, "status 307"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			t.Parallel()
			s := &strict{takes: " stream_options repetition_penalty typical_p top_k ", write: tc.write}
			err := open(t, openai.Options{URL: serve(t, s), Key: "key"}).Probe(t.Context())
			if err == nil || !strings.Contains(err.Error(), tc.says) || len(err.Error()) > 500 {
				t.Errorf("error %v", err)
			}
		})
	}

	t.Run("more tokens than were asked for are cut off", func(t *testing.T) {
		t.Parallel()
		s := &strict{takes: " stream_options ", write: func(w http.ResponseWriter, length int) {
			w.Header().Set("Content-Type", "text/event-stream")
			for n := 0; ; n++ {
				if _, err := fmt.Fprintf(w, "data: {\"choices\":[{\"text\":\" w\"}]}\n\n"); err != nil {
					return
				}
			}
		}}
		e := open(t, openai.Options{URL: serve(t, s), Key: "key"})
		if err := e.Probe(t.Context()); err != nil {
			t.Fatal(err)
		}
		r, err := e.GenerateText(t.Context(), job("Once", 20, nil), engine.TextHooks{})
		if err != nil || r.Tokens != 20 || r.Text != strings.Repeat(" w", 20) {
			t.Errorf("%+v, %v", r, err)
		}
	})

	t.Run("a wrong key", func(t *testing.T) {
		t.Parallel()
		err := open(t, openai.Options{URL: serve(t, &strict{}), Key: "wrong"}).Probe(t.Context())
		if err == nil || !strings.Contains(err.Error(), "API key") {
			t.Errorf("error %v", err)
		}
	})

	t.Run("a model that it does not have", func(t *testing.T) {
		t.Parallel()
		err := open(t, openai.Options{URL: serve(t, &strict{}), Key: "key", ServerModel: "cat"}).Probe(t.Context())
		if err == nil || !strings.Contains(err.Error(), `"cat"`) {
			t.Errorf("error %v", err)
		}
	})
}
