package notify_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"horde/api"
	"horde/internal/fetch"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/notify"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// call is one that a receiver got.
type call struct {
	address string
	header  http.Header
	body    string
}

// receiver takes webhooks, or answers with an error.
type receiver struct {
	calls  chan call
	answer func(ctx context.Context, address string) error // nil: it takes all
}

func (r *receiver) Post(ctx context.Context, address string, header http.Header, body []byte) error {
	if r.answer != nil {
		if err := r.answer(ctx, address); err != nil {
			return err
		}
	}
	r.calls <- call{address, header, string(body)}
	return nil
}

func (r *receiver) next(t *testing.T) call {
	t.Helper()
	select {
	case c := <-r.calls:
		return c
	case <-time.After(20 * time.Second):
		t.Fatal("no webhook was called")
		return call{}
	}
}

// node is one that calls webhooks.
type node struct {
	*notify.Notifier
	t     *testing.T
	store *store.Store
	clock *hordetest.Clock
}

func newNode(t *testing.T, s *store.Store, c *hordetest.Clock, sender notify.Sender) *node {
	t.Helper()
	n, err := notify.New(notify.Options{
		Store:  s,
		Sender: sender,
		Image: func(ctx context.Context, name string, byLink bool) string {
			return fmt.Sprintf("%s/%s?%v", horde.BaseOf(ctx), name, byLink)
		},
		Secret: []byte("of the horde"),
		Clock:  c.Now,
	})
	if err != nil {
		t.Fatal(err)
	}
	return &node{Notifier: n, t: t, store: s, clock: c}
}

// run has the node call until stop.
func (n *node) run() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { n.Run(ctx) })
	return func() { cancel(); running.Wait() }
}

// put writes a webhook and returns its id.
func (n *node) put(user horde.UserID, address string, body any) string {
	n.t.Helper()
	return n.putRow(store.Webhook{UserID: user, Kind: "image", Address: address}, body)
}

func (n *node) putRow(w store.Webhook, body any) string {
	n.t.Helper()
	w.ID = horde.NewID()
	row, err := notify.Compose(w, body)
	if err != nil || row == nil {
		n.t.Fatalf("%s: %v, %v", w.Address, row, err)
	}
	err = n.store.Write(n.t.Context(), store.Unit{Do: func(tx *store.Tx) error {
		tx.InsertWebhook(*row)
		return nil
	}})
	if err != nil {
		n.t.Fatal(err)
	}
	n.Wake()
	return w.ID
}

func (n *node) list(user horde.UserID, state string) *api.Webhooks {
	n.t.Helper()
	l, err := n.List(n.t.Context(), user, state, "", notify.MaxPage)
	if err != nil {
		n.t.Fatal(err)
	}
	return l
}

// until waits for something that the node does beside.
func until(t *testing.T, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// each runs a test with a node on each engine.
func each(t *testing.T, test func(*testing.T, *node, *receiver)) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		t.Parallel()
		r := &receiver{calls: make(chan call, 1000)}
		c := hordetest.NewClock()
		test(t, newNode(t, db.Open(storetest.Clock(c.Now)), c, r), r)
	})
}

// What a receiver took is gone, with the id of its job, its image as it is shown at that
// time, and the signatures of the newest two secrets.
func TestWebhookIsSentAsStandardWebhooks(t *testing.T) {
	each(t, func(t *testing.T, n *node, r *receiver) {
		defer n.run()()
		n.put(7, "https://hook.example/x", 1)
		if c := r.next(t); c.header.Get("webhook-signature") != "" {
			t.Errorf("signed without a secret: %v", c.header)
		}

		var secrets []string
		for range 3 {
			secret, err := n.Rotate(t.Context(), 7)
			if err != nil || !strings.HasPrefix(secret, "whsec_") {
				t.Fatal(secret, err)
			}
			secrets = append(secrets, secret)
		}

		mark := notify.NewMark()
		id := n.putRow(store.Webhook{
			UserID:  7,
			Address: "https://hook.example/secret",
			Mark:    mark,
			Blob:    "a.webp",
			ByLink:  true,
			Base:    "https://asked.example",
		}, map[string]any{"img": mark, "n": 1})
		c := r.next(t)
		if c.address != "https://hook.example/secret" || c.body != `{"img":"https://asked.example/a.webp?true","n":1}` {
			t.Errorf("%+v", c)
		}
		if h := c.header; h.Get("webhook-id") != id || h.Get("Content-Type") != "application/json" ||
			h.Get("Horde-Webhook-Attempt") != "1" {
			t.Errorf("%v", h)
		}
		for i, secret := range secrets {
			w, err := standardwebhooks.NewWebhook(secret)
			if err != nil {
				t.Fatal(err)
			}
			if err := w.VerifyIgnoringTimestamp([]byte(c.body), c.header); (err == nil) != (i > 0) {
				t.Errorf("secret %d of 3: %v", i+1, err)
			}
		}

		until(t, "nothing waits", func() bool { l := n.list(7, ""); return l.Pending+l.Failed+l.Dead == 0 })
		if n.list(7, "").SecretSince == "" || n.list(8, "").SecretSince != "" {
			t.Error("who has a secret is not told")
		}
	})
}

func TestSecretsAreEncrypted(t *testing.T) {
	each(t, func(t *testing.T, n *node, _ *receiver) {
		secret, err := n.Rotate(t.Context(), 7)
		if err != nil {
			t.Fatal(err)
		}
		kept, err := n.store.WebhookSecret(t.Context(), 7)
		if err != nil || kept.Secret == "" || strings.Contains(kept.Secret, strings.TrimPrefix(secret, "whsec_")) {
			t.Errorf("kept as %+v, %v", kept, err)
		}
	})
}

func TestSlowReceiverStarvesNobody(t *testing.T) {
	each(t, func(t *testing.T, n *node, r *receiver) {
		var mu sync.Mutex
		slow, most := 0, 0
		r.answer = func(ctx context.Context, address string) error {
			if !strings.Contains(address, "slow") {
				return nil
			}
			mu.Lock()
			slow++
			most = max(most, slow)
			mu.Unlock()
			<-ctx.Done()
			mu.Lock()
			slow--
			mu.Unlock()
			return ctx.Err()
		}
		for i := range 300 {
			n.put(7, fmt.Sprintf("https://slow.example/%d", i), i)
		}
		defer n.run()()

		began := time.Now()
		n.put(8, "https://quick.example/", "of another account")
		n.put(7, "https://quick.example/", "of the same")
		r.next(t)
		r.next(t)
		if took := time.Since(began); took > 2500*time.Millisecond {
			t.Errorf("quick receivers were called after %v", took)
		}
		mu.Lock()
		defer mu.Unlock()
		if most > 4 {
			t.Errorf("%d calls to one host at a time", most)
		}
	})
}

// What fails is tried again for a day and given up then; its owner sees why, nobody else
// does, and can have it called again.
func TestFailedWebhooksAreTriedGivenUpAndReplayed(t *testing.T) {
	each(t, func(t *testing.T, n *node, r *receiver) {
		failed := &url.Error{
			Op:  "Post",
			URL: "https://down.example/secret",
			Err: errors.New("dial tcp 10.0.0.1: refused"),
		}
		var repaired atomic.Bool
		r.answer = func(_ context.Context, address string) error {
			switch {
			case address == "https://down.example/a":
				return failed
			case !repaired.Load():
				return fmt.Errorf("%w: 500", fetch.ErrStatus)
			}
			return nil
		}

		defer n.run()()
		a, b := n.put(7, "https://down.example/a", "a"), n.put(7, "https://down.example/b", "b")
		until(t, "both have failed", func() bool { return n.list(7, "failed").Failed == 2 })
		for _, w := range n.list(7, "failed").Webhooks {
			if w.Attempts != 1 || w.State != "failed" || w.Next == "" || w.Error == "" ||
				strings.Contains(w.Error, "10.0") {
				t.Errorf("%+v", w)
			}
		}

		began := n.clock.Now()
		until(t, "both are given up", func() bool {
			n.clock.Advance(time.Hour)
			n.Wake()
			return n.list(7, "").Dead == 2
		})
		if n.clock.Now().Sub(began) < 24*time.Hour {
			t.Error("given up within a day")
		}
		for _, w := range n.list(7, "dead").Webhooks {
			if w.Attempts < 2 || w.Next != "" || w.Error == "" {
				t.Errorf("%+v", w)
			}
		}
		if len(n.list(8, "").Webhooks) != 0 || n.Replay(t.Context(), 8, a) == nil {
			t.Error("somebody else's")
		}

		repaired.Store(true)
		if err := n.Replay(t.Context(), 7, b); err != nil {
			t.Error(err)
		}
		if c := r.next(t); c.body != `"b"` || c.header.Get("webhook-id") != b ||
			c.header.Get("Horde-Webhook-Attempt") != "1" {
			t.Errorf("%+v", c)
		}
		until(t, "it is gone", func() bool { return n.list(7, "").Dead == 1 })
	})
}

func TestWebhooksOfADeadNodeAreCalledByAnother(t *testing.T) {
	db := storetest.On(t, storetest.Postgres)
	c := hordetest.NewClock()
	hang := make(chan struct{})
	stuck := &receiver{calls: make(chan call, 9), answer: func(context.Context, string) error { <-hang; return nil }}
	alive := &receiver{calls: make(chan call, 9)}
	first := newNode(t, db.Open(storetest.Clock(c.Now)), c, stuck)
	second := newNode(t, db.Open(storetest.Clock(c.Now)), c, alive)

	stop := first.run()
	defer func() { close(hang); stop() }()
	id := first.put(7, "https://hook.example/", 1)
	until(t, "the first node has it", func() bool {
		l := second.list(7, "")
		return len(l.Webhooks) == 1 && l.Webhooks[0].Attempts == 1
	})

	defer second.run()()
	c.Advance(time.Minute)
	second.Wake()
	if got := alive.next(t); got.header.Get("webhook-id") != id || got.header.Get("Horde-Webhook-Attempt") != "2" {
		t.Errorf("%+v", got)
	}
}

// The oldest beyond the bounds of an account are given up, and go.
func TestWebhooksOfAnAccountAreBounded(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		t.Parallel()
		c := hordetest.NewClock()
		n := newNode(t, db.Open(storetest.Clock(c.Now)), c, &receiver{})
		var ids []string
		for range 6 {
			ids = append(ids, n.put(7, "https://hook.example/", 1))
			c.Advance(time.Second)
		}
		n.put(0, "https://hook.example/", 1)

		prune := func(b store.WebhookBounds) {
			err := n.store.Write(t.Context(), store.Unit{Do: func(tx *store.Tx) error { return tx.PruneWebhooks(b) }})
			if err != nil {
				t.Fatal(err)
			}
		}
		prune(store.WebhookBounds{Waiting: 2, Dead: 3, Unreadable: 0})
		l := n.list(7, "dead")
		if l.Pending != 2 || l.Dead != 3 || l.Webhooks[0].ID != ids[3] || l.Webhooks[2].ID != ids[1] {
			t.Errorf("%+v", l)
		}
		prune(store.WebhookBounds{Waiting: 0, Dead: 3, DeadSince: horde.MicrosOf(c.Now()), Unreadable: 0})
		if l := n.list(7, ""); l.Pending+l.Dead != 0 || n.list(0, "").Pending+n.list(0, "").Dead != 0 {
			t.Errorf("%+v", l)
		}
	})
}

// Pages are complete and disjoint.
func TestPagesOfWebhooks(t *testing.T) {
	each(t, func(t *testing.T, n *node, _ *receiver) {
		want := map[string]bool{}
		for range 7 {
			want[n.put(7, "https://hook.example/", 1)] = true
		}

		for before := ""; ; {
			l, err := n.List(t.Context(), 7, "pending", before, 3)
			if err != nil || l.Pending != 7 {
				t.Fatal(l, err)
			}

			for _, w := range l.Webhooks {
				if !want[w.ID] {
					t.Errorf("%s is there twice", w.ID)
				}
				delete(want, w.ID)
			}

			if before = l.Next; before == "" {
				break
			}
		}

		if len(want) != 0 {
			t.Errorf("%v are missing", want)
		}

		if _, err := n.List(t.Context(), 7, "", "x", 3); err == nil {
			t.Error("an invented page")
		}
	})
}

func TestComposeNeedsAnAddress(t *testing.T) {
	for _, address := range []string{"", "https://", "https://\x00/", "nonsense"} {
		if w, err := notify.Compose(store.Webhook{Address: address}, 1); w != nil || err != nil {
			t.Errorf("%q: %v, %v", address, w, err)
		}
	}
	if _, err := notify.Compose(store.Webhook{Address: "https://hook.example"}, func() {}); err == nil {
		t.Error("a body that is none")
	}
	var none *notify.Notifier
	none.Wake()
	if bytes.Equal([]byte(notify.NewMark()), []byte(notify.NewMark())) {
		t.Error("marks can be guessed")
	}
}
