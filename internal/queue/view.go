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
	kind     *kind
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
	fast     float64 // speed that a request without slow_workers wants
	anyModel bool    // requests that name no model may come here
	hosted   hosted
	known    *catalog.Snapshot
	matched  bool // requests for named workers are only for those that name the requester
	// yields reports whether a request that has failed is left to other workers; nil:
	// none is.
	yields func(*entry) bool

	// walked are the gates whose requests the walk has to look at one by one, to
	// tell why it refused them; it passes over all other buckets that do not fit.
	walked lacks

	looked int    // bytes of prompts times words of the blacklist
	black  *words // the blacklist, once there was much to look through

	// balances of requesters, as far as they had to be looked up
	balances map[int64]*store.Account
	unknown  map[int64]bool
}

func viewOf(k *kind, o *fleet.Offer, known *catalog.Snapshot) *view {
	w := o.Worker
	v := &view{kind: k, worker: w, settings: &w.Settings, agent: w.Agent, owner: w.UserID, trusted: o.Owner.Is(account.Trusted),
		models: o.Models, list: o.ModelList, friends: o.PriorityUsers, kudos: o.RequireKudos, speed: w.Speed(), known: known}
	k.look(v)
	return v
}

// viewOfLast is the view of a worker that is not popping now: as its last check-in
// said.
func viewOfLast(k *kind, w *fleet.Worker, known *catalog.Snapshot) *view {
	v := &view{kind: k, worker: w, settings: &w.Settings, agent: w.Agent, owner: w.UserID, trusted: w.OwnerTrusted(),
		list: w.Settings.Models, speed: w.Speed(), known: known}
	k.look(v)
	return v
}

// viewOfStored is viewOfLast with the speed that possible workers need (generation §5.5).
func viewOfStored(k *kind, w *fleet.Worker, known *catalog.Snapshot) *view {
	v := viewOfLast(k, w, known)
	v.fast = k.slow
	return v
}

// lacks is the set of reasons for which a worker cannot serve some features.
type lacks uint32

// Reasons of the query (generation §1.15, §2.7): a pop does not see such requests.
const (
	lackNSFW lacks = 1 << iota
	lackPixels
	lackImg2Img
	lackPainting
	lackLora
	lackControlnet
	lackSafeIP
	lackSpeed
	lackPatience // an extra slow worker, and a request that does not want one
	lackBridge
	lackSilent // without a counter of its own
)

// Reasons of the gates (generation §1.16), in their order: a pop looks at such requests and
// refuses them.
const (
	lackTrust          lacks = 1 << (iota + 16)
	lackBridgeGate           // what the bridge cannot do
	lackPostProcessors       // the bridge, of what the worker does not do anyway
	lackHosting              // no model for it, whatever the request names
	lackSDXLControl          // a QR code on SDXL
	lackSafety               // a stranger's request from an unsafe address
	lackPostProcessing
	lackSoftprompt // of texts, after all others

	lateGates = lackSafety | lackPostProcessing // behind that of steps
)

// lacking compares a worker with what a bucket of requests asks for: the query
// and the gates that depend on nothing else. 0 means that the worker fits.
func (v *view) lacking(f features) lacks { return v.kind.lacking(v, f) }

// Reasons of the walk, by their names on the wire.
const (
	whyTrust      = "untrusted"
	whyBlacklist  = "blacklist"
	whySteps      = "step_count"
	whyKudos      = "kudos"
	whySoftprompt = "matching_softprompt"
	whySilent     = "-" // not told, or by the census
)

// refuses names the first gate of generation §1.16 that stops the worker at this very
// request, "" when it can have it. l is what the worker lacks for its features,
// nothing but gates.
func (v *view) refuses(e *entry, l lacks) string {
	q := e.record.common
	switch {
	case v.worker.Maintenance && e.row.UserID != v.owner, !targets(q.Workers, q.WorkerBlacklist, v.worker.ID), !e.work.fits(v):
		return whySilent
	case l&lackTrust != 0:
		return whyTrust
	case e.tricks[v.worker.ID]:
		return whySilent
	case v.blacklisted(q.Prompt):
		return whyBlacklist
	case l&lackSoftprompt != 0:
		return whySoftprompt
	case l&^lateGates != 0:
		return whySilent
	}
	if reason := e.work.refuses(v); reason != "" {
		return reason
	}
	switch {
	case l != 0:
		return whySilent
	case v.kudos && v.cannotPay(e):
		return whyKudos
	}
	return ""
}

// plainly is for how many bytes, prompts times words, a pop looks for each word of
// its blacklist by itself: then it is worth while to make an automaton of them.
const plainly = 1 << 20

func (v *view) blacklisted(prompt string) bool {
	if len(v.settings.Blacklist) == 0 {
		return false
	}
	prompt = strings.ToLower(prompt)
	if v.looked += len(prompt) * len(v.settings.Blacklist); v.looked > plainly {
		if v.black == nil {
			v.black = newWords(v.settings.Blacklist)
		}
		return v.black.in(prompt)
	}
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

// cannotPay tells whether a requester lacks the price of one job. Trusted
// users and friends are not asked.
func (v *view) cannotPay(e *entry) bool {
	if _, friend := v.friends[e.row.UserID]; friend || e.record.Trusted {
		return false
	}
	return v.lacksFunds(e)
}

// lacksFunds reports whether a requester lacks the price of one job. A balance that
// is not known yet is noted, and lacking until it has been looked up.
func (v *view) lacksFunds(e *entry) bool {
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
		return v.anyModel
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
