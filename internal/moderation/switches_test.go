package moderation

import (
	"context"
	"sync"
	"testing"

	"horde/internal/store"
	"horde/internal/store/storetest"
)

func TestModesAreSwitched(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		ctx := context.Background()
		s := db.Open()
		w, err := OpenSwitches(ctx, s)
		if err != nil {
			t.Fatal(err)
		}
		if w.Modes() != (Modes{}) {
			t.Errorf("a fresh horde has the modes %+v", w.Modes())
		}

		on, off := true, false
		for _, c := range []struct {
			change Change
			want   Modes
		}{
			{Change{Raid: &on}, Modes{Raid: true}},
			{Change{InviteOnly: &on}, Modes{Raid: true, InviteOnly: true}},
			{Change{Raid: &off, Maintenance: &on}, Modes{InviteOnly: true, Maintenance: true}},
			{Change{}, Modes{InviteOnly: true, Maintenance: true}},
		} {
			got, err := w.Change(ctx, c.change)
			if err != nil || got != c.want || w.Modes() != c.want {
				t.Errorf("Change(%+v) = %+v, %v; want %+v", c.change, got, err, c.want)
			}
		}

		again, err := OpenSwitches(ctx, s)
		if err != nil || again.Modes() != w.Modes() {
			t.Errorf("read again: %+v, %v; want %+v", again.Modes(), err, w.Modes())
		}
	})
}

func TestModesAreHeardOfOnOtherNodes(t *testing.T) {
	t.Parallel()
	db := storetest.On(t, storetest.Postgres)
	ctx, stop := context.WithCancel(t.Context())

	a, b := db.Open(), db.Open()
	here, err := OpenSwitches(ctx, a)
	if err != nil {
		t.Fatal(err)
	}
	there, err := OpenSwitches(ctx, b)
	if err != nil {
		t.Fatal(err)
	}

	// Called after the switches, which follow first.
	started, heard := make(chan struct{}, 1), make(chan struct{}, 1)
	b.Follow(func(_ context.Context, c *store.Changes) error {
		signal := heard
		if c.Missed { // it begins to watch
			signal = started
		}
		select {
		case signal <- struct{}{}:
		default:
		}
		return nil
	})

	if err := a.Announce(ctx); err != nil {
		t.Fatal(err)
	}
	var watching sync.WaitGroup
	watching.Go(func() { b.Watch(ctx) })
	defer watching.Wait()
	defer stop()
	<-started

	on := true
	if _, err := here.Change(ctx, Change{Maintenance: &on}); err != nil {
		t.Fatal(err)
	}
	if !here.Modes().Maintenance {
		t.Error("who has switched does not know it")
	}
	for !there.Modes().Maintenance {
		<-heard
	}
}
