package match

import (
	"container/heap"
)

const (
	// maxWalk bounds how many items one pop looks at, so that a worker with a strict
	// blacklist costs no more than others can bear.
	maxWalk = 5000

	// maxNeedsFunds bounds for how many users funds are looked up at once.
	maxNeedsFunds = 512
)

// Find finds the items that a worker gets next: those of its owner and friends before
// all others, each by priority, then age (generation §1.15). It changes the pop, and nothing
// that the index holds.
func (x *Index) Find(p *Pop) Result {
	p.unknown, p.skipped = nil, nil
	var found []*Item
	if p.Worker.SuspendedUntil <= p.Now {
		found = x.find(p)
	}

	switch {
	case len(p.unknown) > 0:
		return Result{NeedsFunds: keys(p.unknown)}
	case len(found) > 0:
		return Result{Found: found}
	}
	x.census.tell(p)
	if p.skipped == nil {
		p.skipped = map[string]int{}
	}
	return Result{Skipped: p.skipped}
}

func keys(users map[int64]bool) []int64 {
	ids := make([]int64, 0, len(users))
	for id := range users {
		ids = append(ids, id)
	}
	return ids
}

func (x *Index) find(p *Pop) []*Item {
	w := &p.walk
	*w = walk{pop: p, friends: true, found: p.one[:0], heads: x.room[:0]}
	defer func() { x.room = w.heads }()

	for id := range p.Worker.Friends {
		w.push(head{line: x.byUser[id]})
	}
	w.run()
	if len(w.found) >= p.Want || p.Worker.OwnOnly {
		return w.found
	}

	w.friends = false
	p.Worker.eachModel(func(m string) { w.enter(x.models[m]) })
	if p.Worker.AnyModel {
		w.enter(x.models[anyModel])
	}
	if !p.MatchedTargeting {
		w.push(head{line: x.byTargetWorker[p.Worker.ID]})
	}
	w.run()

	if len(w.found) == 0 {
		w.countApart()
	}
	return w.found
}

// enter adds the lines of a shelf that the worker can serve.
func (w *walk) enter(s shelf) {
	worker := w.pop.Worker
	for f, l := range s {
		h := head{line: l, alike: true, lacks: worker.Skills.Lacking(f)}
		switch {
		case h.lacks == 0:
			w.push(h)
		case h.lacks&^worker.Walked == 0:
			w.apart = append(w.apart, h)
		}
	}
}

// push adds a line, if there is one.
func (w *walk) push(h head) {
	if h.line == nil {
		return
	}
	if first, ok := h.line.Min(); ok {
		h.item = first
		w.heads = append(w.heads, h)
	}
}

// run looks at the items in order, until it has found as many as the pop wants.
func (w *walk) run() {
	heap.Init(&w.heads)
	defer w.clear()

	// A worker's friends are few, and nobody else's requests are in their lines.
	for looks := 0; len(w.heads) > 0 && (w.friends || looks < maxWalk); looks++ {
		if h := &w.heads[0]; w.fits(h.item, h) {
			if w.found = append(w.found, h.item); len(w.found) >= w.pop.Want {
				return
			}
		}
		if len(w.pop.unknown) >= maxNeedsFunds {
			return
		}
		w.heads.advance()
	}
}

// clear drops all lines.
func (w *walk) clear() {
	clear(w.heads)
	w.heads = w.heads[:0]
}

// fits reports whether the worker gets an item of a line, and counts why not.
func (w *walk) fits(it *Item, in *head) bool {
	worker := w.pop.Worker
	if it.Available(w.pop.Now) <= 0 {
		return false
	}
	if w.friends {
		return worker.Serves(it.Models) && w.pop.suits(it, w.lacking(it, in))
	}

	if worker.befriends(it.User) { // it was looked at before
		return false
	}
	if len(it.Models) > 1 || len(it.Workers) > 0 { // it may stand in several lines
		if w.known(it) || !worker.Serves(it.Models) {
			return false
		}
	}
	return w.pop.suits(it, w.lacking(it, in))
}

// lacking is what the worker lacks for an item of a line.
func (w *walk) lacking(it *Item, in *head) Lacks {
	if in.alike {
		return in.lacks
	}
	return w.pop.Worker.Skills.Lacking(it.Features)
}

// known reports whether an item was looked at before.
func (w *walk) known(it *Item) bool {
	if w.seen[it] {
		return true
	}
	if w.seen == nil {
		w.seen = map[*Item]bool{}
	}
	w.seen[it] = true
	return false
}

// countApart counts the items of the lines that were refused as a whole.
func (w *walk) countApart() {
	looks := 0
	for i := range w.apart {
		h := &w.apart[i]
		h.line.Scan(func(it *Item) bool {
			looks++
			w.fits(it, h)
			return looks < maxWalk
		})
	}
}
