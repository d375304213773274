package match

import "fmt"

// Tally is all that an index holds, in plain values, for whoever compares it with what
// it should hold.
type Tally struct {
	Counts map[string]int      // of the census
	Lines  map[string][]string // ids of the items, in the order of the queue
}

// Tally lists what the index holds.
func (x *Index) Tally() Tally {
	t := Tally{Counts: map[string]int{}, Lines: map[string][]string{}}
	if x.census != nil {
		x.census.tally(t.Counts)
	}
	list := func(name string, l *line) {
		l.Scan(func(it *Item) bool { t.Lines[name] = append(t.Lines[name], it.ID); return true })
	}

	for model, shelf := range x.models {
		for f, l := range shelf {
			list(fmt.Sprint("model ", model, f), l)
		}
	}
	for worker, l := range x.byTargetWorker {
		list("worker "+worker, l)
	}
	for user, l := range x.byUser {
		list(fmt.Sprint("user ", user), l)
	}
	return t
}

func (c *census) tally(counts map[string]int) {
	counts["total"], counts["any model"], counts["targeted"] = c.total, c.anyModel, c.targeted
	add(counts, "model", c.single)
	add(counts, "target", c.targets)
	add(counts, "barred", c.barred)
	add(counts, "length", c.lengths)
	add(counts, "context", c.contexts)
	add(counts, "features", c.features)
	for names, s := range c.several {
		counts["models "+names] = s.n
	}
}

func add[K comparable](counts map[string]int, what string, m map[K]int) {
	for k, n := range m {
		counts[fmt.Sprint(what, " ", k)] = n
	}
}
