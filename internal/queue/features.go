package queue

import (
	"slices"

	"horde/internal/admission"
	"horde/internal/bridge"
	"horde/internal/catalog"
)

// features are what a request asks of a worker, as far as it can be told
// without looking at the request itself: requests with equal features share a
// bucket.
type features struct {
	bits    bits
	caps    bridge.Capability // abilities of the bridge, besides those of the bits
	sampler string
	karras  bool
	pixels  int // width × height
}

type bits uint32

const (
	wantsNSFW bits = 1 << iota
	wantsTrusted
	unsafeIP
	fromUntrusted
	hasSource
	painting
	extraSources
	wantsR2
	hasLoras
	hasTIs
	hasControl
	qrCode
	hiresFix
	transparent
	postProcessing
	fastOnly
	extraSlowOK
)

func featuresOf(r *record) features {
	q := r.Image
	f := features{sampler: q.Sampler, karras: q.Karras, pixels: q.Width * q.Height}
	set := func(b bits, on bool) {
		if on {
			f.bits |= b
		}
	}
	set(wantsNSFW, q.NSFW)
	set(wantsTrusted, q.TrustedWorkers)
	set(unsafeIP, r.UnsafeIP)
	set(fromUntrusted, !r.Trusted)
	set(hasSource, q.HasSource)
	set(painting, q.SourceProcessing == "inpainting" || q.SourceProcessing == "outpainting")
	set(extraSources, q.ExtraSources > 0)
	set(wantsR2, q.R2)
	set(hasLoras, q.Loras != nil)
	set(hasTIs, q.TIs != nil)
	set(hasControl, q.ControlType != "")
	set(qrCode, q.Workflow == "qr_code")
	set(hiresFix, q.HiresFix)
	set(transparent, q.Transparent)
	set(postProcessing, len(q.PostProcessing) > 0)
	set(fastOnly, !q.SlowWorkers)
	set(extraSlowOK, q.ExtraSlowWorkers)
	f.caps = neededCaps(q)
	return f
}

// neededCaps are the abilities whose lack counts as bridge_version (§1.16).
func neededCaps(q *admission.Image) bridge.Capability {
	var c bridge.Capability
	need := func(b bridge.Capability, on bool) {
		if on {
			c |= b
		}
	}
	need(bridge.Tiling, q.Tiling)
	need(bridge.ReturnControlMap, q.ReturnControlMap)
	need(bridge.HiresFix, q.HiresFix)
	need(bridge.LayerDiffuse, q.Transparent)
	need(bridge.ClipSkip, q.ClipSkip != nil && *q.ClipSkip > 1)
	need(bridge.ImageIsControl, q.ControlType != "" && q.ImageIsControl)
	need(bridge.PostProcessing, len(q.PostProcessing) > 0)
	need(bridge.QRCode|bridge.ControlNet, q.Workflow == "qr_code")
	for _, name := range q.PostProcessing {
		if p, ok := bridge.PostProcessor(name); ok {
			c |= p
		}
	}
	for _, l := range q.Loras {
		need(bridge.LoraVersions, l.IsVersion != nil && *l.IsVersion)
	}
	return c
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

// meanSteps is the middle of what a model wants, for limit_max_steps (§1.16;
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

func anyBelow(known *catalog.Snapshot, models []string, steps int) bool {
	return slices.ContainsFunc(models, func(m string) bool { return meanSteps(known, m) < float64(steps) })
}
