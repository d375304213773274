package kudos

import (
	"encoding/json"
	"fmt"
)

// Features are what the price of one image depends on, as it is kept for
// finished images to train nets on: numbers, switches and names that the API lists,
// and nothing that a person wrote.
type Features struct {
	Width            int      `json:"width"`
	Height           int      `json:"height"`
	Steps            int      `json:"steps"`
	Cfg              float64  `json:"cfg"`
	Sampler          string   `json:"sampler"`
	Karras           bool     `json:"karras,omitempty"`
	HiresFix         bool     `json:"hires_fix,omitempty"`
	Denoising        *float64 `json:"denoising,omitempty"`
	Source           bool     `json:"source,omitempty"`
	Mask             bool     `json:"mask,omitempty"`
	SourceProcessing string   `json:"source_processing,omitempty"`
	Control          string   `json:"control,omitempty"`
	ControlStrength  *float64 `json:"control_strength,omitempty"`
	ControlMap       bool     `json:"control_map,omitempty"`
	PostProcessing   []string `json:"post_processing,omitempty"`
	Loras            int      `json:"loras,omitempty"`
	TIs              int      `json:"tis,omitempty"`
	Workflow         string   `json:"workflow,omitempty"`
	ExtraSources     int      `json:"extra_sources,omitempty"`
}

// Features returns those of one image of an order.
func (o *Order) Features() Features {
	f := Features{
		Width:          o.Width,
		Height:         o.Height,
		Steps:          o.Steps,
		Cfg:            o.Cfg,
		Sampler:        o.Sampler,
		Karras:         o.Karras,
		HiresFix:       o.HiresFix,
		Control:        o.ControlType,
		ControlMap:     o.ReturnControlMap,
		PostProcessing: o.PostProcessing,
		Loras:          o.Loras,
		TIs:            o.TIs,
		Workflow:       o.Workflow,
		ExtraSources:   o.ExtraSources,
	}

	// What only counts with a source image is left out without one.
	if o.HasSource {
		f.Source, f.Mask, f.SourceProcessing = true, o.HasMask, o.SourceProcessing
		f.Denoising, f.ControlStrength = o.Denoising, o.ControlStrength
	}
	return f
}

// JSON is the form in which features are kept.
func (f Features) JSON() (string, error) {
	b, err := json.Marshal(f)
	return string(b), err
}

// ParseFeatures reads what JSON writes.
func ParseFeatures(text string) (f Features, err error) {
	if err = json.Unmarshal([]byte(text), &f); err == nil && (f.Width < 1 || f.Height < 1 || f.Steps < 1) {
		err = fmt.Errorf("an image of %d×%d pixels and %d steps", f.Width, f.Height, f.Steps)
	}
	return f, err
}

// Order returns a request for one image with these features.
func (f Features) Order() Order {
	return Order{
		Width:            f.Width,
		Height:           f.Height,
		Steps:            f.Steps,
		Cfg:              f.Cfg,
		Sampler:          f.Sampler,
		Karras:           f.Karras,
		HiresFix:         f.HiresFix,
		Denoising:        f.Denoising,
		HasSource:        f.Source,
		HasMask:          f.Mask,
		SourceProcessing: f.SourceProcessing,
		ControlType:      f.Control,
		ControlStrength:  f.ControlStrength,
		ReturnControlMap: f.ControlMap,
		PostProcessing:   f.PostProcessing,
		Loras:            f.Loras,
		TIs:              f.TIs,
		Workflow:         f.Workflow,
		N:                1,
		ExtraSources:     f.ExtraSources,
	}
}
