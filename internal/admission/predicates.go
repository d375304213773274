package admission

import (
	"slices"
	"strings"

	"horde/api"
	"horde/internal/bridge"
)

// params returns those that were sent, before defaults.
func (r *Request) params() *api.ImageParams {
	if r.Asked.Params == nil {
		return &api.ImageParams{}
	}
	return r.Asked.Params
}

func (r *Request) controlled() bool { return r.Image.ControlType != "" }

// names reports whether the request names exactly this model.
func (r *Request) names(model string) bool { return slices.Contains(r.Image.Models, model) }

func (r *Request) anyModel(is func(model string) bool) bool {
	return slices.ContainsFunc(r.Image.Models, is)
}

// anyBaseline reports whether a model of the request is built on one of these.
func (r *Request) anyBaseline(these ...string) bool {
	return r.anyModel(func(m string) bool { return slices.Contains(these, r.Models.Baseline(m)) })
}

// otherBaseline reports whether a model of the request is built on none of these.
func (r *Request) otherBaseline(these ...string) bool {
	return r.anyModel(func(m string) bool { return !slices.Contains(these, r.Models.Baseline(m)) })
}

func (r *Request) isControlNet(model string) bool {
	m, ok := r.Models.Image(model)
	return ok && m.Type == "controlnet"
}

func badLoraVersion(l api.Lora) bool {
	return l.IsVersion != nil && *l.IsVersion && !isDigits(l.Name)
}

// moreWords reports whether s has more than limit words, without splitting it.
func moreWords(s string, limit int) bool {
	n := 0
	for range strings.FieldsSeq(s) {
		if n++; n > limit {
			return true
		}
	}
	return false
}

func isPostProcessor(name string) bool {
	_, ok := bridge.PostProcessor(name)
	return ok
}

// upscalers are the post-processors that enlarge an image (generation §1.3).
var upscalers = map[string]bool{
	"RealESRGAN_x4plus": true, "RealESRGAN_x2plus": true, "RealESRGAN_x4plus_anime_6B": true,
	"NMKD_Siax": true, "4x_AnimeSharp": true, "4xNomos8kSC": true, "4xLSDIRplus": true,
	"4xNomosWebPhoto_RealPLKSR": true, "4xNomos2_realplksr_dysample": true, "4xNomos2_hq_dat2": true,
	"2xModernSpanimationV1": true,
}

func countUpscalers(names []string) int {
	n := 0
	for _, name := range names {
		if upscalers[name] {
			n++
		}
	}
	return n
}

func isSpecial(model string) bool { return strings.Contains(model, "horde_special") }

// ownerOf returns the alias after "::" in a model's name, or "".
func ownerOf(model string) string {
	_, owner, _ := strings.Cut(model, "::")
	return owner
}

func specialWithoutOwner(model string) bool {
	return isSpecial(model) && !strings.Contains(ownerOf(model), "#")
}

func missingExtraTexts(r *Request) bool {
	return r.Image.Workflow == qrCode && !slices.ContainsFunc(r.Image.ExtraTexts, func(t api.ExtraText) bool {
		return t.Reference == qrCode
	})
}

// hasNUL reports whether a text of the request that is stored holds a NUL character.
func hasNUL(r *Request) bool {
	m := &r.Image
	if m.hasNUL() {
		return true
	}

	for _, t := range m.ExtraTexts {
		if anyNUL(t.Text, t.Reference) {
			return true
		}
	}

	for _, l := range m.Loras {
		if anyNUL(l.Name, l.InjectTrigger) {
			return true
		}
	}

	for _, t := range m.TIs {
		if anyNUL(t.Name) {
			return true
		}
	}

	return strings.Contains(string(m.Special), `\u0000`)
}
