package pocket

import (
	"bytes"
	"fmt"
	"math"
	"strconv"
	"strings"

	"horde/api"
	"horde/engine"
)

// Ranges of the API (generation §1.2) and defaults of reference.py.
const (
	maxSteps        = 500
	maxSide         = 3072 // pixels
	minSide         = 64   // pixels
	defaultSteps    = 24
	defaultCfg      = 3.5
	defaultStrength = 0.6
	maxCfg          = 100
)

// plan is a job in the model's words.
type plan struct {
	prompt, negative []int64
	steps            int
	first            int // the step to start at: 0 without a source
	cfg              float32
	sampler          sampler
	width, height    int
	count            int
	metadata         []api.GenMetadatum
}

// newPlan maps a job to what the model can do; every deviation is a remark in
// metadata.
func newPlan(t *tokenizer, job engine.ImageJob) plan {
	p := plan{count: max(1, job.Payload.N)}
	p.readPrompt(t, job.Payload.Prompt)
	p.readSettings(&job.Payload)
	p.readSize(job.Payload.Width, job.Payload.Height)

	if job.Source != nil {
		strength := defaultStrength
		if d := job.Payload.DenoisingStrength; d != nil {
			strength = float64(*d)
		}
		p.first = firstStep(p.steps, strength)
	}

	p.remarkIgnored(&job.Payload)
	return p
}

// remark adds one remark for the requester.
func (p *plan) remark(format string, args ...any) {
	p.metadata = append(p.metadata, api.GenMetadatum{
		Type:  "information",
		Value: "see_ref",
		Ref:   fmt.Sprintf(format, args...),
	})
}

// readPrompt splits at the first ### (worker §2) and cuts into tokens.
func (p *plan) readPrompt(t *tokenizer, prompt string) {
	positive, negative, _ := strings.Cut(prompt, "###")
	var cut, cutNegative bool
	p.prompt, cut = t.encode(positive)
	p.negative, cutNegative = t.encode(negative)

	if cut {
		p.remark("prompt: only the first %d word pieces were used", t.length-1)
	}
	if cutNegative {
		p.remark("negative prompt: only the first %d word pieces were used", t.length-1)
	}
}

func (p *plan) readSettings(in *api.ImagePayload) {
	p.steps = min(max(in.Steps, 1), maxSteps)
	if in.Steps == 0 {
		p.steps = defaultSteps
	}
	if in.Steps > maxSteps {
		p.remark("steps: %d instead of %d", maxSteps, in.Steps)
	}

	switch name := strings.ToLower(in.SamplerName); name {
	case "k_euler":
		p.sampler = samplerEuler
	case "k_euler_a":
		p.sampler = samplerEulerA
	case "k_dpmpp_2m", "":
		p.sampler = samplerDPMPP2M
	default:
		p.sampler = samplerDPMPP2M
		p.remark("sampler: k_dpmpp_2m instead of %s", short(name))
	}

	cfg := float64(in.CfgScale)
	switch {
	case cfg == 7 || cfg == 7.5:
		p.remark("cfg_scale: 3.5 instead of %s, the usual value for other models",
			strconv.FormatFloat(cfg, 'g', -1, 64))
		cfg = defaultCfg
	case math.IsNaN(cfg) || cfg < 0 || cfg > maxCfg:
		p.remark("cfg_scale: 3.5 instead of a value outside of 0 to %d", maxCfg)
		cfg = defaultCfg
	}
	p.cfg = float32(cfg)

	if !in.Karras {
		p.remark("karras: the model always uses the karras schedule")
	}
}

// readSize reads the requested size; small images are not enlarged before they are
// resampled (see finish).
func (p *plan) readSize(width, height int) {
	p.width, p.height = clampSide(width), clampSide(height)
	generated := natural
	if max(p.width, p.height) <= side {
		generated = side
	}
	if p.width == generated && p.height == generated {
		return
	}

	how := "resampled"
	if p.width != p.height {
		how = "cut at the centre and resampled"
	}
	p.remark("size: generated at %dx%d, %s to %dx%d", generated, generated, how, p.width, p.height)
}

// clampSide is a side within the API's range; 0 means the default.
func clampSide(n int) int {
	if n <= 0 {
		return natural
	}
	return min(max(n, minSide), maxSide)
}

// firstStep is where image to image enters a schedule of steps (MODEL_CARD.md,
// "Image to image"): round half to even of steps·(1 − strength).
func firstStep(steps int, strength float64) int {
	if math.IsNaN(strength) {
		strength = defaultStrength
	}
	at := math.RoundToEven(float64(steps) * (1 - strength))
	return int(min(max(at, 0), float64(steps-1)))
}

// remarkIgnored names what the job asks for and the model cannot do.
func (p *plan) remarkIgnored(in *api.ImagePayload) {
	for _, f := range []struct {
		asked bool
		name  string
	}{
		{in.Tiling, "tiling"},
		{in.HiresFix, "hires_fix"},
		{in.ClipSkip != nil && *in.ClipSkip > 1, "clip_skip"},
		{in.Transparent, "transparent"},
		{in.ControlType != "", "control_type"},
		{len(in.TIs) > 0, "tis"},
		{len(in.PostProcessing) > 0, "post_processing"},
		{in.Workflow != "", "workflow"},
		{len(in.ExtraTexts) > 0, "extra_texts"},
		{asksSpecial(in.Special), "special"},
	} {
		if f.asked {
			p.remark("%s: ignored, the model cannot do it", f.name)
		}
	}
}

// asksSpecial reports whether the free-form settings hold anything.
func asksSpecial(raw []byte) bool {
	switch string(bytes.TrimSpace(raw)) {
	case "", "null", "{}":
		return false
	}
	return true
}

// short bounds a word of the requester for a remark.
func short(s string) string {
	if r := []rune(s); len(r) > 40 {
		return string(r[:40]) + "…"
	}
	return s
}
