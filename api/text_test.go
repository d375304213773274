package api

import (
	"bytes"
	"encoding/json"
	"math"
	"os"
	"slices"
	"testing"
)

const sdkExamples = "data/sdk/tests/test_data/ai_horde_api"

func example(t *testing.T, name string) []byte {
	t.Helper()
	b, err := os.ReadFile(sharedPath(t, sdkExamples, name))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// The SDK's example bodies fit our descriptions.
func TestTextExamplesAreAccepted(t *testing.T) {
	for name, s := range map[string]*Schema{
		"async": TextRequestSchema, "pop": TextPopSchema, "submit": TextSubmitSchema,
	} {
		body := parse(t, string(example(t, "example_payloads/_v2_generate_text_"+name+"_post.json")))
		if got := s.Validate(body); got != nil {
			t.Errorf("%s: %v", name, got)
		}
	}
}

// The SDK's example answers have the members of our structs, and no others.
func TestTextExamplesHaveOurMembers(t *testing.T) {
	for name, into := range map[string]any{
		"async_post_202": &Accepted{}, "async_post_200": &DryRun{}, "pop_post_200": &TextJob{},
		"status_id_get_200": &TextStatus{}, "status_id_delete_200": &TextStatus{}, "submit_post_200": &Submitted{},
	} {
		var doc any // numbers without a point that says nothing
		if err := json.Unmarshal(example(t, "example_responses/_v2_generate_text_"+name+".json"), &doc); err != nil {
			t.Fatal(err)
		}
		text, _ := json.Marshal(doc)
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.DisallowUnknownFields()
		if err := dec.Decode(into); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		again, _ := json.Marshal(into)
		var ours any
		if err := json.Unmarshal(again, &ours); err != nil {
			t.Fatal(err)
		}
		lacks(t, name, doc, ours)
	}
}

// lacks tells what members of an example our form of it has lost. Empty ones may
// be left out.
func lacks(t *testing.T, path string, want, got any) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		g, _ := got.(map[string]any)
		for k, v := range want {
			if _, ok := g[k]; !ok && v != "" && v != nil {
				t.Errorf("%s.%s is lost", path, k)
			} else if ok {
				lacks(t, path+"."+k, v, g[k])
			}
		}
	case []any:
		g, _ := got.([]any)
		if len(g) != len(want) {
			t.Errorf("%s: %d of %d", path, len(g), len(want))
			return
		}
		for i := range want {
			lacks(t, path, want[i], g[i])
		}
	}
}

// A number that is none is refused even where nobody reads it.
func TestTextParamsAreFinite(t *testing.T) {
	for _, params := range []map[string]any{
		{"cfg_scale": math.NaN()}, {"x": map[string]any{"y": []any{math.Inf(1)}}}, {"temperature": math.NaN()},
	} {
		if got := TextRequestSchema.Validate(map[string]any{"prompt": "x", "params": params}); len(got) != 1 {
			t.Errorf("%v: %v", params, got)
		}
	}
	if got := TextRequestSchema.Validate(map[string]any{"prompt": "x", "params": map[string]any{"cfg_scale": "any", "n": int64(3)}}); got != nil {
		t.Errorf("unknown members are passed over: %v", got)
	}
}

func TestTextRequestNeedsAPrompt(t *testing.T) {
	if p := TextRequestSchema.FirstMissing(map[string]any{"models": []any{}}); p == nil || p.Name != "prompt" {
		t.Errorf("%v", p)
	}
	if !slices.Equal(TextMetadataTypes, []string{"censorship"}) || !TextRequestSchema.NeedsKey || !TextPopSchema.NeedsKey || !TextSubmitSchema.NeedsKey {
		t.Error("metadata or keys")
	}
}
