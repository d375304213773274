package llamacpp_test

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"

	"horde/api"
	"horde/engine"
	"horde/engine/llamacpp"
)

// A text from a llama.cpp server, for which a few canned answers stand here.
func Example() {
	server := httptest.NewServer(canned)
	defer server.Close()

	e, err := llamacpp.New(llamacpp.Options{URL: server.URL})
	if err != nil {
		fmt.Println(err)
		return
	}
	defer e.Close()
	if err := e.Probe(context.Background()); err != nil {
		fmt.Println("it cannot work now:", err)
		return
	}

	can := e.TextCapabilities()
	fmt.Println(e.Models()[0], "holds", can.MaxContextLength, "tokens")
	r, err := e.GenerateText(context.Background(), engine.TextJob{
		Model:   e.Models()[0],
		Payload: api.TextPayload{Prompt: "Once upon a time", MaxLength: 80, MaxContextLength: 1024},
	}, engine.TextHooks{Progress: func(p engine.TextProgress) { fmt.Printf("%d: %q\n", p.Tokens, p.Piece) }})
	fmt.Printf("%q %v\n", r.Text, err)
	// Output:
	// fox holds 4096 tokens
	// 1: " there"
	// 2: " was"
	// 2: ""
	// " there was" <nil>
}

// canned answers as a llama.cpp server does.
var canned = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
	switch r.URL.Path {
	case "/health":
		io.WriteString(w, `{"status":"ok"}`)
	case "/props":
		io.WriteString(w, `{"default_generation_settings":{"n_ctx":4096},"total_slots":1,"model_path":"/models/fox.gguf"}`)
	case "/tokenize":
		io.WriteString(w, `{"tokens":[]}`)
	case "/completion":
		w.Header().Set("Content-Type", "text/event-stream")
		io.WriteString(w, `data: {"content":" there","tokens_predicted":1}`+"\n\n")
		io.WriteString(w, `data: {"content":" was","tokens_predicted":2}`+"\n\n")
		io.WriteString(w, `data: {"content":"","stop":true,"tokens_predicted":2,"stop_type":"eos"}`+"\n\n")
	}
})
