package queue

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"

	"horde/api"
	"horde/internal/blob"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/notify"
	"horde/internal/store/storetest"
)

// hook takes webhooks.
type hook chan string

func (h hook) Post(_ context.Context, address string, _ http.Header, body []byte) error {
	h <- address + " " + string(body)
	return nil
}

// call has the webhooks of a node called, until the end of the test.
func (h hook) call(t *testing.T, n *node) {
	t.Helper()
	hooks, err := notify.New(notify.Options{Store: n.Store, Sender: h, Image: n.Image, Clock: n.Clock})
	if err != nil {
		t.Fatal(err)
	}
	n.Hooks = hooks

	running, stop := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { hooks.Run(running) })
	t.Cleanup(func() { stop(); done.Wait() })
}

// A webhook is told links that begin with what who made the request reached, not
// with what the worker that delivers it reached, on whichever node that is.
func TestLinksOfWebhooksAreForTheRequester(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		all := nodes(t, db, hordetest.NewClock())
		first, last := all[0], all[len(all)-1]
		calls := make(hook, 8)
		calls.call(t, last)
		alice, walter := first.person(t, false, 1000), first.person(t, true, 1000)
		asking := horde.WithBase(t.Context(), horde.At("https://requester.example"))
		working := horde.WithBase(t.Context(), horde.At("http://worker.example"))

		a := ask(alice, 1)
		a.Body.Webhook = "https://hook.example/i"
		accepted, err := first.Accept(asking, a)
		if err != nil {
			t.Fatal(err)
		}
		if err := last.Refresh(t.Context(), []string{accepted.Accepted.ID}); err != nil {
			t.Fatal(err)
		}
		job, err := last.Pop(working, last.offer(t, walter, pop("w")), 0)
		if err != nil || job.ID == nil {
			t.Fatalf("popped %+v, %v", job, err)
		}
		if !strings.HasPrefix(*job.R2Upload, "http://worker.example/blob/") {
			t.Errorf("the worker's link is %s", *job.R2Upload)
		}
		name := strings.TrimPrefix((*job.R2Upload)[:strings.IndexByte(*job.R2Upload, '?')], "http://worker.example/blob/")
		if err := last.Blobs.Put(t.Context(), blob.Object{Name: name, Size: 1}, strings.NewReader("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := last.Submit(working, walter.Key,
			api.ImageSubmit{ID: *job.ID, Generation: "R2", Seed: 7, State: "ok"}); err != nil {
			t.Fatal(err)
		}

		if got := <-calls; !strings.Contains(got, `"img":"https://requester.example/blob/`+name) {
			t.Errorf("the webhook heard %s", got)
		}
	})
}

func TestWebhookOutlivesItsNode(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		n := newNode(t, db, c)
		hooks, err := notify.New(notify.Options{Store: n.Store, Clock: n.Clock}) // that nobody runs
		if err != nil {
			t.Fatal(err)
		}
		n.Hooks = hooks
		alice, walter := n.person(t, false, 1000), n.person(t, true, 1000)
		a := ask(alice, 1)
		a.Body.Webhook = "https://hook.example/i"
		n.accept(t, a)
		job := *n.take(t, walter, pop("w")).ID
		if _, err := n.submit(walter.Key, job, "ok"); err != nil {
			t.Fatal(err)
		}
		n.Store.Close()

		calls := make(hook, 8)
		calls.call(t, newNode(t, db, c))
		if got := <-calls; !strings.Contains(got, job) {
			t.Errorf("the webhook heard %s", got)
		}
	})
}

func TestWebhooksAreCalledForEachJob(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	calls := make(hook, 8)
	calls.call(t, n)
	alice, walter := n.person(t, false, 1000), n.person(t, true, 1000)

	a := ask(alice, 1)
	a.Body.Webhook = "https://hook.example/i"
	id := n.accept(t, a)
	if _, err := n.submit(walter.Key, *n.take(t, walter, pop("w")).ID, "faulted"); err != nil { // tells nothing
		t.Fatal(err)
	}
	job := *n.take(t, walter, pop("w")).ID
	reward, err := n.submit(walter.Key, job, "ok")
	if err != nil {
		t.Fatal(err)
	}
	told := func(address string) (m map[string]any) {
		t.Helper()
		got := <-calls
		if len(got) < len(address) || got[:len(address)] != address || json.Unmarshal([]byte(got[len(address):]), &m) != nil {
			t.Fatal(got)
		}
		return m
	}
	if m := told("https://hook.example/i "); m["id"] != job || m["request"] != id || m["seed"] != 7.0 ||
		m["kudos"] != reward ||
		m["worker_name"] != "w" || m["img"] == "" || m["state"] != "ok" {
		t.Errorf("%v", m)
	}

	text := askText(alice, 1, "a/model")
	text.Body.Webhook = "https://hook.example/t"
	id = n.acceptText(t, text)
	written := n.takeText(t, walter, scribe("s"))
	if reward, err = n.SubmitText(t.Context(), walter.Key,
		api.TextSubmit{ID: *written.ID, Generation: "once", Seed: 3}); err != nil {
		t.Fatal(err)
	}
	if m := told("https://hook.example/t "); m["id"] != *written.ID || m["request"] != id || m["seed"] != 3.0 ||
		m["kudos"] != reward || m["text"] != "once" {
		t.Errorf("%v", m)
	}
	if len(calls) != 0 {
		t.Error(<-calls)
	}
}
