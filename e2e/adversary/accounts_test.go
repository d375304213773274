package adversary

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"

	"horde/api"
)

var accounts = []class{
	{name: "limits/capitals and HEAD", attack: otherSpellings},
	{name: "limits/headers that name another address", attack: forgedAddresses},
	{name: "limits/requests at the same time", attack: parallelAsks, env: []string{"HORDE_TEST_RATELIMIT_DISABLED=1"}},
	{name: "limits/kudos sent to and fro", attack: circularTransfers, env: []string{"HORDE_TEST_RATELIMIT_DISABLED=1"}},
	{name: "limits/workers of a fresh account", attack: manyWorkers},
	{name: "rank/a moderator with an administrator's name", attack: borrowedName},
	{name: "rank/test accounts through a proxy", attack: testAccountsThroughProxy},
	{name: "rank/names that show as others", attack: deceptiveNames},
	{name: "rank/members that only the server sets", attack: massAssignment},
}

// otherSpellings asks for one status in ways that must all count as one.
func otherSpellings(a *arena) {
	client := from(attackerAddress)
	id := a.ask(client, anonymous, `"params":{"n":1}`)
	if id == "" {
		a.fault("the request was refused")
		return
	}

	const allowed = 10 // a minute, of each method at most
	passed := 0
	for i := range 3 * allowed {
		spelled := id
		if i%2 == 1 {
			spelled = strings.ToUpper(id[:i/2+1]) + id[i/2+1:]
		}
		method := []string{http.MethodGet, http.MethodHead}[i/2%2]
		if got := a.send(client, method, "/api/v2/generate/status/"+spelled, "", ""); got.status == http.StatusOK {
			passed++
		}
	}
	if passed > allowed {
		a.fault("%d of %d calls passed a limit of %d", passed, 3*allowed, allowed)
	}
}

// forgedAddresses claims to come from elsewhere each time.
func forgedAddresses(a *arena) {
	client := from(attackerAddress)
	const calls, allowed = 150, 90 // a minute
	passed := 0
	for i := range calls {
		address := fmt.Sprintf("198.51.100.%d", i%250)
		got := a.send(client, http.MethodGet, "/api/v2/status/models", "", "",
			"X-Forwarded-For", address, "Forwarded", "for="+address, "X-Real-IP", address, "Proxied-For", address)
		if got.status == http.StatusOK {
			passed++
		}
	}
	if passed > allowed {
		a.fault("%d of %d calls passed a limit of %d", passed, calls, allowed)
	}
}

// parallelAsks has one account ask for more than it may have waiting, all at once.
func parallelAsks(a *arena) {
	const allowed, each = 30, 20
	key := makeUser(a.T, from(attackerAddress), a.url, "asker", false)
	var accepted atomic.Int64
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() {
			members := fmt.Sprintf(`"params":{"n":%d,"width":64,"height":64,"steps":1}`, each)
			if a.ask(from(attackerAddress), key, members) != "" {
				accepted.Add(1)
			}
		})
	}
	all.Wait()
	if n := accepted.Load() * each; n > allowed+each {
		a.fault("%d images wait of an account that may have %d", n, allowed)
	}
}

// manyWorkers has one fresh account bring workers, all at once.
func manyWorkers(a *arena) {
	const allowed = 4 // more than three already are too many
	key := makeUser(a.T, from(attackerAddress), a.url, "fresh", false)
	var taken atomic.Int64
	var all sync.WaitGroup
	for i := range 40 {
		all.Go(func() {
			pop := fmt.Sprintf(attackerOffer, fmt.Sprintf("fresh %d", i))
			if a.send(from(attackerAddress), http.MethodPost, "/api/v2/generate/pop", key, pop).status == http.StatusOK {
				taken.Add(1)
			}
		})
	}
	all.Wait()
	if n := taken.Load(); n > allowed {
		a.fault("%d workers of an account that may have %d", n, allowed)
	}
}

// circularTransfers sends kudos to and fro at the same moment: within a minute one
// direction at most is open.
func circularTransfers(a *arena) {
	rounds := 5
	if whole() {
		rounds = 40
	}
	for round := range rounds {
		client := from(attackerAddress)
		names := []string{fmt.Sprintf("left%d", round), fmt.Sprintf("right%d", round)}
		keys := []string{makeUser(a.T, client, a.url, names[0], true), makeUser(a.T, client, a.url, names[1], true)}
		var sent [2]bool
		var all sync.WaitGroup
		for i, key := range keys {
			all.Go(func() {
				got := a.send(client, http.MethodPost, "/api/v2/kudos/transfer", key,
					fmt.Sprintf(`{"username":%q,"amount":10}`, a.alias(client, keys[1-i])))
				sent[i] = got.status == http.StatusOK
			})
		}
		all.Wait()
		if sent[0] && sent[1] {
			a.fault("round %d: kudos went to and fro at the same time", round)
		}
	}
}

// alias is the name with its number of a key's owner.
func (x *attackers) alias(client *http.Client, key string) string {
	got := x.send(client, http.MethodGet, "/api/v2/find_user", key, "")
	var u api.UserDetails
	_ = json.Unmarshal([]byte(got.body), &u)
	return u.Username
}

// borrowedName has a moderator rename the administrator and take the name, and judge
// somebody above.
func borrowedName(a *arena) {
	client := from(attackerAddress)
	body := `{"username":"mo","oauth_id":"test-mo","moderator":true,"kudos":1000}`
	got := a.send(client, http.MethodPost, "/api/v2/dev/test-user", "", body)
	var mo api.TestUser
	if err := json.Unmarshal([]byte(got.body), &mo); err != nil {
		a.fault("a moderator: %d %s", got.status, got.body)
		return
	}

	_, number, _ := strings.Cut(a.alias(client, mo.APIKey), "#")
	a.send(client, http.MethodPut, "/api/v2/users/1", mo.APIKey, `{"username":"nobody"}`)
	a.send(client, http.MethodPut, "/api/v2/users/"+number, mo.APIKey, `{"username":"boss#1"}`)
	got = a.send(client, http.MethodPut, "/api/v2/users/"+number, mo.APIKey, `{"moderator":true}`)
	if got.status == http.StatusOK {
		a.fault("a moderator made moderators")
	}
	got = a.send(client, http.MethodGet, "/api/ext/v1/references", mo.APIKey, "")
	if got.status == http.StatusOK {
		a.fault("a moderator reached what is the administrator's")
	}
}

// testAccountsThroughProxy makes test accounts as if through a proxy.
func testAccountsThroughProxy(a *arena) {
	body := `{"username":"far","oauth_id":"test-far","kudos":1000000}`
	for _, header := range []string{"X-Forwarded-For", "Forwarded", "Via"} {
		got := a.send(from(attackerAddress), http.MethodPost, "/api/v2/dev/test-user", "", body, header, "198.51.100.7")
		if got.status < 400 {
			a.fault("%s: %d", header, got.status)
		}
	}
}

// deceptiveNames gives an account names with what nobody sees.
func deceptiveNames(a *arena) {
	client := from(attackerAddress)
	key := makeUser(a.T, client, a.url, "plain", true)
	_, number, _ := strings.Cut(a.alias(client, key), "#")
	for _, name := range []string{"bo\x01ss", "bo\u202ess", "bo\nss", "\u2066boss\u2069"} {
		quoted, _ := json.Marshal(name)
		a.send(client, http.MethodPut, "/api/v2/users/"+number, key, fmt.Sprintf(`{"username":%s}`, quoted))
		if shown := a.alias(client, key); strings.ContainsAny(shown, "\x01\n\u202e\u2066\u2069") {
			a.fault("an account is named %q", shown)
		}
	}
}

// massAssignment sends members with which nobody may describe themselves.
func massAssignment(a *arena) {
	client := from(attackerAddress)
	key := makeUser(a.T, client, a.url, "climber", false)
	_, number, _ := strings.Cut(a.alias(client, key), "#")
	for _, members := range []string{
		`"trusted":true`, `"moderator":true`, `"kudos":1000000`, `"concurrency":500`, `"usage_multiplier":0.1`,
		`"flagged":false`, `"worker_invited":100`, `"special":true`, `"service":true`, `"education":true`,
		`"customizer":true`,
	} {
		if got := a.send(client, http.MethodPut, "/api/v2/users/"+number, key, "{"+members+"}"); got.status < 400 {
			a.fault("%s: %d %.100s", members, got.status, got.body)
		}
	}
}
