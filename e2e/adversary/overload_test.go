package adversary

import (
	"bytes"
	"fmt"
	"net/http"
	"strconv"
	"sync"
	"testing"
	"time"

	"horde/e2e/program"
	"horde/internal/bench"
)

var overloads = []class{
	{name: "overload/more requests than can be served", attack: tooManyRequests, env: []string{
		"HORDE_TEST_RATELIMIT_DISABLED=1", "HORDE_MAX_CALLS=1"}},
}

// refusalPatience is how long a refusal may take: a burst waits for a second, what comes
// when others have waited for longer is refused at once. The rest is for a busy machine.
const refusalPatience = 3 * time.Second

// tooManyRequests sends more requests than the program may work on: it accepts some and
// keeps all of these, and tells the others at once to come again.
func tooManyRequests(a *arena) {
	var mu sync.Mutex
	var accepted []string
	var refused int
	var slowest time.Duration
	a.together(150, 4*a.length(), func(client *http.Client, i int) {
		body := fmt.Sprintf(`{"prompt":"x","models":["Dreamshaper"],"params":{"n":1,"width":64,"height":64,"seed":"%d"}}`, i)
		began := time.Now()
		got := a.send(client, http.MethodPost, "/api/v2/generate/async", anonymous, body)
		took := time.Since(began)

		if got.status == http.StatusServiceUnavailable {
			defer time.Sleep(2 * retryPause) // sooner than they are told to
		}
		mu.Lock()
		defer mu.Unlock()
		switch got.status {
		case http.StatusAccepted:
			accepted = append(accepted, idOf(got))
		case http.StatusServiceUnavailable:
			refused++
			slowest = max(slowest, took)
			if after, err := strconv.Atoi(got.header.Get("Retry-After")); err != nil || after < 1 {
				a.fault("a refusal with Retry-After %q", got.header.Get("Retry-After"))
			}
		case http.StatusTooManyRequests: // as many of a model wait as may of strangers
		default:
			a.fault("%d %.200s", got.status, got.body)
		}
	})

	if refused == 0 || len(accepted) == 0 {
		a.fault("%d requests were refused and %d accepted: this was no overload", refused, len(accepted))
	}
	if slowest > refusalPatience {
		a.fault("a refusal took %v", slowest)
	}
	client := from(attackerAddress)
	for _, id := range accepted {
		if got := a.send(client, http.MethodGet, "/api/v2/generate/check/"+id, "", ""); got.status != http.StatusOK {
			a.fault("an accepted request is gone: %d %.200s", got.status, got.body)
		}
	}
	a.Logf("%d accepted and kept, %d refused, within %v", len(accepted), refused, slowest.Round(time.Millisecond))
}

// TestOverloadInFigures prints how the program stands half as much again as it can do: how
// long accepted calls take then is a figure, for machines differ; that nothing fails and
// what is refused is refused as it should be, is not.
func TestOverloadInFigures(t *testing.T) {
	if testing.Short() {
		t.Skip("-short: needs the program")
	}
	cfg := bench.Config{Duration: time.Second, Warmup: 300 * time.Millisecond, Clients: 32, Workers: 64, Users: 50}
	crowd := 200
	if whole() {
		cfg.Duration, cfg.Warmup, cfg.Workers, crowd = 10*time.Second, 3*time.Second, 512, 2000
	}
	srv := program.Start(t, program.Setup{Memory: memoryCap})
	cfg.URL = srv.URL
	rep, err := bench.OverloadOf(t.Context(), cfg, crowd)
	if err != nil {
		t.Fatal(err)
	}

	var table bytes.Buffer
	if err := rep.Write(&table); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", table.String())
	if rep.Failed() > 0 {
		t.Errorf("%d calls failed", rep.Failed())
	}
	if rep.Overload.Completed == 0 {
		t.Error("nothing was served")
	}
}
