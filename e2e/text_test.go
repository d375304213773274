package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"horde/api"
	"horde/client"
	"horde/e2e/program"
	"horde/internal/textserver"
)

// koboldModel is the model that the recorded text clients ask for; here a small one is
// offered under its name.
const koboldModel = "koboldcpp/llama-3-8b"

// scribe is a running "horde work" that generates text.
type scribe struct {
	cmd   *exec.Cmd
	log   *program.Log
	ended chan error
}

// startScribe runs a Scribe until the test ends; args come after those that name the
// horde.
func startScribe(t *testing.T, url, key string, args ...string) *scribe {
	t.Helper()
	s := &scribe{log: &program.Log{}, ended: make(chan error, 1)}
	s.cmd = exec.Command(program.Binary(), append([]string{"work", "--no-images", "--horde", url, "--apikey", key,
		"--name", "a scribe", "--data", t.TempDir()}, args...)...)
	s.cmd.Env = program.CleanEnv()
	s.cmd.Stdout, s.cmd.Stderr = s.log, s.log
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { s.ended <- s.cmd.Wait() }()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		s.ended <- <-s.ended
		if t.Failed() {
			t.Logf("log of the scribe:\n%s", program.Tail(s.log.String(), 6000))
		}
	})
	s.await(t, "worker is ready")
	return s
}

// await returns when the log says something.
func (s *scribe) await(t *testing.T, text string) {
	t.Helper()
	for began := time.Now(); !strings.Contains(s.log.String(), text); time.Sleep(20 * time.Millisecond) {
		select {
		case err := <-s.ended:
			s.ended <- err
			t.Fatalf("the scribe ended: %v", err)
		default:
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("the scribe's log never says %q", text)
		}
	}
}

// ask requests a text and returns its last status.
func ask(t *testing.T, c *client.Client, r *api.TextRequest) *api.TextStatus {
	t.Helper()
	accepted, err := c.GenerateText(t.Context(), r)
	if err != nil {
		t.Fatal(err)
	}
	st, err := c.WatchText(t.Context(), accepted.ID, func(*api.TextStatus) {})
	if err != nil || st.Faulted || !st.Done {
		t.Fatalf("%+v, %v", st, err)
	}
	return st
}

// TestTextsFromARealModel sends requests through server, worker and llama.cpp's own
// server with a small model: by its own API and by its OpenAI-compatible one.
func TestTextsFromARealModel(t *testing.T) {
	t.Parallel()
	engine := textserver.Start(t)
	for _, kind := range []string{"auto", "openai"} {
		t.Run(kind, func(t *testing.T) {
			srv := program.Start(t, program.Setup{})
			p := makeParties(t, srv, 2)
			s := startScribe(t, srv.URL, p[1].key, "--text", engine.URL, "--text-key", engine.Key, "--text-engine", kind)
			c := client.New(srv.URL, p[0].key)
			checkOffer(t, srv.URL, kind)

			t.Run("lengths, stop sequences and several texts", func(t *testing.T) { checkTexts(t, c) })
			t.Run("tokens come as they are generated", func(t *testing.T) { checkProgress(t, c) })
			t.Run("a worker that is told twice gives the job back and frees the slot", func(t *testing.T) {
				checkAbort(t, c, s, engine)
			})
		})
	}
}

// checkOffer looks at what the horde shows of the worker.
func checkOffer(t *testing.T, url, kind string) {
	t.Helper()
	_, body := call(t, http.MethodGet, url+"/api/v2/workers?type=text", "", "")
	var workers []struct {
		Name      string   `json:"name"`
		Threads   int      `json:"threads"`
		Models    []string `json:"models"`
		MaxLength int      `json:"max_length"`
		Context   int      `json:"max_context_length"`
		Agent     string   `json:"bridge_agent"`
	}
	if err := json.Unmarshal([]byte(body), &workers); err != nil || len(workers) != 1 {
		t.Fatalf("%s: %v", body, err)
	}
	threads := map[string]int{"auto": textserver.Slots, "openai": 1}[kind] // only llama.cpp's own API tells
	w := workers[0]
	if w.Name != "a scribe" || w.Threads != threads || w.Context != textserver.Context || w.MaxLength < 16 ||
		w.MaxLength >= textserver.Context || len(w.Models) != 1 || w.Models[0] != "SmolLM2-135M-Instruct.Q4_1" ||
		!strings.HasPrefix(w.Agent, "Horde Worker:") {
		t.Errorf("worker %+v", w)
	}
}

func checkTexts(t *testing.T, c *client.Client) {
	n, length, context, zero := 3, 40, 512, api.Float(0)
	request := &api.TextRequest{Prompt: "1, 2, 3, 4, 5, 6,", Params: &api.TextParams{
		N: &n, MaxLength: &length, MaxContextLength: &context}}
	request.Params.Temperature, request.Params.StopSequence = &zero, []string{"9"}
	st := ask(t, c, request)
	if len(st.Generations) != n {
		t.Fatalf("%d texts", len(st.Generations))
	}
	for _, g := range st.Generations {
		if g.Text != " 7, 8, 9" || g.State != "ok" || g.WorkerName != "a scribe" || len(g.GenMetadata) != 0 {
			t.Errorf("%+v", g)
		}
	}
	if st.Kudos <= 0 {
		t.Errorf("it cost %v", st.Kudos)
	}

	yes := true
	request = &api.TextRequest{Prompt: "A story. Once upon a time,", Params: &api.TextParams{MaxLength: &length,
		MaxContextLength: &context}}
	request.Params.SingleLine, request.Params.TrimSentence = &yes, &yes
	if text := ask(t, c, request).Generations[0].Text; strings.Contains(text, "\n") || len(text) > length*16 {
		t.Errorf("text %q", text)
	}
}

// checkProgress follows a request: reports count tokens and carry the text so far, which
// the result begins with.
func checkProgress(t *testing.T, c *client.Client) {
	length, context, yes := 400, 1024, true
	request := &api.TextRequest{Prompt: "Once upon a time", Params: &api.TextParams{MaxLength: &length,
		MaxContextLength: &context}}
	request.Params.DefaultBadWordsIDs = &yes // the model may not end it
	accepted, err := c.GenerateText(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}

	var last, longest string
	for event, err := range c.WatchAll(t.Context(), []string{accepted.ID}) {
		if err != nil {
			t.Fatal(err)
		}
		if p := event.Progress; p != nil {
			if p.Steps != length || p.Step < 1 || !strings.HasPrefix(p.Text, last) {
				t.Errorf("report %+v after %q", p.Progress, last)
			}
			last = p.Text
			longest = last
		}
	}
	st, err := c.TextStatus(t.Context(), accepted.ID)
	if err != nil || len(st.Generations) != 1 {
		t.Fatalf("%+v, %v", st, err)
	}
	if longest == "" || !strings.HasPrefix(st.Generations[0].Text, longest) {
		t.Errorf("reported %q, the text is %q", longest, st.Generations[0].Text)
	}
}

// checkAbort interrupts a worker twice in the middle of a text.
func checkAbort(t *testing.T, c *client.Client, s *scribe, engine *textserver.Server) {
	length, context, yes := 512, 1024, true
	request := &api.TextRequest{Prompt: "Once upon a time", Params: &api.TextParams{MaxLength: &length,
		MaxContextLength: &context}}
	request.Params.DefaultBadWordsIDs = &yes
	accepted, err := c.GenerateText(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	for began := time.Now(); engine.Busy(t) == 0; time.Sleep(10 * time.Millisecond) {
		if time.Since(began) > time.Minute {
			t.Fatal("no slot is busy")
		}
	}

	_ = s.cmd.Process.Signal(os.Interrupt)
	s.await(t, "finishing the jobs in hand")
	time.Sleep(200 * time.Millisecond) // signals within a tenth of a second count as one
	_ = s.cmd.Process.Signal(os.Interrupt)
	select {
	case err := <-s.ended:
		s.ended <- err
		if err != nil {
			t.Errorf("the worker ended with %v", err)
		}
	case <-time.After(30 * time.Second):
		t.Fatal("the worker does not end")
	}
	engine.AwaitIdle(t)
	st, err := c.TextStatus(t.Context(), accepted.ID)
	if err != nil || st.Processing != 0 || st.Waiting != 1 {
		t.Errorf("%+v, %v", st, err)
	}
}

// TestTextClientsGetTheirTexts has the text clients that the rulebook describes ask as
// they do, and the npm client unmodified, and a real model answer them.
func TestTextClientsGetTheirTexts(t *testing.T) {
	t.Parallel()
	engine := textserver.StartWith(t, 4096)
	srv := program.Start(t, program.Setup{})
	p := makeParties(t, srv, 2)
	startScribe(t, srv.URL, p[1].key, "--text", engine.URL, "--text-key", engine.Key, "--text-model", koboldModel)

	files, err := filepath.Glob("testdata/clients/*.json")
	if err != nil {
		t.Fatal(err)
	}
	served := 0
	for _, file := range files {
		raw, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var x exchange
		if err := json.Unmarshal([]byte(strings.ReplaceAll(string(raw), "$KEY", p[0].key)), &x); err != nil {
			t.Fatal(err)
		}
		if x.Path != "/generate/text/async" || x.Status != http.StatusAccepted {
			continue
		}
		served++
		t.Run(strings.TrimSuffix(filepath.Base(file), ".json"), func(t *testing.T) { playText(t, srv.URL, &x) })
	}
	if served < 4 {
		t.Errorf("only %d text clients", served)
	}
	t.Run("npm", func(t *testing.T) { node(t, "npm", "scribe.test.mjs", "HORDE_URL="+srv.URL, "MODEL="+koboldModel) })
}

// playText asks as a client does, and looks until its text is there.
func playText(t *testing.T, url string, x *exchange) {
	t.Helper()
	send := func(method, path string, headers map[string]string, body string) any {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, url+"/api/v2"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range headers {
			req.Header.Set(name, value)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		var v any
		if err := json.NewDecoder(res.Body).Decode(&v); err != nil || res.StatusCode/100 != 2 {
			t.Fatalf("%s: %d %v, %v", path, res.StatusCode, v, err)
		}
		return v
	}

	answer := send(http.MethodPost, x.Path, maps.Clone(x.Headers), string(x.Body))
	looks(t, "answer", answer, x.Reads, x.Never)
	path := fmt.Sprint("/generate/text/status/", answer.(map[string]any)["id"])
	for began := time.Now(); ; time.Sleep(100 * time.Millisecond) {
		status := send(http.MethodGet, path, resultHeaders(x), "")
		if done, _ := at(status, "/done"); done == true {
			looks(t, "status", status, x.ResultReads, x.ResultNever)
			text, _ := at(status, "/generations/0/text")
			t.Logf("%q", text)
			return
		}
		if time.Since(began) > 2*time.Minute {
			t.Fatalf("no text: %v", status)
		}
	}
}
