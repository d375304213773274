package queue

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"horde/api"
	"horde/internal/account"
	"horde/internal/blob"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/kinds"
	"horde/internal/store/storetest"
	"horde/internal/waiting"
)

// retire lets the time pass after which finished requests leave memory, and something be
// committed.
func (n *node) retire(t testing.TB, p hordetest.Person) {
	t.Helper()
	n.clock.Advance(10 * time.Second)
	if err := n.cancel(t.Context(), n.inIndexes(n.accept(t, ask(p, 1)))); err != nil {
		t.Fatal(err)
	}
}

// finish has one image of the request that waits first delivered, and returns its job.
func (n *node) finish(t testing.TB, worker hordetest.Person) (job string) {
	t.Helper()
	job = *n.take(t, worker, pop("w")).ID
	if _, err := n.submit(worker.Key, job, "ok"); err != nil {
		t.Fatal(err)
	}
	return job
}

// told is all that is said of a request for images.
type told struct {
	Check   api.Check
	Status  api.ImageStatus
	Outcome Outcome
	Owner   horde.UserID
	Active  []string // of its user
}

func (n *node) tell(t testing.TB, id string, p hordetest.Person) (all told) {
	t.Helper()
	var errs [4]error
	all.Check, errs[0] = n.Check(t.Context(), id)
	all.Status, errs[1] = n.Status(t.Context(), id)
	all.Outcome, errs[2] = n.Outcome(t.Context(), id)
	all.Owner, errs[3] = n.Owner(t.Context(), id)
	all.Active = n.Active(p.ID).Image
	if errs != [4]error{} {
		t.Fatalf("request %s: %v", id, errs)
	}
	return all
}

// What is said of a request that is over is the same while it is in memory, when it has
// left it, and after a restart.
func TestFinishedRequestsAreToldOfAsBefore(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		alice, walter := n.person(t, false, 1000), n.person(t, true, 1000)
		delivered := n.accept(t, ask(alice, 1))
		job := n.finish(t, walter)
		cancelled := n.accept(t, ask(alice, 2))
		n.finish(t, walter)
		if _, err := n.Cancel(t.Context(), cancelled); err != nil {
			t.Fatal(err)
		}

		ids := []string{delivered, cancelled}
		before := map[string]told{}
		for _, id := range ids {
			before[id] = n.tell(t, id, alice)
		}
		same := func(when string) {
			t.Helper()
			for _, id := range ids {
				if n.inIndexes(id) != nil {
					t.Errorf("%s: request %s is in memory", when, id)
				}
				if diff := cmp.Diff(before[id], n.tell(t, id, alice)); diff != "" {
					t.Errorf("%s: request %s: in memory − now +\n%s", when, id, diff)
				}
			}
		}
		n.retire(t, walter)
		same("when it has left memory")
		n.retire(t, walter)
		same("when it has been read and has left memory again")
		n.Store.Close()
		n = newNode(t, db, n.clock)
		same("after a restart")

		if what := n.differs(); what != "" {
			t.Error(what)
		}
		n.retire(t, walter)
		if _, err := n.submit(walter.Key, job, "ok"); horde.CodeOf(err) != horde.DuplicateGen {
			t.Errorf("delivered again: %v", err)
		}
		n.retire(t, walter)
		if may, err := n.Uploads(t.Context(), job); may != blob.CreateOnly || err != nil {
			t.Errorf("uploads for a job whose image is missing: %v, %v", may, err)
		}
	})
}

func TestFinishedTextsAreToldOfAsBefore(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		alice, walter := n.person(t, false, 1000), n.person(t, true, 1000)
		id := n.acceptText(t, askText(alice, 1, "a/model"))
		job := *n.takeText(t, walter, scribe("w")).ID
		text := api.TextSubmit{ID: job, Generation: "there was a fox"}
		if _, err := n.SubmitText(t.Context(), walter.Key, text); err != nil {
			t.Fatal(err)
		}

		before, err := n.TextStatus(t.Context(), id)
		if err != nil || before.Generations[0].Text != text.Generation {
			t.Fatal(before, err)
		}
		n.clock.Advance(10 * time.Second)
		n.acceptText(t, askText(walter, 1, "a/model"))
		if n.inIndexes(id) != nil {
			t.Error("it is still in memory")
		}
		after, err := n.TextStatus(t.Context(), id)
		if diff := cmp.Diff(before, after); diff != "" || err != nil {
			t.Errorf("in memory − now +\n%s%v", diff, err)
		}
	})
}

// A request that is over stays in memory while somebody follows it, and can be followed
// when it has left.
func TestFinishedRequestsCanBeFollowed(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		alice, walter := n.person(t, false, 1000), n.person(t, true, 1000)
		id := n.accept(t, ask(alice, 1))
		n.finish(t, walter)
		n.retire(t, walter)

		w := waiting.NewWatch()
		found, stop, err := n.Follow(t.Context(), []string{id}, w)
		if err != nil || len(found) != 1 {
			t.Fatal(found, err)
		}
		n.retire(t, walter)
		n.retire(t, walter)
		if news := n.News(id); news.Gone || !news.Ended || len(news.Delivered) != 1 {
			t.Errorf("%+v", news)
		}

		stop()
		n.retire(t, walter)
		n.retire(t, walter)
		if n.inIndexes(id) != nil {
			t.Error("it is in memory though nobody follows it any more")
		}
	})
}

// A reading of a request that was under way when it ended, and comes when it has left memory,
// does not bring it back.
func TestFinishedRequestsDoNotComeBack(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		alice, walter := n.person(t, false, 1000), n.person(t, true, 1000)
		ids := []string{n.accept(t, ask(alice, 1))}
		before, err := n.Store.Requests(t.Context(), ids)
		if err != nil {
			t.Fatal(err)
		}
		n.finish(t, walter)
		n.retire(t, walter)

		if outdated := n.takeRead(n.Join(before, nil), ids); !slices.Equal(outdated, ids) {
			t.Errorf("outdated: %v", outdated)
		}
		if n.inIndexes(ids[0]) != nil {
			t.Error("it waits again")
		}
		if active := n.Active(alice.ID).Image; !slices.Equal(active, ids) {
			t.Errorf("active: %v", active)
		}
		if c, err := n.Check(t.Context(), ids[0]); !c.Done || err != nil {
			t.Errorf("%+v, %v", c, err)
		}
	})
}

func TestADeletedKeyTakesFinishedRequestsAlong(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		owner, walter := n.person(t, false, 10_000), n.person(t, true, 1000)
		key := n.key(t, owner, account.SharedKeyChange{})
		theirs := n.accept(t, keyAsk(key, 1))
		n.finish(t, walter)
		own := n.accept(t, ask(owner, 1))
		n.finish(t, walter)
		n.retire(t, walter)

		if err := n.DropKey(t.Context(), owner.ID, key); err != nil {
			t.Fatal(err)
		}
		_, err := n.Check(t.Context(), theirs)
		wantCode(t, "a request of the key", err, horde.RequestNotFound)
		if active := n.Active(owner.ID).Image; len(active) != 1 || active[0] != own {
			t.Errorf("active: %v", active)
		}
	})
}

func TestFinishedRequestsExpire(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		alice, walter := n.person(t, false, 1000), n.person(t, true, 1000)
		id := n.accept(t, ask(alice, 1))
		n.finish(t, walter)
		n.retire(t, walter)

		n.clock.Advance(kinds.RequestLife)
		if err := n.Sweep(t.Context()); err != nil {
			t.Fatal(err)
		}
		_, err := n.Check(t.Context(), id)
		wantCode(t, "an expired request", err, horde.RequestNotFound)
		if rows, err := n.Store.Requests(t.Context(), []string{id}); len(rows) > 0 || err != nil {
			t.Errorf("%d rows stay, %v", len(rows), err)
		}
		if active := n.Active(alice.ID).Image; len(active) > 0 {
			t.Errorf("active: %v", active)
		}
	})
}

// maxFinishedBytes is what may stay in memory of a finished request.
const maxFinishedBytes = 1 << 10

// heap is how many bytes are in use.
func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC() // what finalizers let go
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestFinishedRequestsCostLittle counts what stays in memory of requests that are over. It
// runs alone: nothing else may use memory meanwhile.
func TestFinishedRequestsCostLittle(t *testing.T) {
	finished := 2000
	if testing.Short() || hordetest.UnderRace {
		finished = 400
	}
	for _, engine := range []string{storetest.SQLite, storetest.Postgres} {
		t.Run(engine, func(t *testing.T) {
			n := newNode(t, storetest.On(t, engine), hordetest.NewClock())
			alice, walter := n.person(t, false, 1_000_000), n.person(t, true, 1000)
			one := ask(alice, 1)
			one.Body.Prompt = strings.Repeat("a red fox ", 100)
			round := func(times int) {
				for range times {
					n.accept(t, one)
					n.finish(t, walter)
				}
				n.retire(t, walter)
				n.retire(t, walter)
			}

			round(50) // what is made once
			before := heap()
			round(finished)
			each := (heap() - before) / int64(finished)
			t.Logf("%d bytes stay of each of %d finished requests", each, finished)
			if each > maxFinishedBytes {
				t.Errorf("%d bytes stay of each finished request, more than %d", each, maxFinishedBytes)
			}
			if requests, jobs := n.images.Size(); requests > 5 || jobs > 5 {
				t.Errorf("%d requests and %d jobs are in memory", requests, jobs)
			}
		})
	}
}

// A long result is shown whole, on every node and after a restart, and is not kept in memory.
func TestLongResultsAreReadWhenTheyAreShown(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		ctx := context.Background()
		all := nodes(t, db, hordetest.NewClock())
		here, there := all[0], all[len(all)-1]
		alice, walter := here.person(t, false, 1000), here.person(t, true, 1000)
		id := here.acceptText(t, askText(alice, 3, "a/model"))

		pop := scribe("w")
		pop.Amount = ptr(2)
		job := here.takeText(t, walter, pop)
		want := []string{strings.Repeat("long ", maxKept), "short"}
		for i, text := range want {
			if _, err := here.SubmitText(ctx, walter.Key, api.TextSubmit{ID: job.IDs[i], Generation: text}); err != nil {
				t.Fatal(err)
			}
		}

		shown := func(n *node) string {
			st, err := n.TextStatus(ctx, id)
			if err != nil {
				return err.Error()
			}
			var got []string
			for _, g := range st.Generations {
				got = append(got, g.Text)
			}
			if !slices.Equal(got, want) || st.Done {
				return fmt.Sprintf("%d texts, done %v", len(got), st.Done)
			}
			for _, j := range n.texts.Requests.Get(id).jobs {
				if len(j.Result) > maxKept {
					return fmt.Sprintf("%d bytes of a result are in memory", len(j.Result))
				}
			}
			return ""
		}
		for _, n := range []*node{here, there} {
			if what := hordetest.Eventually(func() string { return shown(n) }); what != "" {
				t.Error(what)
			}
		}

		if err := here.Reload(ctx); err != nil {
			t.Fatal(err)
		}
		if what := shown(here); what != "" {
			t.Error("after a reload: ", what)
		}
	})
}
