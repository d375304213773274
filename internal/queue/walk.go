package queue

import "github.com/tidwall/btree"

// maxWalk bounds how many requests one pop looks at, so that a worker with a
// strict blacklist costs no more than others can bear.
const maxWalk = 5000

// maxUnknown bounds how many balances are looked up at once.
const maxUnknown = 512

// first finds the request that the worker gets next: those of its owner and
// friends before all others, each by priority, then age (generation §1.15). It also counts
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
func (x *index) firstOfFriends(v *view, now int64, why map[string]int) (first *entry) {
	for id := range v.friends {
		h := x.holders[id]
		if h == nil {
			continue
		}
		for e := range h.entries {
			if !e.queued || first != nil && before(first, e) || e.available(now) <= 0 || !v.serves(e.models()) {
				continue
			}
			if v.look(e, why) {
				first = e
			}
		}
	}
	return first
}

// look tells whether the worker can have a request, and counts why not.
func (v *view) look(e *entry, why map[string]int) bool {
	l := v.lacking(e.feat)
	if l&^v.walked != 0 {
		return false
	}
	reason := v.refuses(e, l)
	if reason != "" && reason != whySilent {
		why[reason]++
	}
	return reason == "" && (v.yields == nil || !v.yields(e))
}

// walk merges several lines in the order of the queue.
type walk struct {
	v     *view
	now   int64
	why   map[string]int
	heads []head // a heap by before
	seen  map[*entry]bool
	apart []*line // refused as a whole, but to be counted
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
		case lacks&^w.v.walked == 0:
			w.apart = append(w.apart, l)
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
	if _, friend := w.v.friends[e.row.UserID]; friend || e.available(w.now) <= 0 {
		return false // friends were looked at before
	}
	q := e.record.common
	if len(q.Models) > 1 || len(q.Workers) > 0 { // it may stand in several lines
		if w.known(e) || !w.v.serves(q.Models) {
			return false
		}
	}
	return w.v.look(e, w.why)
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

// countApart counts the requests of the lines that were refused as a whole.
func (w *walk) countApart() {
	looked := 0
	for _, l := range w.apart {
		l.Scan(func(e *entry) bool {
			looked++
			w.fits(e)
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
// withholds, from the census (generation §1.19, §2.7, decision 20). A worker in maintenance
// hears nothing but that it is.
func (x *index) skipped(v *view, why map[string]int) {
	if v.worker.Maintenance {
		return
	}
	for _, key := range x.kind.always {
		why[key] = 0
	}
	count := func(key string, n int) {
		if n > 0 {
			why[key] += n
		}
	}

	c := &x.census
	count("models", c.total-c.servable(v.models))
	others := c.aimed + c.barred[v.worker.ID]
	if !v.matched {
		others -= c.aimedAt[v.worker.ID]
	}
	count("worker_id", others)

	for f, n := range c.features {
		l := v.lacking(f)
		for _, r := range x.kind.reasons {
			if l&r.lacks != 0 {
				count(r.name, n)
			}
		}
	}
	count("max_length", above(c.lengths, v.settings.MaxLength))
	count("max_context_length", above(c.contexts, v.settings.MaxContextLength))
}

// above is how many requests there are of a length beyond the limit.
func above(lengths map[int]int, limit int) (all int) {
	for length, n := range lengths {
		if length > limit {
			all += n
		}
	}
	return all
}

// reason is a counter of the census, by what a worker lacks: a request counts once
// for each.
type reason struct {
	lacks lacks
	name  string
}

// imageReasons and textReasons are those of generation §1.19 and §2.7; alwaysForImages are
// told of at zero too.
var (
	imageReasons = []reason{
		{lackNSFW, "nsfw"}, {lackTrust | lackSafety, whyTrust}, {lackPixels, "max_pixels"}, {lackImg2Img, "img2img"},
		{lackPainting, "painting"}, {lackLora, "lora"}, {lackControlnet | lackSDXLControl, "controlnet"},
		{lackPostProcessing, "post-processing"}, {lackSafeIP, "unsafe_ip"}, {lackSpeed, "performance"}, {lackPatience, "performance"},
		{lackBridge | lackBridgeGate, "bridge_version"},
	}
	alwaysForImages = []string{"models", "worker_id", "img2img", "painting", "lora", "controlnet", "post-processing",
		"nsfw", "unsafe_ip", "untrusted", "performance", "bridge_version"}

	textReasons = []reason{
		{lackTrust, whyTrust}, {lackSpeed, "performance"}, {lackBridge, "bridge_version"}, {lackSoftprompt, "matching_softprompt"},
	}
)
