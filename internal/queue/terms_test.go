package queue

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"horde/api"
	"horde/internal/account"
	"horde/internal/catalog"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// key makes a shared key of a hordetest.Person and returns its id.
func (n *node) key(t testing.TB, p hordetest.Person, c account.SharedKeyChange) string {
	t.Helper()
	k, err := n.Accounts.CreateSharedKey(t.Context(), p.User, c)
	if err != nil {
		t.Fatal(err)
	}
	return k.ID
}

func (n *node) keyNow(t testing.TB, id string) *account.SharedKey {
	t.Helper()
	k, err := n.Accounts.SharedKey(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (n *node) money(t testing.TB, p hordetest.Person) *store.Account {
	t.Helper()
	a, err := n.Store.Account(context.Background(), p.ID)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func wantCode(t testing.TB, what string, err error, code horde.Code) {
	t.Helper()
	if err == nil || horde.CodeOf(err) != code {
		t.Errorf("%s: got %v, want code %q", what, err, code)
	}
}

func TestASharedKeyPaysWithItsOwner(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		alice, worker := n.person(t, false, 1000), n.person(t, true, 0)
		key := n.key(t, alice, account.SharedKeyChange{Kudos: ptr(int64(500))})
		id := n.accept(t, ask(hordetest.Person{Key: key}, 2))

		for job := n.take(t, worker, pop("w")); job != nil; job = n.take(t, worker, pop("w")) {
			for _, j := range job.IDs {
				if _, err := n.submit(worker.Key, j, ""); err != nil {
					t.Fatal(err)
				}
			}
		}

		st, err := n.Status(context.Background(), id)
		if err != nil || !st.Done || st.Kudos <= 3 {
			t.Fatalf("%+v, %v", st, err)
		}

		k, cost := n.keyNow(t, key), horde.KudosOf(float64(st.Kudos))
		if k.Utilized != cost || k.Budget != horde.Whole(500)-cost || n.money(t, alice).Balance != horde.Whole(1000)-cost {
			t.Errorf("cost %v: the key has %v and spent %v, its owner has %v", cost, k.Budget, k.Utilized,
				n.money(t, alice).Balance)
		}

		if what := settled(db, n); what != "" {
			t.Error(what)
		}
	})
}

func TestSharedKeysRefuseWhatTheyDoNotAllow(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	ctx := context.Background()
	alice := n.person(t, false, 1000)
	small := n.key(t, alice, account.SharedKeyChange{Kudos: ptr(int64(2))})
	limits := n.key(t, alice,
		account.SharedKeyChange{MaxPixels: ptr(int64(4096)), MaxSteps: ptr(int64(4)), MaxTokens: ptr(int64(20))})
	of := func(key string, edit func(*api.ImageRequest)) error {
		a := ask(hordetest.Person{Key: key}, 1)
		edit(&a.Body)
		_, err := n.Accept(ctx, a)
		return err
	}
	wantCode(t, "budget", of(small, func(*api.ImageRequest) {}), horde.SharedKeyInsufficientKudos)
	wantCode(t, "budget of a dry run", of(small, func(b *api.ImageRequest) { b.DryRun = ptr(true) }),
		horde.SharedKeyInsufficientKudos)
	wantCode(t, "pixels", of(limits, func(b *api.ImageRequest) { b.Params.Width = ptr(128) }), horde.BadRequest)
	wantCode(t, "steps", of(limits, func(b *api.ImageRequest) { b.Params.Steps = ptr(5) }), horde.BadRequest)
	if err := of(limits, func(*api.ImageRequest) {}); err != nil {
		t.Errorf("within the limits: %v", err)
	}
	_, err := n.AcceptText(ctx,
		TextRequest{From: From{Key: limits}, Body: api.TextRequest{Prompt: "x", Params: &api.TextParams{MaxLength: ptr(21)}}})
	wantCode(t, "tokens", err, horde.BadRequest)

	// They say which of the key's limits was broken, by how much, and what can be done.
	says := func(what string, err error, parts ...string) {
		t.Helper()
		for _, part := range parts {
			if err == nil || !strings.Contains(err.Error(), part) {
				t.Errorf("%s: %v, want %q", what, err, part)
			}
		}
	}
	says("tokens", err, "at most 20 tokens in a job (max_text_tokens), not 21.", "ask the key's owner")
	says("pixels", of(limits, func(b *api.ImageRequest) { b.Params.Width = ptr(128) }),
		"at most 4096 pixels in a job (max_image_pixels), not 8192.")
	says("pixels and steps", of(limits, func(b *api.ImageRequest) { b.Params.Width, b.Params.Steps = ptr(128), ptr(5) }),
		"(max_image_pixels), not 8192.", "at most 4 steps in a job (max_image_steps), not 5.")
	says("budget", of(small, func(*api.ImageRequest) {}), "2.00 left", "set allow_downgrade")
	_, err = n.AcceptText(ctx,
		TextRequest{From: From{Key: small}, Body: api.TextRequest{Prompt: "x", Params: &api.TextParams{MaxLength: ptr(80)}}})
	wantCode(t, "budget of a text", err, horde.SharedKeyInsufficientKudos)
	says("budget of a text", err, "This request costs about 20.00 kudos", "2.00 left")
	if err := of(limits, func(b *api.ImageRequest) { b.Params.Steps = ptr(5) }); strings.Contains(err.Error(), "pixels") {
		t.Errorf("names a limit that was kept: %v", err)
	}

	// With a downgrade it waits behind all others.
	if err := of(small, func(b *api.ImageRequest) { b.AllowDowngrade = ptr(true) }); err != nil {
		t.Fatal(err)
	}
	live, err := n.Store.LiveRequests(ctx, 0)
	if err != nil || len(live) != 2 || live[1].Priority != lowestPriority {
		t.Errorf("%+v, %v", live, err)
	}
}

func TestASharedKeyAddsUpInAStorm(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		all := nodes(t, db, c)
		n := all[0]
		alice := n.person(t, false, 10_000)
		keys := []string{n.key(t, alice, account.SharedKeyChange{Kudos: ptr(int64(100))}),
			n.key(t, alice, account.SharedKeyChange{Kudos: ptr(int64(-1))})}
		var accepted [2]atomic.Int64

		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				for j := range 20 {
					which := (i + j) % 2
					a := ask(hordetest.Person{Key: keys[which]}, 1, "m", "x")

					_, err := all[i%len(all)].Accept(context.Background(), a)
					switch {
					case err == nil:
						accepted[which].Add(1)
					case which == 0 && (horde.CodeOf(err) == horde.SharedKeyInsufficientKudos ||
						horde.CodeOf(err) == horde.SharedKeyEmpty), horde.CodeOf(err) == horde.TooManyPrompts:
					default:
						t.Error(err)
					}
				}
			})
		}

		wg.Wait()
		var spent horde.Kudos
		for i, key := range keys {
			k := n.keyNow(t, key)
			spent += k.Utilized
			if want := horde.Whole(3 * accepted[i].Load()); k.Utilized != want || i == 0 &&
				k.Budget != horde.Whole(100)-want || i == 1 && k.Budget != store.Unlimited {
				t.Errorf("key %d: %d accepted, spent %v, left %v", i, accepted[i].Load(), k.Utilized, k.Budget)
			}
		}

		if got := n.money(t, alice).Balance; got != horde.Whole(10_000)-spent {
			t.Errorf("the owner has %v, and %v was spent", got, spent)
		}

		if a, err := n.Store.Audit(context.Background()); err != nil || !a.Sound() {
			t.Errorf("%+v, %v", a, err)
		}
	})
}

// A deleted key ends its requests: what waits is gone, what a worker has is still
// delivered and paid.
func TestADeletedKeyEndsItsRequests(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		ctx := context.Background()
		all := nodes(t, db, hordetest.NewClock())
		n, taker := all[0], all[len(all)-1]
		alice, worker := n.person(t, false, 1000), n.person(t, true, 0)
		key := n.key(t, alice, account.SharedKeyChange{})
		other := n.accept(t, ask(alice, 1, "other"))
		waiting := taker.accept(t, ask(hordetest.Person{Key: key}, 1, "other"))
		running := taker.accept(t, ask(hordetest.Person{Key: key}, 2))
		p := pop("w")
		p.Amount = ptr(1)
		job := taker.take(t, worker, p)
		if job == nil {
			t.Fatal("nothing to take")
		}

		k := n.keyNow(t, key)
		if err := n.Accounts.DeleteSharedKey(ctx, alice.User, k); err != nil {
			t.Fatal(err)
		}

		// The node has heard of the job; else it would say for a moment that all is done.
		if what := hordetest.Eventually(n.differs); what != "" {
			t.Fatal(what)
		}
		if err := n.DropKey(ctx, alice.ID, key); err != nil {
			t.Fatal(err)
		}

		if _, err := n.Check(ctx, waiting); horde.CodeOf(err) != horde.RequestNotFound {
			t.Errorf("the waiting request: %v", err)
		}

		if c, err := n.Check(ctx, other); err != nil || c.Waiting != 1 {
			t.Errorf("the owner's own request: %+v, %v", c, err)
		}

		if c, err := n.Check(ctx, running); err != nil || c.Waiting != 0 || c.Processing != 1 {
			t.Errorf("the running request: %+v, %v", c, err)
		}

		before := n.money(t, alice).Balance
		if _, err := taker.submit(worker.Key, *job.ID, ""); err != nil {
			t.Fatal(err)
		}

		if after := n.money(t, alice).Balance; after >= before {
			t.Errorf("the owner had %v and has %v", before, after)
		}

		_, err := n.Accept(ctx, ask(hordetest.Person{Key: key}, 1))
		wantCode(t, "the key again", err, horde.InvalidAPIKey)
		if what := hordetest.Eventually(n.differs); what != "" {
			t.Error(what)
		}
	})
}

// The style's owner gets 2 for each accepted request of another; a style's key
// pays for them all.
func TestAStylesOwnerIsRewarded(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		ctx := context.Background()
		n := newNode(t, db, hordetest.NewClock())
		trudy, alice, worker := n.person(t, true, 1000), n.person(t, false, 1000), n.person(t, true, 0)
		key := n.key(t, trudy, account.SharedKeyChange{Kudos: ptr(int64(20)), MaxSteps: ptr(int64(1))})
		make := func(name, key string) string {
			in := api.StyleInput{Name: &name, Prompt: ptr("{p} in oil{np}"), Models: &[]string{catalog.Sketch}, SharedKey: key,
				Params: map[string]any{"steps": int64(4), "width": int64(64), "height": int64(64)}}
			id, _, err := n.Styles.Create(ctx, horde.KindImage, in, trudy.Key)
			if err != nil {
				t.Fatal(err)
			}
			return id
		}
		oil, paid := make("Oil", ""), make("Paid", key)
		use := func(p hordetest.Person, style string, edit func(*api.ImageRequest)) (Answer, error) {
			a := ImageRequest{From: From{Key: p.Key}, Body: api.ImageRequest{Prompt: "a hill###rain", Style: style}}
			if edit != nil {
				edit(&a.Body)
			}
			return n.Accept(ctx, a)
		}
		styled := func() horde.Kudos { return n.money(t, trudy).Totals.Styled }

		_, err := use(alice, "Nobody", nil)
		wantCode(t, "unknown", err, horde.StyleNotFound)
		_, err = use(hordetest.Person{Key: "nobody's"}, paid, nil)
		wantCode(t, "no key", err, horde.InvalidAPIKey)
		if dry, err := use(alice, oil, func(b *api.ImageRequest) { b.DryRun = ptr(true) }); err != nil || dry.DryRun == nil {
			t.Errorf("dry run: %+v, %v", dry, err)
		}
		_, err = use(alice, oil, func(b *api.ImageRequest) { b.Webhook = "http://example.com/x" })
		wantCode(t, "refused", err, horde.BadRequest)
		if styled() != 0 {
			t.Errorf("paid %v for nothing", styled())
		}
		for _, p := range []hordetest.Person{alice, trudy, alice} {
			if _, err := use(p, oil, nil); err != nil {
				t.Fatal(err)
			}
		}
		if styled() != horde.Whole(4) {
			t.Errorf("the owner was paid %v", styled())
		}
		job := n.take(t, worker, pop("w"))
		if job == nil || job.Payload.Prompt != "a hill in oil###rain" || job.Payload.Steps != 4 {
			t.Fatalf("%+v", job)
		}

		mine := n.money(t, alice).Balance
		if _, err := use(alice, paid, nil); err != nil { // the key's limit of one step is waived
			t.Fatal(err)
		}
		if k := n.keyNow(t, key); k.Utilized != horde.Whole(3) || n.money(t, alice).Balance != mine {
			t.Errorf("the key spent %v, alice has %v of %v", k.Utilized, n.money(t, alice).Balance, mine)
		}
		if _, err := n.Accounts.ModifySharedKey(ctx, trudy.User, n.keyNow(t, key),
			account.SharedKeyChange{Kudos: ptr(int64(0))}); err != nil {
			t.Fatal(err)
		}
		if _, err := use(alice, paid, nil); err != nil { // an empty key does not pay: alice does
			t.Fatal(err)
		}
		if got := n.money(t, alice).Balance; got != mine-horde.Whole(3) {
			t.Errorf("alice has %v", got)
		}
		if what := settled(db, n); what != "" {
			t.Error(what)
		}
	})
}
