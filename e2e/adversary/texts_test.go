package adversary

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"

	"horde/api"
)

var texts = []class{
	{name: "ssrf/source images and webhooks of private addresses", attack: privateAddresses},
	{name: "regex/catastrophic filters", attack: catastrophicFilters},
	{name: "input/odd values", attack: oddInput},
}

// privateAddresses names addresses that lead into the server's own network, in every
// spelling; a service there counts who comes.
func privateAddresses(a *arena) {
	var hits atomic.Int64
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { hits.Add(1) }))
	defer inside.Close()
	_, port, _ := net.SplitHostPort(inside.Listener.Addr().String())

	client := from(attackerAddress)
	for i, host := range []string{
		"127.0.0.1", "127.1", "2130706433", "0x7f000001", "017700000001", "[::1]", "[::ffff:127.0.0.1]",
		"[::ffff:7f00:1]", "0.0.0.0", "0", "localhost", "localhost.", "LOCALHOST", "ⓛocalhost", "x@127.0.0.1",
		"169.254.169.254", "[fd00::1]", "[fe80::1]", "100.64.0.1",
		"10.0.0.1", "172.16.0.1", "192.168.0.1", "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "224.0.0.1", "255.255.255.255",
	} {
		from := from(fmt.Sprintf("127.0.2.%d", i+1)) // within the limits
		for _, url := range []string{
			"http://" + host + ":" + port + "/x.png", "https://" + host + "/", "http://" + host + ":22/",
		} {
			body := fmt.Sprintf(`{"prompt":"x","models":["Deliberate"],"source_processing":"img2img","source_image":%q}`, url)
			got := a.send(from, http.MethodPost, "/api/v2/generate/async", anonymous, body)
			if got.status < 400 || got.status >= 500 {
				a.fault("source image %s: %d %.100s", url, got.status, got.body)
			}
		}
		from.CloseIdleConnections()
		a.ask(client, anonymous, fmt.Sprintf(`"webhook":"https://%s:%s/","params":{"n":1}`, host, port))
	}
	if n := hits.Load(); n > 0 {
		a.fault("a service of the server's own network was called %d times", n)
	}
}

// catastrophicFilters has a moderator enter patterns that backtrack for ever, and
// strangers send prompts for them.
func catastrophicFilters(a *arena) {
	client := from(attackerAddress)
	made := `{"username":"mo","oauth_id":"test-mo","moderator":true,"kudos":1000}`
	got := a.send(client, http.MethodPost, "/api/v2/dev/test-user", "", made)
	var mo api.TestUser
	if err := json.Unmarshal([]byte(got.body), &mo); err != nil {
		a.fault("a moderator: %d %s", got.status, got.body)
		return
	}
	for _, pattern := range []string{`(a+)+$`, `(?=(a+)+b)a`, `(a|aa)+(?!b)$`, `(.*a){20}`, `\b(\w+\s?)+\b(?<!x)z`} {
		quoted, _ := json.Marshal(pattern)
		filter := fmt.Sprintf(`{"regex":%s,"filter_type":10,"description":"slow"}`, quoted)
		if got := a.send(client, http.MethodPut, "/api/v2/filters", mo.APIKey, filter); got.status >= 500 {
			a.fault("the filter %s: %d", pattern, got.status)
		}
	}

	prompt := strings.Repeat("a", 90_000) + "!"
	a.together(8, a.length(), func(client *http.Client, i int) {
		body := fmt.Sprintf(`{"prompt":%q,"models":["Deliberate"]}`, prompt)
		got := a.send(client, http.MethodPost, "/api/v2/generate/async", anonymous, body)
		if got.status >= 500 && got.status != http.StatusServiceUnavailable {
			a.fault("%d %.100s", got.status, got.body)
		}
	})
}

// oddInput sends what no schema allows; what is refused is refused with a 4xx.
func oddInput(a *arena) {
	prompts := []string{
		`"a\u0000b"`, `"a\ud800b"`, `"` + "\xff\xfe" + `"`, `"\u202ereversed"`, `"a\u200bb"`,
		`"` + strings.Repeat("a", 1_000_000) + `"`, `9223372036854775808`, `-1e308`, `[]`, `{}`, `null`, `true`,
	}
	params := []string{
		`{"n":1000000000}`, `{"n":-1}`, `{"n":9223372036854775808}`, `{"width":-64}`, `{"width":65}`, `{"steps":1e99}`,
		`{"sampler_name":"none"}`, `{"loras":` + strings.Repeat("[", 90) + strings.Repeat("]", 90) + `}`,
		`{"cfg_scale":"NaN"}`, `{"seed":{"a":1}}`, `"x"`, `{"n":1,"n":2}`,
	}
	var bodies []string
	for _, p := range prompts {
		bodies = append(bodies, `{"models":["Deliberate"],"prompt":`+p+`}`)
	}
	for _, p := range params {
		bodies = append(bodies, `{"models":["Deliberate"],"prompt":"x","params":`+p+`}`)
	}

	paths := []string{
		"generate/async", "generate/text/async", "interrogate/async",
		"generate/pop", "generate/text/pop", "interrogate/pop", "generate/submit",
	}
	a.together(2, a.length(), func(client *http.Client, i int) {
		for _, body := range bodies {
			path := paths[i%len(paths)]
			i++
			got := a.send(client, http.MethodPost, "/api/v2/"+path, anonymous, body)
			if got.status >= 500 || !json.Valid([]byte(got.body)) {
				a.fault("%s %.60q: %d %.100s", path, body, got.status, got.body)
			}
		}
	})
}
