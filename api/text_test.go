package api

import (
	"fmt"
	"math"
	"slices"
	"testing"
)

// A number that is none is refused even where nobody reads it.
func TestTextParamsAreFinite(t *testing.T) {
	for _, params := range []map[string]any{
		{"cfg_scale": math.NaN()}, {"x": map[string]any{"y": []any{math.Inf(1)}}}, {"temperature": math.NaN()},
	} {
		t.Run(fmt.Sprint(params), func(t *testing.T) {
			if got := TextRequestSchema.Validate(map[string]any{"prompt": "x", "params": params}); len(got) != 1 {
				t.Errorf("%v: %v", params, got)
			}
		})
	}
	if got := TextRequestSchema.Validate(map[string]any{"prompt": "x",
		"params": map[string]any{"cfg_scale": "any", "n": int64(3)}}); got != nil {
		t.Errorf("unknown members are passed over: %v", got)
	}
}

func TestTextRequestNeedsAPrompt(t *testing.T) {
	if p := TextRequestSchema.FirstMissing(map[string]any{"models": []any{}}); p == nil || p.Name != "prompt" {
		t.Errorf("%v", p)
	}
	if !slices.Equal(TextMetadataTypes, []string{"censorship"}) || !TextRequestSchema.NeedsKey ||
		!TextPopSchema.NeedsKey || !TextSubmitSchema.NeedsKey {
		t.Error("metadata or keys")
	}
}
