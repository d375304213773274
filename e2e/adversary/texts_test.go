package adversary

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"horde/api"
)

var texts = []class{
	{name: "regex/catastrophic filters", attack: catastrophicFilters},
	{name: "input/odd values", attack: oddInput},
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
