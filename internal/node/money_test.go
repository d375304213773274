package node

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"horde/internal/horde"

	"horde/api"
	"horde/internal/account"
)

// cast are the accounts of a test about money, by name.
type cast struct {
	*Node
	t     *testing.T
	keys  map[string]string
	alias map[string]string
}

func newCast(t *testing.T) *cast {
	n, admin := newNode(t)
	c := &cast{n, t, map[string]string{"root": admin, "anon": api.AnonymousKey, "stranger": "no-such-key"},
		map[string]string{"root": "root#1", "anon": "Anonymous#0"}}
	thousand := int64(1000)
	for _, name := range []string{"alice", "bob", "flagged", "gone", "school"} {
		u, key, _, err := n.Accounts.TestUser(t.Context(),
			account.NewUser{Username: name, OAuthID: "test-" + name}, &thousand)
		if err != nil {
			t.Fatal(err)
		}
		c.keys[name], c.alias[name] = key, u.Alias()
		switch name {
		case "flagged":
			n.call(t, "PUT", fmt.Sprint("/api/v2/users/", u.ID), admin, `{"flagged":true}`, nil)
		case "school":
			n.call(t, "PUT", fmt.Sprint("/api/v2/users/", u.ID), admin, `{"education":true}`, nil)
		case "gone":
			n.call(t, "DELETE", fmt.Sprint("/api/v2/users/", u.ID), key, "", nil)
		}
	}
	return c
}

// all is what everybody has, to compare.
func (c *cast) all() string {
	c.t.Helper()
	var b strings.Builder
	for id := range horde.UserID(7) {
		a, err := c.Store.Account(c.t.Context(), id)
		if err != nil {
			c.t.Fatal(err)
		}
		fmt.Fprintf(&b, "%d: %s %s %s\n", id, a.Balance, a.Escrow, a.Held)
	}
	return b.String()
}

// badAmounts are amounts that no transfer may have, and what they are called.
var badAmounts = []struct{ amount, transfer, award string }{
	{`-5`, "NegativeKudosTransfer", ""},
	{`-0.5`, "InvalidKudosTransferAmount", ""},
	{`0`, "InvalidKudosTransferAmount", ""},
	{`0.999`, "InvalidKudosTransferAmount", ""},
	{`false`, "InvalidKudosTransferAmount", ""},
	{`-9223372036854775808`, "NegativeKudosTransfer", "amount"},
	{`-9223372036854775809`, "NegativeKudosTransfer", "amount"},
	{`-1e308`, "NegativeKudosTransfer", "amount"},
	{`1e308`, "KudosTransferNotEnough", "amount"},
	{`9223372036854775807`, "KudosTransferNotEnough", "amount"},
	{`9223372036854775808`, "KudosTransferNotEnough", "amount"},
	{`"99999999999999999999999"`, "KudosTransferNotEnough", "amount"},
	{`1000000000000001`, "KudosTransferNotEnough", "amount"},
	{`976`, "KudosTransferNotEnough", ""},
	{`NaN`, "amount", "amount"},
	{`Infinity`, "amount", "amount"},
	{`1e400`, "amount", "amount"},
	{`"1e3"`, "amount", "amount"},
	{`"five"`, "amount", "amount"},
	{`""`, "amount", "amount"},
	{`[5]`, "amount", "amount"},
	{`{"a":5}`, "amount", "amount"},
}

// TestNonsenseTransfersMoveNothing: nonsense and forbidden parties get the code of
// platform §3.2 and move nothing.
func TestNonsenseTransfersMoveNothing(t *testing.T) {
	t.Parallel()
	c := newCast(t)
	const path = "/api/v2/kudos/transfer"
	before := c.all()

	refuse := func(from, body, want string) {
		t.Helper()
		var e api.Error
		w := c.call(t, "POST", path, c.keys[from], body, &e)
		status := http.StatusBadRequest
		if want == "InvalidAPIKey" {
			status = http.StatusUnauthorized
		}
		if w.Code != status || e.RC != want && e.Errors[want] == "" || e.Message == "" {
			t.Errorf("%s: %s: %d %s, want %s", from, body, w.Code, w.Body, want)
		}
	}

	for _, a := range badAmounts {
		refuse("alice", `{"username":"bob#3","amount":`+a.amount+`}`, a.transfer)
	}

	to := func(name string) string {
		quoted, _ := json.Marshal(name)
		return fmt.Sprintf(`{"username":%s,"amount":5}`, quoted)
	}

	for _, p := range []struct{ from, to, want string }{
		{"alice", c.alias["alice"], "KudosTransferToSelf"},
		{"alice", "2", "KudosTransferToSelf"},
		{"alice", c.alias["anon"], "KudosTransferToAnon"},
		{"alice", "0", "KudosTransferToAnon"},
		{"anon", c.alias["bob"], "KudosTransferFromAnon"},
		{"anon", "nobody", "KudosTransferFromAnon"},
		{"alice", "nobody", "InvalidTargetUsername"},
		{"alice", "nobody#99", "InvalidTargetUsername"},
		{"alice", "bob#-3", "InvalidTargetUsername"},
		{"alice", "bob#3\x00", "InvalidTargetUsername"},
		{"alice", "#", "InvalidTargetUsername"},
		{"alice", "", "InvalidTargetUsername"},
		{"alice", strings.Repeat("9", 5000), "InvalidTargetUsername"},
		{"alice", "11111111-1111-4111-8111-111111111111", "InvalidTargetUsername"},
		{"alice", c.alias["flagged"], "TargetAccountFlagged"},
		{"flagged", c.alias["bob"], "SourceAccountFlagged"},
		{"alice", c.alias["gone"], "DeletedUser"},
		{"gone", c.alias["bob"], "DeletedUser"},
		{"school", c.alias["bob"], "EducationCannotSendKudos"},
		{"stranger", c.alias["bob"], "InvalidAPIKey"},
		{"stranger", "nobody", "InvalidAPIKey"},
	} {
		refuse(p.from, to(p.to), p.want)
	}

	for body, want := range map[string]string{`{}`: "username", `{"amount":5}`: "username",
		`{"username":null,"amount":5}`: "username",
		`{"username":["bob#3"]}`:       "InvalidTargetUsername", `{"username":true}`: "InvalidTargetUsername"} {
		refuse("alice", body, want)
	}

	if after := c.all(); after != before {
		t.Errorf("refusals moved kudos:\n%s\n%s", before, after)
	}

	for _, g := range []struct {
		body string
		want api.Float
	}{{`{"username":"bob#3","amount":10.999}`, 10}, {`{"username":3,"amount":"5"}`, 5}, {`{"username":"bob#3"}`,
		100}, {`{"username":"any name#3","amount":860}`, 860}} {
		var done api.KudosTransferred
		if w := c.call(t, "POST", path, c.keys["alice"], g.body, &done); w.Code != http.StatusOK ||
			done.Transferred != g.want {
			t.Errorf("%s: %d %s", g.body, w.Code, w.Body)
		}
	}

	refuse("alice", to("bob#3"), "KudosTransferNotEnough")
	refuse("bob", to(c.alias["alice"]), "TooFastKudosTransfers")
	if a, err := c.Store.Audit(t.Context()); err != nil || !a.Sound() {
		t.Errorf("%+v %v", a, err)
	}
}

// TestNonsenseAwardsMoveNothing is TestNonsenseTransfersMoveNothing for POST /kudos/award.
func TestNonsenseAwardsMoveNothing(t *testing.T) {
	t.Parallel()
	c := newCast(t)
	const path = "/api/v2/kudos/award"
	before := c.all()

	for _, p := range []struct {
		from, body string
		status     int
		want       string
	}{
		{"stranger", `{"username":"nobody"}`, 401, "InvalidAPIKey"},
		{"anon", `{"username":"bob#3"}`, 403, "NotAllowedAwards"},
		{"alice", `{"username":"nobody"}`, 403, "NotAllowedAwards"},
		{"gone", `{"username":"bob#3"}`, 403, "DeletedUser"},
		{"root", `{"username":"nobody"}`, 400, "InvalidAwardUsername"},
		{"root", `{"username":"nobody#99","amount":5}`, 400, "InvalidAwardUsername"},
		{"root", `{"username":"0"}`, 400, "KudosAwardToAnon"},
		{"root", `{"username":"flagged#4"}`, 400, "TargetAccountFlagged"},
		{"root", `{}`, 400, "username"},
		{"root", `{"username":null}`, 400, "username"},
	} {
		t.Run(p.from+" "+p.body, func(t *testing.T) {
			var e api.Error
			w := c.call(t, "POST", path, c.keys[p.from], p.body, &e)
			if w.Code != p.status || e.RC != p.want && e.Errors[p.want] == "" {
				t.Errorf("%s: %s: %d %s, want %d %s", p.from, p.body, w.Code, w.Body, p.status, p.want)
			}
		})
	}

	for _, a := range badAmounts {
		if a.award == "" {
			continue
		}
		var e api.Error
		if w := c.call(t, "POST", path, c.keys["root"], `{"username":"bob#3","amount":`+a.amount+`}`,
			&e); w.Code != http.StatusBadRequest || e.Errors[a.award] == "" {
			t.Errorf("%s: %d %s", a.amount, w.Code, w.Body)
		}
	}

	if after := c.all(); after != before {
		t.Errorf("refusals moved kudos:\n%s\n%s", before, after)
	}

	// The writes of an award show at once, also below 0, with fractions cut.
	for _, a := range []struct {
		amount        string
		awarded, left float64
	}{{"50", 50, 1050}, {"10.999", 10, 1060}, {"-20", -20, 1040}, {"-0.5", 0, 1040}, {"-1000000", -1000000, 25}} {
		var done api.KudosAwarded
		w := c.call(t, "POST", path, c.keys["root"], `{"username":"bob#3","amount":`+a.amount+`}`, &done)
		var u api.UserDetails
		c.call(t, "GET", "/api/v2/users/3", "", "", &u)
		if w.Code != http.StatusOK || float64(done.Awarded) != a.awarded || float64(u.Kudos) != a.left {
			t.Errorf("%s: %d %s, balance %v", a.amount, w.Code, w.Body, u.Kudos)
		}
	}

	if a, err := c.Store.Audit(t.Context()); err != nil || !a.Sound() {
		t.Errorf("%+v %v", a, err)
	}
}

// TestNonsenseAdjustmentsMoveNothing: PUT /users/{id} and POST /kudos/adjust move nothing that is
// no amount, and the budget of a shared key takes no nonsense.
func TestNonsenseAdjustmentsMoveNothing(t *testing.T) {
	t.Parallel()
	c := newCast(t)
	before := c.all()

	for _, p := range []struct {
		method, path, from, body string
		status                   int
		want                     string
	}{
		{"PUT", "/api/v2/users/3", "root", `{"kudos":NaN}`, 400, "kudos"},
		{"PUT", "/api/v2/users/3", "root", `{"kudos":Infinity}`, 400, "kudos"},
		{"PUT", "/api/v2/users/3", "root", `{"kudos":1e308}`, 400, "kudos"},
		{"PUT", "/api/v2/users/3", "root", `{"kudos":-1e308}`, 400, "kudos"},
		{"PUT", "/api/v2/users/3", "root", `{"kudos":9223372036854775808}`, 400, "kudos"},
		{"PUT", "/api/v2/users/3", "root", `{"kudos":"5"}`, 400, "kudos"},
		{"PUT", "/api/v2/users/3", "root", `{"monthly_kudos":1.5}`, 400, "monthly_kudos"},
		{"PUT", "/api/v2/users/3", "root", `{"monthly_kudos":9223372036854775808}`, 400, "monthly_kudos"},
		{"PUT", "/api/v2/users/3", "root", `{"monthly_kudos":1000000000001}`, 400, "monthly_kudos"},
		{"PUT", "/api/v2/users/3", "alice", `{"kudos":5}`, 403, "NotAdmin"},
		{"PUT", "/api/v2/users/3", "bob", `{"monthly_kudos":5}`, 403, "NotAdmin"},
		{"PUT", "/api/v2/users/99", "root", `{"kudos":5}`, 404, "UserNotFound"},
		{"PUT", "/api/v2/users/3", "root", `{}`, 400, "NoUserModSelected"},
		{"PUT", "/api/v2/sharedkeys", "anon", `{"kudos":5}`, 403, "AnonForbidden"},
		{"PUT", "/api/v2/sharedkeys", "alice", `{"kudos":1e308}`, 400, "kudos"},
		{"PUT", "/api/v2/sharedkeys", "alice", `{"kudos":9223372036854775808}`, 400, "kudos"},
		{"PUT", "/api/v2/sharedkeys", "alice", `{"kudos":NaN}`, 400, "kudos"},
		{"PUT", "/api/v2/sharedkeys", "alice", `{"kudos":-9223372036854775808}`, 400, "kudos"},
		{"PUT", "/api/v2/sharedkeys", "alice", `{"kudos":"five"}`, 400, "kudos"},
		{"PUT", "/api/v2/sharedkeys", "alice", `{"expiry":9223372036854775807}`, 400, "expiry"},
		{"PUT", "/api/v2/sharedkeys", "alice", `{"max_image_pixels":-Infinity}`, 400, "max_image_pixels"},
		{"PUT", "/api/v2/sharedkeys", "alice", `{"max_text_tokens":9223372036854775808}`, 400, "max_text_tokens"},
		{"PUT", "/api/v2/sharedkeys", "stranger", `{}`, 401, "InvalidAPIKey"},
		{"POST", adjustPath, "root", adjustment("3", "0"), 400, "amount"},
		{"POST", adjustPath, "root", adjustment("3", "0.5"), 400, "amount"},
		{"POST", adjustPath, "root", adjustment("3", "5.001"), 400, "amount"},
		{"POST", adjustPath, "root", adjustment("3", "NaN"), 400, "amount"},
		{"POST", adjustPath, "root", adjustment("3", "-Infinity"), 400, "amount"},
		{"POST", adjustPath, "root", adjustment("3", "1e308"), 400, "amount"},
		{"POST", adjustPath, "root", adjustment("3", "9223372036854775808"), 400, "amount"},
		{"POST", adjustPath, "root", adjustment("3", "-9223372036854775808"), 400, "amount"},
		{"POST", adjustPath, "root", adjustment("3", "1000000000001"), 400, "amount"},
		{"POST", adjustPath, "root", adjustment("3", `"5"`), 400, "amount"},
		{"POST", adjustPath, "root", adjustment("nobody", "5"), 404, "UserNotFound"},
		{"POST", adjustPath, "root", adjustment("nobody#99", "5"), 404, "UserNotFound"},
		{"POST", adjustPath, "root", `{"username":"3","amount":5}`, 400, "reason"},
		{"POST", adjustPath, "root", `{"username":"3","amount":5,"reason":" "}`, 400, "reason"},
		{"POST", adjustPath, "alice", adjustment("alice#2", "5"), 403, "NotAdmin"},
		{"POST", adjustPath, "anon", adjustment("3", "5"), 403, "NotAdmin"},
		{"POST", adjustPath, "stranger", adjustment("3", "5"), 401, "InvalidAPIKey"},
	} {
		t.Run(p.from+" "+p.path+" "+p.body, func(t *testing.T) {
			var e api.Error
			w := c.call(t, p.method, p.path, c.keys[p.from], p.body, &e)
			if w.Code != p.status || e.RC != p.want && e.Errors[p.want] == "" {
				t.Errorf("%s %s: %s: %d %s, want %d %s", p.from, p.path, p.body, w.Code, w.Body, p.status, p.want)
			}
		})
	}

	if after := c.all(); after != before {
		t.Errorf("refusals moved kudos:\n%s\n%s", before, after)
	}

	var m api.ModifiedUser
	c.call(t, "PUT", "/api/v2/users/3", c.keys["root"], `{"kudos":1.999}`, &m)
	if m.NewKudos == nil || *m.NewKudos != 1001 {
		t.Errorf("%+v", m.NewKudos)
	}

	c.call(t, "PUT", "/api/v2/users/3", c.keys["root"], `{"kudos":-1000000}`, &m)
	if *m.NewKudos != 25 {
		t.Errorf("taken below the floor: %v", *m.NewKudos)
	}

	_, err := c.Accounts.HistoryOf(t.Context(), &account.User{ID: 3}, "")
	h, e := c.Accounts.History(t.Context(), 3, "", 1)
	if err != nil || e != nil || h.Movements[0].Kind != "admin" || h.Movements[0].Username != "root#1" ||
		!strings.Contains(h.Movements[0].Text, "forgiven") {
		t.Errorf("%+v %v %v", h, err, e)
	}

	if a, err := c.Store.Audit(t.Context()); err != nil || !a.Sound() {
		t.Errorf("%+v %v", a, err)
	}
}

const adjustPath = "/api/ext/v1/kudos/adjust"

// adjustment is the body of an adjustment of a user by an amount.
func adjustment(user, amount string) string {
	return `{"username":"` + user + `","amount":` + amount + `,"reason":"to test"}`
}

// TestAnIdempotencyKeyMovesKudosOnce: one Idempotency-Key moves kudos once, whatever else the body
// says, and answers the same to the same.
func TestAnIdempotencyKeyMovesKudosOnce(t *testing.T) {
	t.Parallel()
	c := newCast(t)
	give := func(key, body string) (int, string) {
		t.Helper()
		w := c.callWith(t, "POST", "/api/v2/kudos/transfer", c.keys["alice"], body, http.Header{"Idempotency-Key": {key}})
		return w.Code, w.Body.String()
	}

	status, first := give("k1", `{"username":"bob#3","amount":100}`)
	if status != http.StatusOK {
		t.Fatal(first)
	}

	for _, body := range []string{`{"username":"bob#3","amount":100}`, `{"username":"3","amount":"100"}`,
		`{"amount":100.5,"username":"renamed#3"}`, `{"username":"bob#3"}`} {
		if status, again := give("k1", body); status != http.StatusOK || again != first {
			t.Errorf("%s: %d %s, want %s", body, status, again, first)
		}
	}

	for _, body := range []string{`{"username":"bob#3","amount":101}`, `{"username":"root#1","amount":100}`} {
		if status, text := give("k1", body); status != http.StatusBadRequest ||
			!strings.Contains(text, "IdempotencyKeyConflict") {
			t.Errorf("%s: %d %s", body, status, text)
		}
	}

	if status, text := give("k2", `{"username":"bob#3","amount":875}`); status != http.StatusOK {
		t.Errorf("all that can be given: %d %s", status, text)
	}

	if status, text := give("k2", `{"username":"bob#3","amount":875}`); status != http.StatusOK {
		t.Errorf("the same again, by one who has nothing left to give: %d %s", status, text)
	}

	if k, err := c.Accounts.Balance(t.Context(), 3); err != nil || k.Float() != 1975 {
		t.Errorf("bob has %s, %v", k, err)
	}
}
