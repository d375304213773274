package queue

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/catalog"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/match"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

func TestPriorityFollowsTheBalance(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		balance horde.Kudos
		flagged bool
		want    int64
	}{
		{horde.Whole(1234), false, 1234}, {0, false, 0}, {horde.Whole(-50), false, -50}, {1250, false, 12}, {1350, false, 14},
		{horde.Whole(123456), true, 123}, {horde.Whole(11), true, 0}, {horde.Whole(10), true, -100},
		{horde.Whole(-50), true, -100},
	} {
		t.Run(fmt.Sprintf("%s, flagged %v", tt.balance, tt.flagged), func(t *testing.T) {
			if got := priorityOf(tt.balance, tt.flagged); got != tt.want {
				t.Errorf("balance %s, flagged %v: %d, want %d", tt.balance, tt.flagged, got, tt.want)
			}
		})
	}
}

// TestPriorityGrowsWithTime: every ten seconds each queued request gains 50, at the same
// moments for all; so an older request overtakes a richer one when the ticks
// between them outweigh the kudos.
func TestPriorityGrowsWithTime(t *testing.T) {
	t.Parallel()
	const second = 1_000_000

	e := func(balance int64, created horde.Micros) *entry {
		row := store.Request{ID: fmt.Sprint(created), Created: created, Priority: balance}
		return &entry{row: row, item: match.Item{Request: row.ID, Created: created,
			Rank: match.GrowingRank(balance, created)}}
	}

	for _, tt := range []struct {
		name         string
		first, later *entry
	}{
		{"richer", e(100, 5*second), e(99, 5*second)},
		{"richer by one, 9 s younger within one tick", e(101, 19*second), e(100, 10*second)},
		{"49 poorer, one tick older", e(51, 9*second), e(100, 10*second)},
		{"as rich by now, older", e(50, 9*second), e(100, 10*second)},
		{"51 poorer, one tick older", e(100, 10*second), e(49, 9*second)},
		{"an hour outweighs 17,999", e(0, 0), e(17_999, 3600*second)},
		{"but not 18,001", e(18_001, 3600*second), e(0, 0)},
		{"same balance, older", e(7, 1), e(7, 2)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if !match.Before(&tt.first.item, &tt.later.item) || match.Before(&tt.later.item, &tt.first.item) {
				t.Errorf("%s does not come first", tt.name)
			}
		})
	}
}

// TestEachPopGetsItsSeed: a fixed seed is given out as it is; a variation moves it by the jobs
// left before the pop; without a seed each pop draws one.
func TestEachPopGetsItsSeed(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	p := n.person(t, true, 1000)
	p.Concurrency = 100

	give := func(seed string, variation, jobs int) (seeds []string) {
		a := ask(p, jobs)
		if seed != "" {
			a.Body.Params.Seed = &seed
		}

		if variation > 0 {
			a.Body.Params.SeedVariation = &variation
		}

		n.accept(t, a)
		offer := pop("one")
		offer.Amount = ptr(2)

		for {
			job := n.take(t, p, offer)
			if job == nil {
				return seeds
			}
			seeds = append(seeds, job.Payload.Seed)
			for _, id := range job.IDs {
				if _, err := n.submit(p.Key, id, "ok"); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if got := fmt.Sprint(give("42", 0, 3)); got != "[42 42]" {
		t.Errorf("fixed: %s", got)
	}

	if got := fmt.Sprint(give("42", 10, 3)); got != "[72 52]" {
		t.Errorf("with a variation: %s", got)
	}

	if got := fmt.Sprint(give("4294967295", 1, 1)); got != "[1]" {
		t.Errorf("beyond 32 bits: %s", got)
	}

	if got := give("", 0, 4); len(got) != 2 || got[0] == got[1] {
		t.Errorf("none: %v", got)
	}
}

func TestAPopTellsAllOfItsJob(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	p := n.person(t, true, 1000)
	a := ask(p, 3, "Deliberate", "Dreamshaper", "waifu_diffusion")
	id := n.accept(t, a)
	offer := pop("one", "Dreamshaper", "AbsoluteReality")
	offer.Amount = ptr(2)
	job := n.take(t, p, offer)
	if job == nil || len(job.IDs) != 2 || *job.ID != job.IDs[0] || len(job.R2Uploads) != 2 ||
		*job.R2Upload != job.R2Uploads[0] ||
		*job.Model != "Dreamshaper" || *job.TTL != 150 || job.Payload.N != 2 || len(job.Skipped) != 0 || job.Messages == nil {
		t.Fatalf("%+v", job)
	}
	rows, err := n.Store.JobsOf(t.Context(), []string{id})
	if err != nil || len(rows) != 2 || rows[0].Model != "Dreamshaper" || rows[0].TTL != 150_000_000 ||
		rows[0].Started != n.clock.Micros() {
		t.Errorf("%+v, %v", rows, err)
	}
	n.accept(t, ask(p, 1, []string{}...)) // any model
	if job := n.take(t, p, pop("two", "waifu_diffusion")); job == nil || *job.Model != "waifu_diffusion" {
		t.Errorf("the rest: %+v", job)
	}
}

// TestPopsAndDeliveriesProlongARequest: a request lives 20 minutes, again with each pop and delivery; 60
// when an extra slow worker took it.
func TestPopsAndDeliveriesProlongARequest(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		n := newNode(t, db, c)
		p := n.person(t, true, 1000)
		a := ask(p, 3)
		a.Body.ExtraSlowWorkers = ptr(true)

		id := n.accept(t, a)
		alive := func(want bool) {
			t.Helper()
			if _, err := n.Check(t.Context(), id); (err == nil) != want {
				t.Errorf("%v after the start: %v", c.Now(), err)
			}
			if err := n.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}

		c.Advance(19 * time.Minute)
		alive(true)
		first := n.take(t, p, pop("one"))
		c.Advance(2 * time.Minute)
		if _, err := n.submit(p.Key, *first.ID, "ok"); err != nil {
			t.Fatal(err)
		}

		c.Advance(19 * time.Minute)
		alive(true)
		slow := pop("slow")
		slow.ExtraSlowWorker = ptr(true)
		if job := n.take(t, p, slow); job == nil || *job.TTL != 450 {
			t.Fatalf("extra slow: %+v", job)
		}

		c.Advance(59 * time.Minute)
		alive(true) // the sweep gives up the job
		c.Advance(time.Minute + time.Microsecond)
		alive(false)
		if n := len(n.images.Keys()); n != 0 {
			t.Errorf("%d requests left", n)
		}

		if what := settled(db, n); what != "" {
			t.Error(what)
		}
	})
}

// TestAResultAfterExpiryIsForNoJob: a result for a request that has expired is for a job that
// does not exist, before and after the sweep; nobody is paid or charged.
func TestAResultAfterExpiryIsForNoJob(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		n := newNode(t, db, c)
		asker, owner := n.person(t, false, 1000), n.person(t, true, 0)
		id := n.accept(t, ask(asker, 1))
		job := n.take(t, owner, pop("one"))
		before := [2]horde.Kudos{n.money(t, asker).Balance, n.money(t, owner).Balance}
		c.Advance(20*time.Minute + time.Second)

		for _, when := range []string{"before the sweep", "after it"} {
			if reward, err := n.submit(owner.Key, *job.ID, "ok"); horde.CodeOf(err) != horde.InvalidJobID || reward != 0 {
				t.Errorf("%s: %v, %v", when, reward, err)
			}
			if _, err := n.Status(t.Context(), id); horde.CodeOf(err) != horde.RequestNotFound {
				t.Errorf("%s: status %v", when, err)
			}
			if err := n.Sweep(t.Context()); err != nil {
				t.Fatal(err)
			}
		}

		if after := [2]horde.Kudos{n.money(t, asker).Balance, n.money(t, owner).Balance}; after != before {
			t.Errorf("balances %v, before %v", after, before)
		}

		if what := settled(db, n); what != "" {
			t.Error(what)
		}
	})
}

// TestTheThirdFaultEndsARequest: a given-up job goes back to the queue, the third one ends the
// request; reported or timed out is the same (decision 12).
func TestTheThirdFaultEndsARequest(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		n := newNode(t, db, c)
		p := n.person(t, true, 1000)
		a := ask(p, 2)

		a.Body.SlowWorkers = ptr(false) // so that kudos are held
		id := n.accept(t, a)
		for i := range 3 {
			job := n.take(t, p, pop("one"))
			if job == nil {
				t.Fatalf("no job after %d faults", i)
			}

			if i == 1 {
				c.Advance(151 * time.Second)
				if err := n.Sweep(t.Context()); err != nil {
					t.Fatal(err)
				}
				if _, err := n.submit(p.Key, *job.ID, "ok"); horde.CodeOf(err) != horde.AbortedGen {
					t.Errorf("late: %v", err)
				}
			}

			if reward, err := n.submit(p.Key, *job.ID, "faulted"); err != nil || reward != 0 {
				t.Errorf("fault %d: %v, %v", i, reward, err)
			}

			check, err := n.Check(t.Context(), id)
			if last := i == 2; err != nil || check.Restarted != i+1 || check.Faulted != last || check.Done != last {
				t.Errorf("after %d faults: %+v, %v", i+1, check, err)
			}
		}

		if job := n.take(t, p, pop("one")); job != nil {
			t.Error("a job of a faulted request")
		}

		if k := held(t, n, p); k != 0 {
			t.Errorf("%s are held for a faulted request", k)
		}

		w := n.Fleet.ByName("one")
		if w.Totals.Uncompleted != 3 || w.Totals.Aborts != 3 {
			t.Errorf("worker: %+v", w.Totals)
		}

		if what := balanced(n) + settled(db, n) + n.differs(); what != "" {
			t.Error(what)
		}
	})
}

// TestWhatAWorkerHasIsDeliveredAfterACancel: nothing more is handed out; what a worker has is delivered, paid and
// charged.
func TestWhatAWorkerHasIsDeliveredAfterACancel(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		p, owner := n.person(t, false, 1000), n.person(t, true, 0)
		a := ask(p, 3)
		a.Body.SlowWorkers = ptr(false)
		id := n.accept(t, a)
		job := n.take(t, owner, pop("one"))
		before, err := n.Cancel(t.Context(), id)
		if err != nil || before.Waiting != 2 || before.Processing != 1 || before.Done {
			t.Errorf("status from before: %+v, %v", before.Check, err)
		}

		if job := n.take(t, owner, pop("two")); job != nil {
			t.Error("a job of a cancelled request")
		}

		if held(t, n, p) == 0 {
			t.Error("the hold went though a job runs")
		}

		if reward, err := n.submit(owner.Key, *job.ID, "ok"); err != nil || reward == 0 {
			t.Errorf("%v, %v", reward, err)
		}

		after, err := n.Cancel(t.Context(), id)
		if err != nil || !after.Done || after.Finished != 1 || len(after.Generations) != 1 {
			t.Errorf("cancelled again: %+v, %v", after, err)
		}

		if k := held(t, n, p); k != 0 {
			t.Errorf("%s are held for a cancelled request", k)
		}

		if what := balanced(n) + settled(db, n) + n.differs(); what != "" {
			t.Error(what)
		}
	})
}

// TestAbortsLeadToMaintenance: the 21st fault within an hour.
func TestAbortsLeadToMaintenance(t *testing.T) {
	t.Parallel()
	w := &store.Worker{}
	now := horde.Micros(1e15)
	for i := range 21 {
		if w.Maintenance {
			t.Fatalf("in maintenance after %d aborts", i)
		}
		fleet.CountAbort(w, fleet.Abort{At: now + horde.Micros(int64(i)*1e6)})
	}
	if !w.Maintenance || w.MaintenanceMsg == "" || w.Totals.Aborts != 0 || w.Totals.Uncompleted != 21 ||
		len(w.Totals.Suspicions) != 1 {
		t.Errorf("%+v", w)
	}
	w = &store.Worker{}
	for i := range 40 { // one in four minutes is no harm
		fleet.CountAbort(w, fleet.Abort{At: now + horde.Micros(int64(i)*240e6)})
	}
	if w.Maintenance {
		t.Error("in maintenance for slow aborts")
	}
}

// TestSubmitsAreRefusedByTheTable is the table of generation §1.20.
func TestSubmitsAreRefusedByTheTable(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		n := newNode(t, db, c)
		p, owner := n.person(t, true, 1000), n.person(t, true, 0)
		n.accept(t, ask(p, 2))
		job := n.take(t, owner, pop("one"))
		if job == nil {
			t.Fatal("no job")
		}

		meta := make([]api.GenMetadatum, 51)
		for _, tt := range []struct {
			name string
			key  string
			s    api.ImageSubmit
			code horde.Code
		}{
			{"no id", owner.Key, api.ImageSubmit{}, horde.InvalidJobID},
			{"no UUID", owner.Key, api.ImageSubmit{ID: "x'; DROP TABLE jobs"}, horde.InvalidJobID},
			{"unknown id", owner.Key, api.ImageSubmit{ID: horde.NewID()}, horde.InvalidJobID},
			{"unknown id before unknown key", "nobody", api.ImageSubmit{ID: horde.NewID()}, horde.InvalidJobID},
			{"unknown key", "nobody", api.ImageSubmit{ID: *job.ID}, horde.InvalidAPIKey},
			{"key of somebody else", p.Key, api.ImageSubmit{ID: *job.ID}, horde.WrongCredentials},
			{"too much metadata", owner.Key, api.ImageSubmit{ID: *job.ID, Generation: "R2", GenMetadata: meta},
				horde.BadRequest},
		} {
			t.Run(tt.name, func(t *testing.T) {
				if _, err := n.Submit(context.Background(), tt.key, tt.s); horde.CodeOf(err) != tt.code {
					t.Errorf("%s: %v, want %s", tt.name, err, tt.code)
				}
			})
		}

		if row, err := n.Store.Job(t.Context(), *job.ID); err != nil || row.State != store.JobRunning {
			t.Errorf("a refused submit left a trace: %+v, %v", row, err)
		}

		if reward, err := n.submit(owner.Key, *job.ID, "ok"); err != nil || reward <= 0 {
			t.Errorf("%v, %v", reward, err)
		}

		if _, err := n.submit(owner.Key, *job.ID, "ok"); horde.CodeOf(err) != horde.DuplicateGen {
			t.Errorf("a second time: %v", err)
		}

		second := n.take(t, owner, pop("one"))
		c.Advance(time.Hour)
		if _, err := n.submit(owner.Key, *second.ID, "ok"); horde.CodeOf(err) != horde.InvalidJobID {
			t.Errorf("after the request expired: %v", err)
		}
	})
}

// TestAPausedWorkerGetsDecoys: a paused worker works for nothing, and gets one job of each
// request.
func TestAPausedWorkerGetsDecoys(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		p, owner := n.person(t, true, 1000), n.person(t, false, 0)
		id := n.accept(t, ask(p, 1))
		pause(t, n, n.offer(t, owner, pop("one")).Worker.ID)
		job := n.take(t, owner, pop("one"))
		if job == nil || n.take(t, owner, pop("one")) != nil {
			t.Fatal("a paused worker should get exactly one job of a request")
		}

		if reward, err := n.submit(owner.Key, *job.ID, "ok"); err != nil || reward <= 0 {
			t.Errorf("it notices: %v, %v", reward, err)
		}

		check, err := n.Check(t.Context(), id)
		if err != nil || check.Waiting != 1 || check.Finished != 0 || check.Kudos != 3 {
			t.Errorf("%+v, %v", check, err)
		}

		own := n.accept(t, ask(owner, 1))
		if job := n.take(t, owner, pop("one")); job == nil {
			t.Error("nothing of its owner's")
		} else if row, err := n.Store.Job(t.Context(), *job.ID); err != nil || row.Decoy || row.RequestID != own {
			t.Errorf("a job of its owner's: %+v, %v", row, err)
		}

		if what := balanced(n) + settled(db, n) + n.differs(); what != "" {
			t.Error(what)
		}

		if a, err := n.Store.Account(t.Context(), owner.ID); err != nil || a.Balance != 0+a.Lowest || a.Escrow != 0 {
			t.Errorf("paid for a decoy: %+v, %v", a, err)
		}
	})
}

// TestAUserHasSoManyJobsWaiting: a user may have so many jobs waiting; those with workers do
// not count. The anonymous user's are counted by the models asked for.
func TestAUserHasSoManyJobsWaiting(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	p := n.person(t, true, 1000)
	for range 3 {
		n.accept(t, ask(p, 10))
	}
	if _, err := n.Accept(t.Context(), ask(p, 1)); horde.CodeOf(err) != horde.TooManyPrompts {
		t.Errorf("the 31st: %v", err)
	}
	if n.take(t, p, pop("one")) == nil {
		t.Fatal("no job")
	}
	n.accept(t, ask(p, 1))

	anon, err := n.Accounts.ByID(t.Context(), horde.AnonymousID)
	if err != nil {
		t.Fatal(err)
	}
	nobody := hordetest.Person{User: anon, Key: api.AnonymousKey}
	for range 50 {
		n.accept(t, ask(nobody, 10))
	}
	if _, err := n.Accept(t.Context(), ask(nobody, 1)); horde.CodeOf(err) != horde.TooManyPrompts {
		t.Errorf("anonymous, the 501st of a model: %v", err)
	}
	n.accept(t, ask(nobody, 10, "Deliberate"))
	if _, err := n.Accept(t.Context(),
		ask(nobody, 1, "Deliberate", catalog.Sketch)); horde.CodeOf(err) != horde.TooManyPrompts {
		t.Errorf("anonymous, one of several models is full: %v", err)
	}
}

// Who asks for too much is told what was counted: "20 waiting, and may have 30" is
// no reason by itself. The anonymous user is sent where this caller can register.
func TestTheRefusalOfTooManyJobsSaysWhatWasCounted(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	anon, err := n.Accounts.ByID(t.Context(), horde.AnonymousID)
	if err != nil {
		t.Fatal(err)
	}
	alice, small, nobody := n.person(t, false, 1000), n.person(t, false, 1000),
		hordetest.Person{User: anon, Key: api.AnonymousKey}
	n.accept(t, ask(alice, 20))
	root := &account.User{ID: alice.ID, Roles: account.Moderator}
	few := 5
	if _, err := n.Accounts.Modify(t.Context(), root, small.ID, api.ModifyUser{Concurrency: &few}); err != nil {
		t.Fatal(err)
	}
	for range 25 {
		n.accept(t, ask(nobody, 20))
	}

	ctx := horde.WithBase(t.Context(), horde.At("https://horde.example"))
	for name, c := range map[string]struct {
		p    hordetest.Person
		jobs int
		says string
	}{
		"more than are left": {alice, 15,
			"This request has 15 jobs, and 20 of yours are waiting: at most 30 may. Wait for some to finish, or ask for fewer."},
		"more than may be": {small, 6,
			"This request has 6 jobs, and at most 5 of yours may wait at a time. Ask for fewer."},
		"anonymous": {nobody, 3,
			"This request has 3 jobs, and 500 anonymous ones of the models asked for are waiting: at most 500 may. Register an account at https://horde.example/register to"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := n.Accept(ctx, ask(c.p, c.jobs))
			if horde.CodeOf(err) != horde.TooManyPrompts || !strings.Contains(err.Error(), c.says) {
				t.Errorf("%s: %v, want %q", name, err, c.says)
			}
		})
	}
}

// The images of a comparison come in any order (generation §1.11), all others as they were
// handed out.
func TestImagesOfAComparisonComeInAnyOrder(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	p := n.person(t, true, 1000)
	owner := *p.User
	owner.Roles |= account.Customizer
	p.User = &owner

	orders := func(model string) map[string]bool {
		a := ask(p, 2, model)
		a.Body.R2 = ptr(true)
		id := n.accept(t, a)
		offer := pop("one", model)
		offer.Amount = ptr(2)

		for _, job := range n.take(t, p, offer).IDs {
			if _, err := n.submit(p.Key, job, "ok"); err != nil {
				t.Fatal(err)
			}
		}

		seen := map[string]bool{}
		for range 40 {
			s, err := n.Status(t.Context(), id)
			if err != nil || len(s.Generations) != 2 {
				t.Fatalf("%+v, %v", s, err)
			}
			seen[s.Generations[0].ID] = true
		}

		return seen
	}
	if got := orders("Deliberate"); len(got) != 1 {
		t.Errorf("the first image changes: %v", got)
	}

	if got := orders(betaModel); len(got) != 2 {
		t.Errorf("the first image of a comparison is always the same: %v", got)
	}
}
