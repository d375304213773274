package admission

import (
	"bufio"
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"testing"

	"horde/api"
	"horde/internal/catalog"
	"horde/internal/golden"
	"horde/internal/horde"
)

// exchange is a recorded request and what answered it.
type exchange struct {
	Step    int
	Note    string
	Actor   string
	Request struct {
		Path    string
		Headers map[string]string
		JSON    json.RawMessage
	}
	Response struct {
		Status any
		Body   map[string]any
	}
}

// recorded reads a scenario and returns its exchanges with a path.
func recorded(t *testing.T, scenario, path string) (out []exchange) {
	t.Helper()
	f, err := os.Open(golden.Shared(t, "golden/"+scenario+".jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, 4<<20)
	for sc.Scan() {
		var e exchange
		if err := json.Unmarshal(sc.Bytes(), &e); err != nil {
			t.Fatal(err)
		}
		if path == "" || e.Request.Path == path {
			out = append(out, e)
		}
	}
	if len(out) == 0 {
		t.Fatalf("%s has no exchange with %s", scenario, path)
	}
	return out
}

func publicModels(t *testing.T) *catalog.Snapshot {
	t.Helper()
	c, err := catalog.New(catalog.Config{Images: golden.Shared(t, "data/model-reference/image-stable_diffusion.json")})
	if err != nil {
		t.Fatal(err)
	}
	return c.Snapshot()
}

var actors = map[string]Caller{
	"alice": {ID: 2, Alias: "alice#2"},
	"trudy": {ID: 3, Alias: "trudy#3", Trusted: true},
	"poor":  {ID: 4, Alias: "poor#4"},
	"anon":  {Anonymous: true, Alias: "Anonymous#0"},
}

// asked makes a Request of a recorded one.
func (e *exchange) asked(t *testing.T, models *catalog.Snapshot) *Request {
	t.Helper()
	r := &Request{Models: models, ClientAgent: e.Request.Headers["Client-Agent"]}
	var raw struct{ Params json.RawMessage }
	if err := json.Unmarshal(e.Request.JSON, &r.Asked); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(e.Request.JSON, &raw); err != nil {
		t.Fatal(err)
	}
	r.RawParams = raw.Params
	if r.Asked.Style != "" {
		r.Style = UnknownStyle
	}
	return r
}

func checkAll(r *Request, c Caller) error {
	if err := r.Check(BeforeKey); err != nil {
		return err
	}
	r.Normalize(c, func() uint32 { return 7 })
	for _, s := range []Stage{AfterKey, Named, Batching, Content} {
		if err := r.Check(s); err != nil {
			return err
		}
	}
	return nil
}

// Codes of checks that need the store or the network.
var elsewhere = []string{
	"InvalidAPIKey", "WorkerNotFound", "ImageValidationFailed", "SourceImageResolutionExceeded",
	"InpaintingMissingMask",
}

func TestRecordedRefusals(t *testing.T) {
	models := publicModels(t)
	checked := 0
	for _, e := range append(recorded(t, "image-refusals", "/api/v2/generate/async"),
		recorded(t, "beta-model", "/api/v2/generate/async")...) {
		want, _ := e.Response.Body["rc"].(string)
		if slices.Contains(elsewhere, want) {
			continue
		}

		checked++
		r := e.asked(t, models)
		err := checkAll(r, actors[e.Actor])

		up := r.Upfront(Load{})
		switch {
		case err == nil && want == "KudosUpfront":
			if !up.Needed {
				t.Errorf("step %d, %s: needs no kudos upfront", e.Step, e.Note)
			}
		case string(horde.CodeOf(err)) != want:
			t.Errorf("step %d, %s: %v, want %q", e.Step, e.Note, err, want)
		case want == "" && e.Actor == "poor" && !r.Image.AllowDowngrade && up.Needed:
			t.Errorf("step %d, %s: needs kudos upfront", e.Step, e.Note)
		}
	}

	if checked < 50 {
		t.Errorf("only %d requests checked", checked)
	}
}

func TestRecordedWarnings(t *testing.T) {
	models := publicModels(t)
	for _, e := range recorded(t, "image-warnings", "/api/v2/generate/async") {
		r := e.asked(t, models)
		if err := checkAll(r, actors[e.Actor]); err != nil {
			t.Errorf("step %d, %s: %v", e.Step, e.Note, err)
			continue
		}
		var body struct {
			Warnings struct {
				List []api.Warning `json:"<unordered>"`
			}
		}
		doc, _ := json.Marshal(e.Response.Body)
		if err := json.Unmarshal(doc, &body); err != nil {
			t.Fatal(err)
		}
		got, want := codes(append(r.Warnings(), NoAvailableWorker())), codes(body.Warnings.List)
		if !slices.Equal(got, want) {
			t.Errorf("step %d, %s: %v, want %v", e.Step, e.Note, got, want)
		}
	}
}

func codes(ws []api.Warning) (out []string) {
	for _, w := range ws {
		out = append(out, w.Code)
	}
	slices.Sort(out)
	return out
}

// Requests of an account without kudos are made smaller; the pop shows how.
func TestRecordedDowngrades(t *testing.T) {
	models := publicModels(t)
	var r *Request
	for _, e := range recorded(t, "downgrade", "") {
		switch e.Request.Path {
		case "/api/v2/generate/async":
			r = e.asked(t, models)
			if err := checkAll(r, actors[e.Actor]); err != nil {
				t.Fatalf("step %d: %v", e.Step, err)
			}
			if up := r.Upfront(Load{}); !up.Needed || !up.MayDowngrade {
				t.Errorf("step %d, %s: %+v", e.Step, e.Note, up)
			}
			r.Downgrade(Load{})
			if r.Upfront(Load{}).Needed {
				t.Errorf("step %d, %s: still needs kudos upfront: %+v", e.Step, e.Note, r.Image)
			}
		case "/api/v2/generate/pop":
			comparePayload(t, e, r, nil)
		}
	}
	if r.Image.Width != 1408 || r.Image.Height != 704 {
		t.Errorf("2048×1024 became %d×%d", r.Image.Width, r.Image.Height)
	}
}

func TestRecordedPayloads(t *testing.T) {
	models := publicModels(t)
	var r *Request
	for _, e := range recorded(t, "pop-payload", "") {
		switch e.Request.Path {
		case "/api/v2/generate/async":
			r = e.asked(t, models)
			if err := checkAll(r, actors[e.Actor]); err != nil {
				t.Fatalf("step %d, %s: %v", e.Step, e.Note, err)
			}

			// The queue keeps it as JSON: what comes back must be the same.
			doc, err := json.Marshal(r.Image)
			if err != nil {
				t.Fatal(err)
			}

			var stored Image
			if err := json.Unmarshal(doc, &stored); err != nil {
				t.Fatal(err)
			}

			if !reflect.DeepEqual(stored, r.Image) {
				t.Errorf("step %d: stored %+v\nwas    %+v", e.Step, stored, r.Image)
			}

			r.Image = stored

		case "/api/v2/generate/pop":
			if e.Response.Body["id"] != nil {
				comparePayload(t, e, r, func() uint32 { return 4294967295 })
			}
		}
	}
}

// comparePayload compares the keys that a recorded payload names.
func comparePayload(t *testing.T, e exchange, r *Request, random func() uint32) {
	t.Helper()
	want := e.Response.Body["payload"].(map[string]any)
	n, complete := 1, false
	if v, ok := want["n_iter"].(float64); ok {
		n, complete = int(v), true
	}

	if random == nil {
		random = func() uint32 { return 1 }
	}

	doc, err := json.Marshal(r.Image.Payload(r.Image.PopSeed(r.Image.N, random), n))
	if err != nil {
		t.Fatal(err)
	}

	var got map[string]any
	if err := json.Unmarshal(doc, &got); err != nil {
		t.Fatal(err)
	}

	for k, v := range want {
		switch v {
		case "<digits>", "<int>":
			if _, ok := got[k]; !ok {
				t.Errorf("step %d, %s: no %s", e.Step, e.Note, k)
			}
			delete(got, k)
			continue
		}

		if !reflect.DeepEqual(got[k], v) {
			t.Errorf("step %d, %s: %s is %v, want %v", e.Step, e.Note, k, got[k], v)
		}

		delete(got, k)
	}

	if complete && len(got) > 0 {
		t.Errorf("step %d, %s: too much: %v", e.Step, e.Note, got)
	}
}
