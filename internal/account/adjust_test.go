package account

import (
	"strings"
	"testing"
	"time"

	"horde/internal/horde"
)

// Administrators give and take kudos by hand, and the user reads why.
func TestAdministratorsAdjustBalancesByHand(t *testing.T) {
	each(t, func(w *world) {
		root, alice := w.user("root", Moderator, 0), w.user("alice", 0, 100)
		w.config.Admins = func() []string { return []string{root.Alias()} }

		for _, c := range []struct {
			name   string
			caller *User
			in     Adjustment
			code   horde.Code
			field  string
		}{
			{"by a user", alice, Adjustment{alice.Alias(), 5, "mine"}, horde.NotAdmin, ""},
			{"of nobody", root, Adjustment{"nobody", 5, "why"}, horde.UserNotFound, ""},
			{"of an unknown id", root, Adjustment{"77", 5, "why"}, horde.UserNotFound, ""},
			{"without a reason", root, Adjustment{alice.Alias(), 5, ""}, "", "reason"},
			{"blank reason", root, Adjustment{alice.Alias(), 5, " \t\n\x00 "}, "", "reason"},
			{"profane reason", root, Adjustment{alice.Alias(), 5, "fuck"}, horde.ProfaneAdminComment, ""},
			{"of nothing", root, Adjustment{alice.Alias(), 0, "why"}, "", "amount"},
			{"of too much", root, Adjustment{alice.Alias(), maxAtOnce + 1, "why"}, "", "amount"},
			{"of too little", root, Adjustment{alice.Alias(), -1 << 63, "why"}, "", "amount"},
		} {
			t.Run(c.name, func(t *testing.T) {
				_, err := w.Adjust(t.Context(), c.caller, c.in)
				if e, _ := err.(*horde.Error); e == nil || e.Code != c.code || c.field != "" && e.Fields[c.field] == "" {
					t.Errorf("%s: %v", c.name, err)
				}
			})
		}

		if got := w.balance(alice); got != 100 {
			t.Errorf("alice has %v", got)
		}

		w.now = w.now.Add(time.Second)
		a, err := w.Adjust(t.Context(), root, Adjustment{alice.Alias(), 50, " a batch\nthat failed <b>"})
		if err != nil || a.Alias != alice.Alias() || a.Moved != horde.Whole(50) || a.Balance != horde.Whole(150) {
			t.Errorf("given: %+v, %v", a, err)
		}

		w.now = w.now.Add(time.Second)
		a, err = w.Adjust(t.Context(), root, Adjustment{"2", -1000, "cheating"})
		if err != nil || a.Moved != horde.Whole(-125) || a.Balance != horde.Whole(25) {
			t.Errorf("taken: %+v, %v", a, err)
		}

		found := w.history(alice, "", 9).Movements
		for i, want := range []string{"Changed by root#1: cheating; 875.00 of it forgiven",
			"Changed by root#1: a batch that failed"} {
			if m := found[i]; !strings.HasPrefix(m.Text, want) || m.Kind != "admin" || m.Username != "root#1" || m.Reason == "" {
				t.Errorf("%+v, want %q", m, want)
			}
		}

		if d, err := w.Details(t.Context(), alice, Public); err != nil || d.KudosDetails.Admin.Sum != -950 {
			t.Errorf("admin: %+v, %v", d.KudosDetails, err)
		}

		w.sound()
	})
}
