package fleet

import (
	"slices"
	"testing"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store/storetest"
)

// TestAlchemistUptime: 40 kudos, and to spend at once for untrusted owners too.
func TestAlchemistUptime(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		n := newNode(t, db, c)
		for _, roles := range []account.Role{0, account.Trusted} {
			u := n.user(t, roles)
			name := horde.NewID()
			for range 12 {
				if _, err := n.CheckInForms(t.Context(), u, api.AlchemyPop{Name: name, Forms: []string{"nsfw"}}, "10.0.0.1"); err != nil {
					t.Fatal(err)
				}
				c.Advance(time.Minute)
			}
			a, err := n.Store.Account(t.Context(), u.ID)
			if err != nil || a.Balance != horde.Whole(40) || a.Escrow != 0 {
				t.Errorf("%+v %v", a, err)
			}
			if w := n.ByName(name); w.Totals.UptimeKudos != horde.Whole(40) || w.Totals.Kudos != horde.Whole(40) {
				t.Errorf("%+v", w.Totals)
			}
		}
	})
}

func TestCheckInForms(t *testing.T) {
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	u := n.user(t, 0)
	three, nine := 3, 9
	o, err := n.CheckInForms(t.Context(), u, api.AlchemyPop{Name: "x", Forms: []string{"nsfw", "caption", "nsfw"}, Threads: &three, Amount: &nine,
		PriorityUsernames: []string{"a#7"}}, "10.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	d := n.Details(o.Worker, false)
	_, friend := o.PriorityUsers[7]
	_, own := o.PriorityUsers[u.ID]
	if !slices.Equal(o.Forms, []string{"caption", "nsfw"}) || o.MaxTiles != 80 || o.Amount != 9 || !friend || !own {
		t.Errorf("%+v", o)
	}
	if d.Type != Forms || !slices.Equal(d.Forms, o.Forms) || d.Models != nil || d.NSFW || d.Threads != 3 ||
		d.BridgeAgent != "unknown:0:unknown" || d.Performance != "No requests fulfilled yet" {
		t.Errorf("%+v", d)
	}
	for name, code := range map[string]horde.Code{"x": horde.PolymorphicNameConflict, "": horde.BadRequest} {
		if _, err := n.CheckInImage(t.Context(), u, pop(name), "10.0.0.1"); horde.CodeOf(err) != code {
			t.Errorf("dreamer %q: %v", name, err)
		}
	}
	n.checkIn(t, u, pop("y"))
	if _, err := n.CheckInForms(t.Context(), u, api.AlchemyPop{Name: "y"}, "10.0.0.1"); horde.CodeOf(err) != horde.PolymorphicNameConflict {
		t.Error(err)
	}
	if _, err := n.CheckInForms(t.Context(), n.user(t, 0), api.AlchemyPop{Name: "x"}, "10.0.0.1"); horde.CodeOf(err) != horde.WrongCredentials {
		t.Error(err)
	}
}
