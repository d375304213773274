package api

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"

	"horde/internal/golden"
)

// parse reads a literal the way a server does: whole numbers stay whole.
func parse(t testing.TB, text string) any {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.UseNumber()
	var v any
	if err := dec.Decode(&v); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	return normal(v)
}

func normal(v any) any {
	switch v := v.(type) {
	case json.Number:
		if i, err := v.Int64(); err == nil {
			return i
		}
		if strings.ContainsAny(string(v), ".eE") {
			f, _ := v.Float64()
			return f
		}
	case []any:
		for i := range v {
			v[i] = normal(v[i])
		}
	case map[string]any:
		for k := range v {
			v[k] = normal(v[k])
		}
	}
	return v
}

func TestViolationsAreToldInTheOriginalsWords(t *testing.T) {
	samplers := pyReprList(Samplers)
	for _, c := range []struct {
		body string
		want map[string]string
	}{
		{`{"prompt":"x"}`, nil},
		{`{"prompt":"x","params":{"width":512.0,"steps":8.0}}`, nil},
		{`{"prompt":"x","params":{"unknown":[1]},"other":null}`, nil},
		{`{}`, map[string]string{"prompt": "'prompt' is a required property"}},
		{`[]`, map[string]string{"": "[] is not of type 'object'"}},
		{`null`, map[string]string{"": "None is not of type 'object'"}},
		{`"hello"`, map[string]string{"": "'hello' is not of type 'object'"}},
		{`{"prompt":""}`, map[string]string{"prompt": "'' should be non-empty"}},
		{`{"prompt":null}`, map[string]string{"prompt": "None is not of type 'string'"}},
		{`{"prompt":"x","style":"ab"}`, map[string]string{"style": "'ab' is too short"}},
		{`{"prompt":"x","nsfw":1}`, map[string]string{"nsfw": "1 is not of type 'boolean'"}},
		{`{"prompt":"x","nsfw":"yes"}`, map[string]string{"nsfw": "'yes' is not of type 'boolean'"}},
		{`{"prompt":"x","models":["a",5,null]}`, map[string]string{"models.1": "5 is not of type 'string'",
			"models.2": "None is not of type 'string'"}},
		{`{"prompt":"x","params":{"width":500}}`, map[string]string{"params.width": "500 is not a multiple of 64"}},
		{`{"prompt":"x","params":{"width":32}}`, map[string]string{"params.width": "32 is not a multiple of 64"}},
		{`{"prompt":"x","params":{"width":0}}`, map[string]string{"params.width": "0 is less than the minimum of 64"}},
		{`{"prompt":"x","params":{"width":true}}`, map[string]string{"params.width": "True is not of type 'integer'"}},
		{`{"prompt":"x","params":{"width":"512"}}`, map[string]string{"params.width": "'512' is not of type 'integer'"}},
		{`{"prompt":"x","params":{"steps":1.5}}`, map[string]string{"params.steps": "1.5 is not of type 'integer'"}},
		{`{"prompt":"x","params":{"steps":501}}`,
			map[string]string{"params.steps": "501 is greater than the maximum of 500"}},
		{`{"prompt":"x","params":{"steps":1000000000000000000000000000000}}`,
			map[string]string{"params.steps": "1000000000000000000000000000000 is greater than the maximum of 500"}},
		{`{"prompt":"x","params":{"loras":[{"name":"a","model":9}]}}`,
			map[string]string{"params.loras.0.model": "9 is greater than the maximum of 5.0"}},
		{`{"prompt":"x","params":{"denoising_strength":0}}`,
			map[string]string{"params.denoising_strength": "0 is less than the minimum of 0.01"}},
		{`{"prompt":"x","params":{"sampler_name":"euler"}}`,
			map[string]string{"params.sampler_name": "'euler' is not one of " + samplers}},
		{`{"prompt":"x","params":{"sampler_name":null}}`,
			map[string]string{"params.sampler_name": "None is not one of " + samplers}},
		{`{"prompt":"x","params":{"post_processing":["GFPGAN","GFPGAN"]}}`,
			map[string]string{"params.post_processing": "['GFPGAN', 'GFPGAN'] has non-unique elements"}},
		{`{"prompt":"x","params":{"loras":[{}]}}`, map[string]string{"params.loras.0.name": "'name' is a required property"}},
		{`{"prompt":"x","params":[]}`, map[string]string{"params": "[] is not of type 'object'"}},
		{`{"prompt":"","nsfw":"x","params":{"width":500,"steps":0,"loras":[{},{"name":"a","model":9}]}}`, map[string]string{
			"prompt": "'' should be non-empty", "nsfw": "'x' is not of type 'boolean'",
			"params.width": "500 is not a multiple of 64",
			"params.steps": "0 is less than the minimum of 1", "params.loras.0.name": "'name' is a required property",
			"params.loras.1.model": "9 is greater than the maximum of 5.0",
		}},
	} {
		t.Run(c.body, func(t *testing.T) {
			if got := ImageRequestSchema.Validate(parse(t, c.body)); !maps.Equal(got, c.want) {
				t.Errorf("%s\n got %v\nwant %v", c.body, got, c.want)
			}
		})
	}
}

func TestNumbersThatAreNoneAreRefused(t *testing.T) {
	nan := math.NaN()
	for _, c := range []struct {
		params map[string]any
		want   map[string]string
	}{
		{map[string]any{"cfg_scale": nan}, nil}, // the handler has a code for it
		{map[string]any{"cfg_scale": math.Inf(1)},
			map[string]string{"params.cfg_scale": "inf is greater than the maximum of 100"}},
		{map[string]any{"denoising_strength": nan},
			map[string]string{"params.denoising_strength": "nan is not a finite number"}},
		{map[string]any{"steps": nan}, map[string]string{"params.steps": "nan is not of type 'integer'"}},
		{map[string]any{"special": map[string]any{"a": []any{nan}}},
			map[string]string{"params.special.a.0": "nan is not a finite number"}},
	} {
		t.Run(fmt.Sprint(c.params), func(t *testing.T) {
			got := ImageRequestSchema.Validate(map[string]any{"prompt": "x", "params": c.params})
			if !maps.Equal(got, c.want) {
				t.Errorf("%v: got %v, want %v", c.params, got, c.want)
			}
		})
	}

	pop := map[string]any{"max_pixels": json.Number("1" + strings.Repeat("0", 30))}
	if got := ImagePopSchema.Validate(pop)["max_pixels"]; !strings.HasSuffix(got, "does not fit in 64 bits") {
		t.Errorf("huge max_pixels: %q", got)
	}
	if got := ImagePopSchema.Validate(map[string]any{"max_pixels": 1e30}); got == nil {
		t.Error("1e30 fits no integer")
	}
}

func TestTheFirstMissingMemberIsNamed(t *testing.T) {
	if p := ImagePopSchema.FirstMissing(map[string]any{}); p == nil || p.Name != "name" {
		t.Errorf("pop: %v", p)
	}
	if p := ImageSubmitSchema.FirstMissing(map[string]any{"generation": ""}); p != nil {
		t.Errorf("submit: %v", p)
	}
}

func TestARefusalIsBoundedHoweverMuchIsWrong(t *testing.T) {
	wrong := make([]any, 300_000)
	body := map[string]any{"prompt": strings.Repeat("x", 1<<20), "models": wrong, "style": strings.Repeat("'", 1<<20)}
	got := ImageRequestSchema.Validate(body)
	if len(got) != maxViolations {
		t.Errorf("%d violations, want %d", len(got), maxViolations)
	}

	for path, text := range ImageRequestSchema.Validate(map[string]any{"prompt": wrong, "style": body["style"],
		"params": body["prompt"]}) {
		if len(text) > 2*maxRepr {
			t.Errorf("%s: message of %d bytes", path, len(text))
		}
	}
}

func TestValuesAreShownAsPythonShowsThem(t *testing.T) {
	for want, v := range map[string]any{
		"None": nil, "True": true, "5": int64(5), "1.0": 1.0, "1e+16": 1e16, "1e-05": 1e-5, "0.5": 0.5,
		"'a'": "a", `"it's"`: "it's",
		`'it\'s "x"'`: `it's "x"`, `'a\nb\x00'`: "a\nb\x00", "'é🐈'": "é🐈", "[1, 'a']": []any{int64(1), "a"},
		"{'a': None}": map[string]any{"a": nil},
		"inf":         math.Inf(1), "123456789012345678901234567890": json.Number("123456789012345678901234567890"),
	} {
		t.Run(want, func(t *testing.T) {
			if got := pyRepr(v); got != want {
				t.Errorf("%#v: %s, want %s", v, got, want)
			}
		})
	}
}

// TestRecordedBodiesAreRefusedAtTheSamePlaces runs the recorded bodies of image requests through the
// schema: the paths named must be exactly those that the original names.
func TestRecordedBodiesAreRefusedAtTheSamePlaces(t *testing.T) {
	f, err := os.Open(golden.Shared(t, "golden", "image-schema.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)

	ran := 0
	for lines.Scan() {
		var step struct {
			Step    int
			Note    string
			Request struct {
				Path string
				JSON json.RawMessage
			}
			Response struct {
				Status int
				Body   struct {
					Errors map[string]any
				}
			}
		}
		if err := json.Unmarshal(lines.Bytes(), &step); err != nil {
			t.Fatal(err)
		}
		if step.Request.JSON == nil || step.Request.Path != "/api/v2/generate/async" ||
			step.Response.Body.Errors["apikey"] != nil {
			continue
		}

		ran++
		got := ImageRequestSchema.Validate(parse(t, string(bytes.TrimSpace(step.Request.JSON))))
		have, want := slices.Sorted(maps.Keys(got)), slices.Sorted(maps.Keys(step.Response.Body.Errors))
		if !reflect.DeepEqual(have, want) {
			t.Errorf("step %d (%s): %v, want %v", step.Step, step.Note, got, want)
		}
	}

	if ran < 130 {
		t.Errorf("only %d bodies found", ran)
	}
}

func FuzzValidate(f *testing.F) {
	f.Add(`{"prompt":"","params":{"width":1e400,"loras":[{}],"special":{"a":[1]}}}`)
	f.Fuzz(func(t *testing.T, body string) {
		dec := json.NewDecoder(strings.NewReader(body))
		dec.UseNumber()
		var v any
		if dec.Decode(&v) != nil {
			return
		}

		for _, s := range bodies {
			for path, text := range s.Validate(v) {
				if len(text) > 2000 || text == "" {
					t.Errorf("%q: %q", path, text)
				}
			}
		}
	})
}
