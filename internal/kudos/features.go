package kudos

import (
	"encoding/json"
	"fmt"
)

// Features are what the price of one image depends on, as they are kept of
// finished ones to train nets on: numbers, switches and names that the API lists,
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

// Features are those of one image of an order.
func (o *Order) Features() Features {
	f := Features{
		Width: o.Width, Height: o.Height, Steps: o.Steps, Cfg: o.Cfg, Sampler: o.Sampler, Karras: o.Karras, HiresFix: o.HiresFix,
		Control: o.ControlType, ControlMap: o.ReturnControlMap, PostProcessing: o.PostProcessing,
		Loras: o.Loras, TIs: o.TIs, Workflow: o.Workflow, ExtraSources: o.ExtraSources,
	}
	if o.HasSource { // what only counts with one is left out without
		f.Source, f.Mask, f.SourceProcessing, f.Denoising, f.ControlStrength = true, o.HasMask, o.SourceProcessing, o.Denoising, o.ControlStrength
	}
	return f
}

// JSON is how features are kept.
func (f Features) JSON() (string, error) {
	b, err := json.Marshal(f)
	return string(b), err
}

// ParseFeatures reads features as JSON keeps them.
func ParseFeatures(text string) (f Features, err error) {
	if err = json.Unmarshal([]byte(text), &f); err == nil && (f.Width < 1 || f.Height < 1 || f.Steps < 1) {
		err = fmt.Errorf("a picture of %d×%d pixels and %d steps", f.Width, f.Height, f.Steps)
	}
	return f, err
}

// Order is a request for one image of these features.
func (f Features) Order() Order {
	return Order{
		Width: f.Width, Height: f.Height, Steps: f.Steps, Cfg: f.Cfg, Sampler: f.Sampler, Karras: f.Karras, HiresFix: f.HiresFix,
		Denoising: f.Denoising, HasSource: f.Source, HasMask: f.Mask, SourceProcessing: f.SourceProcessing,
		ControlType: f.Control, ControlStrength: f.ControlStrength, ReturnControlMap: f.ControlMap,
		PostProcessing: f.PostProcessing, Loras: f.Loras, TIs: f.TIs, Workflow: f.Workflow, N: 1, ExtraSources: f.ExtraSources,
	}
}
