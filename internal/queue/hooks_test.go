package queue

import (
	"context"
	"encoding/json"
	"sync"
	"testing"

	"horde/api"
	"horde/internal/notify"
	"horde/internal/store/storetest"
)

// hook takes webhooks.
type hook chan string

func (h hook) Post(_ context.Context, address, _ string, body []byte) error {
	h <- address + " " + string(body)
	return nil
}

func TestWebhooks(t *testing.T) {
	n := newNode(t, storetest.On(t, storetest.SQLite), newClock())
	calls := make(hook, 8)
	n.Hooks = notify.New(notify.Options{Sender: calls, Senders: 1})
	running, stop := context.WithCancel(t.Context())
	var done sync.WaitGroup
	done.Go(func() { n.Hooks.Run(running) })
	t.Cleanup(func() { stop(); done.Wait() })
	alice, walter := n.person(t, false, 1000), n.person(t, true, 1000)

	a := ask(alice, 1)
	a.Body.Webhook = "https://hook.example/i"
	id := n.accept(t, a)
	if _, err := n.submit(walter.key, *n.take(t, walter, pop("w")).ID, "faulted"); err != nil { // tells nothing
		t.Fatal(err)
	}
	job := *n.take(t, walter, pop("w")).ID
	reward, err := n.submit(walter.key, job, "ok")
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
	if m := told("https://hook.example/i "); m["id"] != job || m["request"] != id || m["seed"] != 7.0 || m["kudos"] != reward ||
		m["worker_name"] != "w" || m["img"] == "" || m["state"] != "ok" {
		t.Errorf("%v", m)
	}

	text := askText(alice, 1, "a/model")
	text.Body.Webhook = "https://hook.example/t"
	id = n.acceptText(t, text)
	written := n.takeText(t, walter, scribe("s"))
	if reward, err = n.SubmitText(t.Context(), walter.key, api.TextSubmit{ID: *written.ID, Generation: "once", Seed: 3}); err != nil {
		t.Fatal(err)
	}
	if m := told("https://hook.example/t "); m["id"] != *written.ID || m["request"] != id || m["seed"] != 3.0 || m["kudos"] != reward || m["text"] != "once" {
		t.Errorf("%v", m)
	}
	if len(calls) != 0 {
		t.Error(<-calls)
	}
}
