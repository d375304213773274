package queue

import (
	"strings"

	"horde/internal/account"
	"horde/internal/bridge"
	"horde/internal/catalog"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/store"
)

// view is a worker as the queue sees it: what it can be given.
type view struct {
	worker   *fleet.Worker
	settings *fleet.Settings
	agent    bridge.Agent
	owner    int64
	trusted  bool // the owner
	models   map[string]struct{}
	list     []string // the same, in order
	friends  map[int64]struct{}
	kudos    bool // wants requesters who could pay
	speed    float64
	hosted   hosted
	known    *catalog.Snapshot
	matched  bool // requests for named workers are only for those that name the requester

	// balances of requesters, as far as they had to be looked up
	balances map[int64]*store.Account
	unknown  map[int64]bool
}

const slowLimit = 500_000 // pixelsteps/s that a request without slow_workers wants

func viewOf(o *fleet.Offer, known *catalog.Snapshot) *view {
	w := o.Worker
	return &view{worker: w, settings: &w.Settings, agent: w.Agent, owner: w.UserID, trusted: o.Owner.Is(account.Trusted),
		models: o.Models, list: o.ModelList, friends: o.PriorityUsers, kudos: o.RequireKudos, speed: w.Speed(),
		hosted: hostedBy(known, o.ModelList), known: known}
}

// viewOfStored is the view of a worker that is not popping now: by its last
// check-in.
func viewOfStored(w *fleet.Worker, known *catalog.Snapshot) *view {
	v := &view{worker: w, settings: &w.Settings, agent: w.Agent, owner: w.UserID, trusted: w.OwnerTrusted(),
		list: w.Settings.Models, speed: w.Speed(), hosted: hostedBy(known, w.Settings.Models), known: known}
	v.friends = map[int64]struct{}{w.UserID: {}}
	for _, id := range w.Settings.PriorityUsers {
		v.friends[id] = struct{}{}
	}
	return v
}

// lacks is the set of reasons for which a worker cannot serve some features.
type lacks uint32

const (
	lackNSFW lacks = 1 << iota
	lackTrust
	lackPixels
	lackImg2Img
	lackPainting
	lackLora
	lackControlnet
	lackPostProcessing
	lackSafeIP
	lackSpeed
	lackPatience // an extra slow worker, and a request that does not want one
	lackBridge
	lackSilent // refused without a counter of its own
)

// lacking compares a worker with what a bucket of requests asks for: the query
// of §1.15 and the gates of §1.16 that depend on nothing else. 0 means that the
// worker fits.
func (v *view) lacking(f *features) (l lacks) {
	s := v.settings
	want := func(b bits) bool { return f.bits&b != 0 }
	refuse := func(why lacks, on bool) {
		if on {
			l |= why
		}
	}
	refuse(lackNSFW, want(wantsNSFW) && !s.NSFW)
	refuse(lackTrust, want(wantsTrusted) && !v.trusted || want(unsafeIP) && want(fromUntrusted) && !v.trusted)
	refuse(lackPixels, f.pixels > s.MaxPixels)
	refuse(lackImg2Img, want(hasSource) && !s.AllowImg2Img)
	refuse(lackBridge, want(hasSource) && s.AllowImg2Img && !v.agent.Has(bridge.Img2Img))
	refuse(lackPainting, want(painting) && !s.AllowPainting)
	refuse(lackBridge, want(painting) && s.AllowPainting && !v.agent.Has(bridge.Inpainting))
	refuse(lackSilent, want(painting) && !v.hosted.inpainting || !want(painting) && v.hosted.onlyInpaints)
	refuse(lackSilent, want(extraSources) && !v.agent.Has(bridge.ExtraSourceImages))
	refuse(lackSilent, want(wantsR2) && !v.agent.Has(bridge.R2))
	refuse(lackLora, want(hasLoras) && !s.AllowLora)
	refuse(lackBridge, want(hasLoras) && s.AllowLora && !v.agent.Has(bridge.Lora))
	refuse(lackBridge, want(hasTIs) && !v.agent.Has(bridge.TextualInversion))
	refuse(lackControlnet, want(hasControl) && !s.AllowControlnet)
	refuse(lackBridge, want(hasControl) && s.AllowControlnet && !v.agent.Has(bridge.ControlNet))
	refuse(lackControlnet, want(qrCode) && v.hosted.sdxl && !s.AllowSDXLControlnet)
	refuse(lackSilent, want(transparent) && !s.AllowSDXLControlnet)
	refuse(lackPostProcessing, want(postProcessing) && !s.AllowPostProcessing)
	refuse(lackSafeIP, want(unsafeIP) && !s.AllowUnsafeIP)
	refuse(lackSpeed, want(fastOnly) && v.speed < slowLimit)
	refuse(lackPatience, s.ExtraSlow && !want(extraSlowOK))
	refuse(lackBridge, !v.agent.Has(f.caps) || !v.agent.SamplerOK(f.sampler, f.karras))
	refuse(lackBridge, want(hiresFix) && v.hosted.cascade && !v.agent.Has(bridge.StableCascade2Pass))
	refuse(lackBridge, v.hosted.flux && !v.agent.Has(bridge.Flux))
	return l
}

// Reasons of the walk, by their names on the wire.
const (
	whyBlacklist = "blacklist"
	whySteps     = "step_count"
	whyKudos     = "kudos"
	whySilent    = "-"
)

// refuses tells why this very request cannot go to the worker, "" when it can:
// the gates of §1.16 that need a look at the request. Its features fit.
func (v *view) refuses(e *entry) string {
	q := e.record.Image
	own := e.row.UserID == v.owner
	switch {
	case v.worker.Maintenance && !own, e.tricks[v.worker.ID]:
		return whySilent
	case v.blacklisted(q.Prompt):
		return whyBlacklist
	case !targets(q.Workers, q.WorkerBlacklist, v.worker.ID):
		return whySilent
	case v.settings.LimitMaxSteps && v.tooManySteps(q.Models, q.AccurateSteps):
		return whySteps
	case v.kudos && v.cannotPay(e):
		return whyKudos
	}
	return ""
}

func (v *view) blacklisted(prompt string) bool {
	if len(v.settings.Blacklist) == 0 {
		return false
	}
	prompt = strings.ToLower(prompt)
	for _, word := range v.settings.Blacklist {
		if strings.Contains(prompt, word) {
			return true
		}
	}
	return false
}

// targets tells whether a request's list of workers lets this one serve it.
func targets(list []string, exclude bool, worker string) bool {
	if len(list) == 0 {
		return true
	}
	for _, id := range list {
		if id == worker {
			return !exclude
		}
	}
	return exclude
}

func (v *view) tooManySteps(models []string, steps int) bool {
	if len(models) > 1 {
		return anyBelow(v.known, models, steps)
	}
	return anyBelow(v.known, v.list, steps)
}

// cannotPay tells whether a requester lacks the price of one picture. Trusted
// users and friends are not asked. A balance that is not known yet is noted,
// and refused until it has been looked up.
func (v *view) cannotPay(e *entry) bool {
	if _, friend := v.friends[e.row.UserID]; friend || e.record.Trusted {
		return false
	}
	a, ok := v.balances[e.row.UserID]
	if !ok {
		if v.unknown == nil {
			v.unknown = map[int64]bool{}
		}
		v.unknown[e.row.UserID] = true
		return true
	}
	funds := a.Balance
	if funds > 0 {
		funds -= a.Lowest
	}
	return funds < horde.KudosOf(e.record.Price)
}

// serves tells whether the worker declared a model that the request names.
func (v *view) serves(models []string) bool {
	if len(models) == 0 {
		return !v.hostsSpecial()
	}
	for _, m := range models {
		if v.models != nil {
			if _, ok := v.models[m]; ok {
				return true
			}
			continue
		}
		if v.worker.Offers(m) {
			return true
		}
	}
	return false
}

// betaModel is served by name only, as the special models are.
const betaModel = "SDXL_beta::stability.ai#6901"

// hostsSpecial tells whether requests without a model must not come here (§1.15).
func (v *view) hostsSpecial() bool {
	for _, m := range v.list {
		if m == betaModel || strings.Contains(m, "horde_special") {
			return true
		}
	}
	return false
}
