package account

import (
	"testing"

	"horde/api"
	"horde/internal/horde"
)

// Nobody acts on somebody above: what belongs to an administrator, only administrators
// change (decision 61).
func TestNobodyActsOnSomebodyAbove(t *testing.T) {
	each(t, func(w *world) {
		root := w.user("root", 0, 0)
		w.config.Admins = func() []string { return []string{"root#1", "chief#2"} }
		chief := w.user("chief", Moderator, 0)
		mod, peer, alice := w.user("mod", Moderator, 0), w.user("peer", Moderator, 0), w.user("alice", 0, 0)
		name, few, yes := "loser", 1, true

		for _, c := range []struct {
			rule           string
			caller, target *User
			in             api.ModifyUser
			want           horde.Code
		}{
			{"a moderator renames no administrator", mod, root, api.ModifyUser{Username: &name}, horde.NotAdmin},
			{"nor flags one", mod, root, api.ModifyUser{Flagged: &yes}, horde.NotAdmin},
			{"nor lowers its concurrency", mod, chief, api.ModifyUser{Concurrency: &few}, horde.NotAdmin},
			{"a user does not either, for the old reason", alice, root, api.ModifyUser{Flagged: &yes}, horde.NotModerator},
			{"an administrator changes another", chief, root, api.ModifyUser{Username: &name}, ""},
			{"and itself", chief, chief, api.ModifyUser{Concurrency: &few}, ""},
			{"moderators are of one rank", mod, peer, api.ModifyUser{Concurrency: &few}, ""},
			{"and above users", mod, alice, api.ModifyUser{Username: &name}, ""},
		} {
			w.t.Run(c.rule, func(t *testing.T) {
				before := *w.again(c.target)
				_, err := w.Modify(t.Context(), c.caller, c.target.ID, c.in)
				wantCode(t, "the call", err, c.want)
				if after := *w.again(c.target); (before == after) != (c.want != "") {
					t.Errorf("before %+v, after %+v", before, after)
				}
			})
		}

		_, err := w.Delete(w.t.Context(), mod, root)
		wantCode(w.t, "delete an administrator", err, horde.NotAdmin)

		// An administrator whom somebody has renamed is still one.
		if !w.Admin(w.again(root)) {
			w.t.Error("the new name took the rights")
		}
	})
}
