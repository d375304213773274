package fleet

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

func (n *node) team(t testing.TB, owner *account.User, name string) string {
	t.Helper()
	done, err := n.CreateTeam(t.Context(), owner, api.TeamInput{Name: &name})
	if err != nil {
		t.Fatal(err)
	}
	return done.ID
}

// Who may create, change and delete a team (platform §3.6).
func TestWhoMayChangeTeams(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		creator, other := n.user(t, account.Trusted), n.user(t, account.Trusted)
		mod, stranger := n.user(t, account.Moderator), n.user(t, 0)
		anon := must(n.Accounts.ByID(t.Context(), horde.AnonymousID))
		id := n.team(t, creator, "Night Shift")
		n.team(t, creator, "Day Shift")

		for _, c := range []struct {
			name string
			who  *account.User
			in   api.TeamInput
			want horde.Code
		}{
			{"anonymous", anon, api.TeamInput{Name: ptr("A team")}, horde.AnonForbidden},
			{"untrusted", stranger, api.TeamInput{Name: ptr("A team")}, horde.UntrustedTeamCreation},
			{"untrusted moderator", mod, api.TeamInput{Name: ptr("A team")}, horde.UntrustedTeamCreation},
			{"taken", other, api.TeamInput{Name: ptr("nIGHT sHIFT")}, horde.TeamNameAlreadyExists},
			{"taken, but for space", other, api.TeamInput{Name: ptr(" Night Shift ")}, horde.TeamNameAlreadyExists},
			{"profane name and info", other, api.TeamInput{Name: ptr("fuck this"), Info: ptr("fuck this")},
				horde.ProfaneTeamName},
			{"profane info", other, api.TeamInput{Name: ptr("nice"), Info: ptr("fuck this")}, horde.ProfaneTeamInfo},
			{"nothing but space", other, api.TeamInput{Name: ptr("   ")}, horde.BadRequest},
			{"one character that can be seen", other, api.TeamInput{Name: ptr("  x\u200b")}, horde.BadRequest},
			{"taken, but for a character that nobody sees", other, api.TeamInput{Name: ptr("Night\u200b Shift")},
				horde.TeamNameAlreadyExists},
			{"taken, but for two spaces", other, api.TeamInput{Name: ptr("Night  Shift")}, horde.TeamNameAlreadyExists},
			{"profane, but for a character that nobody sees", other, api.TeamInput{Name: ptr("f\u200buck this")},
				horde.ProfaneTeamName},
			{"in Greek", other, api.TeamInput{Name: ptr("ΣΑΣ")}, ""},
			{"taken in Greek, with another sigma", other, api.TeamInput{Name: ptr("σας")}, horde.TeamNameAlreadyExists},
			{"in French", other, api.TeamInput{Name: ptr("École")}, ""},
			{"taken in French, not composed", other, api.TeamInput{Name: ptr("e\u0301COLE")}, horde.TeamNameAlreadyExists},
			{"good", other, api.TeamInput{Name: ptr("nice"), Info: ptr("we & you")}, ""},
		} {
			t.Run("create/"+c.name, func(t *testing.T) {
				_, err := n.CreateTeam(t.Context(), c.who, c.in)
				if horde.CodeOf(err) != c.want || err != nil && c.want == "" {
					t.Errorf("got %v, want code %q", err, c.want)
				}
			})
		}

		for _, c := range []struct {
			name string
			who  *account.User
			id   string
			in   api.TeamInput
			want horde.Code
		}{
			{"no UUID", creator, "nonsense", api.TeamInput{Info: ptr("fine")}, horde.TeamNotFound},
			{"unknown", creator, horde.NewID(), api.TeamInput{Info: ptr("fine")}, horde.TeamNotFound},
			{"a stranger's info and name", other, id, api.TeamInput{Info: ptr("fine"), Name: ptr("mine")}, horde.NotOwner},
			{"a stranger's name", other, id, api.TeamInput{Name: ptr("mine")}, horde.NotModerator},
			{"nothing", creator, id, api.TeamInput{}, horde.NoTeamModSelected},
			{"taken", creator, id, api.TeamInput{Name: ptr("day shift")}, horde.TeamNameAlreadyExists},
			{"profane name", creator, id, api.TeamInput{Name: ptr("fuck this")}, horde.ProfaneTeamName},
			{"profane info beside a good name", creator, id, api.TeamInput{Name: ptr("Crew"), Info: ptr("fuck this")},
				horde.ProfaneTeamInfo},
			{"its own name in another case", creator, strings.ToUpper(id), api.TeamInput{Name: ptr("NIGHT SHIFT")}, ""},
			{"by a moderator", mod, id, api.TeamInput{Info: ptr("watched")}, ""},
		} {
			t.Run("modify/"+c.name, func(t *testing.T) {
				_, err := n.ModifyTeam(t.Context(), c.who, c.id, c.in)
				if horde.CodeOf(err) != c.want || err != nil && c.want == "" {
					t.Errorf("got %v, want code %q", err, c.want)
				}
			})
		}
		if d := must(n.Team(t.Context(), id)); d.Name != "NIGHT SHIFT" || *d.Info != "watched" ||
			d.Creator != creator.Alias() {
			t.Errorf("after all that the team is %+v", d)
		}

		for _, c := range []struct {
			name string
			who  *account.User
			want horde.Code
		}{{"anonymous", anon, horde.NotModerator}, {"a stranger", other, horde.NotModerator}, {"the creator", creator, ""},
			{"gone", mod, horde.TeamNotFound}} {
			t.Run("delete/"+c.name, func(t *testing.T) {
				if _, err := n.DeleteTeam(t.Context(), c.who, id); horde.CodeOf(err) != c.want {
					t.Errorf("got %v, want code %q", err, c.want)
				}
			})
		}
	})
}

// Of many who want one name at the same time, in whatever case, one gets it, and
// nobody creates more teams than are allowed.
func TestOneOfManyGetsATeamsName(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		nodes := []*node{newNode(t, db, c)}
		if db.Engine == storetest.Postgres {
			nodes = append(nodes, newNode(t, db, c))
		}
		creator := nodes[0].user(t, account.Trusted)

		var wg sync.WaitGroup
		var mu sync.Mutex
		codes := map[horde.Code]int{}
		for i := range 16 {
			name := "night shift"
			if i%2 == 0 {
				name = strings.ToUpper(name)
			}
			wg.Go(func() {
				_, err := nodes[i%len(nodes)].CreateTeam(t.Context(), creator, api.TeamInput{Name: &name})
				mu.Lock()
				defer mu.Unlock()
				codes[horde.CodeOf(err)]++
			})
		}
		wg.Wait()
		if codes[""] != 1 || codes[horde.TeamNameAlreadyExists] != 15 {
			t.Errorf("16 wanted one name: %v", codes)
		}
	})
}

// A worker shows its team on every node, leaves it when it is told to or when the
// team is deleted, and any user may join any team.
func TestWorkersJoinAndLeaveTeams(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		creator, owner := n.user(t, account.Trusted), n.user(t, 0)
		id := n.team(t, creator, "Night Shift")
		one := n.checkIn(t, owner, pop("worker one")).Worker.ID
		two := n.checkIn(t, owner, pop("worker two", "stable_diffusion", "horde_sketch")).Worker.ID

		join := func(worker, team, want string) {
			t.Helper()
			out, err := n.Modify(t.Context(), owner, n.Worker(worker), api.ModifyWorker{Team: &team})
			if err != nil || *out.Team != want {
				t.Fatalf("%+v, %v; want team %q", out, err, want)
			}
		}
		join(one, id, "Night Shift")
		join(two, strings.ToUpper(id), "Night Shift")

		d := must(n.Team(t.Context(), id))
		if d.WorkerCount != 2 || len(d.Workers) != 2 || d.Workers[0].Name != "worker one" || !d.Workers[1].Online {
			t.Errorf("members are %+v", d.Workers)
		}
		if len(d.Models) != 2 || d.Models[0] != (api.ModelCount{Name: "horde_sketch", Count: 2}) {
			t.Errorf("models are %+v", d.Models)
		}
		if shown := n.Details(n.Worker(one), account.Public).Team; shown.ID == nil || *shown.ID != id ||
			*shown.Name != "Night Shift" {
			t.Errorf("the worker shows %+v", shown)
		}

		// A node that starts now reads it all from the database.
		if db.Engine == storetest.Postgres {
			later := newNode(t, db, n.clock)
			if shown := later.Details(later.Worker(two), account.Public).Team; shown.ID == nil || *shown.Name != "Night Shift" {
				t.Errorf("another node shows %+v", shown)
			}
		}

		join(two, "", "None")
		if d := must(n.Team(t.Context(), id)); d.WorkerCount != 1 {
			t.Errorf("after one left there are %d members", d.WorkerCount)
		}

		// A check-in writes the worker's row and must not bring the old team back.
		n.clock.Advance(time.Minute)
		n.checkIn(t, owner, pop("worker two"))
		if w := n.Worker(two); w.Team != "" {
			t.Errorf("a check-in brought team %s back", w.Team)
		}

		if _, err := n.DeleteTeam(t.Context(), creator, id); err != nil {
			t.Fatal(err)
		}
		if shown := n.Details(n.Worker(one), account.Public).Team; shown != (api.TeamName{}) {
			t.Errorf("after the team was deleted its member shows %+v", shown)
		}
		if _, err := n.Modify(t.Context(), owner, n.Worker(one),
			api.ModifyWorker{Team: &id}); horde.CodeOf(err) != horde.TeamNotFound {
			t.Errorf("joining a deleted team: %v", err)
		}
	})
}

// Each uptime reward of a member adds its ten minutes to the team.
func TestUptimeOfMembersAddsToTheTeam(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		creator := n.user(t, account.Trusted)
		id := n.team(t, creator, "Night Shift")
		w := n.checkIn(t, creator, pop("worker one")).Worker
		if _, err := n.Modify(t.Context(), creator, w, api.ModifyWorker{Team: &id}); err != nil {
			t.Fatal(err)
		}

		for range 25 {
			n.clock.Advance(time.Minute)
			n.checkIn(t, creator, pop("worker one"))
		}
		if d := must(n.Team(t.Context(), id)); d.Uptime != 2*uptimeReward {
			t.Errorf("after 25 minutes the team has %d s, want %d", d.Uptime, 2*uptimeReward)
		}
	})
}

func TestARefusedUnitCountsNothingForTheTeam(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		id := n.team(t, n.user(t, account.Trusted), "Night Shift")
		w := n.checkIn(t, n.user(t, 0), pop("worker one")).Worker

		var wg sync.WaitGroup
		for i := range 40 {
			wg.Go(func() {
				_ = n.Store.Write(t.Context(),
					store.Unit{Key: horde.NewID(), Workers: []string{w.ID}, Do: func(tx *store.Tx) error {
						if _, err := tx.ChangeWorker(w.ID, func(w *store.Worker) { w.Totals.Fulfilments++ }); err != nil {
							return err
						}
						tx.CountForTeam(id, store.TeamTotals{Kudos: 150, Fulfilments: 1, WorkUnits: 3})
						if i%4 == 0 {
							return store.ErrLost
						}
						return nil
					}})
			})
		}
		wg.Wait()
		if d := must(n.Team(t.Context(), id)); d.RequestsFulfilled != 30 || d.Kudos != 45 {
			t.Errorf("of 40 units 10 were refused, and the team has %d images and %v kudos", d.RequestsFulfilled, d.Kudos)
		}
	})
}

// TestAllTeamsAreListed: however many pages they take, oldest first, each once.
func TestAllTeamsAreListed(t *testing.T) {
	t.Parallel()
	const teams = 2*teamsPage + 7
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		u := n.user(t, account.Trusted)
		err := n.Store.Write(t.Context(), store.Unit{Do: func(tx *store.Tx) error {
			for i := range teams { // pairs made at one moment
				name := fmt.Sprintf("team %03d", i)
				row := store.Team{ID: fmt.Sprintf("id-%03d", i), UserID: u.ID, Name: name, NameKey: name,
					Created: horde.Micros(1 + i/2)}
				if err := tx.InsertTeam(row); err != nil {
					return err
				}
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}

		members := map[string]string{} // by team
		for _, i := range []int{0, 1, teamsPage - 1, teamsPage, teams - 1} {
			id := fmt.Sprintf("id-%03d", i)
			w := n.checkIn(t, u, pop("worker "+id)).Worker
			members[id] = w.Name
			err := n.Store.Write(t.Context(), store.Unit{Workers: []string{w.ID}, Do: func(tx *store.Tx) error {
				_, err := tx.JoinTeam(w.ID, id)
				return err
			}})
			if err != nil {
				t.Fatal(err)
			}
		}

		i := 0
		for team, err := range n.Teams(t.Context()) {
			if want := fmt.Sprintf("team %03d", i); err != nil || team.Name != want || team.Creator != u.Alias() {
				t.Fatalf("%q by %q, %v, want %q", team.Name, team.Creator, err, want)
			}
			name, any := members[team.ID]
			if (len(team.Workers) == 1) != any || any && team.Workers[0].Name != name {
				t.Errorf("members of %q: %+v, want %q", team.Name, team.Workers, name)
			}
			i++
		}
		if i != teams {
			t.Errorf("%d teams, want %d", i, teams)
		}
	})
}
