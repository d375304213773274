package alchemy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"horde/internal/account"
	"horde/internal/dice"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/requests"
	"horde/internal/store"
)

// wish is a form as the slow matcher sees it: its request's columns beside it.
type wish struct {
	f                          *form
	user                       horde.UserID
	priority                   int64
	created                    horde.Micros
	request, position, tiles   int
	name                       string
	waiting, expired, reserved bool
	slow, trusted, unsafeIP    bool // slow_workers, trusted_workers, the requester's address
}

// alchemist is a worker that pops.
type alchemist struct {
	offers                       []string
	tiles, amount                int
	owner                        horde.UserID
	friends                      []horde.UserID
	seconds                      float64 // per form
	trusted, maintenance, paused bool
}

// eligible is the list of generation §3.3 as it stands there.
func (w *alchemist) eligible(r wish) bool {
	own := r.user == w.owner
	return r.waiting && !r.expired && !r.reserved && slices.Contains(w.offers, r.name) && r.tiles <= w.tiles &&
		(w.seconds < 10 || r.slow) && (!w.maintenance || own) && (!w.paused || own)
}

// next are the forms that the worker gets: those of its owner and friends first
// (decision 18), each by priority, then age. why counts what a gate withheld.
func (w *alchemist) next(all []wish) (got []*form, why map[string]int) {
	why = map[string]int{}
	sorted := slices.Clone(all)
	slices.SortFunc(sorted, func(a, b wish) int {
		for _, d := range []horde.Micros{horde.Micros(b.priority - a.priority), a.created - b.created,
			horde.Micros(a.request - b.request), horde.Micros(a.position - b.position)} {
			if d != 0 {
				return int(d)
			}
		}
		return 0
	})

	for _, friends := range []bool{true, false} {
		for _, r := range sorted {
			friend := r.user == w.owner || slices.Contains(w.friends, r.user)
			switch {
			case friend != friends || !w.eligible(r):
			case (r.trusted || r.unsafeIP) && !w.trusted:
				why["untrusted"]++
			case len(got) < w.amount:
				got = append(got, r.f)
			}
		}
	}

	return got, why
}

var offered = []string{"caption", "nsfw", "GFPGAN", "vectorize"}

// handOutForms compares one pop on a random queue with the slow matcher.
func handOutForms(c dice.Chance, given *int) {
	x := newIndex()
	const now = 1000

	var all []wish
	for i := range c.N(8) {
		e := &entry{row: store.AlchemyRequest{ID: fmt.Sprintf("r%d", i), UserID: horde.UserID(c.N(4)),
			Created: horde.Micros(c.N(4)), Priority: dice.Pick[int64](c, 0, 0, 50, -100)},
			expires: dice.Pick[horde.Micros](c, now, now+1, now+1, now+1, now+1),
			record: record{Tiles: dice.Pick(c, 1, 4, 5), SlowWorkers: !dice.Once(c, 4),
				TrustedWorkers: dice.Once(c, 5), UnsafeIP: dice.Once(c, 8)}}

		for p, name := range dice.Some(c, 2, offered) {
			state := dice.Pick(c, store.FormWaiting, store.FormWaiting, store.FormWaiting, store.FormRunning, store.FormDone,
				store.FormCancelled, store.FormFaulted)
			f := &form{e: e, Form: store.Form{ID: fmt.Sprintf("f%d.%d", i, p), RequestID: e.row.ID, Position: p, Name: name,
				FormProgress: store.FormProgress{State: state, Version: 1}}}
			e.forms = append(e.forms, f)
			all = append(all, wish{f: f, user: e.row.UserID, priority: e.row.Priority, created: e.row.Created, request: i,
				position: p,
				tiles:    e.record.Tiles, name: name, waiting: state == store.FormWaiting, expired: e.expires <= now,
				reserved: dice.Once(c, 10),
				slow:     e.record.SlowWorkers, trusted: e.record.TrustedWorkers, unsafeIP: e.record.UnsafeIP})
		}

		e.commit(e.row)
		x.AddLocked(e)
	}

	for _, r := range all {
		if r.reserved {
			r.f.item.Reserved = 1
		}
	}

	w := &alchemist{offers: dice.Some(c, 2, offered), tiles: dice.Pick(c, 3, 4, 80), amount: 1 + c.N(4), owner: 1,
		friends: dice.Some(c, 3, []horde.UserID{0, 2}),
		seconds: dice.Pick(c, 9.9, 10), trusted: !dice.Once(c, 3), maintenance: dice.Once(c, 5), paused: dice.Once(c, 5)}
	if len(w.offers) == 0 {
		w.offers = offered[:1]
	}

	want, why := w.next(all)
	q := &Queue{Config: requests.Config{Clock: func() time.Time { return time.UnixMicro(now) }}, index: x}
	p := &popper{q: q, offer: w.offer()}
	p.Meet(p.offer.Worker)
	if _, err := p.Match(context.Background()); err != nil {
		c.Failf("%v", err)
	}
	got, counts := p.found, p.skipped
	if !slices.Equal(got, want) {
		c.Failf("handed out %s, want %s\nworker %+v\nforms %+v", ids(got), ids(want), w, all)
	}

	if len(got) > 0 {
		*given++
	} else if !maps.Equal(counts, why) {
		c.Failf("skipped %v, want %v\nworker %+v\nforms %+v", counts, why, w, all)
	}

	for _, f := range got {
		if f.item.Reserved != 1 {
			c.Failf("%s is not reserved", f.ID)
		}
	}
}

func (w *alchemist) offer() *fleet.FormsOffer {
	owner := &account.User{ID: w.owner}
	if w.trusted {
		owner.Roles = account.Trusted
	}
	row := store.Worker{ID: "w", Kind: horde.KindAlchemy, UserID: w.owner, Maintenance: w.maintenance, Paused: w.paused,
		Totals: store.WorkerTotals{Speeds: []float64{w.seconds}}}
	o := &fleet.FormsOffer{Worker: &fleet.Worker{Worker: row, Owner: owner}, Owner: owner,
		Forms:    slices.Sorted(slices.Values(w.offers)),
		MaxTiles: w.tiles, Amount: w.amount, PriorityUsers: map[horde.UserID]struct{}{w.owner: {}}}
	for _, id := range w.friends {
		o.PriorityUsers[id] = struct{}{}
	}
	return o
}

func ids(forms []*form) string {
	var all []string
	for _, f := range forms {
		all = append(all, f.ID)
	}
	return strings.Join(all, " ")
}

// Random queues and workers: the index hands out what the slow matcher does, and
// tells the same reasons.
func TestFormsAreHandedOutAsThePlainMatcherDoes(t *testing.T) {
	t.Parallel()
	n := 100_000
	if testing.Short() || hordetest.UnderRace {
		n /= 10
	}
	given := 0
	for _, sum := range dice.Throw(t, n, func() *int { return new(int) }, handOutForms) {
		given += *sum
	}
	if given < n/4 || given > n*3/4 {
		t.Errorf("%d of %d pops got something", given, n)
	}
}

func FuzzFormHandOuts(f *testing.F) {
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) { handOutForms(dice.Rapid(t), new(int)) }))
}
