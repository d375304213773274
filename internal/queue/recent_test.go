package queue

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"unsafe"

	"horde/internal/horde"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

const second = horde.Micros(1_000_000)

// deliver commits deliveries to a store.
func deliver(t *testing.T, s *store.Store, all ...store.Delivery) {
	t.Helper()
	unit := store.Unit{Key: all[0].JobID, Do: func(tx *store.Tx) error {
		for _, d := range all {
			tx.Deliver(d)
		}
		return nil
	}}
	if err := s.Write(context.Background(), unit); err != nil {
		t.Fatal(err)
	}
}

func ofText(job string, at horde.Micros, tokens int64) store.Delivery {
	return store.Delivery{JobID: job, At: at, Kind: horde.KindText, Model: "m", WorkUnits: tokens, Micros: second}
}

func TestDeliveriesOfOtherNodesAreCountedOnce(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	db := storetest.On(t, storetest.Postgres)
	own, other := db.Open(), db.Open()
	var h lastHour
	minuteIs := func(now horde.Micros, want float64) {
		t.Helper()
		if err := h.sync(ctx, own, now); err != nil {
			t.Fatal(err)
		}
		if got := h.lastMinute(horde.KindText, now); got != want {
			t.Errorf("%v tokens a minute, want %v", got, want)
		}
	}

	start := 10_000 * second
	deliver(t, other, ofText("a", start, 1))
	minuteIs(start+second, 1)

	mine := ofText("b", start+2*second, 10)
	deliver(t, own, mine)
	h.add(mine)
	minuteIs(start+3*second, 11)

	deliver(t, other, ofText("late", start+second/2, 100), ofText("c", start+5*second, 1000))
	minuteIs(start+9*second, 11) // not read anew for another moment
	minuteIs(start+12*second, 1111)
	minuteIs(start+24*second, 1111)
	minuteIs(start+61*second, 1110-100)

	if got := h.speeds(horde.KindText, start+61*second)["m"]; got != 1111.0/4 {
		t.Errorf("%v tokens a second", got)
	}
}

func TestADeliveryOfTheLastHourTakes24Bytes(t *testing.T) {
	if n := unsafe.Sizeof(delivered{}); n != 24 {
		t.Errorf("%d bytes", n)
	}

	var h lastHour
	body := strings.Repeat("x", 1000) + "model"
	name := body[1000:]
	h.add(store.Delivery{At: second, Kind: horde.KindText, Model: name})
	for l := range h.index {
		if unsafe.StringData(l.model) == unsafe.StringData(name) {
			t.Error("the name of the model is a part of a body")
		}
	}
}

func TestModelsOfTheLastHourAreForgotten(t *testing.T) {
	var h lastHour
	for i := range 3000 {
		at := horde.Micros(i) * 10 * second // more than eight hours
		h.add(store.Delivery{At: at, Kind: horde.KindImage, Model: fmt.Sprint(i), WorkUnits: 5, Micros: second})
	}
	h.mu.Lock()
	h.trimLocked(3000 * 10 * second)
	h.mu.Unlock()

	if len(h.lines) > 360 || len(h.index) != len(h.lines) || len(h.all) > 361 {
		t.Errorf("%d models of %d deliveries", len(h.lines), len(h.all))
	}
	if got := h.speeds(horde.KindImage, 3000*10*second)["2999"]; got != 5 {
		t.Errorf("%v pixelsteps a second", got)
	}
}
