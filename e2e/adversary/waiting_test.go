package adversary

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"horde/api"
)

var waiting = []class{
	{name: "waiting/long polls with large bodies", attack: longPolls},
	{name: "waiting/models that nobody has", attack: inventedModels},
	{name: "waiting/finished requests", attack: finishedRequests, env: []string{"HORDE_TEST_RATELIMIT_DISABLED=1"}},
}

// longPolls has 200 workers wait, each with a megabyte of words that it does not want.
func longPolls(a *arena) {
	key := makeUser(a.T, from(attackerAddress), a.url, "owner", true)
	words := `"` + strings.Repeat(`aaaaaaaaa","`, 95_000) + `a"`
	a.together(200, a.length(), func(client *http.Client, i int) {
		body := fmt.Sprintf(`{"name":"attacker %d","models":["Deliberate"],"blacklist":[%s]}`, i%20, words)
		a.send(client, http.MethodPost, "/api/v2/generate/pop", key, body, "Prefer", "wait=5")
	})
}

// queuedBound is how many images strangers may have wait altogether.
const queuedBound = 10_000

// inventedModels asks anonymously for images of models that nobody has heard of, from
// many addresses, each within its limits.
func inventedModels(a *arena) {
	var n atomic.Int64
	a.together(50, 2*a.length(), func(_ *http.Client, i int) {
		k := n.Add(1)
		client := from(fmt.Sprintf("127.0.%d.%d", 1+k/250%250, 1+k%250))
		defer client.CloseIdleConnections()
		body := fmt.Sprintf(`{"prompt":%q,"models":["invented %d"],"params":{"n":20}}`, strings.Repeat("word ", 7000), k)
		got := a.send(client, http.MethodPost, "/api/v2/generate/async", anonymous, body)
		if got.status >= 500 && got.status != http.StatusServiceUnavailable {
			a.fault("%d %.100s", got.status, got.body)
		}
	})

	got := a.send(from(attackerAddress), http.MethodGet, "/api/v2/status/performance", "", "")
	var p api.Performance
	if err := json.Unmarshal([]byte(got.body), &p); err != nil {
		a.fault("performance: %d %v", got.status, err)
	} else if p.QueuedRequests > queuedBound {
		a.fault("%d anonymous images wait", p.QueuedRequests)
	}
}

// finishedRequests are asked, made and left alone: what is done costs little.
func finishedRequests(a *arena) {
	const each = 2 << 10 // bytes of memory that may stay of one, the garbage collector's slack included
	const slack = 96 << 20
	key := makeUser(a.T, from(attackerAddress), a.url, "owner", true)
	before, _ := a.srv.Usage()
	var done atomic.Int64
	a.together(16, 4*a.length(), func(client *http.Client, i int) {
		if a.ask(client, key, `"params":{"width":64,"height":64,"steps":1}`) == "" {
			return
		}
		if job := a.pop(client, key, fmt.Sprintf("attacker %d", i)); job != nil {
			a.deliver(client, key, job)
			done.Add(1)
		}
	})

	after, err := a.srv.Usage()
	if err != nil {
		return // it has ended, which is reported anyway
	}
	a.Logf("%d finished, memory from %d to %d MiB", done.Load(), before.Resident>>20, after.Resident>>20)
	if grown := after.Resident - before.Resident; grown > slack+each*done.Load() {
		a.fault("%d MiB stay of %d finished requests", grown>>20, done.Load())
	}
}
