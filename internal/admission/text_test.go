package admission

import (
	"encoding/json"
	"fmt"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"horde/internal/catalog"
	"horde/internal/horde"
)

func askText(t testing.TB, body string) *TextRequest {
	t.Helper()
	r := &TextRequest{Models: models(t)}
	r.Asked.Prompt = "Once upon a time"
	if err := json.Unmarshal([]byte(body), &r.Asked); err != nil {
		t.Fatalf("%s: %v", body, err)
	}
	return r
}

func checkText(r *TextRequest, c Caller) error {
	if err := r.Check(BeforeKey); err != nil {
		return err
	}
	r.Normalize(c)
	for _, s := range []Stage{AfterKey, Named, Batching, Content} {
		if err := r.Check(s); err != nil {
			return err
		}
	}
	return nil
}

func TestEachRowOfTextRefusesAlone(t *testing.T) {
	stops := make([]string, 129)
	for i := range stops {
		stops[i] = strconv.Quote(strconv.Itoa(i))
	}

	for _, c := range []struct {
		body   string
		code   horde.Code // "": passes
		caller Caller
		set    func(*TextRequest)
	}{
		{`{}`, "", nobody, nil},
		{`{"style": "x"}`, horde.StyleNotFound, nobody, func(r *TextRequest) { r.Style = UnknownStyle }},
		{`{"style": "x"}`, horde.BadRequest, nobody, func(r *TextRequest) { r.Style = ImageStyle }},
		{`{"style": "x"}`, "", nobody, func(r *TextRequest) { r.Style = TextStyle }},
		{`{}`, horde.MaintenanceMode, trusted, func(r *TextRequest) { r.Server.Maintenance = true }},
		{`{"webhook": "http://a.b"}`, horde.BadRequest, nobody, nil},
		{`{"proxied_account": "x"}`, horde.OnlyServiceAccountProxy, nobody, nil},
		{`{}`, horde.DeletedUser, Caller{Deleted: true}, nil},
		{`{"extra_source_images": [` + many(`{"image": "x"}`, 6) + `]}`, horde.TooManyExtraSourceImagesWithStop, trusted,
			nil},
		{`{"extra_source_images": [{"image": "x"}, {"image": "x"}]}`, horde.MoreThanMinExtraSourceImageWithStop, nobody, nil},
		{`{"extra_source_images": [{"image": "x"}, {"image": "x"}]}`, horde.InvalidExtraSourceImagesWithStop, patron, nil},
		{`{"extra_source_images": [{"image": "x"}]}`, horde.InvalidExtraSourceImagesWithStop, nobody, nil},
		{`{"prompt": ""}`, horde.MissingPrompt, nobody, nil},
		{`{"disable_batching": true, "params": {"n": 2}}`, horde.RequiresTrust, nobody, nil},
		{`{"disable_batching": true, "params": {"n": 2}}`, "", trusted, nil},
		{`{"prompt": "a\u0000"}`, horde.NulByteInPayload, nobody, nil},
		{`{"models": ["a\u0000"]}`, horde.NulByteInPayload, nobody, nil},
		{`{"softprompt": "a\u0000"}`, horde.NulByteInPayload, nobody, nil},
		{`{"params": {"stop_sequence": ["a\u0000"]}}`, horde.NulByteInPayload, nobody, nil},
		{`{"params": {"max_length": 2049}}`, horde.TokenOverflow, nobody, nil},
		{`{"params": {"max_length": 200, "max_context_length": 200}}`, "", nobody, nil},
		{`{"params": {"max_context_length": 80}}`, "", nobody, nil},
		{`{"params": {"sampler_order": []}}`, horde.MissingFullSamplerOrder, nobody, nil},
		{`{"params": {"sampler_order": [0, 1, 2, 3, 4, 5, 5]}}`, horde.MissingFullSamplerOrder, nobody, nil},
		{`{"params": {"sampler_order": [6, 0, 1, 2, 3, 4, 5]}}`, "", nobody, nil},
		{`{"params": {"stop_sequence": [` + strings.Join(stops, ",") + `]}}`, horde.TooManyStopSequences, nobody, nil},
		{`{"params": {"stop_sequence": [` + strings.Join(stops[:128], ",") + `, "0", "0"]}}`, "", nobody, nil},
		{`{"params": {"stop_sequence": ["` + strings.Repeat("é", 1000) + `", "` + strings.Repeat("b", 1001) + `"]}}`,
			horde.ExcessiveStopSequence, nobody, nil},
		{`{"params": {"stop_sequence": ["` + strings.Repeat("é", 2000) + `"]}}`, "", nobody, nil},
	} {
		t.Run(fmt.Sprintf("%.80s", c.body), func(t *testing.T) {
			r := askText(t, c.body)
			if c.set != nil {
				c.set(r)
			}
			if err := checkText(r, c.caller); horde.CodeOf(err) != c.code || err != nil && c.code == "" {
				t.Errorf("%.120s: %v, want %q", c.body, err, c.code)
			}
		})
	}
}

func TestWhatATextLeavesOutHasDefaults(t *testing.T) {
	r := askText(t, `{"params": {"temperature": 0.7, "min_p": 0.5, "unknown": 3}, "workers": ["a","b","c","d","e","f"]}`)
	r.Normalize(nobody)
	m := r.Text
	if m.MaxLength != 80 || m.MaxContextLength != 2048 || m.N != 1 || len(m.Models) != 0 || m.ValidatedBackends ||
		!m.SlowWorkers || len(m.Workers) != 5 {
		t.Errorf("%+v", m)
	}

	b, err := json.Marshal(m.Payload())
	if err != nil {
		t.Fatal(err)
	}

	want := `{"prompt":"Once upon a time","n":1,"max_context_length":2048,"max_length":80,"temperature":0.7,"min_p":0.5,"smoothing_factor":0.0,"dynatemp_range":0.0,"dynatemp_exponent":1.0}`
	if string(b) != want {
		t.Errorf("payload %s", b)
	}

	if r.Text.Sampling.SmoothingFactor != nil {
		t.Error("the defaults of a payload came back into the request")
	}

	if b, _ = json.Marshal(TextDefaults()); string(b) != `{"max_context_length":2048,"max_length":80,"min_p":0.0,"smoothing_factor":0.0,"dynatemp_range":0.0,"dynatemp_exponent":1.0}` {
		t.Errorf("nothing to do: %s", b)
	}

	// What is stored comes back the same.
	stored, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}

	var back Text
	if err := json.Unmarshal(stored, &back); err != nil || !reflect.DeepEqual(back, m) {
		t.Errorf("stored %s, read %+v, %v", stored, back, err)
	}
}

// The figures of generation §2.4 and §9.
func TestWhatTextNeedsKudosUpfront(t *testing.T) {
	for _, c := range []struct {
		body string
		load Load
		want figures
	}{
		{`{"slow_workers": false}`, Load{Threads: 100}, figures{true, 512, true}},
		{`{"params": {"max_length": 512}}`, Load{}, figures{false, 512, true}},
		{`{"params": {"max_length": 513}}`, Load{}, figures{true, 512, true}},
		{`{"params": {"max_length": 513}}`, Load{Threads: 100}, figures{true, 512, true}},
		{`{"params": {"max_length": 512}}`, Load{Threads: 10, QueuedRequests: 10}, figures{false, 512, true}},
		{`{"params": {"max_length": 512}}`, Load{QueuedRequests: 1}, figures{true, 511, true}},
		{`{"params": {"max_length": 256}}`, Load{QueuedRequests: 5000}, figures{false, 256, true}},
		{`{"params": {"max_length": 257}}`, Load{QueuedRequests: 5000}, figures{true, 256, true}},
		{`{"workers": ["a"]}`, Load{}, figures{false, 512, true}},
	} {
		t.Run(c.body, func(t *testing.T) {
			r := askText(t, c.body)
			r.Normalize(nobody)
			up := r.Upfront(c.load)
			if got := (figures{up.Needed, freeTokens(c.load), up.MayDowngrade}); got != c.want {
				t.Errorf("%s under %+v: %+v, want %+v", c.body, c.load, got, c.want)
			}

			if up.Needed && horde.CodeOf(up.Refusal(Funds{Needed: 100})) != horde.KudosUpfront {
				t.Errorf("%s: %v", c.body, up.Refusal(Funds{Needed: 100}))
			}

			r.Downgrade(c.load)
			if after := r.Upfront(c.load); after.Needed || !r.Text.SlowWorkers {
				t.Errorf("%s under %+v, downgraded to %d: still %+v", c.body, c.load, r.Text.MaxLength, after)
			}
		})
	}

	r := askText(t, `{"workers": ["a"]}`)
	r.Server.UpfrontOnWorkerList = true
	r.Normalize(nobody)
	if got := r.Upfront(Load{}); !got.Needed || got.MayDowngrade {
		t.Errorf("for named workers: %+v", got)
	}
}

// The recorded refusals that need no store, in the original's words.
func TestRecordedTextRefusals(t *testing.T) {
	known := &catalog.Snapshot{}
	for _, e := range recorded(t, "text-refusals", "/api/v2/generate/text/async") {
		code, _ := e.Response.Body["rc"].(string)
		switch code {
		case "InvalidAPIKey", "WorkerNotFound", "KudosUpfront":
			continue
		}
		r := &TextRequest{Models: known}
		if err := json.Unmarshal(e.Request.JSON, &r.Asked); err != nil {
			t.Fatal(err)
		}
		if r.Asked.Style != "" {
			r.Style = UnknownStyle
		}
		if err := checkText(r, actors[e.Actor]); string(horde.CodeOf(err)) != code {
			t.Errorf("step %d, %s: %v, want %q", e.Step, e.Note, err, code)
		}
	}
}
