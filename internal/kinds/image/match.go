// Package image is what image generation has of its own.
package image

import (
	"slices"
	"strings"

	"horde/internal/admission"
	"horde/internal/bridge"
	"horde/internal/catalog"
	"horde/internal/fleet"
	"horde/internal/kinds"
	"horde/internal/match"
)

// What a request can ask of a worker.
const (
	nsfw match.Flags = 1 << iota
	trustedWorkers
	unsafeIP
	fromUntrusted
	sourceImage
	painting
	extraSources
	r2
	loras
	tis
	control
	qrCode
	hiresFix
	transparent
	postProcessing
	fastOnly
	extraSlowOK
	karras
)

// Features are what a request from somewhere asks of a worker.
func Features(m *admission.Image, o kinds.Origin) match.Features {
	f := match.Features{Named: m.Sampler, Size: m.Pixels(), Caps: neededCaps(m)}
	set := f.Flags.Set
	set(karras, m.Karras)
	set(nsfw, m.NSFW)
	set(trustedWorkers, m.TrustedWorkers)
	set(unsafeIP, o.UnsafeIP)
	set(fromUntrusted, !o.Trusted)
	set(sourceImage, m.HasSource)
	set(painting, m.SourceProcessing == "inpainting" || m.SourceProcessing == "outpainting")
	set(extraSources, m.ExtraSources > 0)
	set(r2, m.R2)
	set(loras, m.Loras != nil)
	set(tis, m.TIs != nil)
	set(control, m.ControlType != "")
	set(qrCode, m.Workflow == "qr_code")
	set(hiresFix, m.HiresFix)
	set(transparent, m.Transparent)
	set(postProcessing, len(m.PostProcessing) > 0)
	set(fastOnly, !m.SlowWorkers)
	set(extraSlowOK, m.ExtraSlowWorkers)
	return f
}

// neededCaps are the abilities whose lack the gates count as bridge_version
// (generation §1.16): any control type asks for image_is_control too.
func neededCaps(m *admission.Image) (c bridge.Capability) {
	need := func(b bridge.Capability, on bool) {
		if on {
			c |= b
		}
	}
	need(bridge.Tiling, m.Tiling)
	need(bridge.ReturnControlMap, m.ReturnControlMap)
	need(bridge.HiresFix, m.HiresFix)
	need(bridge.ClipSkip, m.ClipSkip != nil && *m.ClipSkip > 1)
	need(bridge.ImageIsControl, m.ControlType != "")
	need(bridge.PostProcessing, len(m.PostProcessing) > 0)
	need(bridge.QRCode|bridge.ControlNet, m.Workflow == "qr_code")

	for _, name := range m.PostProcessing {
		if p, ok := bridge.PostProcessor(name); ok {
			c |= p
		}
	}
	for _, l := range m.Loras {
		need(bridge.LoraVersions, l.IsVersion != nil && *l.IsVersion)
	}
	return c
}

// Reasons of the query (generation §1.15): a pop does not see such requests.
const (
	lackNSFW match.Lacks = 1 << iota
	lackPixels
	lackImg2Img
	lackPainting
	lackLora
	lackControlnet
	lackSafeIP
	lackSpeed
	LackPatience // an extra slow worker, and a request that does not want one
	lackBridge
	lackSilent // without a counter of its own
)

// Reasons of the gates (generation §1.16), in their order: a pop looks at such requests and
// refuses them.
const (
	lackTrust          match.Lacks = 1 << (iota + 16)
	lackBridgeGate                 // what the bridge cannot do
	lackPostProcessors             // the bridge, of what the worker does not do anyway
	lackHosting                    // no model for it, whatever the request names
	lackSDXLControl                // a QR code on SDXL
	lackSafety                     // a stranger's request from an unsafe address
	lackPostProcessing

	lateGates = lackSafety | lackPostProcessing // behind that of steps
)

// Counters are those of generation §1.19.
var Counters = &match.Counters{
	Reasons: []match.Reason{
		{Lacks: lackNSFW, Name: "nsfw"},
		{Lacks: lackTrust | lackSafety, Name: "untrusted"},
		{Lacks: lackPixels, Name: "max_pixels"},
		{Lacks: lackImg2Img, Name: "img2img"},
		{Lacks: lackPainting, Name: "painting"},
		{Lacks: lackLora, Name: "lora"},
		{Lacks: lackControlnet | lackSDXLControl, Name: "controlnet"},
		{Lacks: lackPostProcessing, Name: "post-processing"},
		{Lacks: lackSafeIP, Name: "unsafe_ip"},
		{Lacks: lackSpeed, Name: "performance"},
		{Lacks: LackPatience, Name: "performance"},
		{Lacks: lackBridge | lackBridgeGate, Name: "bridge_version"},
	},
	Always: []string{
		match.SkippedModels, match.SkippedWorkers, "img2img", "painting", "lora", "controlnet", "post-processing",
		"nsfw", "unsafe_ip", "untrusted", "performance", "bridge_version",
	},
}

// skippedSteps is the reason of limit_max_steps, which the walk tells of.
const skippedSteps = "step_count"

// Fast is the speed, in pixelsteps per second, that a request without slow_workers
// wants.
const Fast = 500_000

// skills are what a worker can do with images.
type skills struct {
	settings *fleet.Settings
	agent    bridge.Agent
	trusted  bool // the owner
	speed    float64
	models   []string
	hosts    hosted
	known    *catalog.Snapshot
}

// NewWorker is what decides which requests a worker gets.
func NewWorker(seen kinds.Seen) *match.Worker {
	// Both in one piece of memory: every pop makes them, and every look at the fleet.
	w := &struct {
		match.Worker
		skills
	}{
		Worker: seen.Facts(),
		skills: skills{
			settings: &seen.Worker.Settings,
			agent:    seen.Worker.Agent,
			trusted:  seen.OwnerTrusted,
			speed:    seen.Worker.Speed(),
			models:   seen.Models,
			hosts:    hostedBy(seen.Known, seen.Models),
			known:    seen.Known,
		},
	}

	w.AnyModel = !hostsSpecial(seen.Models)
	w.Walked = walked(w.settings)
	w.Skills = &w.skills
	return &w.Worker
}

// walked are the gates before those that the walk tells of, which alone are told by
// looking at each request.
func walked(s *fleet.Settings) match.Lacks {
	switch {
	case len(s.Blacklist) > 0:
		return lackBridgeGate | lackPostProcessors | lackHosting | lackSDXLControl | lateGates
	case s.LimitMaxSteps:
		return lateGates
	}
	return 0
}

// hosted is what the models of a pop are built on, where a gate asks for it.
type hosted struct {
	flux, sdxl, cascade      bool
	inpainting, onlyInpaints bool
}

func hostedBy(known *catalog.Snapshot, models []string) hosted {
	h := hosted{onlyInpaints: len(models) > 0}
	for _, name := range models {
		switch known.Baseline(name) {
		case catalog.Flux1:
			h.flux = true
		case catalog.SDXL:
			h.sdxl = true
		case catalog.StableCascade:
			h.cascade = true
		}

		m, _ := known.Image(name)
		h.inpainting = h.inpainting || m.Inpainting
		h.onlyInpaints = h.onlyInpaints && m.Inpainting
	}
	return h
}

// BetaModel is served by name only, as the special models are.
const BetaModel = "SDXL_beta::stability.ai#6901"

// hostsSpecial reports whether requests without a model must not come here (generation §1.15).
func hostsSpecial(models []string) bool {
	return slices.ContainsFunc(models, func(m string) bool {
		return m == BetaModel || strings.Contains(m, "horde_special")
	})
}

// Lacking is the query of generation §1.15 and the gates of §1.16 that depend on nothing but
// features.
func (k *skills) Lacking(f match.Features) (l match.Lacks) {
	s := k.settings
	want := func(flag match.Flags) bool { return f.Flags.Has(flag) }
	l.Add(lackPixels, f.Size > s.MaxPixels)
	l.Add(lackImg2Img, want(sourceImage) && !s.AllowImg2Img)
	l.Add(lackPainting, want(painting) && !s.AllowPainting)
	l.Add(lackSilent, want(extraSources) && !k.agent.Has(bridge.ExtraSourceImages))
	l.Add(lackSafeIP, want(unsafeIP) && !s.AllowUnsafeIP)
	l.Add(lackNSFW, want(nsfw) && !s.NSFW)
	l.Add(lackSilent, want(r2) && !k.agent.Has(bridge.R2))
	l.Add(lackLora, want(loras) && !s.AllowLora)
	l.Add(lackBridge, want(loras) && s.AllowLora && !k.agent.Has(bridge.Lora))
	l.Add(lackBridge, want(tis) && !k.agent.Has(bridge.TextualInversion))
	l.Add(lackControlnet, want(control) && !s.AllowControlnet)
	l.Add(lackBridge, want(control) && s.AllowControlnet && !k.agent.Has(bridge.ControlNet))
	l.Add(lackSpeed, want(fastOnly) && k.speed < Fast)
	l.Add(LackPatience, s.ExtraSlow && !want(extraSlowOK))
	l.Add(lackBridge, want(transparent) && !k.agent.Has(bridge.LayerDiffuse))
	l.Add(lackSilent, want(transparent) && !s.AllowSDXLControlnet)

	// What the worker has switched off is not told of its bridge once more.
	l.Add(lackTrust, want(trustedWorkers) && !k.trusted)
	l.Add(lackBridgeGate, want(sourceImage) && s.AllowImg2Img && !k.agent.Has(bridge.Img2Img))
	l.Add(lackBridgeGate, want(painting) && s.AllowPainting && !k.agent.Has(bridge.Inpainting))
	l.Add(lackHosting, want(painting) && !k.hosts.inpainting || !want(painting) && k.hosts.onlyInpaints)
	sampler := bridge.Sampler{Name: f.Named, Karras: want(karras)}
	l.Add(lackBridgeGate, !k.agent.Has(f.Caps&^bridge.PostProcessors) || !k.agent.SupportsSampler(sampler))
	l.Add(lackBridgeGate, s.AllowPostProcessing && !k.agent.Has(f.Caps&bridge.PostProcessors))
	l.Add(lackPostProcessors, !s.AllowPostProcessing && !k.agent.Has(f.Caps&bridge.PostProcessors))
	l.Add(lackSDXLControl, want(qrCode) && k.hosts.sdxl && !s.AllowSDXLControlnet)
	l.Add(lackBridgeGate, want(hiresFix) && k.hosts.cascade && !k.agent.Has(bridge.StableCascade2Pass))
	l.Add(lackBridgeGate, k.hosts.flux && !k.agent.Has(bridge.Flux))
	l.Add(lackSafety, want(unsafeIP) && want(fromUntrusted) && !k.trusted)
	l.Add(lackPostProcessing, want(postProcessing) && !s.AllowPostProcessing)
	return l
}

// Refuses is limit_max_steps, at its place among the gates (generation §1.16).
func (k *skills) Refuses(it *match.Item, lacks match.Lacks) string {
	switch {
	case lacks&^lateGates != 0:
		return match.Silent
	case k.settings.LimitMaxSteps && k.tooManySteps(it):
		return skippedSteps
	case lacks != 0:
		return match.Silent
	}
	return ""
}

// tooManySteps reports whether a model wants fewer steps than a request does: one of
// the request's where it names several, else one of the worker's.
func (k *skills) tooManySteps(it *match.Item) bool {
	models := k.models
	if len(it.Models) > 1 {
		models = it.Models
	}
	return slices.ContainsFunc(models, func(m string) bool { return meanSteps(k.known, m) < float64(it.Steps) })
}

// meanSteps is the middle of what a model wants, for limit_max_steps (generation §1.16;
// defaults 20 and 40).
func meanSteps(known *catalog.Snapshot, model string) float64 {
	low, high := 20, 40
	if m, ok := known.Image(model); ok {
		if m.Requirements.MinSteps > 0 {
			low = m.Requirements.MinSteps
		}
		if m.Requirements.MaxSteps > 0 {
			high = m.Requirements.MaxSteps
		}
	}
	return float64(low+high) / 2
}
