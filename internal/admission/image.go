package admission

import (
	"encoding/json"
	"math"
	"strconv"

	"horde/api"
	"horde/internal/catalog"
	"horde/internal/kudos"
)

// Image is an image request as the queue keeps it: every default filled in.
// It is stored as one JSON document. Nil pointers were not given, nor were nil LoRAs and
// TIs, while an empty list counts as given (generation §1.15).
type Image struct {
	Common

	Width         int  `json:"width"` // pixels, multiples of 64
	Height        int  `json:"height"`
	Steps         int  `json:"steps"`
	AccurateSteps int  `json:"accurate_steps"` // what the sampler really takes
	ClipSkip      *int `json:"clip_skip,omitempty"`

	Sampler        string   `json:"sampler"`
	Cfg            float64  `json:"cfg"`
	Karras         bool     `json:"karras"`
	Denoising      *float64 `json:"denoising,omitempty"`
	HiresFix       bool     `json:"hires_fix,omitempty"`
	HiresDenoising *float64 `json:"hires_denoising,omitempty"`
	Seed           *uint32  `json:"seed,omitempty"`           // nil: random at each pop
	SeedVariation  int      `json:"seed_variation,omitempty"` // 0: none

	PostProcessing    []string `json:"post_processing,omitempty"`
	FacefixerStrength *float64 `json:"facefixer_strength,omitempty"`
	Tiling            bool     `json:"tiling,omitempty"`
	Transparent       bool     `json:"transparent,omitempty"`

	ControlType      string   `json:"control_type,omitempty"`
	ControlStrength  *float64 `json:"control_strength,omitempty"` // undocumented; only the price considers it
	ImageIsControl   bool     `json:"image_is_control,omitempty"`
	ReturnControlMap bool     `json:"return_control_map,omitempty"`

	Workflow   string          `json:"workflow,omitempty"`
	ExtraTexts []api.ExtraText `json:"extra_texts,omitempty"`
	Loras      []api.Lora      `json:"loras"` // completed with their defaults
	TIs        []api.TI        `json:"tis"`
	Special    json.RawMessage `json:"special,omitempty"`

	NSFW             bool `json:"nsfw"`
	CensorNSFW       bool `json:"censor_nsfw"`
	ExtraSlowWorkers bool `json:"extra_slow_workers,omitempty"`

	SourceProcessing string `json:"source_processing"`
	HasSource        bool   `json:"has_source,omitempty"`
	HasMask          bool   `json:"has_mask,omitempty"`
	ExtraSources     int    `json:"extra_sources,omitempty"`

	R2                bool `json:"r2"`
	Shared            bool `json:"shared,omitempty"`
	ReplacementFilter bool `json:"replacement_filter"`
	DisableBatching   bool `json:"disable_batching,omitempty"`
}

// Pixels is the area of one image.
func (m *Image) Pixels() int { return m.Width * m.Height }

// WorkUnits is the raw work of one image in pixelsteps.
func (m *Image) WorkUnits() int64 { return int64(m.Pixels()) * int64(m.AccurateSteps) }

// Ids of LCM LoRAs (generation §1.3): those named by version and those named by model.
var (
	lcmVersions = map[string]bool{
		"246747": true, "247778": true, "268475": true, "243643": true,
		"225222": true, "219782": true, "363353": true,
	}
	lcmModels = map[string]bool{"195519": true, "216190": true, "324115": true}
)

// UsesLCM reports whether the request samples with LCM, which needs few steps: by
// its sampler or by a LoRA (generation §1.3).
func (m *Image) UsesLCM() bool {
	if m.Sampler == "lcm" {
		return true
	}

	for _, l := range m.Loras {
		ids := lcmModels
		if l.IsVersion != nil && *l.IsVersion {
			ids = lcmVersions
		}
		if ids[l.Name] {
			return true
		}
	}
	return false
}

// Order returns what the price of the request depends on. On a horde that serves named
// workers only by agreement (MatchedTargeting), targeted requests are nearly free.
func (m *Image) Order(s Server) kudos.Order {
	return kudos.Order{
		Width:            m.Width,
		Height:           m.Height,
		Steps:            m.Steps,
		Cfg:              m.Cfg,
		Sampler:          m.Sampler,
		Karras:           m.Karras,
		HiresFix:         m.HiresFix,
		Denoising:        m.Denoising,
		ControlStrength:  m.ControlStrength,
		HasSource:        m.HasSource,
		HasMask:          m.HasMask,
		SourceProcessing: m.SourceProcessing,
		ControlType:      m.ControlType,
		ReturnControlMap: m.ReturnControlMap,
		PostProcessing:   m.PostProcessing,
		Loras:            len(m.Loras),
		TIs:              len(m.TIs),
		Workflow:         m.Workflow,
		N:                m.N,
		ExtraSources:     m.ExtraSources,
		FastOnly:         !m.SlowWorkers,
		Blacklist:        m.WorkerBlacklist,
		Targeted:         s.MatchedTargeting && m.Targeted(),
	}
}

// Baselines returns those of the models that the request names; none if it accepts
// any model.
func (m *Image) Baselines(models *catalog.Snapshot) []string {
	out := make([]string, len(m.Models))
	for i, name := range m.Models {
		out[i] = models.Baseline(name)
	}
	return out
}

// PopSeed returns the seed of the next jobs (generation §1.18): random where none was given,
// else the given one, moved by the variation for each job still to do. left is
// the number of jobs left before this pop.
func (m *Image) PopSeed(left int, random func() uint32) uint32 {
	if m.Seed == nil {
		return random()
	}
	s := uint64(*m.Seed)
	if m.SeedVariation > 0 {
		s += uint64(m.SeedVariation) * uint64(max(0, left))
	}
	if s > math.MaxUint32 {
		s >>= 32
	}
	return uint32(s)
}

// Payload returns the request as a worker gets it: a batch of n images
// with seeds from seed on (generation §1.18).
func (m *Image) Payload(seed uint32, n int) api.ImagePayload {
	return api.ImagePayload{
		Prompt:                    m.Prompt,
		Steps:                     m.Steps,
		N:                         n,
		UseNSFWCensor:             !m.NSFW && m.CensorNSFW,
		Seed:                      strconv.FormatUint(uint64(seed), 10),
		ImageIsControl:            m.ImageIsControl,
		ReturnControlMap:          m.ReturnControlMap,
		SamplerName:               m.Sampler,
		CfgScale:                  api.Float(m.Cfg),
		Karras:                    m.Karras,
		DenoisingStrength:         wireFloat(m.Denoising),
		HiresFixDenoisingStrength: wireFloat(m.HiresDenoising),
		Height:                    m.Height,
		Width:                     m.Width,
		PostProcessing:            m.PostProcessing,
		FacefixerStrength:         wireFloat(m.FacefixerStrength),
		Tiling:                    m.Tiling,
		HiresFix:                  m.HiresFix,
		Transparent:               m.Transparent,
		ClipSkip:                  m.ClipSkip,
		ControlType:               m.ControlType,
		Workflow:                  m.Workflow,
		ExtraTexts:                m.ExtraTexts,
		Loras:                     m.Loras,
		TIs:                       m.TIs,
		Special:                   m.Special,
	}
}

func wireFloat(v *float64) *api.Float {
	if v == nil {
		return nil
	}
	f := api.Float(*v)
	return &f
}
