package admission

import (
	"encoding/json"
	"math/big"
	"slices"

	"horde/api"
	"horde/internal/catalog"
	"horde/internal/horde"
	"horde/internal/kudos"
)

// Caller is the caller of a request, as far as checks depend on it.
type Caller struct {
	ID        horde.UserID
	Alias     string // "name#id"
	Anonymous bool
	Trusted   bool
	Patron    bool
	Special   bool
	Service   bool
	Education bool
	Deleted   bool // scheduled for deletion
	Flagged   bool
	Moderator bool
}

// Vouched reports whether the caller may do what costs the horde more.
func (c Caller) Vouched() bool { return c.Trusted || c.Patron }

// Style says whether the style that a request names was found.
type Style int

// States of a style.
const (
	NoStyle      Style = iota // none was named
	ImageStyle                // found; its models and params are already in Asked
	TextStyle                 // found, but a style for text generation
	UnknownStyle              // not found
)

// Server is the state of the server that checks and prices depend on.
type Server struct {
	Maintenance         bool // takes no requests
	Raid                bool // strangers at unsafe addresses are kept out
	MatchedTargeting    bool // HORDE_REQUIRE_MATCHED_TARGETING
	UpfrontOnWorkerList bool // HORDE_UPFRONT_KUDOS_ON_WORKERLIST
}

// Request is an image request that asks to enter the queue. The exported fields
// are inputs, except Image, which Normalize sets.
type Request struct {
	Asked       api.ImageRequest // as sent, after its schema; with a style merged in
	RawParams   json.RawMessage  // "params" as sent: it may hold keys that the contract does not name
	ClientAgent string
	UnsafeIP    func() bool // whether the caller's address is judged unsafe; nil: it is not
	Style       Style
	Caller      Caller
	Models      *catalog.Snapshot
	Server      Server
	// PromptTooLong: the style's template makes the prompt too long, which is
	// in Asked as it was sent.
	PromptTooLong bool

	Image Image

	initAsImage bool
}

// What the server does with requests for this comparison model: two images,
// shared, for known users only (generation §1.4 rows 56 and 57).
const betaModel = "SDXL_beta::stability.ai#6901"

const controlMaxSteps = 40 // silently, with a control type (generation §1.2)

// Normalize records the caller and derives Image from what was asked: the effective
// defaults of generation §1.1 and §1.2, the seed, the rules for education accounts and the
// beta model (§1.7, §1.4 row 57). It calls random only for a seed variation without
// a seed.
func (r *Request) Normalize(caller Caller, random func() uint32) {
	r.Caller = caller
	a := &r.Asked
	p := a.Params
	if p == nil {
		p = &api.ImageParams{}
	}

	extra := readExtra(r.RawParams)
	r.initAsImage = extra.initAsImage

	m := Image{
		Common: Common{
			Prompt:          a.Prompt,
			Models:          modelsOf(a),
			N:               or(p.N, 1),
			TrustedWorkers:  or(a.TrustedWorkers, false),
			SlowWorkers:     or(a.SlowWorkers, true),
			Workers:         firstWorkers(a.Workers),
			WorkerBlacklist: or(a.WorkerBlacklist, false),
			DryRun:          or(a.DryRun, false),
			AllowDowngrade:  or(a.AllowDowngrade, false),
			Webhook:         a.Webhook,
			ProxiedAccount:  a.ProxiedAccount,
			ClientAgent:     r.ClientAgent,
		},
		Width:             or(p.Width, 512),
		Height:            or(p.Height, 512),
		ClipSkip:          p.ClipSkip,
		Sampler:           orText(p.SamplerName, "k_euler_a"),
		Cfg:               or(p.CfgScale, 5.0),
		Karras:            or(p.Karras, true),
		Denoising:         p.DenoisingStrength,
		HiresFix:          or(p.HiresFix, false),
		HiresDenoising:    p.HiresFixDenoisingStrength,
		SeedVariation:     or(p.SeedVariation, 0),
		PostProcessing:    p.PostProcessing,
		FacefixerStrength: p.FacefixerStrength,
		Tiling:            or(p.Tiling, false),
		Transparent:       or(p.Transparent, false),
		ControlType:       p.ControlType,
		ControlStrength:   extra.controlStrength,
		ImageIsControl:    or(p.ImageIsControl, false),
		ReturnControlMap:  or(p.ReturnControlMap, false),
		Workflow:          p.Workflow,
		ExtraTexts:        p.ExtraTexts,
		Loras:             completeLoras(p.Loras),
		TIs:               completeTIs(p.TIs),
		Special:           specialOf(p, extra),
		NSFW:              or(a.NSFW, true),
		CensorNSFW:        or(a.CensorNSFW, true),
		ExtraSlowWorkers:  or(a.ExtraSlowWorkers, false),
		SourceProcessing:  orText(a.SourceProcessing, "img2img"),
		HasSource:         a.SourceImage != "",
		HasMask:           a.SourceMask != "",
		ExtraSources:      len(a.ExtraSourceImages),
		R2:                or(a.R2, true),
		Shared:            or(a.Shared, false),
		ReplacementFilter: or(a.ReplacementFilter, true),
		// A QR code workflow cannot be batched (generation §1.4 row 52).
		DisableBatching: or(a.DisableBatching, false) || p.Workflow == qrCode,
	}

	m.setSteps(p.Steps)
	m.setSeed(p.Seed, random)

	if caller.Education {
		m.NSFW, m.CensorNSFW, m.TrustedWorkers, m.Shared = false, true, true, false
	}
	if slices.Contains(m.Models, betaModel) && m.N > 1 {
		m.Models, m.N, m.Shared = []string{betaModel}, 2, true
	}
	r.Image = m
}

// setSteps applies the default and, with a control type, the cap.
func (m *Image) setSteps(asked *int) {
	if m.ControlType != "" {
		m.Steps = min(or(asked, 20), controlMaxSteps)
	} else {
		m.Steps = or(asked, 30)
	}
	m.AccurateSteps = kudos.AccurateSteps(m.Sampler, m.Steps)
}

func (m *Image) setSeed(asked *string, random func() uint32) {
	if asked != nil && *asked != "" {
		s := seedOf(*asked)
		m.Seed = &s
	} else if m.SeedVariation > 0 {
		s := random()
		m.Seed = &s
	}
}

// maxSeedDigits bounds the arithmetic: longer numbers count as text, as they do
// where integers of any length are read with this limit.
const maxSeedDigits = 4300

// seedOf turns a seed text into a number (generation §1.7): digits are that number, any
// other text its bytes as a little-endian number; either is shifted right by 32
// bits until it fits, which leaves its highest 32-bit group.

// Digits: the highest 32-bit group of the number.
func seedOf(s string) uint32 {
	if isDigits(s) && len(s) <= maxSeedDigits {
		n, _ := new(big.Int).SetString(s, 10)
		if groups := uint(n.BitLen()+31) / 32; groups > 1 {
			n.Rsh(n, 32*(groups-1))
		}
		return uint32(n.Uint64())
	}

	// Text: the highest 32-bit group of its bytes, without the zeros at its end.
	end := len(s)
	for end > 0 && s[end-1] == 0 {
		end--
	}
	var v uint32
	for i := end - 1; i >= 0 && i >= (end-1)/4*4; i-- {
		v = v<<8 | uint32(s[i])
	}
	return v
}

func isDigits(s string) bool {
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return false
		}
	}
	return s != ""
}

func modelsOf(a *api.ImageRequest) []string {
	if a.Models == nil {
		return []string{"stable_diffusion"}
	}
	return *a.Models
}

// extraParams are keys of params that the contract does not name but that have a
// a meaning.
type extraParams struct {
	initAsImage     bool
	controlStrength *float64
	special         json.RawMessage
}

// readExtra reads the extra params; what cannot be read counts as absent.
func readExtra(raw json.RawMessage) extraParams {
	var doc struct {
		InitAsImage     any             `json:"init_as_image"`
		ControlStrength any             `json:"control_strength"`
		Special         json.RawMessage `json:"special"`
	}
	if len(raw) == 0 || json.Unmarshal(raw, &doc) != nil {
		return extraParams{}
	}

	e := extraParams{initAsImage: truthy(doc.InitAsImage), special: doc.Special}
	if v, ok := doc.ControlStrength.(float64); ok {
		e.controlStrength = &v
	}
	return e
}

// specialOf keeps the special payload as sent: decoded and encoded again its
// numbers would change.
func specialOf(p *api.ImageParams, extra extraParams) json.RawMessage {
	if p.Special == nil {
		return nil
	}
	if extra.special != nil {
		return extra.special
	}
	raw, err := json.Marshal(p.Special)
	if err != nil {
		return nil // cannot be: it came from JSON
	}
	return raw
}

// truthy reports whether a JSON value is neither null, false, 0 nor empty.
func truthy(v any) bool {
	switch v := v.(type) {
	case bool:
		return v
	case float64:
		return v != 0
	case string:
		return v != ""
	case []any:
		return len(v) > 0
	case map[string]any:
		return len(v) > 0
	}
	return false
}

func completeLoras(loras []api.Lora) []api.Lora {
	if loras == nil {
		return nil
	}
	out := slices.Clone(loras)
	for i := range out {
		l := &out[i]
		l.Model, l.Clip, l.IsVersion = orPointer(l.Model, 1), orPointer(l.Clip, 1), orPointer(l.IsVersion, false)
	}
	return out
}

func completeTIs(tis []api.TI) []api.TI {
	if tis == nil {
		return nil
	}
	out := slices.Clone(tis)
	for i := range out {
		out[i].Strength = orPointer(out[i].Strength, 1)
	}
	return out
}

func or[T any](v *T, fallback T) T {
	if v == nil {
		return fallback
	}
	return *v
}

func orText(v, fallback string) string {
	if v == "" {
		return fallback
	}
	return v
}

func orPointer[T any](v *T, fallback T) *T {
	if v == nil {
		return &fallback
	}
	return v
}
