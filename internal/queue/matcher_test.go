package queue

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"horde/api"
	"horde/internal/fleet"
	"horde/internal/horde"
)

// The slow and obvious matcher of images: generation §1.15 to §1.19
// written down as it stands there, over requests and pops as they were sent. It
// knows nothing of indexes, features and censuses, and not the tables of the
// bridges and models either; it looks at every request, one after the other.

// wish is a request as its requester sent it, and what has become of it.
type wish struct {
	ask               api.ImageRequest
	user              horde.UserID
	trusted, unsafeIP bool // the requester, its address
	priority          int64
	created           horde.Micros
	waiting           int
	faulted           bool
	cancelled         bool
	expired           bool
	tricked           bool // the worker had a decoy of it
	price             float64
	e                 *entry
}

// visitor is a worker that pops.
type visitor struct {
	agent       string
	talents     talents
	says        fleet.Settings // with the models of this pop
	owner       horde.UserID
	trusted     bool
	maintenance bool
	paused      bool
	speed       float64
	friends     []horde.UserID
	amount      int
	matched     bool                     // HORDE_REQUIRE_MATCHED_TARGETING
	kudos       map[horde.UserID]float64 // of all users
	floor       map[horde.UserID]float64
}

const visitorID = "w1"

func set(b *bool, unless bool) bool {
	if b == nil {
		return unless
	}
	return *b
}

func number(n *int, unless int) int {
	if n == nil {
		return unless
	}
	return *n
}

// The effective defaults of generation §1.1 and §1.2.
func (wish *wish) models() []string {
	if wish.ask.Models == nil {
		return []string{"stable_diffusion"}
	}
	return *wish.ask.Models
}

func (wish *wish) pixels() int {
	return number(wish.ask.Params.Width, 512) * number(wish.ask.Params.Height, 512)
}

func (wish *wish) sampler() string {
	if wish.ask.Params.SamplerName == "" {
		return "k_euler_a"
	}
	return wish.ask.Params.SamplerName
}

// steps are the accurate ones (generation §1.3).
func (wish *wish) steps() int {
	p := wish.ask.Params
	steps := number(p.Steps, 30)
	if p.ControlType != "" {
		steps = min(number(p.Steps, 20), 40)
	}
	switch wish.sampler() {
	case "k_dpm_adaptive":
		return 40
	case "k_heun", "k_dpm_2", "k_dpm_2_a", "k_dpmpp_2s_a", "k_dpmpp_sde":
		return steps * 2
	}
	return steps
}

func (wish *wish) painting() bool {
	return wish.ask.SourceProcessing == "inpainting" || wish.ask.SourceProcessing == "outpainting"
}

// live: a census counts it. What has expired is still there until the sweep.
func (wish *wish) live() bool { return wish.waiting > 0 && !wish.faulted && !wish.cancelled }

// targetable tells whether the list of workers lets the visitor serve (generation §1.15).
func (wish *wish) targetable() bool {
	named := slices.Contains(wish.ask.Workers, visitorID)
	return len(wish.ask.Workers) == 0 || named != set(wish.ask.WorkerBlacklist, false)
}

func (wish *wish) allowList() bool {
	return len(wish.ask.Workers) > 0 && !set(wish.ask.WorkerBlacklist, false)
}

// fact is what the tests' model reference says of a model.
type fact struct {
	baseline   string
	inpainting bool
	min, max   int // steps; 0: not said
}

var facts = map[string]fact{
	"stable_diffusion": {baseline: "stable diffusion 1"},
	"few":              {baseline: "stable diffusion 1", min: 4, max: 10},
	"many":             {baseline: "stable diffusion 2", min: 40, max: 80},
	"inpainting":       {baseline: "stable diffusion 1", inpainting: true},
	"xl":               {baseline: "stable_diffusion_xl", max: 40},
	"cascade":          {baseline: "stable_cascade"},
	"flux":             {baseline: "flux_1", min: 1, max: 8},
	"qwen":             {baseline: "qwen_image"},
	"z":                {baseline: "z_image_turbo"},
	betaModel:          {baseline: "stable_diffusion_xl"},
}

func baseline(model string) string {
	if f, ok := facts[model]; ok {
		return f.baseline
	}
	return "stable diffusion 1"
}

func hosts(w *visitor, baselines ...string) bool {
	return slices.ContainsFunc(w.says.Models, func(m string) bool { return slices.Contains(baselines, baseline(m)) })
}

// middle is (min+max)/2 of a model's steps, 20 and 40 where it does not say.
func middle(model string) float64 {
	low, high := 20, 40
	if f := facts[model]; f.min > 0 {
		low = f.min
	}
	if f := facts[model]; f.max > 0 {
		high = f.max
	}
	return float64(low+high) / 2
}

// abilities is the table of generation §1.17: bridge, version from which, what.
var abilities = []struct {
	bridge string
	from   int
	what   string
}{
	{"AI Horde Worker reGen", 1,
		"img2img, inpainting, karras, post-processing, GFPGAN, RealESRGAN_x4plus, r2, CodeFormers, clip_skip, r2_source, " +
			"controlnet, strip_background, return_control_map, RealESRGAN_x4plus_anime_6B, NMKD_Siax, 4x_AnimeSharp, " +
			"image_is_control, RealESRGAN_x2plus, hires_fix, tiling"},
	{"AI Horde Worker reGen", 2, "textual_inversion, lora"},
	{"AI Horde Worker reGen", 3, "lora_versions"},
	{"AI Horde Worker reGen", 5, "extra_source_images"},
	{"AI Horde Worker reGen", 6, "stable_cascade_2pass"},
	{"AI Horde Worker reGen", 7, "qr_code, extra_texts, workflow"},
	{"AI Horde Worker reGen", 8, "layer_diffuse"},
	{"AI Horde Worker reGen", 9, "flux"},
	{"AI Horde Worker reGen", 13,
		"4xNomos8kSC, 4xLSDIRplus, 4xNomosWebPhoto_RealPLKSR, 4xNomos2_realplksr_dysample, 4xNomos2_hq_dat2, " +
			"2xModernSpanimationV1, GFPGANv1.3, RestoreFormer"},
	{"AI Horde Worker", 3, "img2img"}, {"AI Horde Worker", 4, "inpainting"}, {"AI Horde Worker", 6, "karras"},
	{"AI Horde Worker", 7, "post-processing, GFPGAN, RealESRGAN_x4plus"}, {"AI Horde Worker", 8, "r2"},
	{"AI Horde Worker", 9, "CodeFormers"},
	{"AI Horde Worker", 13, "hires_fix, clip_skip"}, {"AI Horde Worker", 14, "r2_source"},
	{"AI Horde Worker", 15, "controlnet"},
	{"AI Horde Worker", 18, "strip_background, return_control_map, RealESRGAN_x4plus_anime_6B"},
	{"AI Horde Worker", 19, "NMKD_Siax, 4x_AnimeSharp"},
	{"AI Horde Worker", 21, "RealESRGAN_x2plus"}, {"AI Horde Worker", 22, "lora"},
	{"AI Horde Worker", 23, "image_is_control"},
	{"AI Horde Worker", 24, "textual_inversion"},
	{"SD-WebUI Stable Horde Worker Bridge", 1, "inpainting, karras, r2, CodeFormers"},
	{"SD-WebUI Stable Horde Worker Bridge", 2, "tiling"},
	{"SD-WebUI Stable Horde Worker Bridge", 3, "r2_source"}, {"SD-WebUI Stable Horde Worker Bridge", 4, "clip_skip"},
	{"HordeAutoWebBridge", 1, "painting, img2img, karras"}, {"HordeAutoWebBridge", 2, "tiling"},
}

// samplerTable is its second half: k is usable with karras, n only without.
var samplerTable = []struct {
	bridge string
	from   int
	k, n   string
}{
	{"AI Horde Worker reGen", 2,
		"k_lms, k_heun, k_euler, k_euler_a, k_dpm_2, k_dpm_2_a, k_dpm_fast, k_dpm_adaptive, k_dpmpp_2s_a, k_dpmpp_2m, " +
			"dpmsolver, k_dpmpp_sde, DDIM", ""},
	{"AI Horde Worker reGen", 3, "lcm", ""},
	{"AI Horde Worker", 11, "k_lms, k_heun, k_euler, k_euler_a, k_dpm_2, k_dpm_2_a, k_dpm_fast, k_dpm_adaptive, " +
		"k_dpmpp_2s_a, k_dpmpp_2m, dpmsolver", ""},
	{"AI Horde Worker", 12, "k_dpmpp_sde", ""}, {"AI Horde Worker", 17, "", "DDIM"},
	{"SD-WebUI Stable Horde Worker Bridge", 1,
		"k_lms, k_heun, k_euler, k_euler_a, k_dpm_2, k_dpm_2_a, k_dpm_fast, k_dpm_adaptive, k_dpmpp_2s_a, k_dpmpp_2m, " +
			"k_dpmpp_sde", "DDIM, plms"},
	{"HordeAutoWebBridge", 1, "k_lms, k_dpm_2, k_dpm_2_a, k_dpmpp_2s_a, k_dpmpp_2m, dpmsolver",
		"k_heun, k_euler, k_euler_a, k_dpm_fast, k_dpm_adaptive"},
}

// bridgeOf splits an agent at its first two colons; the tests' versions are whole
// numbers.
func bridgeOf(agent string) (name string, version int) {
	parts := strings.SplitN(agent, ":", 3)
	if len(parts) == 3 {
		if v, err := strconv.Atoi(parts[1]); err == nil {
			return parts[0], v
		}
	}
	return "unknown", 0
}

// talents are what the tables give to an agent.
type talents struct{ abilities, karras, plain map[string]bool }

func talentsOf(agent string) talents {
	name, version := bridgeOf(agent)
	t := talents{map[string]bool{}, map[string]bool{}, map[string]bool{}}

	learn := func(list string, sets ...map[string]bool) {
		for _, what := range strings.Split(list, ", ") {
			for _, s := range sets {
				s[what] = true
			}
		}
	}

	for _, row := range abilities {
		if row.bridge == name && row.from <= version {
			learn(row.what, t.abilities)
		}
	}

	if !slices.Contains([]string{"AI Horde Worker reGen", "AI Horde Worker", "SD-WebUI Stable Horde Worker Bridge",
		"HordeAutoWebBridge"}, name) {
		name, version = "AI Horde Worker", 23
	}

	for _, row := range samplerTable {
		if row.bridge == name && row.from <= version {
			learn(row.k, t.karras, t.plain)
			learn(row.n, t.plain)
		}
	}

	return t
}

func can(w *visitor, what string) bool { return w.talents.abilities[what] }

func canSample(w *visitor, sampler string, karras bool) bool {
	if karras {
		return w.talents.karras[sampler]
	}
	return w.talents.plain[sampler]
}

// gate is one reason to keep a request from a worker. key is the counter of
// skipped that tells of it, counted over all live requests (decision 20); "" is
// a gate that none tells of; walked ones are counted where the walk stops there.
type gate struct {
	name, key string
	walked    bool
	stops     func(w *visitor, r *wish) bool
	// setting: the bridge is told of only where the worker's own setting lets the
	// request in (generation §1.19 "when the setting is on"); nil: always.
	setting func(s *fleet.Settings) bool
}

// query is the candidate query of generation §1.15.
var query = []gate{
	{name: "nothing waits", stops: func(_ *visitor, r *wish) bool { return r.waiting <= 0 }},
	{name: "given up", stops: func(_ *visitor, r *wish) bool { return r.faulted }},
	{name: "cancelled", stops: func(_ *visitor, r *wish) bool { return r.cancelled }},
	{name: "expired", stops: func(_ *visitor, r *wish) bool { return r.expired }},
	{name: "max_pixels", key: "max_pixels",
		stops: func(w *visitor, r *wish) bool { return r.pixels() > w.says.MaxPixels }},
	{name: "models", key: "models", stops: func(w *visitor, r *wish) bool {
		return len(r.models()) > 0 &&
			!slices.ContainsFunc(r.models(), func(m string) bool { return slices.Contains(w.says.Models, m) })
	}},
	{name: "any model, of a special worker", stops: func(w *visitor, r *wish) bool {
		return len(r.models()) == 0 && slices.ContainsFunc(w.says.Models, func(m string) bool {
			return m == betaModel || strings.Contains(m, "horde_special")
		})
	}},
	{name: "allow_img2img", key: "img2img",
		stops: func(w *visitor, r *wish) bool { return r.ask.SourceImage != "" && !w.says.AllowImg2Img }},
	{name: "allow_painting", key: "painting",
		stops: func(w *visitor, r *wish) bool { return r.painting() && !w.says.AllowPainting }},
	{name: "extra_source_images", stops: func(w *visitor, r *wish) bool {
		return len(r.ask.ExtraSourceImages) > 0 && !can(w, "extra_source_images")
	}},
	{name: "allow_unsafe_ipaddr", key: "unsafe_ip",
		stops: func(w *visitor, r *wish) bool { return r.unsafeIP && !w.says.AllowUnsafeIP }},
	{name: "nsfw", key: "nsfw", stops: func(w *visitor, r *wish) bool { return set(r.ask.NSFW, true) && !w.says.NSFW }},
	{name: "r2", stops: func(w *visitor, r *wish) bool { return set(r.ask.R2, true) && !can(w, "r2") }},
	{name: "allow_lora", key: "lora",
		stops: func(w *visitor, r *wish) bool { return r.ask.Params.Loras != nil && !w.says.AllowLora }},
	{name: "lora of the bridge", key: "bridge_version", stops: func(w *visitor, r *wish) bool {
		return r.ask.Params.Loras != nil && w.says.AllowLora && !can(w, "lora")
	}},
	{name: "textual_inversion", key: "bridge_version", stops: func(w *visitor, r *wish) bool {
		return r.ask.Params.TIs != nil && !can(w, "textual_inversion")
	}},
	{name: "allow_controlnet", key: "controlnet", stops: func(w *visitor, r *wish) bool {
		return r.ask.Params.ControlType != "" && !w.says.AllowControlnet
	}},
	{name: "controlnet of the bridge", key: "bridge_version", stops: func(w *visitor, r *wish) bool {
		return r.ask.Params.ControlType != "" && w.says.AllowControlnet && !can(w, "controlnet")
	}},
	{name: "slow", key: "performance",
		stops: func(w *visitor, r *wish) bool { return w.speed < 500_000 && !set(r.ask.SlowWorkers, true) }},
	{name: "extra slow", key: "performance", stops: func(w *visitor, r *wish) bool {
		return w.says.ExtraSlow && !set(r.ask.ExtraSlowWorkers, false)
	}},
	{name: "layer_diffuse", key: "bridge_version", stops: func(w *visitor, r *wish) bool {
		return set(r.ask.Params.Transparent, false) && !can(w, "layer_diffuse")
	}},
	{name: "transparent without allow_sdxl_controlnet", stops: func(w *visitor, r *wish) bool {
		return set(r.ask.Params.Transparent, false) && !w.says.AllowSDXLControlnet
	}},
	{name: "targeting", stops: func(_ *visitor, r *wish) bool { return !r.targetable() }},
	{name: "matched targeting",
		stops: func(w *visitor, r *wish) bool { return w.matched && r.allowList() && !w.friend(r) }},
	{name: "maintenance", stops: func(w *visitor, r *wish) bool { return w.maintenance && r.user != w.owner }},
}

// gates are those of generation §1.16 in their order, save the ones that the query has in the
// same words already.
var gates = []gate{
	{name: "trusted_workers", key: "untrusted",
		stops: func(w *visitor, r *wish) bool { return set(r.ask.TrustedWorkers, false) && !w.trusted }},
	{name: "secret", stops: func(_ *visitor, r *wish) bool { return r.tricked }},
	{name: "blacklist", walked: true, stops: func(w *visitor, r *wish) bool {
		return slices.ContainsFunc(w.says.Blacklist, func(word string) bool {
			return strings.Contains(strings.ToLower(r.ask.Prompt), strings.ToLower(word))
		})
	}},
	{name: "img2img of the bridge", key: "bridge_version", setting: func(s *fleet.Settings) bool { return s.AllowImg2Img },
		stops: func(w *visitor, r *wish) bool { return r.ask.SourceImage != "" && !can(w, "img2img") }},
	{name: "inpainting of the bridge", key: "bridge_version",
		setting: func(s *fleet.Settings) bool { return s.AllowPainting },
		stops:   func(w *visitor, r *wish) bool { return r.painting() && !can(w, "inpainting") }},
	{name: "no inpainting model", stops: func(w *visitor, r *wish) bool {
		return r.painting() && !slices.ContainsFunc(w.says.Models, func(m string) bool { return facts[m].inpainting })
	}},
	{name: "inpainting models only", stops: func(w *visitor, r *wish) bool {
		return !r.painting() && !slices.ContainsFunc(w.says.Models, func(m string) bool { return !facts[m].inpainting })
	}},
	{name: "sampler", key: "bridge_version", stops: func(w *visitor, r *wish) bool {
		return !canSample(w, r.sampler(), set(r.ask.Params.Karras, true))
	}},
	{name: "post-processor of the bridge", key: "bridge_version",
		setting: func(s *fleet.Settings) bool { return s.AllowPostProcessing },
		stops: func(w *visitor, r *wish) bool {
			pp := r.ask.Params.PostProcessing
			return len(pp) > 0 && (!can(w, "post-processing") ||
				slices.ContainsFunc(pp, func(p string) bool { return !can(w, p) }))
		}},
	{name: "tiling", key: "bridge_version", stops: func(w *visitor, r *wish) bool {
		return set(r.ask.Params.Tiling, false) && !can(w, "tiling")
	}},
	{name: "return_control_map", key: "bridge_version", stops: func(w *visitor, r *wish) bool {
		return set(r.ask.Params.ReturnControlMap, false) && !can(w, "return_control_map")
	}},
	{name: "image_is_control", key: "bridge_version", stops: func(w *visitor, r *wish) bool {
		return r.ask.Params.ControlType != "" && !can(w, "image_is_control")
	}},
	{name: "qr_code of the bridge", key: "bridge_version", stops: func(w *visitor, r *wish) bool {
		return r.ask.Params.Workflow == "qr_code" && !(can(w, "controlnet") && can(w, "qr_code"))
	}},
	{name: "qr_code on SDXL", key: "controlnet", stops: func(w *visitor, r *wish) bool {
		return r.ask.Params.Workflow == "qr_code" && hosts(w, "stable_diffusion_xl") && !w.says.AllowSDXLControlnet
	}},
	{name: "hires_fix", key: "bridge_version", stops: func(w *visitor, r *wish) bool {
		return set(r.ask.Params.HiresFix, false) && !can(w, "hires_fix")
	}},
	{name: "hires_fix beside Cascade", key: "bridge_version", stops: func(w *visitor, r *wish) bool {
		return set(r.ask.Params.HiresFix, false) && hosts(w, "stable_cascade") && !can(w, "stable_cascade_2pass")
	}},
	{name: "Flux hosted", key: "bridge_version",
		stops: func(w *visitor, _ *wish) bool { return hosts(w, "flux_1") && !can(w, "flux") }},
	{name: "clip_skip", key: "bridge_version", stops: func(w *visitor, r *wish) bool {
		return number(r.ask.Params.ClipSkip, 1) > 1 && !can(w, "clip_skip")
	}},
	{name: "lora_versions", key: "bridge_version", stops: func(w *visitor, r *wish) bool {
		return !can(w, "lora_versions") &&
			slices.ContainsFunc(r.ask.Params.Loras, func(l api.Lora) bool { return set(l.IsVersion, false) })
	}},
	{name: "step_count", walked: true, stops: func(w *visitor, r *wish) bool {
		models := w.says.Models
		if len(r.models()) > 1 {
			models = r.models()
		}
		return w.says.LimitMaxSteps &&
			slices.ContainsFunc(models, func(m string) bool { return middle(m) < float64(r.steps()) })
	}},
	{name: "strangers at unsafe addresses", key: "untrusted",
		stops: func(w *visitor, r *wish) bool { return !w.trusted && r.unsafeIP && !r.trusted }},
	{name: "allow_post_processing", key: "post-processing", stops: func(w *visitor, r *wish) bool {
		return !w.says.AllowPostProcessing && len(r.ask.Params.PostProcessing) > 0
	}},
	{name: "kudos", walked: true, stops: func(w *visitor, r *wish) bool {
		funds := w.kudos[r.user]
		if funds > 0 {
			funds -= w.floor[r.user]
		}
		return w.says.RequireUpfrontKudos && !r.trusted && !w.friend(r) && funds < r.price
	}},
}

func (who *visitor) friend(r *wish) bool {
	return r.user == who.owner || slices.Contains(who.friends, r.user)
}

// verdict is what the gates say of one request.
type verdict struct {
	*wish
	stops []string // names of all gates that keep it from the worker, in their order
	keys  []string // of the counters that tell of it, once each
	at    *gate    // where the walk stops; nil when it does not come to it, or hands it out
}

// alone is the gate that alone keeps the request from the worker. A bridge without
// controlnet has no image_is_control either.
func (v verdict) alone() string {
	if len(v.stops) == 1 || len(v.stops) == 2 && v.stops[0] == "controlnet of the bridge" &&
		v.stops[1] == "image_is_control" {
		return v.stops[0]
	}
	return ""
}

func judge(w *visitor, r *wish) verdict {
	v := verdict{wish: r}
	hit := func(g *gate) bool {
		if !g.stops(w, r) {
			return false
		}
		v.stops = append(v.stops, g.name)
		// Slow and extra slow are counted apart, and added.
		told := g.key != "" && (g.setting == nil || g.setting(&w.says))
		if told && (g.key == "performance" || !slices.Contains(v.keys, g.key)) {
			v.keys = append(v.keys, g.key)
		}
		return true
	}

	for i := range query {
		hit(&query[i])
	}

	walked := len(v.stops) == 0
	for i := range gates {
		if hit(&gates[i]) && walked && v.at == nil {
			v.at = &gates[i]
		}
	}

	if !r.targetable() || w.matched && r.allowList() {
		v.keys = append(v.keys, "worker_id")
	}

	return v
}

const tenSeconds = 10_000_000

// order sorts as of a moment: priority, which has grown by 50 in each ten seconds,
// then age.
func order(requests []*wish, now horde.Micros) []*wish {
	sorted := slices.Clone(requests)
	at := func(r *wish) int64 { return r.priority + 50*int64(now/tenSeconds-r.created/tenSeconds) }
	slices.SortFunc(sorted, func(a, b *wish) int {
		switch {
		case at(a) != at(b):
			return int(at(b) - at(a))
		case a.created != b.created:
			return int(a.created - b.created)
		}
		return strings.Compare(a.e.row.ID, b.e.row.ID)
	})
	return sorted
}

// next is the request that a worker gets: the first of its owner's and friends',
// else the first of all. They are in order.
func next(w *visitor, ordered []verdict) *wish {
	for _, friends := range []bool{true, false} {
		for _, v := range ordered {
			if w.friend(v.wish) == friends && len(v.stops) == 0 {
				return v.wish
			}
		}
	}
	return nil
}

// withheld is what skipped has to say (generation §1.19, decision 20).
func withheld(all []verdict) map[string]int {
	why := map[string]int{}
	for _, key := range strings.Split("models worker_id img2img painting lora controlnet post-processing nsfw "+
		"unsafe_ip untrusted performance bridge_version", " ") {
		why[key] = 0
	}
	for _, v := range all {
		if v.at != nil && v.at.walked {
			why[v.at.name]++
		}
		if v.live() {
			for _, key := range v.keys {
				why[key]++
			}
		}
	}
	return why
}

// batchSize is the batch size (generation §1.18), with the factor of the model's baseline
// (decision 21).
func batchSize(w *visitor, r *wish, model string) int {
	p := r.ask.Params
	if set(r.ask.DisableBatching, false) || p.Workflow == "qr_code" {
		return 1
	}
	mps := float64(r.pixels()) * (1 + 0.4*float64(len(p.PostProcessing)))
	heavy := []string{"RealESRGAN_x4plus", "RealESRGAN_x4plus_anime_6B", "NMKD_Siax", "4x_AnimeSharp", "CodeFormers",
		"4xNomos8kSC", "4xLSDIRplus", "4xNomos2_hq_dat2", "RestoreFormer"}
	if set(p.Transparent, false) ||
		slices.ContainsFunc(p.PostProcessing, func(name string) bool { return slices.Contains(heavy, name) }) {
		mps *= 1.8
	}
	switch baseline(model) {
	case "flux_1":
		mps *= 5
	case "z_image_turbo":
		mps *= 8
	case "qwen_image":
		mps *= 10
	}
	n := int(math.RoundToEven(float64(w.says.MaxPixels) / 3.5 * float64(w.amount) / mps))
	return min(max(n, 1), w.amount, r.waiting)
}

// seconds is the TTL on the wire (generation §1.18).
func seconds(w *visitor, r *wish) int {
	s := 30 + float64(r.steps())*2*(float64(r.pixels())/262144)
	if r.ask.Params.ControlType != "" {
		s *= 2
	}
	if slices.ContainsFunc(r.models(), func(m string) bool {
		return slices.Contains([]string{"flux_1", "qwen_image", "z_image_turbo"}, baseline(m))
	}) {
		s *= 3
	}
	s = max(s, 150)
	if w.says.ExtraSlow {
		s *= 3
	}
	return int(s)
}

func (wish *wish) String() string {
	if wish == nil {
		return "nothing"
	}
	return fmt.Sprintf("%s %+v", wish.e.row.ID, *wish.e.record.Image)
}
