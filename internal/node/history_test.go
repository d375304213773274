package node

import (
	"net/http"
	"testing"

	"horde/api"
	"horde/internal/account"
)

// GET /api/ext/v1/kudos/history: whose is shown to whom, and pages.
func TestWhoseHistoryIsShownToWhom(t *testing.T) {
	t.Parallel()
	n, admin := newNode(t)
	thousand := int64(1000)
	_, key, _, err := n.Accounts.TestUser(t.Context(),
		account.NewUser{Username: "alice", OAuthID: "test-alice"}, &thousand)
	if err != nil {
		t.Fatal(err)
	}

	const path = "/api/ext/v1/kudos/history"
	for i := range 3 {
		if w := n.call(t, "PUT", "/api/v2/users/2", admin, `{"kudos":5}`, nil); w.Code != http.StatusOK {
			t.Fatalf("%d: %d %s", i, w.Code, w.Body)
		}
	}

	for _, c := range []struct {
		query, key string
		status     int
		rc, field  string
	}{
		{"", key, 200, "", ""},
		{"", "", 400, "", "apikey"},
		{"", "nobody's", 401, "InvalidAPIKey", ""},
		{"", api.AnonymousKey, 403, "AnonForbidden", ""},
		{"?username=alice%232", key, 200, "", ""},
		{"?username=root%231", key, 403, "NotModerator", ""},
		{"?username=alice%232", admin, 200, "", ""},
		{"?username=2", admin, 200, "", ""},
		{"?username=77", admin, 404, "UserNotFound", ""},
		{"?username=%00", admin, 404, "UserNotFound", ""},
		{"?limit=0", key, 400, "", "limit"},
		{"?limit=201", key, 400, "", "limit"},
		{"?limit=99999999999999999999", key, 400, "", "limit"},
		{"?limit=x", key, 400, "", "limit"},
		{"?before=x", key, 400, "", "before"},
	} {
		t.Run(c.query, func(t *testing.T) {
			var e api.Error
			w := n.call(t, "GET", path+c.query, c.key, "", &e)
			if w.Code != c.status || e.RC != c.rc || c.field != "" && e.Errors[c.field] == "" {
				t.Errorf("%s: %d %s", c.query, w.Code, w.Body)
			}
		})
	}

	var whole, first, second api.KudosHistory
	n.call(t, "GET", path, key, "", &whole)
	n.call(t, "GET", path+"?limit=3", key, "", &first)
	n.call(t, "GET", path+"?limit=3&before="+first.Next, key, "", &second)
	if len(whole.Movements) != 4 || whole.Next != "" || len(first.Movements) != 3 ||
		len(second.Movements) != 1 || second.Next != "" {
		t.Errorf("%+v\n%+v\n%+v", whole, first, second)
	}

	if m := second.Movements[0]; m.Balance != 1000 || m.Text != whole.Movements[3].Text || float64(whole.Kudos) != 1015 ||
		whole.Username != "alice#2" {
		t.Errorf("%+v of %+v", m, whole)
	}
}
