package node

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"horde/api"
	"horde/internal/account"
)

const dear = `{"prompt":"a lighthouse","models":["stable_diffusion"],"params":{"width":1088,"height":1088,"steps":30,"post_processing":["RestoreFormer"]}}`

// Maintenance takes what waits away, frees what was set aside for it, and refuses
// what comes.
func TestMaintenanceTakesWhatWaitsAway(t *testing.T) {
	t.Parallel()
	n, admin := newNode(t)
	hundred := int64(100)
	alice, key, _, err := n.Accounts.TestUser(t.Context(),
		account.NewUser{Username: "alice", OAuthID: "test-alice"}, &hundred)
	if err != nil {
		t.Fatal(err)
	}

	held := func() bool {
		a, err := n.Store.Account(context.Background(), alice.ID)
		if err != nil {
			t.Fatal(err)
		}
		return a.Held > 0
	}

	var taken api.Accepted
	if w := n.call(t, "POST", "/api/v2/generate/async", key, dear, &taken); w.Code != http.StatusAccepted || !held() {
		t.Fatalf("a dear request: %d %s, held %v", w.Code, w.Body, held())
	}

	if w := n.call(t, "PUT", "/api/v2/status/modes", admin, `{"maintenance_mode":"yes"}`,
		nil); w.Body.String() != "{\"maintenance_mode\":true}\n" {
		t.Fatalf("switch on: %d %s", w.Code, w.Body)
	}

	var check api.Check
	n.call(t, "GET", "/api/v2/generate/check/"+taken.ID, "", "", &check)
	if check.Waiting != 0 || check.Done || check.Faulted || held() {
		t.Errorf("after maintenance: %+v, held %v", check, held())
	}

	var refused api.Error
	if w := n.call(t, "POST", "/api/v2/generate/async", "unknown", dear, &refused); w.Code != http.StatusBadRequest ||
		refused.RC != "MaintenanceMode" {
		t.Errorf("a request in maintenance: %d %+v", w.Code, refused)
	}

	n.call(t, "PUT", "/api/v2/status/modes", admin, `{"maintenance_mode":false}`, nil)
	if w := n.call(t, "POST", "/api/v2/generate/async", key, dear, nil); w.Code != http.StatusAccepted {
		t.Errorf("after maintenance: %d %s", w.Code, w.Body)
	}

	if a, err := n.Store.Audit(t.Context()); err != nil || !a.Sound() {
		t.Errorf("the ledger is not sound: %+v, %v", a, err)
	}
}

// A raid closes registration for pseudonymous accounts.
func TestRaidClosesRegistration(t *testing.T) {
	t.Parallel()
	n, admin := newNode(t)
	if w := n.call(t, "POST", "/register", "", "username=one", nil); !strings.Contains(w.Body.String(),
		`class="ah-api-key"`) {
		t.Errorf("before: %s", w.Body)
	}
	n.call(t, "PUT", "/api/v2/status/modes", admin, `{"raid_mode":1}`, nil)
	if w := n.call(t, "POST", "/register", "", "username=two", nil); strings.Contains(w.Body.String(),
		`class="ah-api-key"`) || w.Code != http.StatusOK {
		t.Errorf("in a raid: %d %s", w.Code, w.Body)
	}
}

// Who may see and switch which mode (platform §3.9).
func TestWhoMaySwitchWhichMode(t *testing.T) {
	t.Parallel()
	n, admin := newNode(t)
	_, mod, err := n.Accounts.Create(t.Context(), account.NewUser{Username: "mod", Roles: account.Moderator})
	if err != nil {
		t.Fatal(err)
	}

	_, plain, err := n.Accounts.Create(t.Context(), account.NewUser{Username: "plain"})
	if err != nil {
		t.Fatal(err)
	}

	for _, c := range []struct {
		method, key, body string
		status            int
		rc, answer        string
	}{
		{"GET", "", "", 200, "", `{"maintenance_mode":false,"invite_only_mode":false}`},
		{"GET", "nobody", "", 401, "InvalidAPIKey", ""},
		{"GET", plain, "", 403, "NotModerator", ""},
		{"GET", mod, "", 200, "", `{"maintenance_mode":false,"invite_only_mode":false,"raid_mode":false}`},
		{"PUT", "", `{"raid_mode":true}`, 400, "", ""},
		{"PUT", "nobody", `{"raid_mode":true}`, 401, "InvalidAPIKey", ""},
		{"PUT", plain, `{}`, 400, "NoHordeModSelected", ""},
		{"PUT", plain, `{"raid_mode":null}`, 400, "NoHordeModSelected", ""},
		{"PUT", plain, `nonsense`, 400, "NoHordeModSelected", ""},
		{"PUT", plain, `{"raid_mode":true}`, 403, "NotModerator", ""},
		{"PUT", mod, `{"maintenance_mode":true,"raid_mode":true}`, 403, "NotAdmin", ""},
		{"GET", "", "", 200, "", `{"maintenance_mode":false,"invite_only_mode":false}`},
		{"PUT", mod, `{"raid_mode":"x","invite_only_mode":1}`, 200, "", `{"invite_only_mode":true,"raid_mode":true}`},
		{"PUT", admin, `{"maintenance_mode":true,"raid_mode":""}`, 200, "", `{"maintenance_mode":true,"raid_mode":false}`},
		{"GET", mod, "", 200, "", `{"maintenance_mode":true,"invite_only_mode":true,"raid_mode":false}`},
	} {
		t.Run(c.method+" "+c.body, func(t *testing.T) {
			w := n.call(t, c.method, "/api/v2/status/modes", c.key, c.body, nil)
			var refused api.Error
			_ = json.Unmarshal(w.Body.Bytes(), &refused)
			if w.Code != c.status || refused.RC != c.rc || c.answer != "" && strings.TrimSpace(w.Body.String()) != c.answer {
				t.Errorf("%s by %q with %s: %d %s", c.method, c.key, c.body, w.Code, w.Body)
			}
		})
	}
}

// Who names nothing that can be changed hears what became of the body, and not
// only that nothing was given.
func TestNothingToChangeSaysWhy(t *testing.T) {
	t.Parallel()
	n, admin := newNode(t)
	_, mod, err := n.Accounts.Create(t.Context(), account.NewUser{Username: "mod", Roles: account.Moderator})
	if err != nil {
		t.Fatal(err)
	}

	var key api.SharedKey
	n.call(t, "PUT", "/api/v2/sharedkeys", admin, `{"kudos":5}`, &key)
	plain := http.Header{"Content-Type": {"text/plain"}}

	const modes, shared = "/api/v2/status/modes", "/api/v2/sharedkeys/"
	for _, c := range []struct {
		name, method, path, key, body string
		header                        http.Header
		status                        int
		rc                            string
		says, hides                   string // what is in the message, and what is not
	}{
		{name: "the switch by another name", method: "PUT", path: modes, key: mod, body: `{"maintenance":true}`,
			status: 400, rc: "NoHordeModSelected",
			says: "There is no field 'maintenance' here. The fields are maintenance_mode, invite_only_mode, raid_mode."},
		{name: "no JSON", method: "PUT", path: modes, key: mod, body: `{"maintenance_mode":true}`, header: plain,
			status: 400, rc: "NoHordeModSelected", says: "Content-Type: application/json"},
		{name: "a list", method: "PUT", path: modes, key: mod, body: `[1]`,
			status: 400, rc: "NoHordeModSelected", says: "no JSON object"},
		{name: "null", method: "PUT", path: modes, key: mod, body: `{"raid_mode":null}`,
			status: 400, rc: "NoHordeModSelected", says: "null counts as absent: 'raid_mode'"},
		{name: "nothing", method: "PUT", path: modes, key: mod, body: `{}`,
			status: 400, rc: "NoHordeModSelected",
			says: "No mode to change was given. The body is no JSON object, or one without fields.", hides: "no field"},
		{name: "a moderator's switch", method: "PUT", path: modes, key: mod, body: `{"maintenance_mode":true}`,
			status: 403, rc: "NotAdmin", says: "administrators", hides: "given"},
		{name: "a user's unknown field", method: "PUT", path: "/api/v2/users/1", key: admin, body: `{"moderater":true}`,
			status: 400, rc: "NoUserModSelected", says: "no field 'moderater'"},
		{name: "a user's idle field", method: "PUT", path: "/api/v2/users/1", key: admin, body: `{"filtered":true}`,
			status: 400, rc: "NoUserModSelected", says: "By itself 'filtered' changes nothing"},
		{name: "a shared key's", method: "PATCH", path: shared + key.ID, key: admin, body: `{"budget":5}`,
			status: 400, rc: "NoSharedKeyModSelected", says: "no field 'budget' here. The fields are kudos"},
		{name: "a long name is cut", method: "PUT", path: modes, key: mod, body: `{"` + strings.Repeat("x", 500) + `":true}`,
			status: 400, rc: "NoHordeModSelected", says: "'" + strings.Repeat("x", 40) + "'", hides: strings.Repeat("x", 41)},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := n.callWith(t, c.method, c.path, c.key, c.body, c.header)
			var refused api.Error
			_ = json.Unmarshal(w.Body.Bytes(), &refused)
			if w.Code != c.status || refused.RC != c.rc {
				t.Errorf("%d %s, want %d %s", w.Code, w.Body, c.status, c.rc)
			}
			if !strings.Contains(refused.Message, c.says) || c.hides != "" && strings.Contains(refused.Message, c.hides) {
				t.Errorf("the message is %q, want %q in it and not %q", refused.Message, c.says, c.hides)
			}
		})
	}

	if w := n.call(t, "GET", modes, mod, "", nil); strings.Contains(w.Body.String(), "true") {
		t.Errorf("something was switched: %s", w.Body)
	}
}
