package alchemy

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"horde/api"
	"horde/internal/account"
	"horde/internal/blob"
	"horde/internal/horde"
	"horde/internal/hordetest"
	kind "horde/internal/kinds/form"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// What one pop gets, of what others ask for and of what its owner and friends do.
func TestAPopGetsTheFormsThatItsWorkerFits(t *testing.T) {
	t.Parallel()
	yes, no, four := true, false, 4
	for _, tt := range []struct {
		name  string
		ask   func(n *node, alice, walter, friend hordetest.Person)
		pop   func(*api.AlchemyPop)
		trust bool
		row   func(*store.Worker) // of the worker
		want  string
	}{
		{name: "by priority, not by age", ask: func(n *node, alice, _, friend hordetest.Person) {
			rich := int64(5000)
			rik, key, _, _ := n.Accounts.TestUser(context.Background(), account.NewUser{Username: "rik", OAuthID: "rik"}, &rich)
			n.ask(alice, api.AlchemyRequest{Forms: forms("caption")})
			n.clock.Advance(time.Second)
			n.ask(friend, api.AlchemyRequest{Forms: forms("palette")})
			n.ask(hordetest.Person{User: rik, Key: key}, api.AlchemyRequest{Forms: forms("nsfw", "describe")})
		}, want: "nsfw describe caption palette"},
		{name: "own first, then friends by priority", ask: func(n *node, alice, walter, friend hordetest.Person) {
			n.ask(alice, api.AlchemyRequest{Forms: forms("caption")})
			n.clock.Advance(time.Second)
			n.ask(friend, api.AlchemyRequest{Forms: forms("nsfw")})
			n.clock.Advance(time.Second)
			n.ask(walter, api.AlchemyRequest{Forms: forms("palette")})
		}, pop: func(p *api.AlchemyPop) { p.PriorityUsernames = []string{"friend#3"} }, want: "nsfw palette caption"},
		{name: "only what it offers", ask: func(n *node, alice, walter, _ hordetest.Person) {
			n.ask(alice, api.AlchemyRequest{Forms: forms("caption", "nsfw")})
			n.ask(walter, api.AlchemyRequest{Forms: forms("caption")})
		}, pop: func(p *api.AlchemyPop) { p.Forms = []string{"nsfw"} }, want: "nsfw"},
		{name: "captions when it says nothing", ask: func(n *node, alice, _, _ hordetest.Person) {
			n.ask(alice, api.AlchemyRequest{Forms: forms("caption", "nsfw")})
		}, pop: func(p *api.AlchemyPop) { p.Forms = nil }, want: "caption"},
		{name: "too many tiles", ask: func(n *node, alice, _, _ hordetest.Person) {
			n.ask(alice, api.AlchemyRequest{Forms: forms("caption"), SourceImage: inline(1025, 512)})
			n.ask(alice, api.AlchemyRequest{Forms: forms("nsfw"), SourceImage: inline(1024, 1024)})
			n.ask(alice, api.AlchemyRequest{Forms: forms("palette"), SourceImage: inline(1025, 1024)})
		}, pop: func(p *api.AlchemyPop) { p.MaxTiles = &four }, want: "caption nsfw"},
		{name: "80 tiles unless it says so", ask: func(n *node, alice, _, _ hordetest.Person) {
			n.ask(alice, api.AlchemyRequest{Forms: forms("caption"), SourceImage: "https://x.example/4096x5120"})
			n.ask(alice, api.AlchemyRequest{Forms: forms("nsfw"), SourceImage: "https://x.example/4097x5120"})
		}, want: "caption"},
		{name: "untrusted", ask: func(n *node, alice, _, _ hordetest.Person) {
			n.ask(alice, api.AlchemyRequest{Forms: forms("caption", "nsfw"), TrustedWorkers: &yes})
		}, want: "untrusted:2"},
		{name: "trusted", trust: true, ask: func(n *node, alice, _, _ hordetest.Person) {
			n.ask(alice, api.AlchemyRequest{Forms: forms("caption", "nsfw"), TrustedWorkers: &yes})
		}, want: "caption nsfw"},
		{name: "unsafe address", ask: func(n *node, alice, _, _ hordetest.Person) {
			body := api.AlchemyRequest{Forms: forms("caption"), SourceImage: inline(64, 64)}
			_, err := n.Accept(context.Background(), Request{Key: alice.Key, UnsafeIP: true, Body: body})
			if err != nil {
				n.t.Fatal(err)
			}
		}, want: "untrusted:1"},
		{name: "slow", ask: func(n *node, alice, _, _ hordetest.Person) {
			n.ask(alice, api.AlchemyRequest{Forms: forms("caption"), SlowWorkers: &no})
			n.ask(alice, api.AlchemyRequest{Forms: forms("nsfw")})
		}, row: func(w *store.Worker) { w.Totals.Speeds = []float64{8, 12} }, want: "nsfw"},
		{name: "just fast enough", ask: func(n *node, alice, _, _ hordetest.Person) {
			n.ask(alice, api.AlchemyRequest{Forms: forms("caption"), SlowWorkers: &no})
		}, row: func(w *store.Worker) { w.Totals.Speeds = []float64{9.9} }, want: "caption"},
		{name: "in maintenance with something of its own", ask: func(n *node, alice, walter, _ hordetest.Person) {
			n.ask(alice, api.AlchemyRequest{Forms: forms("caption")})
			n.ask(walter, api.AlchemyRequest{Forms: forms("nsfw")})
		}, row: func(w *store.Worker) { w.Maintenance = true }, want: "nsfw"},
		{name: "in maintenance", ask: func(n *node, alice, _, _ hordetest.Person) {
			n.ask(alice, api.AlchemyRequest{Forms: forms("caption")})
		}, row: func(w *store.Worker) { w.Maintenance, w.MaintenanceMsg = true, "back soon" },
			want: "WorkerMaintenance: back soon"},
		{name: "paused", ask: func(n *node, alice, walter, _ hordetest.Person) {
			n.ask(alice, api.AlchemyRequest{Forms: forms("caption")})
			n.ask(walter, api.AlchemyRequest{Forms: forms("nsfw")})
		}, row: func(w *store.Worker) { w.Paused = true }, want: "nsfw"},
		{name: "nothing", ask: func(*node, hordetest.Person, hordetest.Person, hordetest.Person) {}, want: ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
			alice, walter, friend := n.person("alice", false), n.person("walter", tt.trust), n.person("friend", false)
			tt.ask(n, alice, walter, friend)

			ten := 10
			edit := func(p *api.AlchemyPop) {
				p.Amount = &ten
				if tt.pop != nil {
					tt.pop(p)
				}
			}

			o := n.offer(walter, "w", edit)
			if tt.row != nil {
				err := n.Store.Write(t.Context(), store.Unit{Workers: []string{o.Worker.ID}, Do: func(tx *store.Tx) error {
					_, err := tx.ChangeWorker(o.Worker.ID, tt.row)
					return err
				}})
				if err != nil {
					t.Fatal(err)
				}
				o = n.offer(walter, "w", edit)
			}

			job, err := n.Pop(t.Context(), o, 0)
			got := fmt.Sprint(err)
			if err == nil {
				got = names(job)
			}

			if got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
		})
	}
}

func TestAPopGetsAsManyFormsAsItAsksFor(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	alice, walter := n.person("alice", false), n.person("walter", false)
	n.ask(alice, api.AlchemyRequest{Forms: forms(allForms...)})
	for _, tt := range []struct{ amount, want int }{{-5, 1}, {0, 1}, {1, 1}, {3, 3}, {1 << 40, len(allForms) - 6},
		{1, 0}} {
		if got := len(n.pop(n.offer(walter, "w", amount(tt.amount))).Forms); got != tt.want {
			t.Errorf("amount %d: %d forms, want %d", tt.amount, got, tt.want)
		}
	}
}

// A pop that waits is woken by a new form and by one that comes back.
func TestAWaitingPopIsWokenByAForm(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	alice, walter, wanda := n.person("alice", false), n.person("walter", false), n.person("wanda", false)

	o, other := n.offer(walter, "w"), n.offer(wanda, "v")
	wait := func() chan *api.AlchemyJob {
		got := make(chan *api.AlchemyJob, 1)
		go func() {
			job, err := n.Pop(context.Background(), o, time.Minute)
			if err != nil {
				t.Error(err)
			}
			got <- job
		}()

		for { // until it waits
			if len(n.index.Requests.Waiters.Waiting()) == 1 {
				return got
			}
			time.Sleep(time.Millisecond)
		}
	}

	first := wait()
	n.ask(alice, api.AlchemyRequest{Forms: forms("caption", "nsfw")})
	if job := <-first; names(job) != "caption" {
		t.Errorf("%+v", job)
	}

	taken := n.pop(other)
	second := wait()
	if _, err := n.submit(wanda, api.AlchemySubmit{ID: taken.Forms[0].ID, State: "faulted"}); err != nil {
		t.Fatal(err)
	}

	if job := <-second; names(job) != "nsfw" {
		t.Errorf("%+v", job)
	}

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if job, err := n.Pop(ctx, o, time.Minute); err != nil || job.Forms != nil {
		t.Errorf("%+v %v", job, err)
	}
}

// Results about an image at an address are given again, at no cost, where they
// answer the same question.
func TestKnownResultsAreGivenAgain(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, n *node) {
		alice, bob, walter := n.person("alice", false), n.person("bob", false), n.person("walter", false)
		const url = "https://x.example/64x64"
		o := n.offer(walter, "w", amount(9))
		n.ask(alice, api.AlchemyRequest{Forms: forms("caption", "GFPGAN"), SourceImage: url})

		job := n.pop(o)
		for i, result := range []any{"a dog", "R2"} {
			f := job.Forms[i]
			if f.SourceImage != url {
				t.Errorf("source %s", f.SourceImage)
			}
			if _, err := n.submit(walter, api.AlchemySubmit{ID: f.ID, Result: map[string]any{f.Form: result}}); err != nil {
				t.Fatal(err)
			}
		}

		ask := api.AlchemyRequest{Forms: forms("caption", "nsfw", "GFPGAN"), SourceImage: url,
			Webhook: "https://hook.example/x"}
		if got := n.state(n.ask(bob, ask)); got != `waiting caption:done={"caption":"a dog"} nsfw:waiting GFPGAN:waiting` {
			t.Errorf("the image was never uploaded: %s", got)
		}

		if held := n.account(bob).Held; held != horde.Whole(3+5) {
			t.Errorf("%s held for two forms", held)
		}

		var told map[string]any
		if err := json.Unmarshal([]byte(strings.TrimPrefix(<-n.hooks, "https://hook.example/x ")), &told); err != nil ||
			told["form"] != "caption" || told["kudos"] != 0.0 {
			t.Errorf("webhook: %v %v", told, err)
		}

		object := blob.Object{Name: job.Forms[1].ID + ".webp", Size: 1}
		if err := n.Blobs.Put(t.Context(), object, strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}

		ask.Webhook = ""
		if got := n.state(n.ask(bob, ask)); !strings.Contains(got,
			"GFPGAN:done={\"GFPGAN\":\"http://horde.test/blob/"+job.Forms[1].ID) {
			t.Errorf("with its image: %s", got)
		}

		if n.balance(bob) != 1000 {
			t.Errorf("bob paid: %v", n.balance(bob))
		}

		yes := true
		for _, other := range []api.AlchemyRequest{
			{Forms: forms("caption"), SourceImage: url, TrustedWorkers: &yes},
			{Forms: forms("caption"), SourceImage: "https://y.example/64x64"},
			{Forms: []api.AlchemyForm{{Name: "caption", Payload: map[string]string{"style": "short"}}}, SourceImage: url},
		} {
			if got := n.state(n.ask(bob, other)); got != "waiting caption:waiting" {
				t.Errorf("%+v: %s", other, got)
			}
		}

		n.clock.Advance(kind.KnownImageFor)
		if got := n.state(n.ask(bob, ask)); got != `waiting caption:done={"caption":"a dog"} nsfw:waiting GFPGAN:waiting` {
			t.Errorf("later: %s", got)
		}

		n.clock.Advance(kind.KnownFor)
		if got := n.state(n.ask(bob, ask)); got != `waiting caption:waiting nsfw:waiting GFPGAN:waiting` {
			t.Errorf("much later: %s", got)
		}

		if err := n.Store.Write(t.Context(), store.Unit{Do: (*store.Tx).PruneKnownResults}); err != nil {
			t.Error(err)
		}
	})
}

// A webhook is told links that begin with what who made the request reached, not
// with what the worker that delivers reached; the requester's own calls get those
// of each call.
func TestLinksAreForWhoGetsThem(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, n *node) {
		alice, walter := n.person("alice", false), n.person("walter", false)
		asking := horde.WithBase(t.Context(), horde.At("https://requester.example"))
		working := horde.WithBase(t.Context(), horde.At("http://worker.example"))
		accepted, err := n.Accept(asking, Request{Key: alice.Key, Body: api.AlchemyRequest{
			Forms: forms("GFPGAN"), SourceImage: inline(64, 64), Webhook: "https://hook.example/x"}})
		if err != nil {
			t.Fatal(err)
		}

		job, err := n.Pop(working, n.offer(walter, "w"), 0)
		if err != nil || len(job.Forms) != 1 {
			t.Fatalf("popped %+v, %v", job, err)
		}
		form := job.Forms[0]
		for _, link := range []string{form.R2Upload, form.SourceImage} {
			if !strings.HasPrefix(link, "http://worker.example/blob/") {
				t.Errorf("the worker gets the link %s", link)
			}
		}
		if _, err := n.Submit(working, walter.Key,
			api.AlchemySubmit{ID: form.ID, Result: map[string]any{"GFPGAN": "R2"}}); err != nil {
			t.Fatal(err)
		}

		if got := <-n.hooks; !strings.Contains(got, `"GFPGAN":"https://requester.example/blob/`) {
			t.Errorf("the webhook heard %s", got)
		}
		for _, base := range []string{"https://requester.example", "http://elsewhere.example:7001"} {
			st, err := n.Status(horde.WithBase(t.Context(), horde.At(base)), accepted.ID)
			if err != nil || !strings.Contains(string(st.Forms[0].Result), `"GFPGAN":"`+base+`/blob/`) {
				t.Errorf("by %s: %s, %v", base, st.Forms[0].Result, err)
			}
		}
	})
}

func TestAWebhookIsToldOfAForm(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	alice, walter := n.person("alice", false), n.person("walter", false)
	id := n.ask(alice, api.AlchemyRequest{Forms: forms("interrogation"), Webhook: "https://hook.example/x"})
	o := n.offer(walter, "w")
	form := n.pop(o).Forms[0].ID
	if _, err := n.submit(walter,
		api.AlchemySubmit{ID: form, Result: map[string]any{"interrogation": map[string]any{"tags": []any{}}}}); err != nil {
		t.Fatal(err)
	}
	want := fmt.Sprintf(`https://hook.example/x {"form":"interrogation","state":"done","result":{"interrogation":{"tags":[]}},"worker_id":"%s","worker_name":"w","request":"%s","id":"%s","kudos":3.0}`,
		o.Worker.ID, id, form)
	if got := <-n.hooks; got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}

// However many workers pop, deliver, fault and cancel at once, on however many
// nodes, every form is handed out to one at a time and settled at most once.
func TestAFormIsHandedOutToOneAtATime(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		nodes := []*node{newNode(t, db, c)}
		if db.Engine == storetest.Postgres {
			nodes = append(nodes, newNode(t, db, c))
		}

		first := nodes[0]
		alice := first.person("alice", false)
		var ids []string
		for range 12 {
			ids = append(ids, first.ask(alice,
				api.AlchemyRequest{Forms: forms("caption", "nsfw", "palette", "describe"), SourceImage: "https://x.example/64x64"}))
		}

		for _, n := range nodes[1:] {
			if err := n.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
		}

		var wg sync.WaitGroup
		var mu sync.Mutex

		paid := map[string]int{}
		for i := range 8 {
			n := nodes[i%len(nodes)]
			p := n.person(fmt.Sprint("worker", i), i%3 == 0)

			o := n.offer(p, fmt.Sprint("w", i), amount(1+i%3))
			wg.Go(func() {
				for {
					job, err := n.Pop(context.Background(), o, 0)
					if err != nil {
						t.Error(err)
						return
					}

					if job.Forms == nil {
						// What others faulted may be left to those that did not.
						if err := n.Reload(context.Background()); err != nil {
							t.Error(err)
						}
						if n.Open() == 0 || t.Failed() {
							return
						}
						continue
					}

					for k, f := range job.Forms {
						s := api.AlchemySubmit{ID: f.ID, Result: map[string]any{f.Form: i}}
						if (i+k)%4 == 0 {
							s.State = "faulted"
						}

						reward, err := n.submit(p, s)
						if err != nil && horde.CodeOf(err) != horde.DuplicateGen && horde.CodeOf(err) != horde.WrongCredentials {
							t.Error(err)
						}

						if reward > 0 {
							mu.Lock()
							paid[f.ID]++
							mu.Unlock()
						}
					}
				}
			})
		}

		for i, id := range ids {
			if i%4 == 0 {
				n := nodes[i/4%len(nodes)]
				wg.Go(func() {
					if _, err := n.Cancel(context.Background(), id); err != nil {
						t.Error(err)
					}
				})
			}
		}

		wg.Wait()
		for form, times := range paid {
			if times != 1 {
				t.Errorf("form %s was paid %d times", form, times)
			}
		}

		for _, n := range nodes {
			if err := n.Reload(t.Context()); err != nil {
				t.Fatal(err)
			}
		}

		done := 0
		for _, id := range ids {
			a, b := first.state(id), nodes[len(nodes)-1].state(id)
			if a != b || strings.Contains(a, "waiting") || strings.Contains(a, "processing") {
				t.Errorf("%s and %s", a, b)
			}
			done += strings.Count(a, ":done")
		}

		if done != len(paid) {
			t.Errorf("%d forms are done, %d were paid to workers", done, len(paid))
		}

		settled := first.account(alice).Totals.Requests[store.FormPlace]
		if charged := 1000 - first.balance(alice); charged != float64(3*settled) || settled < int64(done) {
			t.Errorf("%v charged for %d forms, %d delivered", charged, settled, done)
		}

		if held := first.account(alice).Held; held != 0 {
			t.Errorf("%s are still held", held)
		}

		first.sound()
	})
}

// News of another node come in by Refresh; a node that has heard nothing looks in
// the database for what it is asked after.
func TestANodeAnswersForTheFormsOfAnother(t *testing.T) {
	t.Parallel()
	db := storetest.On(t, storetest.Postgres)
	c := hordetest.NewClock()
	a, b := newNode(t, db, c), newNode(t, db, c)
	alice, walter := a.person("alice", false), a.person("walter", false)
	id := a.ask(alice, api.AlchemyRequest{Forms: forms("caption", "nsfw")})
	if got := b.state(id); got != "waiting caption:waiting nsfw:waiting" {
		t.Errorf("asked after: %s", got)
	}

	form := a.pop(a.offer(walter, "w")).Forms[0]
	if _, err := b.submit(walter, api.AlchemySubmit{ID: form.ID, Result: map[string]any{"caption": "x"}}); err != nil {
		t.Error(err)
	}

	if _, err := a.submit(walter,
		api.AlchemySubmit{ID: form.ID, Result: map[string]any{"caption": "y"}}); horde.CodeOf(err) != horde.DuplicateGen {
		t.Errorf("twice: %v", err)
	}

	if got := a.state(id); got != `waiting caption:done={"caption":"x"} nsfw:waiting` {
		t.Errorf("a: %s", got)
	}

	if _, err := b.Cancel(t.Context(), id); err != nil {
		t.Error(err)
	}

	if got := names(a.pop(a.offer(walter, "w"))); got != "" {
		t.Errorf("a hands out what b has cancelled: %s", got)
	}
}

// Whatever a worker sends comes back as it was, but for "R2".
func TestResultsComeBackAsTheyWereSent(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	value := rapid.OneOf(rapid.Map(rapid.String(), func(s string) any { return s }),
		rapid.Map(rapid.Int32(), func(i int32) any { return float64(i) }),
		rapid.Just[any]("R2"), rapid.Just[any](nil), rapid.Just[any](map[string]any{"x": "R2"}),
		rapid.Just[any]([]any{"R2", true}))

	rapid.Check(t, func(t *rapid.T) {
		sent := rapid.MapOf(rapid.String(), value).Draw(t, "result")
		r, err := kind.Keep("form", sent)
		if err != nil {
			t.Fatal(err)
		}

		var got map[string]any
		if len(sent) > 0 {
			if err := json.Unmarshal(n.withLinks(t.Context(), r), &got); err != nil {
				t.Fatal(err)
			}
		}

		if len(got) != len(sent) {
			t.Fatalf("%v became %v", sent, got)
		}

		for name, v := range sent {
			want, was := fmt.Sprint(v), fmt.Sprint(got[name])
			if v == "R2" && !strings.HasPrefix(was, "http://horde.test/blob/form.webp") || v != "R2" && was != want {
				t.Errorf("%q: %v became %v", name, v, was)
			}
		}
	})
}
