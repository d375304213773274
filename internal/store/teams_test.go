package store_test

import (
	"errors"
	"sync"
	"testing"

	"horde/internal/store"
	"horde/internal/store/storetest"
)

// Two nodes that do something to one team each, and count for the other's in the
// same transaction, do not wait for each other in a circle: each unit runs once.
func TestTeamsAreLockedInOneOrder(t *testing.T) {
	for name, do := range map[string]func(tx *store.Tx, team string) error{
		"look": func(tx *store.Tx, team string) error { _, err := tx.Team(team); return err },
		"join": func(tx *store.Tx, team string) error { _, err := tx.JoinTeam("of "+team, team); return err },
		"change": func(tx *store.Tx, team string) error {
			info := "i"
			tx.UpdateTeam(team, store.TeamChange{Info: &info})
			return nil
		},
		"delete": func(tx *store.Tx, team string) error { return tx.DeleteTeam(team) },
	} {
		t.Run(name, func(t *testing.T) {
			db := storetest.On(t, storetest.Postgres)
			nodes := map[string]*store.Store{"a": db.Open(), "b": db.Open()}
			write(t, nodes["a"], store.Unit{Do: func(tx *store.Tx) error {
				for team := range nodes {
					err := errors.Join(tx.InsertTeam(store.Team{ID: team, Name: team, NameKey: team}),
						tx.InsertWorker(store.Worker{ID: "of " + team, Name: team, Settings: "{}"}))
					if err != nil {
						return err
					}
				}
				return nil
			}})

			var both, wg sync.WaitGroup
			both.Add(len(nodes))
			runs := map[string]*int{"a": new(int), "b": new(int)}
			for team, other := range map[string]string{"a": "b", "b": "a"} {
				wg.Go(func() {
					err := nodes[team].Write(t.Context(),
						store.Unit{Key: team, Workers: []string{"of " + team}, Do: func(tx *store.Tx) error {
							if err := do(tx, team); err != nil {
								return err
							}
							tx.CountForTeam(other, store.TeamTotals{Fulfilments: 1})
							if *runs[team]++; *runs[team] == 1 {
								both.Done()
								both.Wait()
							}
							return nil
						}})
					if err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			if *runs["a"] != 1 || *runs["b"] != 1 {
				t.Errorf("the units ran %d and %d times", *runs["a"], *runs["b"])
			}
		})
	}
}

// What units of one batch do to a team adds up: each field is the last one's, and of
// one that is deleted nothing is left, nor does a worker join it.
func TestTeamChangesOfOneBatch(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := db.Open()
		write(t, s, store.Unit{Do: func(tx *store.Tx) error {
			return errors.Join(tx.InsertTeam(store.Team{ID: "t", Name: "one", NameKey: "one", Info: "old"}),
				tx.InsertTeam(store.Team{ID: "u", Name: "two", NameKey: "two"}),
				tx.InsertWorker(store.Worker{ID: "w", Name: "w", Settings: "{}"}))
		}})

		name, info := "uno", "new"
		units := []store.Unit{
			{Key: "1", Do: func(tx *store.Tx) error {
				tx.UpdateTeam("t", store.TeamChange{Name: &name, NameKey: &name})
				tx.CountForTeam("t", store.TeamTotals{WorkUnits: 3})
				return nil
			}},
			{Key: "2", Do: func(tx *store.Tx) error {
				tx.UpdateTeam("t", store.TeamChange{Info: &info})
				return nil
			}},
			{Key: "3", Do: func(tx *store.Tx) error {
				tx.UpdateTeam("t", store.TeamChange{Info: &name})
				return store.ErrLost
			}},
			{Key: "4", Do: func(tx *store.Tx) error { return tx.DeleteTeam("u") }},
			{Key: "5", Do: func(tx *store.Tx) error { return tx.DeleteTeam("u") }},
			{Key: "6", Workers: []string{"w"}, Do: func(tx *store.Tx) error { _, err := tx.JoinTeam("w", "u"); return err }},
			{Key: "7", Do: func(tx *store.Tx) error {
				tx.UpdateTeam("t", store.TeamChange{Name: &info, NameKey: &info})
				return store.ErrLost
			}},
		}

		for i, err := range together(t, s, units...) {
			if want := []error{nil, nil, store.ErrLost, nil, store.ErrLost, store.ErrNotFound,
				store.ErrLost}[i]; !errors.Is(err, want) {
				t.Errorf("unit %d: %v, want %v", i+1, err, want)
			}
		}

		all := must[[]store.Team](t)(s.Teams(t.Context()))
		want := store.Team{ID: "t", Name: "uno", NameKey: "uno", Info: "new", Totals: store.TeamTotals{WorkUnits: 3}}
		if len(all) != 1 || all[0] != want {
			t.Errorf("teams are %+v", all)
		}
	})
}
