package adversary

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"sync/atomic"

	"horde/api"
)

var longResults = []class{
	{name: "waiting/large texts of open requests", attack: largeTexts, env: []string{"HORDE_TEST_RATELIMIT_DISABLED=1"}},
}

// largeTexts delivers texts as long as they may be, all but the last of each request, so
// that the requests stay open. The honest requester of one of them gets what was written.
func largeTexts(a *arena) {
	const size = 64<<10 + 64*4096 // bytes
	key := makeUser(a.T, from(attackerAddress), a.url, "owner", true)
	var written atomic.Int64
	a.together(4, 4*a.length(), func(client *http.Client, i int) {
		model := fmt.Sprintf("koboldcpp/attack %d", i)
		const ask = `{"prompt":"x","models":[%q],"params":{"n":20,"max_length":4096,"max_context_length":4096}}`
		got := a.send(client, http.MethodPost, "/api/v2/generate/text/async", key, fmt.Sprintf(ask, model))
		var asked api.Accepted
		if json.Unmarshal([]byte(got.body), &asked) != nil || asked.ID == "" {
			return
		}

		text := strings.Repeat(string(rune('a'+i)), size)
		for range 19 {
			if !a.write(client, key, model, text) {
				return
			}
			written.Add(1)
		}
		got = a.send(client, http.MethodGet, "/api/v2/generate/text/status/"+asked.ID, key, "")
		if got.status == http.StatusOK && !strings.Contains(got.body, text[:10_000]) { // of the answer's head
			a.fault("the texts are not shown: %.200s", got.body)
		}
	})
	a.Logf("%d MiB of texts in open requests", written.Load()*size>>20)
}

// write pops a job for text and delivers a text for it.
func (a *arena) write(client *http.Client, key, model, text string) bool {
	const pop = `{"name":%q,"models":[%q],"max_length":4096,"max_context_length":4096,"threads":20,` +
		`"bridge_agent":"KoboldCpp:1:x"}`
	got := a.send(client, http.MethodPost, "/api/v2/generate/text/pop", key, fmt.Sprintf(pop, model, model))
	var job struct{ ID *string }
	if json.Unmarshal([]byte(got.body), &job) != nil || job.ID == nil {
		return false
	}
	const submit = `{"id":%q,"generation":%q,"state":"ok"}`
	got = a.send(client, http.MethodPost, "/api/v2/generate/text/submit", key, fmt.Sprintf(submit, *job.ID, text))
	return got.status == http.StatusOK
}
