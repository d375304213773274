package queue

import (
	"context"
	"database/sql"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"horde/api"
	"horde/internal/account"
	"horde/internal/catalog"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store/storetest"
)

// keyStorm is what happens to shared keys and what is asked for with them, in
// whatever order, by one after the other or by many at once.
type keyStorm struct {
	t     *rapid.T
	nodes []*node
	raw   *sql.DB
	owner hordetest.Person // of all keys; pays nothing but through them
	other hordetest.Person // gives to them
	work  []hordetest.Person
	keys  []*stormKey
	style string // by the last key

	mu       sync.Mutex
	requests []keyedRequest
	running  []keyedJob
	problems []string
}

// stormKey is a key and what its budget would be had nothing been spent of it.
type stormKey struct {
	id      string
	granted horde.Kudos
	set     bool // by its owner, so that granted is not known
}

type keyedRequest struct {
	id   string
	text bool
}

type keyedJob struct {
	keyedRequest
	worker hordetest.Person
}

const stormOwnerKudos = 1_000_000

var keySteps = []string{"image", "image", "text", "text", "style", "patient", "patient text", "pop", "pop", "pop",
	"pop text", "pop text",
	"ok", "ok", "ok", "ok", "censored", "faulted", "twice", "cancel", "late", "expire", "give", "set", "unlimited",
	"empty"}

func newKeyStorm(t *rapid.T, all []*node, raw *sql.DB) *keyStorm {
	n := all[0]
	s := &keyStorm{t: t, nodes: all, raw: raw, owner: n.person(t, true, stormOwnerKudos),
		other: n.person(t, true, stormOwnerKudos)}
	for range 3 {
		s.work = append(s.work, n.person(t, true, 0))
	}
	for _, budget := range []int64{0, 40, 150, 600, 90} {
		k, err := n.Accounts.CreateSharedKey(t.Context(), s.owner.User, account.SharedKeyChange{Kudos: &budget})
		if err != nil {
			t.Fatal(err)
		}
		s.keys = append(s.keys, &stormKey{id: k.ID, granted: horde.Whole(budget)})
	}
	in := api.StyleInput{Name: ptr("Paid"), Models: &[]string{catalog.Sketch}, SharedKey: s.keys[4].id,
		Params: map[string]any{"steps": int64(20), "width": int64(512), "height": int64(512)}}
	id, _, err := n.Styles.Create(context.Background(), horde.KindImage, in, s.owner.Key)
	if err != nil {
		t.Fatal(err)
	}
	s.style = id
	return s
}

func (storm *keyStorm) complain(format string, args ...any) {
	storm.mu.Lock()
	defer storm.mu.Unlock()
	storm.problems = append(storm.problems, fmt.Sprintf(format, args...))
}

// refusals are what may be answered to who asks with a key.
var keyRefusals = []horde.Code{horde.SharedKeyEmpty, horde.SharedKeyInsufficientKudos, horde.TooManyPrompts,
	horde.KudosUpfront}

func (storm *keyStorm) took(id string, text bool, err error) {
	for _, code := range keyRefusals {
		if horde.CodeOf(err) == code {
			return
		}
	}
	if err != nil {
		storm.complain("accept: %v", err)
		return
	}
	storm.mu.Lock()
	defer storm.mu.Unlock()
	storm.requests = append(storm.requests, keyedRequest{id, text})
}

func (storm *keyStorm) do(st step) {
	ctx, n := context.Background(), storm.nodes[st.node]
	key := storm.keys[st.a%4]
	switch st.what {
	case "image", "patient", "style":
		a := keyAsk(key.id, 1+st.b%3)
		a.Body.Params.Width, a.Body.Params.Steps = ptr(64*(1+st.b%15)), ptr(1+st.b%40)
		a.Body.SlowWorkers = ptr(st.b%5 != 0) // else kudos are held on the account too
		a.Body.AllowDowngrade = ptr(st.what == "patient")

		if st.what == "style" {
			a = ImageRequest{From: From{Key: storm.owner.Key},
				Body: api.ImageRequest{Prompt: "a red fox", Style: storm.style, Params: &api.ImageParams{N: ptr(1 + st.b%3)}}}
			if storm.emptied(storm.keys[4]) { // then the style's key pays for nothing
				return
			}
		}

		answer, err := n.Accept(ctx, a)
		if err != nil {
			storm.took("", false, err)
			return
		}

		storm.took(answer.Accepted.ID, false, nil)

	case "text", "patient text":
		a := askText(hordetest.Person{Key: key.id}, 1+st.b%3, longModel)
		a.Body.Params.MaxLength = ptr(16 + 5*st.b)
		a.Body.AllowDowngrade = ptr(st.what != "text")
		answer, err := n.AcceptText(ctx, a)
		if err != nil {
			storm.took("", true, err)
			return
		}
		storm.took(answer.Accepted.ID, true, nil)

	case "pop", "pop text":
		storm.pop(n, st)
	case "ok", "censored", "faulted", "twice":
		storm.submit(st)
	case "cancel":
		storm.cancel(n, st)

	case "late", "expire":
		d := 3 * time.Minute
		if st.what == "expire" {
			d = 21 * time.Minute
		}
		n.clock.Advance(d)
		if err := n.Sweep(ctx); err != nil {
			storm.complain("sweep: %v", err)
		}

	case "empty":
		if err := n.EmptyAll(ctx); err != nil {
			storm.complain("empty: %v", err)
		}

	default:
		storm.change(n, st, storm.keys[st.a%5])
	}
}

// emptied reports whether a key may have nothing left, so that a style's does not
// pay: then its asker would, who is the owner of all keys.
func (storm *keyStorm) emptied(k *stormKey) bool {
	now, err := storm.nodes[0].Accounts.SharedKey(context.Background(), k.id)
	return err != nil || now.Limited() && now.Budget < horde.Whole(60)
}

// change is what owners and friends do to a key.
func (storm *keyStorm) change(n *node, st step, k *stormKey) {
	switch st.what {
	case "give":
		err := n.Accounts.Transfer(context.Background(), storm.other.User,
			account.Gift{Target: k.id, Amount: int64(1 + st.b)})
		if err != nil {
			storm.complain("give: %v", err)
			return
		}
		storm.mu.Lock()
		defer storm.mu.Unlock()
		k.granted += horde.Whole(int64(1 + st.b))

	case "set", "unlimited":
		if k == storm.keys[4] || k == storm.keys[3] { // one stays as it was, to be reckoned up in the end
			return
		}

		whole := int64(st.b)
		if st.what == "unlimited" {
			whole = -1
		}

		now, err := n.Accounts.SharedKey(context.Background(), k.id)
		if err == nil {
			_, err = n.Accounts.ModifySharedKey(context.Background(), storm.owner.User, now,
				account.SharedKeyChange{Kudos: &whole})
		}
		if err != nil {
			storm.complain("set: %v", err)
		}

		storm.mu.Lock()
		defer storm.mu.Unlock()
		k.set = true
	}
}

func (storm *keyStorm) pop(n *node, st step) {
	worker := storm.work[st.a%len(storm.work)]
	var ids []string
	if st.what == "pop" {
		p := pop(fmt.Sprint("dreamer of ", worker.ID))
		p.Amount = ptr(1 + st.b%3)
		o, err := n.Fleet.CheckInImage(context.Background(), worker.User, p, "10.0.0.1")
		if err != nil {
			storm.complain("check in: %v", err)
			return
		}

		job, err := n.Pop(context.Background(), o, 0)
		if err != nil {
			if horde.CodeOf(err) != horde.WorkerMaintenance {
				storm.complain("pop: %v", err)
			}
			return
		}

		ids = job.IDs
	} else {
		p := scribe(fmt.Sprint("scribe of ", worker.ID), longModel)
		p.MaxLength = ptr(1024)
		o, err := n.Fleet.CheckInText(context.Background(), worker.User, p, "10.0.0.1")
		if err != nil {
			storm.complain("check in: %v", err)
			return
		}

		job, err := n.PopText(context.Background(), o, 0)
		if err != nil {
			if horde.CodeOf(err) != horde.WorkerMaintenance {
				storm.complain("pop: %v", err)
			}
			return
		}

		ids = job.IDs
	}

	storm.mu.Lock()
	defer storm.mu.Unlock()
	for _, id := range ids {
		storm.running = append(storm.running, keyedJob{keyedRequest{id, st.what != "pop"}, worker})
	}
}

func (storm *keyStorm) submit(st step) {
	storm.mu.Lock()
	if len(storm.running) == 0 {
		storm.mu.Unlock()
		return
	}
	i := st.a % len(storm.running)
	j := storm.running[i]
	storm.running = append(storm.running[:i], storm.running[i+1:]...)
	storm.mu.Unlock()
	if st.what != "twice" {
		storm.send(storm.nodes[st.node], j, st.what)
		return
	}
	var wg sync.WaitGroup
	for _, n := range storm.nodes {
		wg.Go(func() { storm.send(n, j, "ok") })
	}
	wg.Wait()
}

func (storm *keyStorm) send(n *node, j keyedJob, state string) {
	var err error
	if j.text {
		_, err = n.SubmitText(context.Background(), j.worker.Key,
			api.TextSubmit{ID: j.id, Generation: strings.Repeat("x", 4000), State: state})
	} else {
		_, err = n.submit(j.worker.Key, j.id, state)
	}
	switch horde.CodeOf(err) {
	case horde.DuplicateGen, horde.AbortedGen, horde.InvalidJobID:
	default:
		if err != nil {
			storm.complain("submit %s: %v", state, err)
		}
	}
}

func (storm *keyStorm) cancel(n *node, st step) {
	storm.mu.Lock()
	if len(storm.requests) == 0 {
		storm.mu.Unlock()
		return
	}
	r := storm.requests[st.b%len(storm.requests)]
	storm.mu.Unlock()
	var err error
	if r.text {
		_, err = n.CancelText(context.Background(), r.id)
	} else {
		_, err = n.Cancel(context.Background(), r.id)
	}
	if err != nil && horde.CodeOf(err) != horde.RequestNotFound {
		storm.complain("cancel: %v", err)
	}
}

// odd looks at one moment of the database: what of the keys does not add up, "" if
// all does.
func (storm *keyStorm) odd() string {
	var total horde.Kudos
	var overdrawn, wrong int
	err := storm.raw.QueryRow("SELECT (SELECT balance FROM accounts WHERE user_id = $1) "+
		"+ (SELECT CAST(COALESCE(sum(utilized), 0) AS BIGINT) FROM shared_keys WHERE user_id = $1) "+
		"- (SELECT CAST(COALESCE(sum(amount), 0) AS BIGINT) FROM transfers WHERE target_id = $1), "+
		"(SELECT count(*) FROM shared_keys WHERE user_id = $1 AND budget >= 0 AND held > budget), "+
		"(SELECT count(*) FROM shared_keys k WHERE user_id = $1 AND "+
		"held <> (SELECT CAST(COALESCE(sum(remaining), 0) AS BIGINT) FROM key_holds WHERE key_id = k.id))",
		storm.owner.ID).Scan(&total, &overdrawn, &wrong)
	switch {
	case err != nil:
		return err.Error()
	case total != horde.Whole(stormOwnerKudos):
		return fmt.Sprintf("the owner paid %v more than their keys say", horde.Whole(stormOwnerKudos)-total)
	case overdrawn > 0:
		return fmt.Sprintf("of %d keys more is set aside than they have", overdrawn)
	case wrong > 0:
		return fmt.Sprintf("%d keys say of other sums than their holds are", wrong)
	}
	return ""
}

// end delivers what runs, lets all else expire, and looks for anything left over.
func (storm *keyStorm) end(db *storetest.DB) {
	n := storm.nodes[0]
	for _, j := range storm.running {
		storm.send(n, j, "ok")
	}

	n.clock.Advance(3 * time.Hour)
	for _, n := range storm.nodes {
		if err := n.Sweep(context.Background()); err != nil {
			storm.complain("last sweep: %v", err)
		}
	}

	if what := storm.odd(); what != "" {
		storm.complain("at the end: %s", what)
	}

	if what := settled(db, n); what != "" {
		storm.complain("at the end: %s", what)
	}

	for _, k := range storm.keys {
		now, err := n.Accounts.SharedKey(context.Background(), k.id)
		if err != nil {
			storm.complain("%v", err)
			continue
		}

		if now.Held != 0 {
			storm.complain("%v are still set aside", now.Held)
		}

		if !k.set && now.Budget+now.Utilized != k.granted {
			storm.complain("of %v were spent %v, and %v are left", k.granted, now.Utilized, now.Budget)
		}
	}

	if len(storm.problems) > 0 {
		storm.t.Fatal(strings.Join(storm.problems, "\n"))
	}
}

func drawStep(nodes int) *rapid.Generator[step] {
	return rapid.Custom(func(t *rapid.T) step {
		return step{rapid.SampledFrom(keySteps).Draw(t, "what"), rapid.IntRange(0, nodes-1).Draw(t, "node"),
			rapid.IntRange(0, 99).Draw(t, "a"), rapid.IntRange(0, 99).Draw(t, "b")}
	})
}

// TestHoldsOfASharedKeyAddUp: over random mixes of keys, budgets, kinds, downgrades,
// cancels, faults, deliveries, expiry, gifts and changes of budgets, after every
// step, what is set aside of a key is the sum of its holds and at most its budget,
// and what its owner paid is what the keys say; in the end each budget has fallen
// by exactly that, and nothing is left set aside.
func TestHoldsOfASharedKeyAddUp(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		all := nodes(t, db, hordetest.NewClock())
		raw := db.Raw()
		defer raw.Close()
		rapid.Check(t, func(rt *rapid.T) {
			s := newKeyStorm(rt, all, raw)
			for _, st := range rapid.SliceOfN(drawStep(len(all)), 10, 60).Draw(rt, "plan") {
				s.do(st)
				if what := s.odd(); what != "" {
					rt.Fatalf("after %s: %s", st.what, what)
				}
			}
			s.end(db)
		})
	})
}

// TestHoldsOfASharedKeyAddUpInParallel is TestHoldsOfASharedKeyAddUp by many at once, with
// somebody who looks all the time.
func TestHoldsOfASharedKeyAddUpInParallel(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		all := nodes(t, db, hordetest.NewClock())
		raw := db.Raw()
		defer raw.Close()

		rapid.Check(t, func(rt *rapid.T) {
			s := newKeyStorm(rt, all, raw)
			plan := rapid.SliceOfN(rapid.SliceOfN(drawStep(len(all)), 5, 25), 3, 8).Draw(rt, "plan")

			done, looked := make(chan struct{}), make(chan struct{})
			go func() {
				defer close(looked)
				for {
					if what := s.odd(); what != "" {
						s.complain("in the middle: %s", what)
						return
					}
					select {
					case <-done:
						return
					default:
					}
				}
			}()

			var wg sync.WaitGroup
			for _, steps := range plan {
				wg.Go(func() {
					for _, st := range steps {
						s.do(st)
					}
				})
			}

			wg.Wait()
			close(done)
			<-looked
			s.end(db)
		})
	})
}
