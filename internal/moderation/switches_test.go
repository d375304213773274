package moderation

import (
	"context"
	"testing"
	"time"

	"horde/internal/store/storetest"
)

func TestSwitches(t *testing.T) {
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

// Another node hears of a change within a second.
func TestSwitchesOfAnotherNode(t *testing.T) {
	db := storetest.On(t, storetest.Postgres)
	ctx, stop := context.WithCancel(context.Background())
	here, err := OpenSwitches(ctx, db.Open())
	if err != nil {
		t.Fatal(err)
	}
	there, err := OpenSwitches(ctx, db.Open())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		there.Follow(ctx, func(err error) { t.Error(err) })
	}()
	on := true
	if _, err := here.Change(ctx, Change{Maintenance: &on}); err != nil {
		t.Fatal(err)
	}
	if followEvery >= time.Second {
		t.Errorf("looked at every %v, which is not within a second", followEvery)
	}
	for deadline := time.Now().Add(20 * time.Second); !there.Modes().Maintenance; time.Sleep(10 * time.Millisecond) {
		if time.Now().After(deadline) { // a second is not enough where the machine is busy
			t.Fatal("not heard of")
		}
	}
	stop()
	<-done
}
