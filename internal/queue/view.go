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

// viewOfStored is the view of a worker that is not popping now: by its last
// check-in.
func viewOfStored(k *kind, w *fleet.Worker, known *catalog.Snapshot) *view {
	v := &view{kind: k, worker: w, settings: &w.Settings, agent: w.Agent, owner: w.UserID, trusted: w.OwnerTrusted(),
		list: w.Settings.Models, speed: w.Speed(), known: known}
	k.look(v)
	v.fast = k.slow
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
	lackSoftprompt
	lackSilent // refused without a counter of its own
)

// lacking compares a worker with what a bucket of requests asks for: the query
// and the gates that depend on nothing else. 0 means that the worker fits.
func (v *view) lacking(f features) lacks { return v.kind.lacking(v, f) }

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
	q := e.record.common
	own := e.row.UserID == v.owner
	switch {
	case v.worker.Maintenance && !own, e.tricks[v.worker.ID]:
		return whySilent
	case v.blacklisted(q.Prompt):
		return whyBlacklist
	case !targets(q.Workers, q.WorkerBlacklist, v.worker.ID):
		return whySilent
	}
	if reason := e.work.refuses(v); reason != "" {
		return reason
	}
	if v.kudos && v.cannotPay(e) {
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

// cannotPay tells whether a requester lacks the price of one job. Trusted
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
