package store_test

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"horde/internal/horde"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// TestFollowersHearBeforeTheCaller: when Write returns, what it committed has reached
// the followers, in the order of the commits, as rows where there are rows.
func TestFollowersHearBeforeTheCaller(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := db.Open()
		do(t, s, func(tx *store.Tx) error { return tx.InsertWorker(store.Worker{ID: "w", Name: "w", Settings: "{}"}) })

		var mu sync.Mutex
		var heard int64 // version of the worker; guarded by mu
		s.Follow(func(_ context.Context, c *store.Changes) error {
			mu.Lock()
			defer mu.Unlock()
			for _, row := range c.WorkerRows {
				if row.Version <= heard {
					t.Errorf("version %d after %d", row.Version, heard)
				}
				heard = row.Version
			}
			return nil
		})

		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				for range 20 {
					var row store.Worker
					write(t, s, store.Unit{Workers: []string{"w"}, Do: func(tx *store.Tx) (err error) {
						row, err = tx.ChangeWorker("w", func(w *store.Worker) { w.Info += "." })
						return err
					}})
					mu.Lock()
					if heard < row.Version {
						t.Errorf("Write returned at version %d, but %d is known", row.Version, heard)
					}
					mu.Unlock()
				}
			})
		}
		wg.Wait()
		if heard != 160 {
			t.Errorf("heard of version %d, want 160", heard)
		}
	})
}

func TestRefusedUnitIsNoNews(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := db.Open()
		var heard store.Changes
		s.Follow(func(_ context.Context, c *store.Changes) error { heard = *c; return nil })
		good, bad := request(horde.MicrosOf(time.Now()), 1), request(horde.MicrosOf(time.Now()), 1)

		results := together(t, s,
			store.Unit{Key: "1", Do: func(tx *store.Tx) error { tx.InsertRequest(bad); return errRefused }},
			store.Unit{Key: "2", Do: func(tx *store.Tx) error { tx.InsertRequest(good); return nil }},
		)
		if !errors.Is(results[0], errRefused) || results[1] != nil {
			t.Fatal(results)
		}
		if len(heard.Requests) != 1 || heard.Requests[0] != good.ID || !heard.Own {
			t.Errorf("heard of %+v", heard)
		}
	})
}

// TestAFollowerThatFailsHearsAgain: the caller is answered, since it is committed. Everything is
// read again until no follower fails, and nobody waits for that.
func TestAFollowerThatFailsHearsAgain(t *testing.T) {
	s := storetest.On(t, storetest.SQLite).Open()
	missed, reloads := make(chan struct{}), make(chan error)
	var told int // of changes
	s.Follow(func(_ context.Context, c *store.Changes) error {
		if c.Missed {
			missed <- struct{}{}
			return <-reloads
		}
		if told++; told == 1 {
			return errors.New("no")
		}
		return nil
	})

	insert(t, s, request(horde.MicrosOf(time.Now()), 1))
	<-missed
	insert(t, s, request(horde.MicrosOf(time.Now()), 1)) // while all is read again
	reloads <- errors.New("no again")
	<-missed
	reloads <- nil
	insert(t, s, request(horde.MicrosOf(time.Now()), 1))

	if told != 3 {
		t.Errorf("told of %d commits, want 3", told)
	}
	if err := s.Close(); err != nil { // it waits for whoever reads again
		t.Error(err)
	}
	select {
	case <-missed:
		t.Error("all is read again without need")
	default:
	}
}

func TestASlowFollowerHoldsNobodyUp(t *testing.T) {
	s := storetest.On(t, storetest.SQLite).Open()
	hears, goOn := make(chan struct{}, 10), make(chan struct{})
	s.Follow(func(context.Context, *store.Changes) error { hears <- struct{}{}; <-goOn; return nil })

	var wg sync.WaitGroup
	wg.Go(func() { do(t, s, func(tx *store.Tx) error { return tx.InsertMessage(store.WorkerMessage{ID: "m"}) }) })
	<-hears
	begun := make(chan struct{})
	wg.Go(func() { do(t, s, func(*store.Tx) error { close(begun); return nil }) })
	select {
	case <-begun:
	case <-time.After(20 * time.Second):
		t.Error("the writer waits for a follower")
	}
	close(goOn)
	wg.Wait()
}

// eachTopic runs a test for each field of Changes that travels to other nodes, with a
// value of which there is something: ids stand there twice.
func eachTopic(
	t *testing.T, test func(t *testing.T, fill func(*store.Changes), field func(*store.Changes) reflect.Value),
) {
	kind := reflect.TypeFor[store.Changes]()
	for i := range kind.NumField() {
		if kind.Field(i).Tag.Get("json") == "-" {
			continue
		}

		field := func(c *store.Changes) reflect.Value { return reflect.ValueOf(c).Elem().Field(i) }
		fill := func(c *store.Changes) {
			switch v := field(c).Addr().Interface().(type) {
			case *bool:
				*v = true
			case *store.IDs[horde.UserID]:
				*v = store.IDs[horde.UserID]{8, 7, 8}
			case *store.IDs[string]:
				*v = store.IDs[string]{"b", "a", "b"}
			default:
				t.Errorf("a field of %T", v)
			}
		}
		t.Run(kind.Field(i).Name, func(t *testing.T) { test(t, fill, field) })
	}
}

// TestEveryTopicIsDeclared: whatever travels is looked at before the followers are told,
// so that none is forgotten, and tidied for the change log.
func TestEveryTopicIsDeclared(t *testing.T) {
	if c := (store.Changes{}); !store.IsNone(&c) || !store.IsLight(&c) {
		t.Error("nothing is something")
	}

	told := []string{"Requests", "Alchemy"} // followers know what became of them
	eachTopic(t, func(t *testing.T, fill func(*store.Changes), field func(*store.Changes) reflect.Value) {
		var c store.Changes
		fill(&c)
		if store.IsNone(&c) {
			t.Error("no follower is told of it")
		}
		_, name, _ := strings.Cut(t.Name(), "/")
		if want := slices.Contains(told, name); store.IsLight(&c) != want {
			t.Errorf("told without asking the database: %t, want %t", !want, want)
		}

		store.Tidy(&c)
		if v := field(&c); v.Kind() == reflect.Slice {
			if got := fmt.Sprint(v.Interface()); got != "[a b]" && got != "[7 8]" {
				t.Errorf("tidied: %s", got)
			}
		}
	})

	c := store.Changes{Workers: store.IDs[string]{"w"}, WorkerRows: []*store.Worker{{ID: "w"}}}
	if !store.IsLight(&c) {
		t.Error("workers are read whose rows are there")
	}
}

// TestEveryTopicTravels: what is declared in Changes reaches this node's followers and,
// by the change log, those of another one.
func TestEveryTopicTravels(t *testing.T) {
	db := storetest.On(t, storetest.Postgres)
	here, there := db.Open(), db.Open()
	follow(t, here)
	other := follow(t, there)

	eachTopic(t, func(t *testing.T, fill func(*store.Changes), field func(*store.Changes) reflect.Value) {
		var own store.Changes
		here.Follow(func(_ context.Context, c *store.Changes) error {
			if !field(c).IsZero() {
				own = *c
			}
			return nil
		})
		do(t, here, func(tx *store.Tx) error {
			fill(store.Changed(tx))
			return tx.SetSetting("a", "b") // something to commit
		})
		if field(&own).IsZero() {
			t.Error("this node's followers have not heard of it")
		}
		other.until(t, "the other node hears of it", func() bool { return !field(&other.heard).IsZero() })
	})
}

func TestAFollowerHearsBehindOneThatFails(t *testing.T) {
	s := storetest.On(t, storetest.SQLite).Open()
	s.Follow(func(_ context.Context, c *store.Changes) error {
		if c.Missed {
			return nil
		}
		return errors.New("no")
	})
	var mu sync.Mutex
	var heard []store.Request // guarded by mu
	s.Follow(func(_ context.Context, c *store.Changes) error {
		mu.Lock()
		defer mu.Unlock()
		heard = append(heard, c.Committed.Requests...)
		return nil
	})

	q := insert(t, s, request(horde.MicrosOf(time.Now()), 1))
	mu.Lock()
	defer mu.Unlock()
	if len(heard) != 1 || heard[0].ID != q.ID {
		t.Errorf("heard of %+v", heard)
	}
}
