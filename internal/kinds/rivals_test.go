package kinds

import (
	"testing"

	"horde/internal/account"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/store"
)

// worker is one that has delivered, if it did, and failed since, if it did.
func worker(id string, delivered, failed bool) *fleet.Worker {
	w := &fleet.Worker{Worker: store.Worker{ID: id}}
	if delivered {
		w.Totals.Speeds = []float64{1}
	}
	if failed {
		w.Totals.FailedPops = []string{"pop"}
	}
	return w
}

// Who could get an item that failed is judged by whoever stands best and has not failed
// on it; those that serve only whoever could pay are told apart.
func TestWhoStandsBestDecidesWhoCouldGetAnItem(t *testing.T) {
	proven, untried := worker("proven", true, false), worker("untried", false, false)
	failing := worker("failing", false, true)

	none := func(*fleet.Worker) bool { return false }
	for _, tt := range []struct {
		name      string
		online    []*fleet.Worker
		failed    string
		could     func(*fleet.Worker) bool
		asksFunds func(*fleet.Worker) bool
		best      fleet.Standing
		askFunds  fleet.Standing
		any       bool
	}{
		{name: "nobody is there", best: Nobody, askFunds: Nobody},
		{
			name: "the best counts", online: []*fleet.Worker{failing, untried, proven},
			best: fleet.Proven, askFunds: Nobody, any: true,
		},
		{
			name: "not who has failed", online: []*fleet.Worker{failing, proven}, failed: "proven",
			best: fleet.Failing, askFunds: Nobody, any: true,
		},
		{name: "not who could not get it", online: []*fleet.Worker{proven}, could: none, best: Nobody, askFunds: Nobody},
		{
			name: "funds apart", online: []*fleet.Worker{proven, untried},
			best: fleet.Untried, askFunds: fleet.Proven, any: true,
			asksFunds: func(w *fleet.Worker) bool { return w.ID == "proven" },
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if tt.could == nil {
				tt.could = func(*fleet.Worker) bool { return true }
			}

			c := Contest{
				Online: func(each func(*fleet.Worker) bool) {
					for _, w := range tt.online {
						if !each(w) {
							return
						}
					}
				},
				Now:       1,
				Failed:    func(id string) bool { return id == tt.failed },
				CouldGet:  tt.could,
				AsksFunds: tt.asksFunds,
			}
			if r := c.Rivals(); r.Best != tt.best || r.AskFunds != tt.askFunds || c.AnyRival() != tt.any {
				t.Errorf("%+v, any: %v", r, c.AnyRival())
			}
		})
	}
}

// What a worker's state and its owner's decide over its pops, whatever is asked for.
func TestWhoMayPopForAUser(t *testing.T) {
	const owner, other = 7, 8
	for _, tt := range []struct {
		name       string
		change     func(*fleet.Worker)
		own, other bool // may pop for its owner, for somebody else
	}{
		{name: "a worker", change: func(*fleet.Worker) {}, own: true, other: true},
		{name: "owner unknown", change: func(w *fleet.Worker) { w.Owner = nil }, own: true, other: true},
		{name: "in maintenance", change: func(w *fleet.Worker) { w.Maintenance = true }, own: true},
		{name: "paused", change: func(w *fleet.Worker) { w.Paused = true }, own: true},
		{name: "suspended", change: func(w *fleet.Worker) { w.Totals.SuspendedUntil = 101 }},
		{name: "suspended until now", change: func(w *fleet.Worker) { w.Totals.SuspendedUntil = 100 },
			own: true, other: true},
		{name: "owner flagged", change: func(w *fleet.Worker) { w.Owner.Roles = account.Flagged }},
		{name: "owner deleted", change: func(w *fleet.Worker) { w.Owner.Roles = account.Deleted }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			w := worker("w", true, false)
			w.UserID, w.Owner = owner, &account.User{ID: owner}
			tt.change(w)
			for user, want := range map[horde.UserID]bool{owner: tt.own, other: tt.other} {
				if got := MayPopFor(w, user, 100); got != want {
					t.Errorf("for user %d: %v, want %v", user, got, want)
				}
			}
		})
	}
}
