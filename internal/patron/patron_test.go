package patron

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// What a pledge and a subscription are worth (platform §9).
func TestWhatAPledgeIsWorth(t *testing.T) {
	for units, want := range map[int64]int64{
		-5: 0, 0: 0, 1: 10_000, 3: 30_000, 9: 90_000, 10: 150_000, 11: 0, 23: 0, 24: 600_000, 25: 900_000, 26: 0,
		50: 1_500_000, 99: 0,
		100: 1_500_000, 101: 0, 102: 150_000, 108: 150_000, 109: 0, 1 << 40: 0,
	} {
		t.Run(fmt.Sprint(units), func(t *testing.T) {
			if got := patreonKudos(units); got != want {
				t.Errorf("%d units: %d, want %d", units, got, want)
			}
		})
	}
	for name, want := range map[string]int64{
		"Superior Person": 20_000, "Recognised": 75_000, "Recognised Person": 75_000, " Cherised ": 200_000,
		"Treasured":         700_000,
		"Celebrated Person": 1_500_000, "Sponsor": 1_500_000, "Sponsorship": 0, "": 0, "Mug": 0,
	} {
		t.Run(name, func(t *testing.T) {
			if got := stripeKudos(name); got != want {
				t.Errorf("%q: %d, want %d", name, got, want)
			}
		})
	}
}

// serve answers as a service does: pages by path and cursor, for one key.
func serve(t *testing.T, key string, pages map[string]string) (url string) {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+key {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		q := r.URL.Query()
		page, ok := pages[r.URL.Path+q.Get("page[cursor]")+q.Get("starting_after")]
		if !ok {
			w.WriteHeader(http.StatusNotFound)
			return
		}
		fmt.Fprint(w, page)
	}))
	t.Cleanup(s.Close)
	return s.URL
}

const membersPath = "/api/oauth2/v2/campaigns/7/members"

func aMember(id, status string, cents int, note string) string {
	n, _ := json.Marshal(note)
	return fmt.Sprintf(`{"type":"member","id":%q,"attributes":{"full_name":"Some Body","patron_status":%q,"currently_entitled_amount_cents":%d,"note":%s}}`,
		id, status, cents, n)
}

func TestPatronsAreReadFromPatreon(t *testing.T) {
	url := serve(t, "token", map[string]string{
		membersPath: `{"data":[` + strings.Join([]string{
			aMember("a", "active_patron", 1000, `{"stable_id":"alice#1","alias":"Alice","sponsor_link":"https://x.example"}`),
			aMember("b", "active_patron", 299, `{"stable_id":2}`),
			aMember("c", "active_patron", 500, `alice is a nice person`),
			aMember("d", "active_patron", 500, `{"stable_id":{"no":1}}`),
			aMember("e", "active_patron", 500, `{"alias":"x"}`),
			aMember("f", "declined_patron", 500, `{"stable_id":"5"}`),
			aMember("g", "active_patron", 500, ""),
			`{"id":"h","attributes":{"patron_status":7}}`, `"nonsense"`,
		}, ",") + `],"meta":{"pagination":{"cursors":{"next":"two"}}}}`,
		membersPath + "two": `{"data":[` + aMember("i", "active_patron", 3700, `{"stable_id":"carol#3"}`) + `,
			{"id":"j","attributes":{"patron_status":"active_patron","currently_entitled_amount_cents":null,"note":null}}],"meta":{"pagination":{"cursors":{"next":null}}}}`,
	})

	var log bytes.Buffer
	got, err := NewPatreon(url+"/", "token", "7", slog.New(slog.NewTextHandler(&log, nil))).Supporters(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	want := []Supporter{
		{User: "alice#1", Monthly: 150_000, Name: "Alice", Link: "https://x.example", Pledge: 10},
		{User: "2", Monthly: 20_000, Pledge: 2},
		{User: "carol#3", Pledge: 37},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}

	for _, id := range []string{"member=c", "member=d", "member=e"} {
		if !strings.Contains(log.String(), id) {
			t.Errorf("the log does not name %s: %s", id, &log)
		}
	}

	if strings.Contains(log.String(), "nice") || strings.Contains(log.String(), "Body") ||
		strings.Contains(log.String(), "token") {
		t.Errorf("the log says too much: %s", &log)
	}
}

func TestSubscribersAreReadFromStripe(t *testing.T) {
	subscription := func(id, metadata, customer string, products ...string) string {
		var items []string
		for _, p := range products {
			items = append(items, fmt.Sprintf(`{"price":{"product":%q}}`, p))
		}
		return fmt.Sprintf(`{"id":%q,"metadata":%s,"customer":%s,"items":{"data":[%s]}}`, id, metadata, customer,
			strings.Join(items, ","))
	}

	url := serve(t, "key", map[string]string{
		"/v1/subscriptions": `{"has_more":true,"data":[` + strings.Join([]string{
			subscription("s1", `{"horde_id":"1"}`, `{"email":"a@example.org","metadata":{"horde_id":"9"}}`, "p1", "p2"),
			subscription("s2", `{}`, `{"email":"b@example.org","metadata":{"horde":"bob#2"}}`, "p2"),
			subscription("s3", `{}`, `{"email":"C@example.org","metadata":{}}`, "mug", "gone"),
			subscription("s4", `{}`, `{"email":null,"metadata":{}}`, "p1"),
			subscription("s5", `{}`, `"cus_1"`, "p1"),
		}, ",") + `]}`,
		"/v1/subscriptionss5": `{"has_more":false,"data":[` + subscription("s6", `{"horde":"6"}`, `{"deleted":true}`,
			"p1") + `]}`,
		"/v1/products/p1": `{"name":"Recognised"}`, "/v1/products/p2": `{"name":"Superior Person"}`,
		"/v1/products/mug": `{"name":"Mug"}`,
	})

	got, err := NewStripe(url, "key", nil).Supporters(t.Context())
	if err != nil {
		t.Fatal(err)
	}

	want := []Supporter{
		{User: "1", Email: "a@example.org", Monthly: 95_000},
		{User: "bob#2", Email: "b@example.org", Monthly: 20_000},
		{Email: "C@example.org"},
		{User: "6", Monthly: 75_000},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestLinksOfSponsorsArePlainHTTPS(t *testing.T) {
	for s, want := range map[string]string{
		"https://example.org/x?y=z":            "https://example.org/x?y=z",
		"http://example.org":                   "",
		"javascript:alert(1)":                  "",
		"https://":                             "",
		"https://example.org/) [x](https://e":  "",
		"https://" + strings.Repeat("x", 1000): "",
	} {
		t.Run(fmt.Sprintf("%.60s", s), func(t *testing.T) {
			if got := link(s); got != want {
				t.Errorf("link(%q) = %q, want %q", s, got, want)
			}
		})
	}
	if s, ok := NewPatreon("", "", "",
		slog.New(slog.DiscardHandler)).supporter([]byte(aMember("x", "active_patron", 500,
		`{"stable_id":"1","alias":7,"sponsor_link":{}}`))); !ok || s.Name != "" || s.Monthly != 50_000 {
		t.Errorf("an alias that is no text: %+v, %v", s, ok)
	}
}

func TestFailuresOfServicesKeepTheKey(t *testing.T) {
	endless := `{"data":[],"meta":{"pagination":{"cursors":{"next":""}}}}`
	for name, c := range map[string]struct {
		url, key, want string
	}{
		"wrong key":   {serve(t, "key", nil), "secret", "PATREON_CREATOR_ACCESS_TOKEN right?"},
		"no campaign": {serve(t, "secret", nil), "secret", "answers 404"},
		"no JSON":     {serve(t, "secret", map[string]string{membersPath: "<html>"}), "secret", "not understood"},
		"other JSON":  {serve(t, "secret", map[string]string{membersPath: `{"data":"x"}`}), "secret", "not understood"},
		"too large": {serve(t, "secret", map[string]string{membersPath: strings.Repeat(" ", maxAnswer+1) + endless}),
			"secret", "more than 16 MiB"},
		"nobody": {"http://127.0.0.1:1", "secret", "refused"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := NewPatreon(c.url, c.key, "7", nil).Supporters(t.Context())
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "secret") || got != nil {
				t.Errorf("%s: %v, %v", name, got, err)
			}
		})
	}

	loop := serve(t, "k", map[string]string{membersPath: `{"meta":{"pagination":{"cursors":{"next":"x"}}}}`,
		membersPath + "x": `{"meta":{"pagination":{"cursors":{"next":"x"}}}}`})
	if _, err := NewPatreon(loop, "k", "7", nil).Supporters(t.Context()); err == nil ||
		!strings.Contains(err.Error(), "does not end") {
		t.Errorf("a list in a circle: %v", err)
	}

	if _, err := NewStripe(serve(t, "k", nil), "wrong", nil).Supporters(t.Context()); err == nil ||
		!strings.Contains(err.Error(), "STRIPE_API_KEY") {
		t.Errorf("Stripe, wrong key: %v", err)
	}
}

// FuzzMember: whatever a member's record and note hold, it is one supporter with a
// name and no debt, or none.
func FuzzMember(f *testing.F) {
	f.Add(aMember("a", "active_patron", 1000, `{"stable_id":"alice#1"}`))
	f.Add(aMember("a", "active_patron", -1000, `{"stable_id":-3}`))
	f.Add(`{"attributes":null}`)
	p := NewPatreon("http://127.0.0.1", "", "", nil)
	f.Fuzz(func(t *testing.T, raw string) {
		s, ok := p.supporter(json.RawMessage(raw))
		if ok != (s.User != "") || s.Monthly < 0 {
			t.Errorf("%q: %+v %v", raw, s, ok)
		}
	})
}
