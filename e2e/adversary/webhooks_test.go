package adversary

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"horde/api"
)

var webhooks = []class{
	{name: "webhooks/receivers that do not answer", attack: hooksTo(16, unanswered), receivers: true, env: unlimited},
	{name: "webhooks/receivers that hang up", attack: hooksTo(16, hungUp), receivers: true, env: unlimited},
	{name: "webhooks/a thousand to one receiver", attack: hooksTo(1, unanswered), receivers: true, env: unlimited},
	{name: "webhooks/that lead elsewhere", attack: redirectedHooks, receivers: true, env: unlimited},
}

// unlimited has the program count no calls: what an attack measures lies behind them.
var unlimited = []string{"HORDE_TEST_RATELIMIT_DISABLED=1"}

const (
	hookModel    = "Dreamshaper"    // of the honest receiver's requests
	hookPatience = 10 * time.Second // until all that were waited for have come
	honestHooks  = 5
)

// trustReceivers are the settings by which a program calls the receivers of tests, which
// are on this machine.
func trustReceivers(t *testing.T) []string {
	t.Helper()
	example := httptest.NewTLSServer(nil) // all have the same certificate
	defer example.Close()
	file := filepath.Join(t.TempDir(), "receivers.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: example.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"HORDE_ALLOW_PRIVATE_FETCH=1", "SSL_CERT_FILE=" + file}
}

// receiver is somebody's address for webhooks.
type receiver struct {
	*httptest.Server
	calls atomic.Int64

	mu  sync.Mutex
	ids map[string]int // of webhooks, and how often they came
}

// newReceiver opens a receiver that answers as it is told; nil: it takes everything.
func newReceiver(a *arena, answer http.HandlerFunc) *receiver {
	r := &receiver{ids: map[string]int{}}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.calls.Add(1)
		if answer != nil {
			answer(w, req)
			return
		}
		_, _ = io.Copy(io.Discard, req.Body)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.ids[req.Header.Get("webhook-id")]++
	}))
	r.Config.ErrorLog = quiet // of connections that are given up, as they are meant to be
	a.Cleanup(func() {
		r.CloseClientConnections()
		r.Close()
	})
	return r
}

// missing are those of some webhooks that have not come.
func (r *receiver) missing(ids []string) (n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, id := range ids {
		if r.ids[id] == 0 {
			n++
		}
	}
	return n
}

// unanswered is a receiver that lets everybody wait.
func unanswered(_ http.ResponseWriter, req *http.Request) {
	_, _ = io.Copy(io.Discard, req.Body)
	<-req.Context().Done()
}

// hungUp is one that ends the call in the middle.
func hungUp(w http.ResponseWriter, _ *http.Request) {
	if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
		_ = conn.Close()
	}
}

// hooksTo has many images delivered whose webhooks lead to receivers of the attackers',
// and then some of an honest requester, whose receiver has to be told of all of them.
func hooksTo(receivers int, answer http.HandlerFunc) func(*arena) {
	return func(a *arena) {
		var theirs []*receiver
		for range receivers {
			theirs = append(theirs, newReceiver(a, answer))
		}
		a.deliverHooks(theirs)
		a.honestHooksCome()

		for _, r := range theirs {
			if r.calls.Load() > 0 {
				return
			}
		}
		a.fault("no receiver of the attackers' was called: this was no attack")
	}
}

// hooksOfAttack is how many webhooks the attackers bring.
func hooksOfAttack() int {
	if whole() {
		return 1000
	}
	return 200
}

// deliverHooks has the attackers' images delivered.
func (a *arena) deliverHooks(receivers []*receiver) {
	const accounts = 8
	each := hooksOfAttack() / accounts
	var all sync.WaitGroup
	for i := range accounts {
		key := makeUser(a.T, from(attackerAddress), a.url, fmt.Sprintf("hooker%d", i), true)
		all.Go(func() {
			for n := 0; n < each; n += 20 {
				a.deliverHooked(key, hooked{
					model:  "Deliberate",
					worker: fmt.Sprintf("attacker %d", i),
					to:     receivers[(i+n/20)%len(receivers)].URL,
					images: min(20, each-n),
				})
			}
		})
	}
	all.Wait()
}

// hooked is a request whose images are told of by webhooks.
type hooked struct {
	model  string
	worker string
	to     string
	images int
}

// deliverHooked asks for images with a webhook, delivers as many, and returns the ids of
// their jobs.
func (a *arena) deliverHooked(key string, h hooked) (jobs []string) {
	client := from(attackerAddress)
	defer client.CloseIdleConnections()
	ask := fmt.Sprintf(`{"prompt":"x","models":[%q],"webhook":%q,"params":{"n":%d,"width":64,"height":64,"steps":1}}`,
		h.model, h.to+"/hook", h.images)
	if got := a.send(client, http.MethodPost, "/api/v2/generate/async", key, ask); got.status != http.StatusAccepted {
		a.fault("a request with a webhook: %d %.200s", got.status, got.body)
		return nil
	}

	pop := fmt.Sprintf(`{"name":%q,"models":[%q],"bridge_agent":"AI Horde Worker reGen:13:x","max_pixels":4194304}`,
		h.worker, h.model)
	for range h.images {
		got := a.send(client, http.MethodPost, "/api/v2/generate/pop", key, pop)
		var job api.ImageJob
		if json.Unmarshal([]byte(got.body), &job) != nil || job.ID == nil {
			break
		}
		if got := a.deliver(client, key, &job); got.status == http.StatusOK {
			jobs = append(jobs, *job.ID)
		}
	}
	return jobs
}

// honestHooksCome delivers some images of an honest requester and waits for the webhooks.
func (a *arena) honestHooksCome() {
	r := newReceiver(a, nil)
	key := makeUser(a.T, from(honestAddress), a.url, "honest receiver", true)
	began := time.Now()
	jobs := a.deliverHooked(key, hooked{model: hookModel, worker: "honest maker", to: r.URL, images: honestHooks})
	if len(jobs) != honestHooks {
		a.fault("%d of %d honest images were delivered", len(jobs), honestHooks)
	}

	for end := began.Add(hookPatience); r.missing(jobs) > 0 && time.Now().Before(end); {
		time.Sleep(retryPause)
	}
	if n := r.missing(jobs); n > 0 {
		a.fault("%d of %d webhooks of an honest requester did not come", n, len(jobs))
		return
	}
	a.Logf("the honest receiver was told of %d images within %v", len(jobs), time.Since(began).Round(time.Millisecond))
}

// redirectedHooks leads webhooks on to where the program must not go: it follows none.
func redirectedHooks(a *arena) {
	var reached atomic.Int64
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer inside.Close()
	port := inside.URL[strings.LastIndexByte(inside.URL, ':'):]

	var theirs []*receiver
	for i, to := range []string{
		inside.URL + "/", "http://localhost" + port + "/", "http://127.1" + port + "/",
		"http://[::ffff:127.0.0.1]" + port + "/", "http://169.254.169.254/latest/meta-data/",
	} {
		status := []int{http.StatusFound, http.StatusTemporaryRedirect, http.StatusPermanentRedirect}[i%3]
		theirs = append(theirs, newReceiver(a, func(w http.ResponseWriter, req *http.Request) {
			http.Redirect(w, req, to, status)
		}))
	}
	a.deliverHooks(theirs)
	a.honestHooksCome()
	if n := reached.Load(); n > 0 {
		a.fault("%d webhooks were led on", n)
	}
	for i, r := range theirs {
		if r.calls.Load() == 0 {
			a.fault("receiver %d was not called: this was no attack", i)
		}
	}
}
