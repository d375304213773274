package match

import "slices"

// maxExactCount is how many items of a line are looked at one by one; beyond, their
// work is estimated from the number.
const maxExactCount = 64

// Ahead is what stands before an item in the queue.
type Ahead struct {
	Items, Jobs int
	Units       float64 // work of the jobs
}

func (a *Ahead) add(o Ahead) {
	a.Items += o.Items
	a.Jobs += o.Jobs
	a.Units += o.Units
}

func (a *Ahead) count(it *Item) {
	a.add(Ahead{Items: 1, Jobs: it.Waiting, Units: float64(it.Waiting) * float64(it.Units)})
}

// Ahead counts what stands before an item that these workers will serve; where there
// are none, what asks for the same models (decision 24).
func (x *Index) Ahead(it *Item, workers []*Worker) (all Ahead) {
	if len(workers) == 0 {
		for _, m := range shelvesOf(it.Models) {
			for _, l := range x.models[m] {
				all.add(l.before(it, func(o *Item) bool { return m == firstModel(o, it.Models) }))
			}
		}
		return all
	}

	seen := map[string]bool{anyModel: true}
	shelves := []string{anyModel}
	for _, w := range workers {
		for _, m := range w.Models {
			if !seen[m] {
				seen[m] = true
				shelves = append(shelves, m)
			}
		}
		if l := x.byTargetWorker[w.ID]; l != nil {
			all.add(l.before(it, func(o *Item) bool { return w == targetedAt(o, workers) }))
		}
	}

	for _, m := range shelves {
		able := offering(workers, m)
		for f, l := range x.models[m] {
			if anySuits(able, f) {
				all.add(l.before(it, func(o *Item) bool { return m == servedModel(o, workers) }))
			}
		}
	}
	return all
}

// offering are the workers that serve a model; for anyModel, items that name none.
func offering(workers []*Worker, model string) (able []*Worker) {
	for _, w := range workers {
		if model == anyModel && w.AnyModel || slices.Contains(w.Models, model) {
			able = append(able, w)
		}
	}
	return able
}

// anySuits reports whether one of the workers lacks nothing for the features.
func anySuits(workers []*Worker, f Features) bool {
	return slices.ContainsFunc(workers, func(w *Worker) bool { return w.Skills.Lacking(f) == 0 })
}

// servedModel is the first model of an item that one of the workers serves: it is
// counted there alone.
func servedModel(it *Item, workers []*Worker) string {
	if len(it.Models) < 2 {
		return shelvesOf(it.Models)[0]
	}
	for _, m := range it.Models {
		if anySuits(offering(workers, m), it.Features) {
			return m
		}
	}
	return anyModel
}

// firstModel is the first model of an item that is among these.
func firstModel(it *Item, among []string) string {
	for _, m := range it.Models {
		if slices.Contains(among, m) {
			return m
		}
	}
	return anyModel
}

// targetedAt is the first of the workers that an item is for and that serves it.
func targetedAt(it *Item, workers []*Worker) *Worker {
	for _, w := range workers {
		if slices.Contains(it.Workers, w.ID) && w.Wakes(it) {
			return w
		}
	}
	return nil
}

// before counts what stands before an item in a line, of the items that count here.
func (l *line) before(it *Item, counts func(*Item) bool) (a Ahead) {
	n := l.rank(it)
	looked := 0
	l.Scan(func(o *Item) bool {
		if looked == n || looked == maxExactCount {
			return false
		}
		looked++
		if counts(o) {
			a.count(o)
		}
		return true
	})

	// The rest of a long line is like what was looked at.
	if looked > 0 && n > looked {
		scale := float64(n) / float64(looked)
		a = Ahead{Items: int(float64(a.Items) * scale), Jobs: int(float64(a.Jobs) * scale), Units: a.Units * scale}
	}
	return a
}

// rank is how many items of the line stand before this one.
func (l *line) rank(it *Item) int {
	low, high := 0, l.Len()
	for low < high {
		mid := (low + high) / 2
		o, _ := l.GetAt(mid)
		if Before(o, it) {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low
}
