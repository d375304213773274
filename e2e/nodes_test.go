package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"horde/api"
	"horde/e2e/program"
)

// TestTwoNodes has two servers on one database carry one request together:
// asked on one, taken on the other, delivered on the first, read on the second.
func TestTwoNodes(t *testing.T) {
	t.Parallel()
	db := program.Postgres(t)
	env := []string{"HORDE_SECRET_KEY=a-secret-that-both-nodes-share",
		"HORDE_BLOB_SECRET=another-secret-that-both-nodes-share"}
	a, b := program.Start(t, program.Setup{DB: db, Env: env}), program.Start(t, program.Setup{DB: db, Env: env})

	p := makeParties(t, a, 2)
	for round := range 20 {
		status, body := call(t, http.MethodPost, a.URL+"/api/v2/generate/async", p[0].key, `{"prompt":"a lighthouse"}`)
		var accepted api.Accepted
		decodeAs(t, http.StatusAccepted, status, body, &accepted)
		job := popUntil(t, b, p[1])
		status, body = call(t, http.MethodGet, a.URL+"/api/v2/generate/check/"+accepted.ID, "", "")
		var check api.Check
		decodeAs(t, http.StatusOK, status, body, &check)
		status, body = call(t, http.MethodPost, a.URL+"/api/v2/generate/submit", p[1].key,
			fmt.Sprintf(`{"id":%q,"generation":"R2","seed":1}`, *job.ID))
		decodeAs(t, http.StatusOK, status, body, new(api.Submitted))
		status, body = call(t, http.MethodPost, b.URL+"/api/v2/generate/submit", p[1].key,
			fmt.Sprintf(`{"id":%q,"generation":"R2","seed":1}`, *job.ID))
		if status != http.StatusBadRequest {
			t.Fatalf("round %d: delivered on both nodes: %d %s", round, status, body)
		}

		status, body = call(t, http.MethodGet, b.URL+"/api/v2/generate/status/"+accepted.ID, "", "")
		var s api.ImageStatus
		decodeAs(t, http.StatusOK, status, body, &s)
		if !s.Done || len(s.Generations) != 1 {
			t.Fatalf("round %d: %s", round, body)
		}
	}
}

// popUntil pops until the news of a request has come to the node.
func popUntil(t *testing.T, srv *program.Server, p party) api.ImageJob {
	t.Helper()
	pop := fmt.Sprintf(`{"name":%q,"models":["stable_diffusion"],"bridge_agent":"AI Horde Worker reGen:13.0.0:x","max_pixels":4194304}`, p.worker)
	for deadline := time.Now().Add(10 * time.Second); ; {
		status, body := call(t, http.MethodPost, srv.URL+"/api/v2/generate/pop", p.key, pop)
		var job api.ImageJob
		decodeAs(t, http.StatusOK, status, body, &job)
		if job.ID != nil {
			return job
		}
		if time.Now().After(deadline) {
			t.Fatalf("the other node's request never came: %s", body)
		}
	}
}

func decodeAs(t *testing.T, want, status int, body string, into any) {
	t.Helper()
	if status != want {
		t.Fatalf("status %d, wanted %d: %s", status, want, body)
	}
	if err := json.Unmarshal([]byte(body), into); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
}

// TestTwoNodesKeepOut has a moderator keep out a range on one node: within two
// seconds the other refuses callers from it, through its proxy and whatever they
// write into their headers, and lets them in again as fast.
func TestTwoNodesKeepOut(t *testing.T) {
	db := program.Postgres(t)
	env := []string{"HORDE_SECRET_KEY=a-secret-that-both-nodes-share", "HORDE_TRUSTED_PROXIES=127.0.0.1"}
	a, b := program.Start(t, program.Setup{DB: db, Env: env}), program.Start(t, program.Setup{DB: db, Env: env})
	status, body := call(t, http.MethodPost, a.URL+"/api/v2/dev/test-user", "",
		`{"username":"mo","oauth_id":"test-mo","moderator":true}`)
	var mo struct {
		Key string `json:"api_key"`
	}

	decodeAs(t, http.StatusCreated, status, body, &mo)
	ask := func(forwarded string) int {
		t.Helper()
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.URL+"/api/v2/generate/async",
			strings.NewReader(`{"prompt":"a lighthouse","dry_run":true}`))
		if err != nil {
			t.Fatal(err)
		}

		r.Header.Set("Content-Type", "application/json")
		r.Header.Set("apikey", mo.Key)
		r.Header.Set("X-Forwarded-For", forwarded)
		w, err := http.DefaultClient.Do(r)
		if err != nil {
			t.Fatal(err)
		}

		w.Body.Close()
		return w.StatusCode
	}

	until := func(want int) {
		t.Helper()
		within(t, 2*time.Second, fmt.Sprintf("the other node answers %d", want),
			func() bool { return ask("198.51.100.7") == want })
	}

	until(http.StatusOK)
	status, body = call(t, http.MethodPost, a.URL+"/api/v2/operations/ipaddr", mo.Key,
		`{"ipaddr":"198.51.100.0/24","hours":1}`)
	decodeAs(t, http.StatusOK, status, body, new(api.Simple))
	until(http.StatusForbidden)

	for forwarded, want := range map[string]int{"203.0.113.1, 198.51.100.7": http.StatusForbidden,
		"198.51.100.7, 203.0.113.1": http.StatusOK} {
		if got := ask(forwarded); got != want {
			t.Errorf("X-Forwarded-For %q: %d, want %d", forwarded, got, want)
		}
	}

	status, body = call(t, http.MethodDelete, a.URL+"/api/v2/operations/ipaddr", mo.Key, `{"ipaddr":"198.51.100.0/24"}`)
	decodeAs(t, http.StatusOK, status, body, new(api.Simple))
	until(http.StatusOK)
}
