package fleet

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"

	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/moderation"
	"horde/internal/store/storetest"
)

// At which addresses which workers are taken, in a raid and without one
// (generation §1.14, platform §7.3).
func TestWorkersAtUnsafeAddresses(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			switch r.URL.Path {
			case "/203.0.113.1":
				fmt.Fprint(w, "1")
			case "/203.0.113.2":
				w.WriteHeader(http.StatusTooManyRequests)
			default:
				fmt.Fprint(w, "0.1")
			}
		}))
		defer s.Close()
		n := newNode(t, db, hordetest.NewClock())
		n.Checker = moderation.NewChecker(moderation.CheckerConfig{URL: s.URL + "/{ipaddr}"})
		raid := false
		n.Raid = func() bool { return raid }
		const bad, unknown, good = "203.0.113.1", "203.0.113.2", "203.0.113.3"
		plain, trusted, vpn := n.user(t, 0), n.user(t, account.Trusted), n.user(t, account.VPN)
		patron := *n.user(t, 0)
		patron.Patron = true
		n.checkIn(t, plain, pop("known"))
		for i, c := range []struct {
			who  *account.User
			addr string
			raid bool
			code horde.Code
		}{
			{plain, good, false, ""}, {plain, bad, false, horde.UnsafeIP}, {plain, unknown, false, horde.TooManyNewIPs},
			{trusted, bad, false, ""}, {trusted, unknown, false, ""}, {vpn, bad, false, ""}, {&patron, bad, false, ""},
			{vpn, unknown, false, ""},
			{plain, unknown, true, horde.TooManyNewIPs}, {trusted, bad, true, ""},
		} {
			raid = c.raid
			_, err := n.CheckInImage(t.Context(), c.who, pop(fmt.Sprint("worker ", i)), c.addr)
			if horde.CodeOf(err) != c.code || err != nil && c.code == "" {
				t.Errorf("%d: at %s, raid %v: %v, want %q", i, c.addr, c.raid, err, c.code)
			}
		}
		raid = false
		if _, err := n.CheckInImage(t.Context(), plain, pop("known"), bad); horde.CodeOf(err) != horde.UnsafeIP {
			t.Errorf("a known worker: %v", err)
		}
		if _, err := n.CheckInImage(t.Context(), plain, pop("fuck this"), bad); horde.CodeOf(err) != horde.UnsafeIP {
			t.Errorf("before what is asked of new workers: %v", err)
		}

		raid = true
		for range 2 {
			for _, name := range []string{"known", "in a raid"} {
				o, err := n.CheckInImage(t.Context(), plain, pop(name), bad)
				if err != nil || !slices.Equal(o.Worker.Totals.Suspicions, []int{account.SuspicionUnsafeIP}) {
					t.Fatalf("%s: let in with %+v, %v", name, o, err)
				}
			}
		}
		u, err := n.Accounts.ByID(t.Context(), plain.ID)
		if err != nil || u.Suspicions != 1 {
			t.Errorf("the owner's suspicions: %d, %v", u.Suspicions, err)
		}
		for _, w := range n.List(Listing{}) {
			if strings.HasPrefix(w.Name, "worker") && len(w.Totals.Suspicions) > 0 {
				t.Errorf("%s is suspected", w.Name)
			}
		}
	})
}
