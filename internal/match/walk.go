package match

import (
	"container/heap"

	"horde/internal/horde"
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
	x.census.report(p)
	if p.skipped == nil {
		p.skipped = map[string]int{}
	}
	return Result{Skipped: p.skipped}
}

func keys(users map[horde.UserID]bool) []horde.UserID {
	ids := make([]horde.UserID, 0, len(users))
	for id := range users {
		ids = append(ids, id)
	}
	return ids
}

func (x *Index) find(p *Pop) []*Item {
	s := &p.search
	*s = search{pop: p, friends: true, found: p.one[:0], heads: x.spare[:0]}
	defer func() { x.spare = s.heads }()

	for id := range p.Worker.Friends {
		s.push(head{line: x.byUser[id]})
	}
	s.run()
	if len(s.found) >= p.Want || p.Worker.OwnOnly {
		return s.found
	}

	// All others' requests: by the models that the worker offers, and those for it by name.
	s.friends = false
	p.Worker.eachModel(func(m string) { s.enter(x.models[m]) })
	if p.Worker.AnyModel {
		s.enter(x.models[anyModel])
	}
	if !p.MatchedTargeting {
		s.push(head{line: x.byTargetWorker[p.Worker.ID]})
	}
	s.run()

	if len(s.found) == 0 {
		s.countApart()
	}
	return s.found
}

// enter adds the lines of a shelf that the worker can serve.
func (s *search) enter(lines shelf) {
	worker := s.pop.Worker
	for f, l := range lines {
		h := head{line: l, alike: true, lacks: worker.Skills.Lacking(f)}
		switch {
		case h.lacks == 0:
			s.push(h)
		case h.lacks&^worker.Walked == 0:
			s.apart = append(s.apart, h)
		}
	}
}

// push adds a line, if there is one.
func (s *search) push(h head) {
	if h.line == nil {
		return
	}
	if first, ok := h.line.Min(); ok {
		h.item = first
		s.heads = append(s.heads, h)
	}
}

// run looks at the items in order, until it has found as many as the pop wants.
func (s *search) run() {
	heap.Init(&s.heads)
	defer s.clear()

	// A worker's friends are few, and nobody else's requests are in their lines.
	for looks := 0; len(s.heads) > 0 && (s.friends || looks < maxWalk); looks++ {
		if h := &s.heads[0]; s.fits(h.item, h) {
			if s.found = append(s.found, h.item); len(s.found) >= s.pop.Want {
				return
			}
		}
		if len(s.pop.unknown) >= maxNeedsFunds {
			return
		}
		s.heads.advance()
	}
}

// clear drops all lines.
func (s *search) clear() {
	clear(s.heads)
	s.heads = s.heads[:0]
}

// fits reports whether the worker gets an item of a line, and counts why not.
func (s *search) fits(it *Item, in *head) bool {
	worker := s.pop.Worker
	if it.Available(s.pop.Now) <= 0 {
		return false
	}
	if s.friends {
		return worker.Serves(it.Models) && s.pop.suits(it, s.lacking(it, in))
	}

	if worker.befriends(it.User) { // it was looked at before
		return false
	}
	if len(it.Models) > 1 || len(it.Workers) > 0 { // it may stand in several lines
		if s.known(it) || !worker.Serves(it.Models) {
			return false
		}
	}
	return s.pop.suits(it, s.lacking(it, in))
}

// lacking is what the worker lacks for an item of a line.
func (s *search) lacking(it *Item, in *head) Lacks {
	if in.alike {
		return in.lacks
	}
	return s.pop.Worker.Skills.Lacking(it.Features)
}

// known reports whether an item was looked at before.
func (s *search) known(it *Item) bool {
	if s.seen[it] {
		return true
	}
	if s.seen == nil {
		s.seen = map[*Item]bool{}
	}
	s.seen[it] = true
	return false
}

// countApart counts the items of the lines that were refused as a whole.
func (s *search) countApart() {
	looks := 0
	for i := range s.apart {
		h := &s.apart[i]
		h.line.Scan(func(it *Item) bool {
			looks++
			s.fits(it, h)
			return looks < maxWalk
		})
	}
}
