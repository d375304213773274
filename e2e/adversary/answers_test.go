package adversary

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strings"
	"time"

	"horde/api"
)

var answers = []class{
	{name: "answers/texts that nobody reads", attack: unreadTexts, env: unlimited},
	{name: "answers/results of forms that nobody reads", attack: unreadForms, env: unlimited},
}

// unread is how many connections ask for a large answer, which they do not read.
const unread = 64

// unreadTexts has long texts written, of characters that JSON writes in six bytes each, and
// asks for all of them again and again.
func unreadTexts(a *arena) {
	client := from(attackerAddress)
	key := makeUser(a.T, client, a.url, "owner", true)
	var paths []string
	for range 2 {
		path := a.longestTexts(client, key)
		if path == "" {
			return
		}
		paths = append(paths, path)
	}
	a.leaveUnread(paths)
}

// longestTexts has the texts of one request written, and returns where they are shown, ""
// where that failed. Longer ones are refused.
func (a *arena) longestTexts(client *http.Client, key string) (path string) {
	const (
		model  = "koboldcpp/attack"
		tokens = 4096
		size   = 64<<10 + 64*tokens // bytes: the longest text that is taken

		escaped = 1_000_000 / len(`\u0001`) // of such characters: what fits into a body
	)
	const ask = `{"prompt":"x","models":[%q],"params":{"n":20,"max_length":%d,"max_context_length":%d}}`
	got := a.send(client, http.MethodPost, "/api/v2/generate/text/async", key, fmt.Sprintf(ask, model, tokens, tokens))
	var asked api.Accepted
	if json.Unmarshal([]byte(got.body), &asked) != nil || asked.ID == "" {
		a.fault("the request: %d %s", got.status, got.body)
		return ""
	}

	for range 20 {
		const pop = `{"name":"attack","models":[%q],"max_length":%d,"max_context_length":%d,"threads":50,` +
			`"bridge_agent":"KoboldCpp:1:x"}`
		got := a.send(client, http.MethodPost, "/api/v2/generate/text/pop", key, fmt.Sprintf(pop, model, tokens, tokens))
		var job api.TextJob
		if json.Unmarshal([]byte(got.body), &job) != nil || job.ID == nil {
			a.fault("the job: %d %s", got.status, got.body)
			return ""
		}

		submit := `{"id":"` + *job.ID + `","state":"ok","generation":"%s"}`
		a.sendResult(client, "/api/v2/generate/text/submit", key, submit, strings.Repeat("x", size+1), http.StatusBadRequest)
		a.sendResult(client, "/api/v2/generate/text/submit", key, submit, strings.Repeat(`\u0001`, escaped), http.StatusOK)
	}
	return "/api/v2/generate/text/status/" + asked.ID
}

// unreadForms does the same with the longest results of forms.
func unreadForms(a *arena) {
	const size = 64<<10 - len(`{"x":""}`) // bytes: the longest result that is taken
	client := from(attackerAddress)
	key := makeUser(a.T, client, a.url, "owner", true)
	image := base64.StdEncoding.EncodeToString(blankPNG(64, 64, 0, 0))

	var paths []string
	for range 2 {
		const ask = `{"forms":[{"name":"caption"},{"name":"interrogation"},{"name":"nsfw"}],"source_image":%q}`
		got := a.send(client, http.MethodPost, "/api/v2/interrogate/async", key, fmt.Sprintf(ask, image))
		var asked api.AlchemyAccepted
		if json.Unmarshal([]byte(got.body), &asked) != nil || asked.ID == "" {
			a.fault("the request: %d %s", got.status, got.body)
			return
		}
		paths = append(paths, "/api/v2/interrogate/status/"+asked.ID)
	}

	for range 2 * 3 {
		const pop = `{"name":"alchemist","forms":["caption","interrogation","nsfw"],"threads":20,"bridge_agent":"x:1:y"}`
		got := a.send(client, http.MethodPost, "/api/v2/interrogate/pop", key, pop)
		var job api.AlchemyJob
		if json.Unmarshal([]byte(got.body), &job) != nil || len(job.Forms) == 0 {
			a.fault("the form: %d %s", got.status, got.body)
			return
		}

		submit := `{"id":"` + job.Forms[0].ID + `","state":"done","result":{"x":"%s"}}`
		tooLong := strings.Repeat("\U0001f600", 200_000) // within the bound of the body
		a.sendResult(client, "/api/v2/interrogate/submit", key, submit, tooLong, http.StatusBadRequest)
		a.sendResult(client, "/api/v2/interrogate/submit", key, submit, strings.Repeat("x", size), http.StatusOK)
	}
	a.leaveUnread(paths)
}

// sendResult sends a result, put into a body, which is to be answered so.
func (a *arena) sendResult(client *http.Client, path, key, body, result string, want int) {
	got := a.send(client, http.MethodPost, path, key, fmt.Sprintf(body, result))
	if got.status != want {
		a.fault("a result of %d bytes: %d %.200s", len(result), got.status, got.body)
	}
}

// leaveUnread asks for answers over many connections, of which it reads nothing. Whoever
// reads gets the answers as soon as they are gone.
func (a *arena) leaveUnread(paths []string) {
	var conns []net.Conn
	for i := range unread {
		conn, err := a.dial()
		if err != nil {
			break
		}
		conns = append(conns, conn)
		_, _ = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", paths[i%len(paths)])
	}
	time.Sleep(4 * a.length()) // the attack itself
	for _, conn := range conns {
		_ = conn.Close()
	}

	client := from(honestAddress)
	for began := time.Now(); ; time.Sleep(retryPause) {
		got := exchange(client, http.MethodGet, a.url+paths[0], "", strings.NewReader(""))
		switch {
		case got.status == http.StatusOK && len(got.body) == 64<<10: // its head
			return
		case got.status != http.StatusServiceUnavailable || time.Since(began) > patience:
			a.fault("the answer to who reads it: %d %.200s", got.status, got.body)
			return
		}
	}
}
