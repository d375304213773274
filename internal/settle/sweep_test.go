package settle_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"horde/internal/horde"
	"horde/internal/settle"
	"horde/internal/store"
)

// A request that expires frees what was set aside, on its payer's account and on the
// shared key.
func TestExpiryFreesEverything(t *testing.T) {
	each(t, func(r *rig) {
		payer := r.user(0)
		key := store.SharedKey{ID: horde.NewID(), UserID: payer.ID, Budget: horde.Whole(100), MaxPixels: -1, MaxSteps: -1,
			MaxTokens: -1}
		r.write([]horde.UserID{payer.ID}, func(tx *store.Tx) error { return tx.InsertSharedKey(key) })
		q := r.request(payer, 1, horde.Whole(20), key.ID)
		if k, err := r.SharedKey(r.Context(), key.ID); err != nil || k.Held != horde.Whole(20) {
			r.Fatalf("the key is %+v, %v", k, err)
		}

		r.remove(q)
		if a := r.account(payer); a.Held != 0 || a.Balance != rich-tax {
			r.Errorf("the payer has %+v", a)
		}
		if k, err := r.SharedKey(r.Context(), key.ID); err != nil || k.Held != 0 || k.Budget != horde.Whole(100)-tax {
			r.Errorf("the key is %+v, %v", k, err)
		}
		r.sound()
	})
}

func TestASweepEndsWhereItCannotGetOn(t *testing.T) {
	for _, tt := range []struct {
		name  string
		rows  int
		lost  bool // all are somebody else's
		looks int
	}{
		{"nothing", 0, false, 1},
		{"a few", 3, false, 1},
		{"a full batch", settle.SweepBatch, false, 2},
		{"several batches", 2*settle.SweepBatch + 1, false, 3},
		{"all of them somebody else's", settle.SweepBatch, true, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			left, looks := tt.rows, 0
			find := func(_ context.Context, _ horde.Micros, limit int) ([]int, error) {
				looks++
				return make([]int, min(left, limit)), nil
			}

			err := settle.Sweep(t.Context(), time.Now, find, func(context.Context, int) error {
				if tt.lost {
					return store.ErrLost
				}
				left--
				return nil
			})
			if err != nil || looks != tt.looks || !tt.lost && left != 0 {
				t.Errorf("%d looks, %d left, %v", looks, left, err)
			}
		})
	}

	t.Run("an error ends it", func(t *testing.T) {
		broken := errors.New("broken")
		find := func(context.Context, horde.Micros, int) ([]int, error) { return []int{1, 2}, nil }
		end := func(context.Context, int) error { return broken }
		if err := settle.Sweep(t.Context(), time.Now, find, end); !errors.Is(err, broken) {
			t.Error(err)
		}
	})
}
