package match

import (
	"slices"

	"horde/internal/horde"
)

// Worker is what decides which work a worker can be given. It never changes, so that
// many may look at it at once.
type Worker struct {
	ID             string
	Owner          horde.UserID
	OwnOnly        bool         // it gets what its owner asks for, nothing else
	SuspendedUntil horde.Micros // until then it gets nothing

	Models   []string            // that it offers, in its own order; of an alchemist, forms
	Offered  map[string]struct{} // the same as a set; nil: there are few, each once, or it is not popping
	AnyModel bool                // requests that name no model may come here

	Friends      map[horde.UserID]struct{} // users whose requests come first, its owner among them
	RequireFunds bool                      // of others it wants requests that could be paid
	Blacklist    []string                  // words that it does not want in a prompt, lower case
	MaxLength    int                       // of a text to write, in tokens
	MaxContext   int                       // that a text is written in, in tokens

	// Walked are the reasons for which a pop has to look at requests one by one, to
	// tell why it refused them; it passes over all other buckets that do not fit.
	Walked Lacks
	Skills Skills
}

// Skills is what a kind of work knows of a worker.
type Skills interface {
	// Lacking compares the worker with what a bucket of items asks for.
	Lacking(Features) Lacks
	// Refuses names the gate of the kind that stops the worker at this very item,
	// Silent when none tells of it, "" when none stops it. lacks is what the worker
	// lacks for the item's features.
	Refuses(it *Item, lacks Lacks) string
}

// Serves reports whether the worker offers one of these models.
func (w *Worker) Serves(models []string) bool {
	if len(models) == 0 {
		return w.AnyModel
	}
	return slices.ContainsFunc(models, w.offers)
}

func (w *Worker) offers(model string) bool {
	if w.Offered != nil {
		_, ok := w.Offered[model]
		return ok
	}
	return slices.Contains(w.Models, model)
}

func (w *Worker) eachModel(each func(string)) {
	if w.Offered == nil {
		for _, m := range w.Models {
			each(m)
		}
		return
	}
	for m := range w.Offered {
		each(m)
	}
}

// Wakes reports whether an item may be for the worker, by what never changes of it.
func (w *Worker) Wakes(it *Item) bool {
	return w.Serves(it.Models) && w.Skills.Lacking(it.Features) == 0
}

// befriends reports whether the worker puts a user's requests first.
func (w *Worker) befriends(user horde.UserID) bool {
	_, friend := w.Friends[user]
	return friend
}
