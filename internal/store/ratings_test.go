package store_test

import (
	"context"
	"errors"
	"reflect"
	"testing"

	"horde/internal/store"
	"horde/internal/store/storetest"
)

func TestASetIsRatedOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := db.Open()
		set := store.RatingSet{ID: "r", UserID: 7, Created: 5, Best: "b", Body: `{"x":1}`,
			Ratings: []store.Rating{{Image: "a", Rating: 3, Artifacts: -1}, {Image: "b", Rating: 9, Artifacts: 0}}}
		insert := func() error {
			return s.Write(t.Context(), store.Unit{Do: func(tx *store.Tx) error { return tx.InsertRatingSet(set) }})
		}

		rated := func() (is bool) {
			err := s.Write(t.Context(), store.Unit{Do: func(tx *store.Tx) (err error) {
				is, err = tx.Rated("r")
				return err
			}})
			if err != nil {
				t.Fatal(err)
			}
			return is
		}
		if rated() {
			t.Error("rated before anybody did")
		}

		if err := insert(); err != nil || !rated() {
			t.Fatal(err)
		}

		if err := insert(); !errors.Is(err, store.ErrDuplicate) {
			t.Errorf("twice: %v", err)
		}

		if got, err := s.RatingSet(context.Background(), "r"); err != nil || !reflect.DeepEqual(got, set) {
			t.Errorf("%+v, %v", got, err)
		}

		if _, err := s.RatingSet(context.Background(), "x"); !errors.Is(err, store.ErrNotFound) {
			t.Error(err)
		}
	})
}
