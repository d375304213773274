package adversary

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"time"

	"horde/api"
)

var streams = []class{
	{name: "streams/reports that nobody follows", attack: reportsUnfollowed, env: unlimited},
	{name: "streams/large reports to many readers", attack: reportsToMany, env: unlimited},
	{name: "streams/readers that do not read", attack: reportsUnread, env: unlimited},
	{name: "streams/long results of forms", attack: longFormResults, env: unlimited},
}

// largeReport is as much as a report may show, in characters that take the most bytes.
func largeReport() string {
	preview := append([]byte("\xff\xd8\xff"), bytes.Repeat([]byte("x"), 64<<10-3)...)
	report, _ := json.Marshal(api.Progress{
		Step:    1,
		Steps:   20,
		Text:    strings.Repeat("\U0001F600", api.MaxProgressText),
		Preview: base64.StdEncoding.EncodeToString(preview),
	})
	return string(report)
}

// batch asks for 20 texts and has a worker take them all.
func (a *arena) batch(client *http.Client, key, model string) (request string, jobs []string) {
	const ask = `{"prompt":"x","models":[%q],"params":{"n":20,"max_length":16,"max_context_length":80}}`
	got := a.send(client, http.MethodPost, "/api/v2/generate/text/async", anonymous, fmt.Sprintf(ask, model))
	var asked api.Accepted
	if json.Unmarshal([]byte(got.body), &asked) != nil || asked.ID == "" {
		return "", nil
	}

	const pop = `{"name":%q,"models":[%q],"max_length":512,"max_context_length":4096,"threads":50,"amount":20,` +
		`"bridge_agent":"KoboldCpp:1:x"}`
	got = a.send(client, http.MethodPost, "/api/v2/generate/text/pop", key, fmt.Sprintf(pop, model, model))
	var popped struct{ IDs []string }
	_ = json.Unmarshal([]byte(got.body), &popped)
	return asked.ID, popped.IDs
}

// report sends a report from inside a job.
func (a *arena) report(client *http.Client, key, job, report string) {
	got := a.send(client, http.MethodPost, "/api/ext/v1/jobs/"+job+"/progress", key, report)
	if got.status >= 500 && got.status != http.StatusServiceUnavailable {
		a.fault("a report: %d %.100s", got.status, got.body)
	}
}

// reportsUnfollowed reports large previews and texts from inside as many jobs as there can
// be, which nobody follows.
func reportsUnfollowed(a *arena) {
	key, report := makeUser(a.T, from(attackerAddress), a.url, "owner", true), largeReport()
	a.together(4, 4*a.length(), func(client *http.Client, i int) {
		_, jobs := a.batch(client, key, fmt.Sprintf("koboldcpp/attack %d", i))
		for _, job := range jobs {
			a.report(client, key, job, report)
		}
	})
}

// follow opens streams of a path, a few from each of many addresses.
func (a *arena) follow(n int, path string) (all []net.Conn) {
	for i := range n {
		a.calls.Add(1)
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 100, byte(1+i/50))}, Timeout: patience}
		conn, err := d.Dial("tcp", strings.TrimPrefix(a.url, "http://"))
		if err != nil {
			continue
		}
		_ = conn.(*net.TCPConn).SetReadBuffer(4 << 10)
		_, _ = fmt.Fprintf(conn, "GET %s HTTP/1.1\r\nHost: x\r\n\r\n", path)
		all = append(all, conn)
	}
	return all
}

// reportsToFollowers sends large reports of one request that many streams follow.
func reportsToFollowers(a *arena, n int, read bool) {
	client := from(attackerAddress)
	key, report := makeUser(a.T, client, a.url, "owner", true), largeReport()
	request, jobs := a.batch(client, key, "koboldcpp/attack")
	if len(jobs) == 0 {
		a.fault("no jobs")
		return
	}

	followers := a.follow(n, "/api/ext/v1/requests/"+request+"/events")
	for _, conn := range followers {
		defer conn.Close()
		if read {
			go io.Copy(io.Discard, conn)
		}
	}
	for began := time.Now(); time.Since(began) < 4*a.length(); {
		for _, job := range jobs {
			a.report(client, key, job, report)
		}
	}
}

func reportsToMany(a *arena) { reportsToFollowers(a, 64, true) }
func reportsUnread(a *arena) { reportsToFollowers(a, 4*held(), false) }

// longFormResults delivers results of forms as long as they may be, while many follow.
func longFormResults(a *arena) {
	client := from(attackerAddress)
	key := makeUser(a.T, client, a.url, "owner", true)
	ask := fmt.Sprintf(`{"forms":[{"name":"caption"},{"name":"interrogation"},{"name":"nsfw"}],"source_image":%q}`,
		base64.StdEncoding.EncodeToString(blankPNG(64, 64, 0, 0)))
	got := a.send(client, http.MethodPost, "/api/v2/interrogate/async", key, ask)
	var asked api.AlchemyAccepted
	if json.Unmarshal([]byte(got.body), &asked) != nil || asked.ID == "" {
		a.fault("a request: %d %.100s", got.status, got.body)
		return
	}
	for _, conn := range a.follow(64, "/api/ext/v1/events?ids="+asked.ID) {
		defer conn.Close()
		go io.Copy(io.Discard, conn)
	}

	const pop = `{"name":"attacker","forms":["caption","interrogation","nsfw"],"amount":3,"max_tiles":64,"bridge_agent":"x:1:y","threads":5}`
	got = a.send(client, http.MethodPost, "/api/v2/interrogate/pop", key, pop)
	var popped struct{ Forms []struct{ ID string } }
	if json.Unmarshal([]byte(got.body), &popped) != nil || len(popped.Forms) != 3 {
		a.fault("no three forms: %d %.100s", got.status, got.body)
	}
	for _, form := range popped.Forms {
		const submit = `{"id":%q,"result":{"caption":%q},"state":"done"}`
		caption := strings.Repeat("a", 65_000) // nearly as long as it may be
		got := a.send(client, http.MethodPost, "/api/v2/interrogate/submit", key, fmt.Sprintf(submit, form.ID, caption))
		if got.status >= 500 && got.status != http.StatusServiceUnavailable {
			a.fault("a result: %d %.100s", got.status, got.body)
		}
	}
}
