package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"horde/api"
	"horde/client"
	"horde/e2e/program"
)

// TestEvents follows a request from the queue to its image over the event
// stream, with the worker's progress in between.
func TestEvents(t *testing.T) {
	t.Parallel()
	srv := program.Start(t, program.Setup{})
	p := makeParties(t, srv, 2)
	status, body := call(t, http.MethodPost, srv.URL+"/api/v2/generate/async", p[0].key, `{"prompt":"a lighthouse"}`)
	var accepted api.Accepted
	decodeAs(t, http.StatusAccepted, status, body, &accepted)

	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var job string
	reported, ended := 0, 0
	for e, err := range client.New(srv.URL, p[0].key).Watch(ctx, accepted.ID) {
		switch {
		case err != nil:
			t.Fatal(err)
		case e.Check != nil && e.Check.Waiting == 1:
			job = *popUntil(t, srv, p[1]).ID
			status, body := call(t, http.MethodPost, srv.URL+"/api/ext/v1/jobs/"+job+"/progress", p[1].key,
				`{"step":3,"steps":8,"preview":"/9j/"}`)
			if status != http.StatusNoContent {
				t.Errorf("progress: %d %s", status, body)
			}
		case e.Progress != nil:
			reported++
			if e.Progress.Step != 3 || e.Progress.Steps != 8 || e.Progress.Job != job || e.Progress.WorkerName != p[1].worker {
				t.Errorf("progress %+v", e.Progress)
			}
			status, body := call(t, http.MethodPost, srv.URL+"/api/v2/generate/submit", p[1].key,
				fmt.Sprintf(`{"id":%q,"generation":"R2","seed":1}`, job))
			decodeAs(t, http.StatusOK, status, body, new(api.Submitted))
		case e.End != nil:
			ended++
			if !e.End.Done || len(e.End.Generations) != 1 {
				t.Errorf("end %+v", e.End)
			}
		}
	}
	if reported != 1 || ended != 1 {
		t.Errorf("%d reports of progress and %d ends, wanted one of each", reported, ended)
	}
	status, body = call(t, http.MethodPost, srv.URL+"/api/ext/v1/jobs/"+job+"/progress", p[1].key, `{"step":4,"steps":8}`)
	checkRefusal(t, "progress of a finished job", status, body, http.StatusGone, "AbortedGen")
}

// TestStop ends a server on which a stream and a long poll wait: both end at once.
func TestStop(t *testing.T) {
	t.Parallel()
	srv := program.Start(t, program.Setup{})
	p := makeParties(t, srv, 1)
	_, body := call(t, http.MethodPost, srv.URL+"/api/v2/generate/async", p[0].key,
		`{"prompt":"x","models":["Deliberate"]}`)
	var accepted api.Accepted
	if err := json.Unmarshal([]byte(body), &accepted); err != nil {
		t.Fatal(err)
	}

	res, err := http.Get(srv.URL + "/api/ext/v1/requests/" + accepted.ID + "/events")
	if err != nil {
		t.Fatal(err)
	}

	defer res.Body.Close()
	popped := make(chan error, 1)
	go func() {
		pop := &api.ImagePop{Name: "waits", Models: []string{"stable_diffusion"},
			BridgeAgent: "AI Horde Worker reGen:13.0.0:x"}
		_, err := client.New(srv.URL, p[0].key, client.WithRetries(0)).Pop(t.Context(), pop, 50*time.Second)
		popped <- err
	}()

	within(t, 10*time.Second, "the worker checks in", func() bool {
		status, body := call(t, http.MethodGet, srv.URL+"/api/v2/workers", "", "")
		return status == http.StatusOK && strings.Contains(body, `"waits"`)
	})

	began := time.Now()
	srv.Stop(t)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the server took %v to stop", took)
	}

	if err := <-popped; err != nil {
		t.Errorf("the waiting pop: %v", err)
	}
}
