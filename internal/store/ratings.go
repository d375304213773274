package store

import (
	"context"

	"horde/internal/horde"
)

// RatingSet is what a requester says of the images of one request
// (generation §1.13). Its id is the request's; Body is the domain's JSON.
type RatingSet struct {
	ID      string
	UserID  horde.UserID // the requester
	Created horde.Micros
	Best    string // id of the best image, "" if none was named
	Body    string
	Ratings []Rating
}

// Rating is that of one image.
type Rating struct {
	Image     string // id
	Rating    int    // 1 to 10
	Artifacts int    // 0 (flawless) to 5; -1: not said
}

// InsertRatingSet writes the ratings of a request; ErrDuplicate when it has some.
// The unit must have asked Rated before, so that this can only happen when another
// node was faster.
func (tx *Tx) InsertRatingSet(s RatingSet) error {
	if _, err := tx.change("INSERT INTO rating_sets (id, user_id, created, best, body) VALUES ($1, $2, $3, $4, $5)",
		s.ID, s.UserID, s.Created, s.Best, s.Body); err != nil {
		return err
	}
	for _, r := range s.Ratings {
		if _, err := tx.change("INSERT INTO ratings (set_id, picture_id, rating, artifacts) VALUES ($1, $2, $3, $4)",
			s.ID, r.Image, r.Rating, r.Artifacts); err != nil {
			return err
		}
	}
	return nil
}

// Rated reports whether the images of a request are rated.
func (tx *Tx) Rated(id string) (bool, error) {
	found, err := read(tx, scanText, "SELECT id FROM rating_sets WHERE id = $1", id)
	return len(found) > 0, err
}

// RatingSet reads the ratings of a request; ErrNotFound when there are none.
func (s *Store) RatingSet(ctx context.Context, id string) (RatingSet, error) {
	set, err := one(ctx, s, func(r scanner) (v RatingSet, err error) {
		return v, r.Scan(&v.ID, &v.UserID, &v.Created, &v.Best, &v.Body)
	}, "SELECT id, user_id, created, best, body FROM rating_sets WHERE id = $1", id)
	if err != nil {
		return set, err
	}
	set.Ratings, err = rows(ctx, s, func(r scanner) (v Rating, err error) {
		return v, r.Scan(&v.Image, &v.Rating, &v.Artifacts)
	}, "SELECT picture_id, rating, artifacts FROM ratings WHERE set_id = $1 ORDER BY picture_id", id)
	return set, err
}
