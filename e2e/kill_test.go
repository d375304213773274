package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"horde/api"
	"horde/e2e/program"
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/store"
)

// TestKill kills a loaded server again and again without warning. Whatever it
// had acknowledged must be there afterwards, once; the ledger must be sound.
// HORDE_KILLS sets how often (3 unless set).
func TestKill(t *testing.T) {
	kills := 3
	if n, err := strconv.Atoi(os.Getenv("HORDE_KILLS")); err == nil {
		kills = n
	}

	engines(t, func(t *testing.T, db string) {
		data, addr := t.TempDir(), program.FreeAddr(t)
		a := newAcknowledged()
		srv := program.Start(t, program.Setup{Data: data, DB: db, Addr: addr})

		parties := makeParties(t, srv, 16)
		for round := range kills {
			if round > 0 {
				srv = program.Start(t, program.Setup{Data: data, DB: db, Addr: addr})
				a.verify(t, srv)
			}
			load := startLoad(srv, parties, a)
			time.Sleep(time.Duration(300+rand.IntN(500)) * time.Millisecond) // the moment of the power cut is random
			srv.Kill()
			load.Wait()
		}

		srv = program.Start(t, program.Setup{Data: data, DB: db, Addr: addr})
		a.verify(t, srv)
		srv.Stop(t)
		a.audit(t, data, db)
		t.Logf("%d kills: %d requests accepted, %d jobs taken, %d delivered", kills, len(a.accepted),
			len(a.popped), len(a.delivered))
		if len(a.delivered) == 0 {
			t.Error("nothing was delivered: the test tested nothing")
		}
	})
}

// party is a requester and a worker of one account.
type party struct{ key, worker string }

func makeParties(t *testing.T, srv *program.Server, n int) []party {
	t.Helper()
	all := make([]party, n)
	for i := range all {
		status, body := call(t, http.MethodPost, srv.URL+"/api/v2/dev/test-user", "",
			fmt.Sprintf(`{"username":"party%d","oauth_id":"party-%d","moderator":false,"trusted":true,"kudos":100000}`, i, i))
		var u api.TestUser
		if err := json.Unmarshal([]byte(body), &u); err != nil || status != http.StatusCreated {
			t.Fatalf("test user: %d %s", status, body)
		}
		all[i] = party{key: u.APIKey, worker: fmt.Sprintf("worker %d", i)}
	}
	return all
}

// acknowledged is what the server has confirmed.
type acknowledged struct {
	mu        sync.Mutex
	accepted  map[string]bool   // requests
	popped    map[string]string // job → worker that got it
	delivered map[string]string // job → key of the worker's owner
	doubles   []string
}

// startLoad has every party ask, take and deliver until the server is gone.
func startLoad(srv *program.Server, parties []party, a *acknowledged) *sync.WaitGroup {
	var load sync.WaitGroup
	for _, p := range parties {
		load.Go(func() {
			client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}
			for p.cycle(client, srv.URL, a) {
			}
		})
	}
	return &load
}

func (p party) cycle(client *http.Client, url string, a *acknowledged) bool {
	var accepted api.Accepted
	if !p.post(client, url+"/api/v2/generate/async",
		`{"prompt":"a lighthouse","params":{"width":64,"height":64,"steps":4}}`, &accepted) {
		return false
	}

	a.note(func() { a.accepted[accepted.ID] = true })
	var job api.ImageJob
	pop := fmt.Sprintf(`{"name":%q,"models":["stable_diffusion"],"bridge_agent":"AI Horde Worker reGen:13.0.0:x","max_pixels":4194304}`, p.worker)
	if !p.post(client, url+"/api/v2/generate/pop", pop, &job) {
		return false
	}

	if job.ID == nil {
		return true
	}

	a.note(func() {
		if a.popped[*job.ID] != "" {
			a.doubles = append(a.doubles, *job.ID)
		}
		a.popped[*job.ID] = p.worker
	})

	var done api.Submitted
	if !p.post(client, url+"/api/v2/generate/submit",
		fmt.Sprintf(`{"id":%q,"generation":"R2","seed":1}`, *job.ID), &done) {
		return false
	}

	a.note(func() { a.delivered[*job.ID] = p.key })
	return true
}

func (a *acknowledged) note(f func()) {
	a.mu.Lock()
	defer a.mu.Unlock()
	f()
}

func (p party) post(client *http.Client, url, body string, into any) bool {
	req, err := http.NewRequest(http.MethodPost, url, strings.NewReader(body))
	if err != nil {
		return false
	}
	req.Header.Set("apikey", p.key)
	req.Header.Set("Content-Type", "application/json")
	res, err := client.Do(req)
	if err != nil {
		return false
	}
	defer res.Body.Close()
	return res.StatusCode < 300 && json.NewDecoder(res.Body).Decode(into) == nil
}

// verify looks at every acknowledged request through the API.
func (a *acknowledged) verify(t *testing.T, srv *program.Server) {
	t.Helper()
	if len(a.doubles) > 0 {
		t.Errorf("jobs handed out twice: %v", a.doubles)
	}

	found := map[string]int{}
	for id := range a.accepted {
		status, body := call(t, http.MethodGet, srv.URL+"/api/v2/generate/status/"+id, "", "")
		var s api.ImageStatus
		if err := json.Unmarshal([]byte(body), &s); err != nil || status != http.StatusOK {
			t.Errorf("acknowledged request %s: %d %s", id, status, body)
			continue
		}

		if s.Waiting+s.Processing+s.Finished != 1 {
			t.Errorf("request %s: %d waiting, %d processing, %d finished, wanted 1 in all", id, s.Waiting,
				s.Processing, s.Finished)
		}

		for _, g := range s.Generations {
			found[g.ID]++
		}
	}

	for job, key := range a.delivered {
		switch found[job] {
		case 1:
		case 0: // of a request whose acknowledgement the kill swallowed
			status, body := call(t, http.MethodPost, srv.URL+"/api/v2/generate/submit", key,
				fmt.Sprintf(`{"id":%q,"generation":"R2","seed":1}`, job))
			if status != http.StatusBadRequest || !strings.Contains(body, "DuplicateGen") {
				t.Errorf("delivered job %s: a second delivery is answered %d %s", job, status, body)
			}
		default:
			t.Errorf("delivered job %s is shown %d times", job, found[job])
		}
	}
}

// audit looks into the database of the stopped server.
func (a *acknowledged) audit(t *testing.T, data, db string) {
	t.Helper()
	ctx := context.Background()
	s, err := store.Open(ctx, store.Options{URL: db, Folder: data})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	audit, err := s.Audit(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if !audit.Sound() {
		t.Errorf("ledger: %+v", audit)
	}
	err = s.Write(ctx, store.Unit{Do: func(tx *store.Tx) error {
		for id := range a.accepted {
			if ok, err := tx.Posted("accept:" + id); err != nil || !ok {
				t.Errorf("no posting for the accepted request %s (%v)", id, err)
			}
		}
		for id := range a.delivered {
			if ok, err := tx.Posted("deliver:" + id); err != nil || !ok {
				t.Errorf("no posting for the delivered job %s (%v)", id, err)
			}
		}
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}

	// The statistics are the deliveries, whatever was killed in between.
	counted, err := s.Stats(ctx, "image", horde.MicrosOf(time.Now()))
	if err != nil {
		t.Fatal(err)
	}
	if n := deliveries(t, s); counted.Total.Jobs != n || n < int64(len(a.delivered)) {
		t.Errorf("statistics count %d images, the ledger has %d deliveries, %d were acknowledged",
			counted.Total.Jobs, n, len(a.delivered))
	}
}

// deliveries counts those of images in the ledger.
func deliveries(t *testing.T, s *store.Store) (n int64) {
	t.Helper()
	const page = 5000
	for at := (store.Backfill{}); ; {
		var events []store.PastEvent
		err := s.Write(t.Context(), store.Unit{Do: func(tx *store.Tx) (err error) {
			events, err = tx.PastEvents(at, page)
			return err
		}})
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range events {
			at.Cursor = e.ID
			if e.Reason == kudos.ImageDelivered {
				n++
			}
		}
		if len(events) < page {
			return n
		}
	}
}
