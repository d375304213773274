package queue

import (
	"slices"

	"github.com/tidwall/btree"
)

// maxWalk bounds how many requests one pop looks at, so that a worker with a
// strict blacklist costs no more than others can bear.
const maxWalk = 5000

// maxUnknown bounds how many balances are looked up at once.
const maxUnknown = 512

// first finds the request that the worker gets next: those of its owner and
// friends before all others, each by priority, then age (§1.15). It also counts
// what the walk refused, by reason.
func (x *index) first(v *view, now int64) (*entry, map[string]int) {
	why := map[string]int{}
	if e := x.firstOfFriends(v, now, why); e != nil {
		return e, nil
	}
	if v.worker.Maintenance {
		return nil, why
	}
	w := walk{v: v, now: now, why: why}
	for m := range v.models {
		w.enter(x.models[m])
	}
	if v.anyModel {
		w.enter(x.models[anyModel])
	}
	if l := x.aimed[v.worker.ID]; l != nil && !v.matched {
		w.push(l)
	}
	e := w.next()
	w.close()
	if e == nil {
		w.countApart()
	}
	return e, why
}

// firstOfFriends looks at the requests of the owner and of priority_usernames.
func (x *index) firstOfFriends(v *view, now int64, why map[string]int) *entry {
	var own []*entry
	for id := range v.friends {
		if h := x.holders[id]; h != nil {
			for e := range h.entries {
				if e.queued && v.serves(e.models()) && v.lacking(e.feat) == 0 {
					own = append(own, e)
				}
			}
		}
	}
	slices.SortFunc(own, func(a, b *entry) int {
		if before(a, b) {
			return -1
		}
		return 1
	})
	for _, e := range own {
		if e.available(now) <= 0 {
			continue
		}
		if reason := v.refuses(e); reason == "" {
			return e
		} else if reason != whySilent && v.worker.Maintenance {
			why[reason]++ // otherwise the general walk counts it
		}
	}
	return nil
}

// walk merges several lines in the order of the queue.
type walk struct {
	v     *view
	now   int64
	why   map[string]int
	heads []head // a heap by before
	seen  map[*entry]bool
	apart []apart
}

// apart is a line that the walk refuses as a whole.
type apart struct {
	*line
	lacks lacks
}

type head struct {
	e    *entry
	iter btree.IterG[*entry]
}

// enter adds the lines of a shelf that the worker can serve.
func (w *walk) enter(s shelf) {
	for f, l := range s {
		switch lacks := w.v.lacking(f); {
		case lacks == 0:
			w.push(l)
		case lacks&^w.v.kind.walked == 0:
			w.apart = append(w.apart, apart{l, lacks})
		}
	}
}

func (w *walk) push(l *line) {
	h := head{iter: l.Iter()}
	if !h.iter.First() {
		h.iter.Release()
		return
	}
	h.e = h.iter.Item()
	w.heads = append(w.heads, h)
	w.up(len(w.heads) - 1)
}

// next is the first request in order that the worker can have.
func (w *walk) next() *entry {
	for range maxWalk {
		if len(w.heads) == 0 {
			return nil
		}
		e := w.heads[0].e
		if w.fits(e) {
			return e
		}
		if len(w.v.unknown) >= maxUnknown {
			return nil
		}
		w.advance()
	}
	return nil
}

func (w *walk) fits(e *entry) bool {
	q := e.record.common
	if e.available(w.now) <= 0 {
		return false
	}
	if len(q.Models) > 1 || len(q.Workers) > 0 { // it may stand in several lines
		if w.known(e) || !w.v.serves(q.Models) {
			return false
		}
		if lacks := w.v.lacking(e.feat); lacks != 0 {
			w.refuse(e, lacks)
			return false
		}
	}
	reason := w.v.refuses(e)
	if reason != "" && reason != whySilent {
		w.why[reason]++
	}
	return reason == ""
}

// known tells whether a request was looked at before.
func (w *walk) known(e *entry) bool {
	if w.seen[e] {
		return true
	}
	if w.seen == nil {
		w.seen = map[*entry]bool{}
	}
	w.seen[e] = true
	return false
}

// refuse counts a request that the walk refuses for its features.
func (w *walk) refuse(e *entry, l lacks) {
	q := e.record.common
	if l&^w.v.kind.walked != 0 || !targets(q.Workers, q.WorkerBlacklist, w.v.worker.ID) || e.work.refuses(w.v) != "" {
		return
	}
	if l&lackTrust == 0 && e.tricks[w.v.worker.ID] { // the gate of trust comes before
		return
	}
	for _, r := range reasons {
		if l&r.lacks != 0 {
			w.why[r.name]++
			return // the first reason ends the walk's look at a request
		}
	}
}

// countApart counts the requests of the lines that were refused as a whole.
func (w *walk) countApart() {
	looked := 0
	for _, a := range w.apart {
		a.Scan(func(e *entry) bool {
			looked++
			if e.available(w.now) > 0 && (len(e.models()) < 2 || !w.known(e)) {
				w.refuse(e, a.lacks)
			}
			return looked < maxWalk
		})
	}
}

// advance moves the first line on, or drops it at its end.
func (w *walk) advance() {
	h := &w.heads[0]
	if h.iter.Next() {
		h.e = h.iter.Item()
	} else {
		h.iter.Release()
		last := len(w.heads) - 1
		w.heads[0] = w.heads[last]
		w.heads = w.heads[:last]
	}
	w.down(0)
}

func (w *walk) close() {
	for i := range w.heads {
		w.heads[i].iter.Release()
	}
}

func (w *walk) up(i int) {
	for i > 0 {
		parent := (i - 1) / 2
		if !before(w.heads[i].e, w.heads[parent].e) {
			return
		}
		w.heads[i], w.heads[parent] = w.heads[parent], w.heads[i]
		i = parent
	}
}

func (w *walk) down(i int) {
	for {
		least := i
		for _, child := range [2]int{2*i + 1, 2*i + 2} {
			if child < len(w.heads) && before(w.heads[child].e, w.heads[least].e) {
				least = child
			}
		}
		if least == i {
			return
		}
		w.heads[i], w.heads[least] = w.heads[least], w.heads[i]
		i = least
	}
}

// skipped adds to why how many waiting requests each of the worker's limits
// withholds, from the census (§1.19, decisions #20); of kinds without one the
// walk has said all. A worker in maintenance is
// only told of its owner's.
func (x *index) skipped(v *view, why map[string]int) {
	if !x.kind.census {
		return
	}
	for _, key := range []string{"models", "worker_id", "img2img", "painting", "lora", "controlnet", "post-processing",
		"nsfw", "unsafe_ip", "untrusted", "performance", "bridge_version"} {
		why[key] = 0
	}
	c := &x.census
	if v.worker.Maintenance {
		own := newCensus()
		if h := x.holders[v.owner]; h != nil {
			for e := range h.entries {
				if e.queued {
					own.add(e, 1)
				}
			}
		}
		c = &own
	}
	why["models"] = c.total - c.servable(v.models)
	why["worker_id"] = c.aimed + c.barred[v.worker.ID]
	if !v.matched {
		why["worker_id"] -= c.aimedAt[v.worker.ID]
	}
	for f, n := range c.features {
		l := v.lacking(f)
		for _, r := range reasons {
			if l&r.lacks != 0 {
				why[r.name] += n
			}
		}
	}
}

// reasons are the counters of the query, by what a worker lacks.
var reasons = []struct {
	lacks lacks
	name  string
}{
	{lackNSFW, "nsfw"}, {lackTrust, "untrusted"}, {lackPixels, "max_pixels"}, {lackImg2Img, "img2img"},
	{lackPainting, "painting"}, {lackLora, "lora"}, {lackControlnet, "controlnet"}, {lackPostProcessing, "post-processing"},
	{lackSafeIP, "unsafe_ip"}, {lackSpeed, "performance"}, {lackPatience, "performance"}, {lackBridge, "bridge_version"},
	{lackSoftprompt, "matching_softprompt"},
}
