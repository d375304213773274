package match

import (
	"slices"
	"strings"
)

// Counters are what a pop is told of all waiting items of a kind, beside what the walk over
// single items refused (generation §1.19, §2.7).
type Counters struct {
	Reasons []Reason // an item counts once for each
	Always  []string // names that are reported at zero too
}

// Reason is a counter, by what a worker lacks.
type Reason struct {
	Lacks Lacks
	Name  string
}

// Counters that every kind with a census has.
const (
	SkippedModels     = "models"
	SkippedWorkers    = "worker_id"
	SkippedMaxLength  = "max_length"
	SkippedMaxContext = "max_context_length"
)

// census counts the waiting items by what they ask for, so that a pop can say what it
// was withheld from without looking at the queue (decision 20).
type census struct {
	counters *Counters
	total    int
	features map[Features]int
	anyModel int
	single   map[string]int      // by model, items that name it alone
	several  map[string]*several // by the joined names
	targeted int                 // items for named workers alone
	targets  map[string]int      // the same, by worker
	barred   map[string]int      // by worker that they exclude
	lengths  map[int]int         // by the length of text that they ask for, in tokens
	contexts map[int]int         // by the context that they need
}

// several is the items that name the same models, more than one.
type several struct {
	models []string
	n      int
}

func newCensus(c *Counters) *census {
	return &census{
		counters: c,
		features: map[Features]int{},
		single:   map[string]int{},
		several:  map[string]*several{},
		targets:  map[string]int{},
		barred:   map[string]int{},
		lengths:  map[int]int{},
		contexts: map[int]int{},
	}
}

// add counts an item n times: 1 or −1. Without a census it does nothing.
func (c *census) add(it *Item, n int) {
	if c == nil {
		return
	}
	c.total += n
	bump(c.features, it.Features, n)
	if it.Length > 0 {
		bump(c.lengths, it.Length, n)
		bump(c.contexts, it.Context, n)
	}
	c.addModels(it.Models, n)

	switch {
	case len(it.Workers) == 0:
	case it.Barred:
		for _, id := range it.Workers {
			bump(c.barred, id, n)
		}
	default:
		c.targeted += n
		for _, id := range it.Workers {
			bump(c.targets, id, n)
		}
	}
}

func (c *census) addModels(models []string, n int) {
	switch len(models) {
	case 0:
		c.anyModel += n
	case 1:
		bump(c.single, models[0], n)
	default:
		key := strings.Join(models, "\x00")
		if c.several[key] == nil {
			c.several[key] = &several{models: models}
		}
		if c.several[key].n += n; c.several[key].n == 0 {
			delete(c.several, key)
		}
	}
}

func bump[K comparable](m map[K]int, k K, n int) {
	if m[k] += n; m[k] == 0 {
		delete(m, k)
	}
}

// report adds to what a pop skipped how many waiting items each of the worker's limits
// withholds (generation §1.19, §2.7, decision 20). A worker in maintenance hears nothing but
// that it is.
func (c *census) report(p *Pop) {
	if c == nil || p.Worker.OwnOnly {
		return
	}
	if p.skipped == nil {
		p.skipped = make(map[string]int, len(c.counters.Always)+1)
	}
	for _, name := range c.counters.Always {
		p.skip(name, 0)
	}

	count := func(name string, n int) {
		if n > 0 {
			p.skip(name, n)
		}
	}

	w := p.Worker
	count(SkippedModels, c.total-c.servable(w.Offered))
	others := c.targeted + c.barred[w.ID]
	if !p.MatchedTargeting {
		others -= c.targets[w.ID]
	}
	count(SkippedWorkers, others)

	for f, n := range c.features {
		lacks := w.Skills.Lacking(f)
		for _, r := range c.counters.Reasons {
			if lacks&r.Lacks != 0 {
				count(r.Name, n)
			}
		}
	}

	count(SkippedMaxLength, above(c.lengths, w.MaxLength))
	count(SkippedMaxContext, above(c.contexts, w.MaxContext))
}

// above is how many items there are of a length beyond the limit.
func above(lengths map[int]int, limit int) (all int) {
	for length, n := range lengths {
		if length > limit {
			all += n
		}
	}
	return all
}

// servable is how many waiting items name a model of the set, or none.
func (c *census) servable(models map[string]struct{}) int {
	n := c.anyModel
	for m := range models {
		n += c.single[m]
	}
	for _, s := range c.several {
		if slices.ContainsFunc(s.models, func(m string) bool { _, ok := models[m]; return ok }) {
			n += s.n
		}
	}
	return n
}
