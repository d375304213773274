package catalog

import (
	"encoding/json"
	"fmt"
	"math"
)

// Limits of a reference document. The public ones have 0.2 and 1.1 MiB and some
// 2,200 entries.
const (
	maxDocument = 32 << 20
	maxEntries  = 100_000
	maxName     = 1024
)

// imageEntry is an entry of the public image reference: a map from the model's
// name. Keys that we do not use are left out.
type imageEntry struct {
	Baseline     string             `json:"baseline"`
	Type         string             `json:"type"`
	NSFW         bool               `json:"nsfw"`
	Inpainting   bool               `json:"inpainting"`
	Requirements *requirementsEntry `json:"requirements"`
}

type requirementsEntry struct {
	MinSteps    *float64 `json:"min_steps"`
	MaxSteps    *float64 `json:"max_steps"`
	CfgScale    *float64 `json:"cfg_scale"`
	MinCfgScale *float64 `json:"min_cfg_scale"`
	MaxCfgScale *float64 `json:"max_cfg_scale"`
	Samplers    []string `json:"samplers"`
	Schedulers  []string `json:"schedulers"`
	ClipSkip    *float64 `json:"clip_skip"`
}

type textEntry struct {
	Baseline   string  `json:"baseline"`
	Parameters float64 `json:"parameters"`
	NSFW       bool    `json:"nsfw"`
}

// parseImages reads an image reference. Entries that cannot be read are left
// out and counted: one bad entry must not cost the whole reference.
func parseImages(doc []byte) (models map[string]Image, bad int, err error) {
	return parse(doc, func(name string, e imageEntry) Image {
		return Image{
			Name: name, Baseline: e.Baseline, Type: e.Type, NSFW: e.NSFW,
			Inpainting: e.Inpainting, Requirements: e.Requirements.plain(),
		}
	})
}

// parseTexts reads a text reference; see parseImages.
func parseTexts(doc []byte) (models map[string]Text, bad int, err error) {
	return parse(doc, func(name string, e textEntry) Text {
		params := int64(math.Max(0, math.Min(e.Parameters, 1e18)))
		return Text{Name: name, Baseline: e.Baseline, Parameters: params, NSFW: e.NSFW}
	})
}

func parse[E, M any](doc []byte, model func(string, E) M) (models map[string]M, bad int, err error) {
	var raw map[string]json.RawMessage
	if err := json.Unmarshal(doc, &raw); err != nil {
		return nil, 0, fmt.Errorf("is no JSON object of models by name: %w", err)
	}
	if len(raw) == 0 || len(raw) > maxEntries {
		return nil, 0, fmt.Errorf("has %d models; it must have between 1 and %d", len(raw), maxEntries)
	}
	models = make(map[string]M, len(raw))
	for name, entry := range raw {
		var e E
		if name == "" || len(name) > maxName || json.Unmarshal(entry, &e) != nil {
			bad++
			continue
		}
		models[name] = model(name, e)
	}
	if len(models) == 0 {
		return nil, bad, fmt.Errorf("has no entry that could be read; it must map each model's name to an object")
	}
	return models, bad, nil
}

func (r *requirementsEntry) plain() Requirements {
	if r == nil {
		return Requirements{}
	}
	whole := func(v *float64) int {
		if v == nil || !(*v > 0) {
			return 0
		}
		return int(math.Min(*v, 1e6))
	}
	return Requirements{
		MinSteps: whole(r.MinSteps), MaxSteps: whole(r.MaxSteps), ClipSkip: whole(r.ClipSkip),
		CfgScale: r.CfgScale, MinCfgScale: r.MinCfgScale, MaxCfgScale: r.MaxCfgScale,
		Samplers: r.Samplers, Schedulers: r.Schedulers,
	}
}
