package adversary

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"horde/api"
	"horde/e2e/program"
)

const (
	honestAddress   = "127.0.0.9"
	attackerAddress = "127.0.0.66" // all attacks come from here unless they say otherwise

	honestPause = 500 * time.Millisecond // between two cycles, within the limits of an address
	retryPause  = 50 * time.Millisecond
	patience    = 10 * time.Second // of any call
)

// from is a client whose connections come from an address of the loopback interface.
func from(address string) *http.Client {
	dialer := &net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}}
	return &http.Client{Timeout: patience, Transport: &http.Transport{
		DialContext:         dialer.DialContext,
		MaxIdleConnsPerHost: 100,
	}}
}

// answer is what came back; status 0 is none.
type answer struct {
	status int
	body   string
	header http.Header
}

// exchange sends one call.
func exchange(client *http.Client, method, url, key string, body io.Reader, headers ...string) answer {
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, method, url, body)
	if err != nil {
		return answer{}
	}
	if key != "" {
		req.Header.Set("apikey", key)
	}
	req.Header.Set("Content-Type", "application/json")
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}

	res, err := client.Do(req)
	if err != nil {
		return answer{}
	}
	defer res.Body.Close()
	const enough = 64 << 10
	head, _ := io.ReadAll(io.LimitReader(res.Body, enough))
	_, _ = io.Copy(io.Discard, res.Body)
	return answer{res.StatusCode, string(head), res.Header}
}

// honest is a requester with a worker, as they should be. The requester sends a source
// image, which wants to be decoded.
type honest struct {
	srv      *program.Server
	url, key string
	order    string
	client   *http.Client
	cycles   int
	worst    time.Duration
	refused  []string
}

func newHonest(t *testing.T, srv *program.Server) *honest {
	t.Helper()
	h := &honest{srv: srv, url: srv.URL, client: from(honestAddress)}
	h.key = makeUser(t, h.client, h.url, "honest", true)
	h.order = fmt.Sprintf(`{"prompt":"a lighthouse","models":["stable_diffusion"],
		"params":{"width":64,"height":64,"steps":4},"source_processing":"img2img","source_image":%q}`,
		base64.StdEncoding.EncodeToString(blankPNG(64, 64, 0, 0)))
	if what := h.cycle(); what != "" { // what comes once comes before the attack
		t.Fatalf("the honest client: %s", what)
	}
	return h
}

// makeUser makes an account for tests and returns its key.
func makeUser(t *testing.T, client *http.Client, url, name string, trusted bool) string {
	t.Helper()
	body := fmt.Sprintf(`{"username":%q,"oauth_id":%q,"moderator":false,"trusted":%v,"kudos":1000000}`,
		name, "test-"+name, trusted)
	got := exchange(client, http.MethodPost, url+"/api/v2/dev/test-user", "", strings.NewReader(body))
	var u api.TestUser
	if err := json.Unmarshal([]byte(got.body), &u); err != nil || u.APIKey == "" {
		t.Fatalf("test user: %d %s", got.status, got.body)
	}
	return u.APIKey
}

// work has the client go through cycles until the returned function is called.
func (h *honest) work() (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var done sync.WaitGroup
	done.Go(func() {
		for ctx.Err() == nil {
			began := time.Now()
			what := h.cycle()
			h.cycles++
			h.worst = max(h.worst, time.Since(began))
			if what != "" && len(h.refused) < 3 {
				h.refused = append(h.refused, what)
			}
			select {
			case <-ctx.Done():
			case <-time.After(honestPause):
			}
		}
	})
	return func() {
		cancel()
		done.Wait()
	}
}

// cycle asks for an image, makes it and reads it; it returns what went wrong. A
// server that sheds load is asked again, at the cost of the cycle's time.
func (h *honest) cycle() (wrong string) {
	var accepted api.Accepted
	if wrong := h.call(http.MethodPost, "generate/async", h.order, &accepted); wrong != "" {
		return wrong
	}

	var job api.ImageJob
	pop := `{"name":"honest worker","models":["stable_diffusion"],"bridge_agent":"AI Horde Worker reGen:13.0.0:x",` +
		`"max_pixels":4194304,"allow_img2img":true}`
	for began := time.Now(); job.ID == nil; {
		if wrong := h.call(http.MethodPost, "generate/pop", pop, &job); wrong != "" {
			return wrong
		}
		if job.ID == nil && time.Since(began) > patience {
			return "no job"
		}
	}

	submit := fmt.Sprintf(`{"id":%q,"generation":"R2","seed":1}`, *job.ID)
	if wrong := h.call(http.MethodPost, "generate/submit", submit, new(api.Submitted)); wrong != "" {
		return wrong
	}

	var status api.ImageStatus
	if wrong := h.call(http.MethodGet, "generate/status/"+accepted.ID, "", &status); wrong != "" {
		return wrong
	}
	if !status.Done {
		return "the request is not done"
	}
	return ""
}

// call sends one call until it is answered.
func (h *honest) call(method, path, body string, into any) (wrong string) {
	for began := time.Now(); ; time.Sleep(retryPause) {
		got := exchange(h.client, method, h.url+"/api/v2/"+path, h.key, strings.NewReader(body))
		if got.status >= 200 && got.status < 300 {
			if err := json.Unmarshal([]byte(got.body), into); err != nil {
				return fmt.Sprintf("%s: %v", path, err)
			}
			return ""
		}
		shed := got.status == http.StatusServiceUnavailable || got.status == 0
		if !shed || time.Since(began) > patience || h.srv.Ended() {
			return fmt.Sprintf("%s: %d %.200s", path, got.status, got.body)
		}
	}
}

// attackers are strangers at one server.
type attackers struct {
	url   string
	calls atomic.Int64
}

// together has n strangers do the same thing again and again for a time; each has a
// client of its own, from the attackers' address.
func (x *attackers) together(n int, d time.Duration, do func(client *http.Client, i int)) {
	var all sync.WaitGroup
	deadline := time.Now().Add(d)
	for i := range n {
		all.Go(func() {
			client := from(attackerAddress)
			defer client.CloseIdleConnections()
			for time.Now().Before(deadline) {
				do(client, i)
			}
		})
	}
	all.Wait()
}

// send is one call of an attacker.
func (x *attackers) send(client *http.Client, method, path, key, body string, headers ...string) answer {
	x.calls.Add(1)
	return exchange(client, method, x.url+path, key, strings.NewReader(body), headers...)
}
