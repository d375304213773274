package ollama_test

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"horde/api"
	"horde/engine"
	"horde/engine/ollama"
)

// strict is a stand-in for Ollama, written from its API: it takes no member that is not
// Ollama's, and wants raw prompts.
type strict struct {
	t    *testing.T
	last map[string]any // the last call of /api/generate
}

func (s *strict) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/api/version":
		io.WriteString(w, `{"version":"0.6.8"}`)
	case "/api/tags":
		io.WriteString(w, `{"models":[{"name":"fox:latest"},{"name":"owl:7b"}]}`)
	case "/api/show":
		io.WriteString(w, `{"model_info":{"llama.context_length":2048,"general.architecture":"llama"}}`)
	case "/api/generate":
		s.generate(w, r)
	default:
		http.NotFound(w, r)
	}
}

func (s *strict) generate(w http.ResponseWriter, r *http.Request) {
	var body map[string]any
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		s.t.Error(err)
	}
	s.last = body
	options := body["options"].(map[string]any)
	known := " num_predict num_ctx seed temperature top_k top_p min_p typical_p repeat_penalty repeat_last_n "
	for key := range options {
		if !strings.Contains(known, " "+key+" ") {
			s.t.Errorf("option %q", key)
		}
	}
	if body["raw"] != true || body["stream"] != true {
		s.t.Errorf("call %v", body)
	}

	w.Header().Set("Content-Type", "application/x-ndjson")
	n := int(options["num_predict"].(float64))
	for i := range n {
		fmt.Fprintf(w, `{"model":"fox:latest","response":" %d","done":false}`+"\n", i)
	}
	fmt.Fprintf(w, `{"response":"","done":true,"done_reason":"length","prompt_eval_count":5,"eval_count":%d}`+"\n", n)
}

func open(t *testing.T, o ollama.Options) (engine.TextEngine, *strict) {
	t.Helper()
	s := &strict{t: t}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	o.URL = server.URL
	e, err := ollama.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { e.Close() })
	return e, s
}

func TestOllama(t *testing.T) {
	t.Parallel()
	e, s := open(t, ollama.Options{})
	if err := e.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}
	if can := e.TextCapabilities(); can.MaxContextLength != 2048 || can.Slots != 1 || e.Models()[0] != "fox" {
		t.Errorf("%+v, models %q", can, e.Models())
	}

	zero, half := 0, api.Float(0.5)
	job := engine.TextJob{Seed: 3, Payload: api.TextPayload{Prompt: strings.Repeat("x", 1<<20), MaxLength: 40,
		MaxContextLength: 1040}}
	job.Payload.Temperature, job.Payload.RepPenRange, job.Payload.TFS = &half, &zero, &half
	r, err := e.GenerateText(t.Context(), job, engine.TextHooks{})
	if err != nil || r.Tokens != 40 || r.PromptTokens != 5 || len(r.Ignored) != 1 {
		t.Errorf("%+v, %v", r, err)
	}
	options := s.last["options"].(map[string]any)
	if n := len(s.last["prompt"].(string)); n != 3000 || options["num_ctx"] != 2048.0 || options["repeat_last_n"] != -1.0 {
		t.Errorf("prompt of %d bytes, options %v", n, options)
	}

	job.Payload.StopSequence = []string{"3 4"}
	r, err = e.GenerateText(t.Context(), job, engine.TextHooks{})
	if err != nil || r.Text != " 0 1 2 " || r.Stop != "3 4" {
		t.Errorf("%+v, %v", r, err)
	}
}

func TestOllamaHasTheModelThatIsNamed(t *testing.T) {
	t.Parallel()
	e, _ := open(t, ollama.Options{ServerModel: "owl:7b", Model: "an owl", Context: 512})
	if err := e.Probe(t.Context()); err != nil || e.Models()[0] != "an owl" ||
		e.TextCapabilities().MaxContextLength != 512 {
		t.Errorf("%v, models %q", err, e.Models())
	}
	e, _ = open(t, ollama.Options{ServerModel: "cat"})
	if err := e.Probe(t.Context()); err == nil || !strings.Contains(err.Error(), `"cat"`) {
		t.Errorf("error %v", err)
	}
}

// TestRealOllama asks the Ollama that HORDE_TEST_OLLAMA is the address of.
func TestRealOllama(t *testing.T) {
	address := os.Getenv("HORDE_TEST_OLLAMA")
	if address == "" {
		t.Skip("HORDE_TEST_OLLAMA is not the address of an Ollama with a model")
	}
	e, err := ollama.New(ollama.Options{URL: address})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if err := e.Probe(t.Context()); err != nil {
		t.Fatal(err)
	}

	job := engine.TextJob{Seed: 3, Payload: api.TextPayload{Prompt: "1, 2, 3, 4, 5, 6,", MaxLength: 20,
		MaxContextLength: 512}}
	job.Payload.Temperature = new(api.Float)
	job.Payload.StopSequence = []string{"9"}
	var pieces strings.Builder
	r, err := e.GenerateText(t.Context(), job, engine.TextHooks{
		Progress: func(p engine.TextProgress) { pieces.WriteString(p.Piece) }})
	if err != nil || r.Stop != "9" || !strings.HasPrefix(r.Text, " 7, 8") || pieces.String() != r.Text {
		t.Errorf("%+v, pieces %q, %v", r, pieces.String(), err)
	}
	t.Logf("%+v, %+v", r, e.TextCapabilities())
}
