package adversary

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
)

const largestBody = 16 << 20 // that async and submit take

// anonymous is the key of everybody.
const anonymous = "0000000000"

var bodies = []class{
	{name: "bodies/a million empty members", attack: sendBodies(func() string {
		return object(strings.Repeat(`"":0,`, largestBody/5-2), `"":0`)
	})},
	{name: "bodies/a million items", attack: sendBodies(func() string {
		return object(`"prompt":"x","models":[`+strings.Repeat(`"a",`, largestBody/4-20), `"a"]`)
	})},
	{name: "bodies/a million objects", attack: sendBodies(func() string {
		return object(`"prompt":"x","params":{"loras":[`+strings.Repeat(`{},`, largestBody/3-20), `{}]}`)
	})},
	{name: "bodies/one long text", attack: sendBodies(func() string {
		return object(`"prompt":"`+strings.Repeat(`\u0041`, largestBody/6-20), `"`)
	})},
	{name: "bodies/thousands of levels", attack: sendBodies(func() string {
		return object(`"params":`, strings.Repeat("[", largestBody/2-20)+strings.Repeat("]", largestBody/2-20))
	})},
	{name: "bodies/that grow when unpacked", attack: gzipBombs},
}

func object(a, b string) string { return "{" + a + b + "}" }

// sendBodies sends one body by six strangers to every route that takes much, with the
// keys that a stranger has.
func sendBodies(make func() string) func(*arena) {
	return func(a *arena) {
		body := make()
		paths := []string{
			"generate/async", "generate/submit", "generate/text/async", "interrogate/async", "interrogate/submit",
		}
		a.together(6, a.length(), func(client *http.Client, i int) {
			key := []string{"", anonymous, "nobody has this key"}[i%3]
			got := a.send(client, http.MethodPost, "/api/v2/"+paths[i%len(paths)], key, body)
			if got.status >= 500 && got.status != http.StatusServiceUnavailable {
				a.fault("%s: %d %.100s", paths[i%len(paths)], got.status, got.body)
			}
		})
	}
}

func gzipBombs(a *arena) {
	var bomb bytes.Buffer
	z := gzip.NewWriter(&bomb)
	_, _ = z.Write([]byte(`{"prompt":"`))
	for range 1 << 9 {
		_, _ = z.Write(bytes.Repeat([]byte("a"), 1<<16))
	}
	_ = z.Close()
	a.together(4, a.length(), func(client *http.Client, _ int) {
		got := a.send(client, http.MethodPost, "/api/v2/generate/async", anonymous, bomb.String(), "Content-Encoding", "gzip")
		if got.status < 400 || got.status >= 500 {
			a.fault("%d %.100s", got.status, got.body)
		}
	})
}
