package queue

import (
	"sync"
	"testing"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store/storetest"
)

// A team gets what its image workers earn while they are in it, from all nodes, to
// the last delivery; it keeps that when they leave, and gets nothing of text
// generation (generation §6.4).
func TestTeamsGetWhatTheirWorkersEarn(t *testing.T) {
	t.Parallel()
	each(t, func(t *testing.T, db *storetest.DB) {
		all := nodes(t, db, hordetest.NewClock())
		n := all[0]
		owner, client := n.person(t, true, 0), n.person(t, false, 100_000)
		made, err := n.Fleet.CreateTeam(t.Context(), owner.User, api.TeamInput{Name: ptr("Night Shift")})
		if err != nil {
			t.Fatal(err)
		}
		team := func() api.TeamDetails {
			d, err := n.Fleet.Team(t.Context(), made.ID)
			if err != nil {
				t.Fatal(err)
			}
			return d
		}
		join := func(id string) {
			t.Helper()
			w := n.offer(t, owner, pop("w")).Worker
			if _, err := n.Fleet.Modify(t.Context(), owner.User, w, api.ModifyWorker{Team: &id}); err != nil {
				t.Fatal(err)
			}
		}
		join(made.ID)

		// Ten jobs, popped on one node and delivered on all.
		var mu sync.Mutex
		var earned horde.Kudos
		var wg sync.WaitGroup
		n.accept(t, ask(client, 10))
		for i := range 10 {
			job := n.take(t, owner, pop("w"))
			if job == nil {
				t.Fatal("no job")
			}
			wg.Go(func() {
				reward, err := all[i%len(all)].submit(owner.Key, *job.ID, "ok")
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					t.Error(err)
				}
				earned += horde.KudosOf(reward)
			})
		}
		wg.Wait()
		if d := team(); d.RequestsFulfilled != 10 || d.Kudos != api.Float(earned.Float()) || earned == 0 {
			t.Errorf("the team has %d images and %v kudos; its worker delivered 10 and earned %v", d.RequestsFulfilled,
				d.Kudos, earned)
		}

		// What is delivered after the worker left is not the team's.
		n.accept(t, ask(client, 1))
		job := n.take(t, owner, pop("w"))
		join("")
		if _, err := n.submit(owner.Key, *job.ID, "ok"); err != nil {
			t.Fatal(err)
		}
		if d := team(); d.RequestsFulfilled != 10 || d.Kudos != api.Float(earned.Float()) || d.WorkerCount != 0 {
			t.Errorf("after its worker left the team has %d images, %v kudos, %d workers", d.RequestsFulfilled, d.Kudos,
				d.WorkerCount)
		}
	})
}
