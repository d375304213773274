package node

import (
	"encoding/json"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"

	"horde/internal/account"
	"horde/internal/hordetest"
	"horde/internal/store/storetest"
)

// minParallel is how many tests run at a time at least: most of them wait for a database.
const minParallel = 6

func TestMain(m *testing.M) {
	storetest.Parallel(minParallel)
	os.Exit(m.Run())
}

// newNode opens a node on an empty SQLite, with the key of an administrator who is
// a moderator.
func newNode(t *testing.T, edit ...func(*Options)) (n *Node, admin string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}

	o := Options{
		Data:      storetest.Folder(t),
		Listener:  l,
		KeySecret: "k",
		Admins:    func() []string { return []string{"root#1"} },
	}
	for _, f := range edit {
		f(&o)
	}

	n, err = Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close(); l.Close() })

	_, admin, _, err = n.Accounts.TestUser(t.Context(),
		account.NewUser{Username: "root", OAuthID: "test-root", Roles: account.Moderator | account.Trusted}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return n, admin
}

// call sends a request to the node's front and reads the answer into v, unless
// that is nil.
func (n *Node) call(t *testing.T, method, path, key, body string, v any) *httptest.ResponseRecorder {
	t.Helper()
	w := n.callWith(t, method, path, key, body, nil)
	if v != nil {
		if err := json.Unmarshal(w.Body.Bytes(), v); err != nil {
			t.Fatalf("%s %s: %v in %s", method, path, err, w.Body)
		}
	}
	return w
}

// callWith is call with further headers.
func (n *Node) callWith(t *testing.T, method, path, key, body string, more http.Header) *httptest.ResponseRecorder {
	t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	if !strings.HasPrefix(path, "/api/") {
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	}
	if key != "" {
		r.Header.Set("apikey", key)
	}
	maps.Copy(r.Header, more)

	w := httptest.NewRecorder()
	n.http.ServeHTTP(w, r)
	return w
}

// clockedNode is a node on a database, with a clock that the test moves.
func clockedNode(t *testing.T, db *storetest.DB) (*Node, *hordetest.Clock) {
	t.Helper()
	clock := hordetest.NewClock()
	n, _ := newNode(t, func(o *Options) {
		o.DBURL = db.Options().URL
		o.Clock = clock.Now
	})
	return n, clock
}
