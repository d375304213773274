package account

import (
	"testing"

	"horde/internal/horde"
)

// Who may award what to whom (platform §3.2), and what that moves.
func TestWhoMayAwardWhatToWhom(t *testing.T) {
	each(t, func(w *world) {
		first := w.user("first", 0, 100)
		alice := w.user("alice", 0, 100)
		edu := w.user("school", Education, 100)

		flagged := w.user("flagged", Flagged, 100)
		for _, c := range []struct {
			name   string
			source *User
			target string
			amount int64
			code   horde.Code
		}{
			{"by somebody else", alice, first.Alias(), 5, horde.NotAllowedAwards},
			{"somebody else's unknown target", alice, "nobody", 5, horde.NotAllowedAwards},
			{"to nobody", first, "nobody", 5, horde.InvalidAwardUsername},
			{"to an unknown id", first, "77", 5, horde.InvalidAwardUsername},
			{"to the anonymous user", first, "Anonymous#0", 5, horde.KudosAwardToAnon},
			{"to a flagged account", first, flagged.Alias(), 5, horde.TargetAccountFlagged},
			{"by alias", first, alice.Alias(), 50, ""},
			{"by id, to oneself", first, "1", 1, ""},
			{"to a school", first, edu.Alias(), 7, ""},
			{"taken back", first, alice.Alias(), -20, ""},
			{"nothing", first, alice.Alias(), 0, ""},
		} {
			wantCode(t, c.name, w.Award(t.Context(), c.source, c.target, c.amount), c.code)
		}

		if err := w.Award(t.Context(), first, alice.Alias(), 1<<62); err == nil {
			t.Error("more than a horde can hold was awarded")
		}

		for u, want := range map[*User]float64{first: 101, alice: 130, edu: 107, flagged: 100} {
			if got := w.balance(u); got != want {
				t.Errorf("%s has %v, want %v", u.Alias(), got, want)
			}
		}

		d, err := w.Details(t.Context(), alice, Public)
		if err != nil || d.KudosDetails.Awarded.Sum != 30 {
			t.Errorf("awarded: %+v, %v", d.KudosDetails, err)
		}

		// Taking more than there is leaves the floor.
		wantCode(t, "all", w.Award(t.Context(), first, alice.Alias(), -1000), "")
		if got := w.balance(alice); got != 25 {
			t.Errorf("alice has %v, want the floor", got)
		}

		gone := *first
		gone.Roles |= Deleted
		wantCode(t, "deleted awarder", w.Award(t.Context(), &gone, alice.Alias(), 5), horde.DeletedUser)
		w.config.Awarders = []string{alice.Alias()}
		wantCode(t, "first, when others are named", w.Award(t.Context(), first, alice.Alias(), 5), horde.NotAllowedAwards)
		wantCode(t, "the one that is named", w.Award(t.Context(), alice, first.Alias(), 5), "")
		w.sound()
	})
}
