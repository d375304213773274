package node

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"horde/api"
	"horde/internal/account"
)

const dot = "iVBORw0KGgoAAAANSUhEUgAAAEAAAABACAIAAAAlC+aJAAAAS0lEQVR42u3PMQ0AAAwDoEqv9ErYvQQckD4XAQEBAQ" +
	"EBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAYHLAB8+AWnmfUycAAAAAElFTkSuQmCC"

// What the routes of alchemy make of their bodies: status, code, and the fields
// that are wrong.
func TestBodiesOfAlchemyAreChecked(t *testing.T) {
	t.Parallel()
	n, _ := newNode(t)
	thousand := int64(1000)
	_, key, _, err := n.Accounts.TestUser(t.Context(),
		account.NewUser{Username: "alice", OAuthID: "test-alice"}, &thousand)
	if err != nil {
		t.Fatal(err)
	}

	const async, pop, submit = "/api/v2/interrogate/async", "/api/v2/interrogate/pop", "/api/v2/interrogate/submit"
	unknown := `"id":"00000000-0000-4000-8000-000000000000"`
	for _, tt := range []struct {
		path, body string
		status     int
		rc, fields string
	}{
		{async, `{`, 400, "", ""},
		{async, `{"forms":[{"name":"sing"},{}],"slow_workers":1}`, 400, "", "forms.0.name forms.1.name slow_workers"},
		{async, `{"forms":[{"name":"caption","payload":"x"}]}`, 400, "", "forms.0.payload"},
		{async, `{"forms":[{"name":"caption","payload":{"x":NaN}}],"source_image":"x"}`, 400, "", "forms.0.payload.x"},
		{async, `{}`, 400, "", "source_image"},
		{async, `{"source_image":null}`, 400, "", "source_image"},
		{async, `{"source_image":""}`, 400, "ImageValidationFailed", ""},
		{async, `{"source_image":"a\u0000b"}`, 400, "NulByteInPayload", ""},
		{async, `{"source_image":"` + dot + `","forms":[{"name":"caption","payload":{"a":"\u0000"}}]}`, 400,
			"NulByteInPayload", ""},
		{async, `{"source_image":"` + dot + `","webhook":"ftp://x.example"}`, 400, "BadRequest", ""},
		{pop, `{}`, 400, "", "name"},
		{pop, `{"name":"x","threads":0,"max_tiles":0,"forms":["x"],"amount":"1"}`, 400, "",
			"amount forms.0 max_tiles threads"},
		{pop, `{"name":"x","priority_usernames":["a"]}`, 400, "InvalidPriorityUsername", ""},
		{submit, ``, 400, "", "id"},
		{submit, `[]`, 400, "", "id"},
		{submit, `{"id":null}`, 400, "", "id"},
		{submit, `{"id":"x"}`, 400, "", "result"},
		{submit, `{"id":"x","result":"R2"}`, 400, "", "result"},
		{submit, `{"id":"x","result":[]}`, 400, "", "result"},
		{submit, `{"id":5,"result":{}}`, 404, "InvalidJobID", ""},
		{submit, `{` + unknown + `,"result":{"a":"\u0000"}}`, 400, "NulByteInPayload", ""},
		{submit, `{` + unknown + `,"result":{},"state":7}`, 404, "InvalidJobID", ""},
		{submit, `{` + unknown + `,"result":{"a":"` + strings.Repeat("x", 5<<20) + `"}}`, 413, "PayloadTooLarge", ""},
	} {
		t.Run(fmt.Sprintf("%s %.80s", tt.path, tt.body), func(t *testing.T) {
			var e api.Error
			w := n.call(t, "POST", tt.path, key, tt.body, &e)
			if fields := strings.Join(slices.Sorted(maps.Keys(e.Errors)), " "); w.Code != tt.status ||
				e.RC != tt.rc || fields != tt.fields {
				t.Errorf("%s %.80s: %d %q %q, want %d %q %q", tt.path, tt.body, w.Code, e.RC, fields, tt.status, tt.rc, tt.fields)
			}
		})
	}

	for _, path := range []string{async, pop, submit} {
		var e api.Error
		n.call(t, "POST", path, "", `{"id":"x","result":{},"name":"x","source_image":"`+dot+`"}`, &e)
		if e.Errors["apikey"] == "" {
			t.Errorf("%s without a key: %+v", path, e)
		}
	}
}

// Settings that are no texts reach the worker as texts; results that are no JSON
// are refused and can be sent again; a delivery shows in the figures.
func TestSettingsOfAlchemyAreTexts(t *testing.T) {
	t.Parallel()
	n, _ := newNode(t)
	thousand := int64(1000)
	_, key, _, err := n.Accounts.TestUser(t.Context(),
		account.NewUser{Username: "alice", OAuthID: "test-alice"}, &thousand)
	if err != nil {
		t.Fatal(err)
	}

	var accepted api.AlchemyAccepted
	w := n.call(t, "POST", "/api/v2/interrogate/async", key,
		`{"forms":[{"name":"caption","payload":{"a":"x","b":0.5,"c":true,"d":null,"e":{"f":1}}},{"name":"nsfw","payload":{}}],"trusted_workers":"","source_image":"`+dot+`"}`, &accepted)
	if w.Code != http.StatusAccepted || accepted.ID == "" {
		t.Fatal(w.Body)
	}

	queued := func(want api.Float) {
		t.Helper()
		var p api.Performance
		if n.call(t, "GET", "/api/v2/status/performance", "", "", &p); p.QueuedForms != want {
			t.Errorf("%v forms queued, want %v", p.QueuedForms, want)
		}
	}

	queued(2)
	var job api.AlchemyJob
	n.call(t, "POST", "/api/v2/interrogate/pop", key,
		`{"name":"w","forms":["caption","nsfw"],"amount":2,"threads":3}`, &job)
	want := map[string]string{"a": "x", "b": "0.5", "c": "True", "e": `{"f":1}`}
	if len(job.Forms) != 2 || !maps.Equal(job.Forms[0].Payload, want) || job.Forms[1].Payload != nil {
		t.Fatalf("%+v", job)
	}

	queued(2)
	submit := func(result string) (int, string) {
		w := n.call(t, "POST", "/api/v2/interrogate/submit", key, `{"id":"`+job.Forms[0].ID+`","result":`+result+`}`, nil)
		return w.Code, strings.TrimSpace(w.Body.String())
	}
	if code, body := submit(`{"caption":NaN}`); code != 400 || !strings.Contains(body, "BadRequest") {
		t.Errorf("NaN: %d %s", code, body)
	}

	if code, body := submit(`{"caption":{"<b>":[1e400,{"x":null}]}}`); code != 400 {
		t.Errorf("infinite: %d %s", code, body)
	}

	if code, body := submit(`{"caption":{"<b>":[1e300,{"x":null}]}}`); code != 200 || body != `{"reward":1.0}` {
		t.Errorf("%d %s", code, body)
	}

	queued(1)
	var st api.AlchemyStatus
	w = n.call(t, "GET", "/api/v2/interrogate/status/"+accepted.ID, "", "", &st)

	var got, sent any
	if len(st.Forms) != 2 || json.Unmarshal(st.Forms[0].Result, &got) != nil ||
		json.Unmarshal([]byte(`{"caption":{"<b>":[1e300,{"x":null}]}}`), &sent) != nil ||
		!equalJSON(got, sent) || strings.Contains(w.Body.String(), `"result":null`) {
		t.Errorf("%s", w.Body)
	}

	w = n.call(t, "DELETE", "/api/v2/interrogate/status/"+accepted.ID, "", "", &st)
	if w.Code != 200 || st.State != "partial" || st.Forms[1].State != "cancelled" {
		t.Errorf("%s", w.Body)
	}

	queued(0)
}

func equalJSON(a, b any) bool {
	x, _ := json.Marshal(a)
	y, _ := json.Marshal(b)
	return string(x) == string(y)
}
