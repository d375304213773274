package account

import (
	"errors"
	"testing"
	"time"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/kudos"
)

// Whoever calls from one network, and nobody else, shares an allowance by address.
func TestUnpaidBoundsByAddress(t *testing.T) {
	a := &Accounts{config: Config{KeySecret: "k", Unpaid: Unpaid{Account: 100, Address: 300}}}
	key := func(addr string) string { return a.UnpaidBounds(&User{ID: 1}, addr).From }

	for _, tt := range []struct {
		name, one, other string
		same             bool
	}{
		{"one address", "203.0.113.7", "203.0.113.7", true},
		{"two addresses", "203.0.113.7", "203.0.113.8", false},
		{"mapped into IPv6", "203.0.113.7", "::ffff:203.0.113.7", true},
		{"one /64", "2001:db8:1:2::3", "2001:db8:1:2:ffff::4", true},
		{"two /64", "2001:db8:1:2::3", "2001:db8:1:3::3", false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if one, other := key(tt.one), key(tt.other); one == "" || other == "" || one == other != tt.same {
				t.Errorf("%q and %q", one, other)
			}
		})
	}

	for _, nobodys := range []string{
		"", "nonsense", "127.0.0.1", "::1", "10.1.2.3", "192.168.0.1", "fd00::1", "fe80::1%eth0",
	} {
		if got := key(nobodys); got != "" {
			t.Errorf("%q has the key %q", nobodys, got)
		}
	}

	other := &Accounts{config: Config{KeySecret: "other", Unpaid: a.config.Unpaid}}
	if key("203.0.113.7") == other.UnpaidBounds(nil, "203.0.113.7").From {
		t.Error("the key of an address does not depend on the secret")
	}
}

// Trusted owners may earn five times as much; what the anonymous account has is not
// bounded.
func TestUnpaidBoundsOfWhom(t *testing.T) {
	a := &Accounts{config: Config{KeySecret: "k", Unpaid: Unpaid{Account: 100, Address: 300}}}
	for _, tt := range []struct {
		name             string
		user             *User
		account, address horde.Kudos
	}{
		{"somebody", &User{ID: 1}, 100, 300},
		{"not known", nil, 100, 300},
		{"trusted", &User{ID: 1, Roles: Trusted}, 500, 1500},
		{"anonymous", &User{OAuthID: anonymousOAuth}, 0, 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := a.UnpaidBounds(tt.user, "203.0.113.7")
			if got.Account != tt.account || got.Address != tt.address {
				t.Errorf("%+v", got)
			}
		})
	}

	none := &Accounts{config: Config{KeySecret: "k"}}
	if got := none.UnpaidBounds(&User{ID: 1}, "203.0.113.7"); got != (kudos.UnpaidBounds{}) {
		t.Errorf("without bounds: %+v", got)
	}
}

// The history says what was forgone and why, even where nothing was earned, and how
// much of today's bound is used.
func TestHistoryOfUnpaidWork(t *testing.T) {
	each(t, func(w *world) {
		w.config.Unpaid = Unpaid{Account: horde.Whole(15)}
		owner := w.user("owner", 0, 100)
		deliver := func(id string) {
			w.event("deliver:"+id, kudos.ImageDelivered, "", id, kudos.About{Model: "m"},
				[]horde.UserID{horde.AnonymousID, owner.ID},
				func(e *kudos.Entry) error {
					err := e.Charge(horde.AnonymousID, horde.Whole(11))
					e.Within(w.UnpaidBounds(owner, "").For(horde.AnonymousID))
					return errors.Join(err, e.Reward(owner.ID, kudos.Earning{Amount: horde.Whole(10), Trusted: true}))
				})
		}
		for _, id := range []string{"1", "2", "3"} {
			deliver(id)
		}

		h := w.history(owner, "", 3)
		for i, want := range []struct {
			amount api.Float
			text   string
		}{
			{0, "Image delivered, m by your worker that is gone; " +
				"10.00 forgone, since the day's bound of what nobody pays for is reached"},
			{5, "Image delivered, m by your worker that is gone; " +
				"5.00 forgone, since the day's bound of what nobody pays for is reached"},
			{10, "Image delivered, m by your worker that is gone"},
		} {
			var sum api.Float
			for _, p := range h.Movements[i].Parts {
				sum += p.Amount
			}
			if m := h.Movements[i]; m.Amount != want.amount || sum != want.amount || m.Text != want.text {
				t.Errorf("%+v, want %+v", m, want)
			}
		}

		want := api.UnpaidKudos{Day: "2026-11-24", Earned: 15, Bound: 15}
		if h.Unpaid != want {
			t.Errorf("%+v, want %+v", h.Unpaid, want)
		}
		w.now = w.now.Add(24 * time.Hour)
		want = api.UnpaidKudos{Day: "2026-11-25", Bound: 15}
		if got := w.history(owner, "", 1).Unpaid; got != want {
			t.Errorf("on the next day: %+v, want %+v", got, want)
		}
	})
}
