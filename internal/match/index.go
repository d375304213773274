package match

import "horde/internal/horde"

// Index is the waiting items of one kind. Its owner guards it: nothing here locks.
type Index struct {
	models         map[string]shelf       // by model; anyModel for those that name none
	byTargetWorker map[string]*line       // by worker id: items for named workers alone
	byUser         map[horde.UserID]*line // by who asked
	census         *census                // nil: the kind has no counters
	spare          heads                  // empty: memory for those of the next look
}

// anyModel is the shelf of items that name no model.
const anyModel = ""

// NewIndex makes an empty index. Without counters (nil) the walk alone tells what a
// pop skipped.
func NewIndex(c *Counters) *Index {
	x := &Index{models: map[string]shelf{}, byTargetWorker: map[string]*line{}, byUser: map[horde.UserID]*line{}}
	if c != nil {
		x.census = newCensus(c)
	}
	return x
}

// Update gives an item its state, and puts it where pops look or takes it away, as the
// state says.
func (x *Index) Update(it *Item, s State) {
	it.State = s
	if s.Waiting > 0 && !s.Ended {
		x.place(it)
	} else {
		x.Remove(it)
	}
}

func (x *Index) place(it *Item) {
	if it.queued {
		return
	}
	it.queued = true
	x.census.add(it, 1)

	enter(x.byUser, it.User, it)
	if it.Targeted() {
		for _, id := range it.Workers {
			enter(x.byTargetWorker, id, it)
		}
		return
	}
	for _, m := range shelvesOf(it.Models) {
		if x.models[m] == nil {
			x.models[m] = shelf{}
		}
		enter(x.models[m], it.Features, it)
	}
}

// Remove takes an item away from where pops look.
func (x *Index) Remove(it *Item) {
	if !it.queued {
		return
	}
	it.queued = false
	x.census.add(it, -1)

	leave(x.byUser, it.User, it)
	if it.Targeted() {
		for _, id := range it.Workers {
			leave(x.byTargetWorker, id, it)
		}
		return
	}
	for _, m := range shelvesOf(it.Models) {
		leave(x.models[m], it.Features, it)
		if len(x.models[m]) == 0 {
			delete(x.models, m)
		}
	}
}

var anyShelf = []string{anyModel}

// shelvesOf are the shelves that an item with these models stands on.
func shelvesOf(models []string) []string {
	if len(models) == 0 {
		return anyShelf
	}
	return models
}
