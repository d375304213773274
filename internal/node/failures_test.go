package node

import (
	"strings"
	"testing"

	"horde/api"
	"horde/internal/account"
	"horde/internal/store/storetest"
)

// Who runs a worker that only fails is told by its pops, and finds out why it gets
// no jobs; others are not told. Its owner ends the pause.
func TestOwnerSeesFailures(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		n, clock := clockedNode(t, db)
		d := newDeal(t, n, clock, trades[0])
		root := d.person("moderator", 0)
		if _, key, _, err := n.Accounts.TestUser(t.Context(),
			account.NewUser{Username: "moderator", OAuthID: "test-moderator",
				Roles: account.Moderator | account.Trusted}, nil); err != nil {
			t.Fatal(err)
		} else {
			root.key = key
		}
		for range 5 {
			d.begin()
			d.fault("nothing")
		}
		d.ask()
		if d.take(d.owner, "w") != "" {
			t.Error("it got a job after five failures in a row")
		}

		worker := n.Fleet.Owned(d.owner.id)[0]
		path := "/api/ext/v1/workers/" + worker.ID + "/failures"
		var seen api.WorkerFailures
		for who, key := range map[string]string{"its owner": d.owner.key, "a moderator": root.key} {
			seen = api.WorkerFailures{}
			if w := n.call(t, "GET", path, key, "", &seen); w.Code != 200 || seen.InARow != 5 || seen.PausedUntil == nil ||
				!strings.Contains(*seen.Message, "paused until") {
				t.Errorf("%s sees %d %s", who, w.Code, w.Body)
			}
		}
		for who, key := range map[string]string{"a rival": d.rival.key, "nobody": "", "an unknown key": "x"} {
			if w := n.call(t, "GET", path, key, "", nil); w.Code != 403 && w.Code != 401 && w.Code != 400 {
				t.Errorf("%s sees %d %s", who, w.Code, w.Body)
			}
		}
		var details api.WorkerDetails
		n.call(t, "GET", "/api/v2/workers/"+worker.ID, root.key, "", &details)
		if len(details.Messages) != 1 || !strings.Contains(details.Messages[0].Message, "paused until") {
			t.Errorf("a moderator is shown %+v", details.Messages)
		}

		if w := n.call(t, "PUT", "/api/v2/workers/"+worker.ID, d.owner.key, `{"maintenance":false}`, nil); w.Code != 200 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
		seen = api.WorkerFailures{}
		n.call(t, "GET", path, d.owner.key, "", &seen)
		if seen.InARow != 0 || seen.PausedUntil != nil || d.take(d.owner, "w") == "" {
			t.Errorf("after the owner's word: %+v", seen)
		}
	})
}
