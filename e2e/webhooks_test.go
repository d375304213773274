package e2e

import (
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"horde/api"
	"horde/e2e/program"
)

// hookReceiver takes webhooks that are signed by a secret, once it is open.
type hookReceiver struct {
	*httptest.Server
	open   atomic.Bool
	secret string

	mu      sync.Mutex
	refused int
	got     map[string]int // by webhook-id, those that were taken
	bad     []string
}

func newHookReceiver(t *testing.T) *hookReceiver {
	t.Helper()
	r := &hookReceiver{got: map[string]int{}}
	r.Server = httptest.NewTLSServer(r)
	t.Cleanup(r.Close)
	return r
}

// trust is the setting by which a program trusts the receiver's certificate.
func (r *hookReceiver) trust(t *testing.T) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "receiver.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: r.Certificate().Raw})
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return "SSL_CERT_FILE=" + file
}

func (r *hookReceiver) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	body, _ := io.ReadAll(req.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.open.Load() {
		r.refused++
		w.WriteHeader(http.StatusServiceUnavailable)
		return
	}

	id := req.Header.Get("webhook-id")
	var told struct {
		ID  string `json:"id"`
		Img string `json:"img"`
	}
	key, err := standardwebhooks.NewWebhook(r.secret)
	if err == nil {
		err = key.Verify(body, req.Header)
	}
	if err == nil {
		err = json.Unmarshal(body, &told)
	}
	if err != nil || told.ID != id || told.Img == "" {
		r.bad = append(r.bad, fmt.Sprintf("%s: %v, %.200s", id, err, body))
	}
	r.got[id]++
}

func (r *hookReceiver) count(f func() int) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return f()
}

// TestKillLosesNoWebhook: what a server has acknowledged is told to its receiver, though
// the receiver was away and the server was killed.
func TestKillLosesNoWebhook(t *testing.T) {
	t.Parallel()
	engines(t, func(t *testing.T, db string) {
		r := newHookReceiver(t)
		setup := program.Setup{
			Data: t.TempDir(),
			DB:   db,
			Addr: program.FreeAddr(t),
			Env:  []string{"HORDE_ALLOW_PRIVATE_FETCH=1", r.trust(t)},
		}
		srv := program.Start(t, setup)
		p := makeParties(t, srv, 1)[0]
		r.secret = newSigningSecret(t, srv, p.key)

		const deliveries = 12
		jobs := map[string]bool{}
		for range deliveries {
			jobs[deliverTo(t, srv, p, r.URL+"/hook")] = true
		}
		for r.count(func() int { return r.refused }) == 0 {
			time.Sleep(time.Millisecond)
		}
		srv.Kill()

		srv = program.Start(t, setup)
		webhooks := webhooksOf(t, srv, p.key)
		if n := webhooks.Pending + webhooks.Failed; n != deliveries || webhooks.Dead != 0 {
			t.Errorf("%+v", webhooks)
		}
		r.open.Store(true)
		for _, w := range webhooks.Webhooks {
			if w.State == "failed" { // the others are called anyway
				call(t, http.MethodPost, srv.URL+"/api/ext/v1/webhooks/"+w.ID+"/replay", p.key, "")
			}
		}

		for end := time.Now().Add(90 * time.Second); time.Now().Before(end); time.Sleep(20 * time.Millisecond) {
			if r.count(func() int { return len(r.got) }) == deliveries {
				break
			}
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		for id := range r.got {
			if !jobs[id] {
				t.Errorf("%s was not delivered", id)
			}
		}
		if len(r.got) != deliveries || len(r.bad) > 0 {
			t.Errorf("%d of %d webhooks came; %q", len(r.got), deliveries, r.bad)
		}
	})
}

func newSigningSecret(t *testing.T, srv *program.Server, key string) string {
	t.Helper()
	var s api.WebhookSecret
	status, body := call(t, http.MethodPost, srv.URL+"/api/ext/v1/webhooks/secret", key, "")
	decodeAs(t, http.StatusOK, status, body, &s)
	return s.Secret
}

func webhooksOf(t *testing.T, srv *program.Server, key string) (list api.Webhooks) {
	t.Helper()
	status, body := call(t, http.MethodGet, srv.URL+"/api/ext/v1/webhooks?limit=100", key, "")
	decodeAs(t, http.StatusOK, status, body, &list)
	return list
}

// deliverTo asks for an image with a webhook, delivers it, and returns the id of its job.
func deliverTo(t *testing.T, srv *program.Server, p party, webhook string) string {
	t.Helper()
	client := &http.Client{Timeout: 30 * time.Second}
	ask := fmt.Sprintf(`{"prompt":"a lighthouse","webhook":%q,"params":{"width":64,"height":64,"steps":4}}`, webhook)
	pop := fmt.Sprintf(`{"name":%q,"models":["stable_diffusion"],"bridge_agent":"AI Horde Worker reGen:13.0.0:x",`+
		`"max_pixels":4194304}`, p.worker)
	var accepted api.Accepted
	var job api.ImageJob
	var done api.Submitted
	if !p.post(client, srv.URL+"/api/v2/generate/async", ask, &accepted) ||
		!p.post(client, srv.URL+"/api/v2/generate/pop", pop, &job) || job.ID == nil {
		t.Fatalf("no job: %+v, %+v", accepted, job)
	}
	submit := fmt.Sprintf(`{"id":%q,"generation":"R2","seed":1}`, *job.ID)
	if !p.post(client, srv.URL+"/api/v2/generate/submit", submit, &done) {
		t.Fatal("not delivered")
	}
	return *job.ID
}
