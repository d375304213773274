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
// all others, each by priority, then age (generation §1.15). It changes nothing but the pop.
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
	*w = walk{pop: p, friends: true, found: p.one[:0]}
	for id := range p.Worker.Friends {
		w.push(x.byUser[id])
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
		w.push(x.byTargetWorker[p.Worker.ID])
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
		switch lacks := worker.Skills.Lacking(f); {
		case lacks == 0:
			w.push(l)
		case lacks&^worker.Walked == 0:
			w.apart = append(w.apart, l)
		}
	}
}

// push adds a line, nil if there is none.
func (w *walk) push(l *line) {
	if l == nil {
		return
	}
	h := head{iter: l.Iter()}
	if !h.iter.First() {
		h.iter.Release()
		return
	}
	h.item = h.iter.Item()
	w.heads = append(w.heads, h)
}

// run looks at the items in order, until it has found as many as the pop wants.
func (w *walk) run() {
	heap.Init(&w.heads)
	defer w.release()

	// A worker's friends are few, and nobody else's requests are in their lines.
	for looks := 0; len(w.heads) > 0 && (w.friends || looks < maxWalk); looks++ {
		if it := w.heads[0].item; w.fits(it) {
			if w.found = append(w.found, it); len(w.found) >= w.pop.Want {
				return
			}
		}
		if len(w.pop.unknown) >= maxNeedsFunds {
			return
		}
		w.heads.advance()
	}
}

func (w *walk) release() {
	for i := range w.heads {
		w.heads[i].iter.Release()
	}
	w.heads = w.heads[:0]
}

// fits reports whether the worker gets an item, and counts why not.
func (w *walk) fits(it *Item) bool {
	worker := w.pop.Worker
	if it.Available(w.pop.Now) <= 0 {
		return false
	}
	if w.friends {
		return worker.Serves(it.Models) && w.pop.suits(it)
	}

	if worker.befriends(it.User) { // it was looked at before
		return false
	}
	if len(it.Models) > 1 || len(it.Workers) > 0 { // it may stand in several lines
		if w.known(it) || !worker.Serves(it.Models) {
			return false
		}
	}
	return w.pop.suits(it)
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
	for _, l := range w.apart {
		l.Scan(func(it *Item) bool {
			looks++
			w.fits(it)
			return looks < maxWalk
		})
	}
}
