package rating

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"strings"

	"horde/api"
	"horde/internal/account"
	"horde/internal/admission"
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/queue"
	"horde/internal/store"
)

// Config is what ratings depend on.
type Config struct {
	Store    *store.Store
	Accounts *account.Accounts
	Queue    *queue.Queue
	Clock    horde.Clock
}

// Ratings accepts and keeps ratings.
type Ratings struct{ Config }

// New returns the ratings of a store.
func New(c Config) *Ratings { return &Ratings{c} }

// Rater is where ratings come from.
type Rater struct {
	ClientAgent string
	Addr        string
}

// Rate accepts the ratings of a request's images, once, and returns what its owner
// got for them. Refusals are in the order of platform §10.1.
func (r *Ratings) Rate(ctx context.Context, id string, in api.Aesthetics, from Rater) (horde.Kudos, error) {
	o, err := r.Queue.Outcome(ctx, id)
	if err != nil {
		return 0, err
	}

	v, err := judge(o, in)
	if err != nil {
		return 0, err
	}
	user, err := r.Accounts.ByID(ctx, o.UserID)
	if err != nil {
		return 0, err
	}
	set, err := r.set(ctx, o, user, v, from)
	if err != nil {
		return 0, err
	}

	// What the request was charged may have been forgiven.
	amount, earned := reward(v, len(o.Images), o.Consumed), horde.Kudos(0)
	err = r.Store.Write(ctx, store.Unit{Key: o.ID, Accounts: []horde.UserID{o.UserID}, Do: func(tx *store.Tx) error {
		if rated, err := tx.Rated(o.ID); err != nil {
			return err
		} else if rated {
			return errRated
		}

		set.Created = tx.Now
		if err := tx.InsertRatingSet(set); err != nil {
			return err
		}

		e := kudos.NewEntry(tx, "rate:"+o.ID, "pictures rated", o.ID, "")
		e.Within(r.Accounts.UnpaidBounds(user, ""))
		if amount > 0 {
			if err := e.Bonus(o.UserID, amount, kudos.Awarded); err != nil {
				return err
			}
		}
		earned = amount - e.Forgone()
		return e.Commit()
	}})
	if errors.Is(err, store.ErrDuplicate) { // another node was faster
		err = errRated
	}
	return earned, err
}

var errRated = horde.Errorf(horde.AestheticsAlreadyExist, "These images are rated already.")

// verdict is what was said of a request's images, checked.
type verdict struct {
	best    string // as sent
	ratings []api.AestheticRating
}

// judge checks what is said about an outcome.
func judge(o queue.Outcome, in api.Aesthetics) (verdict, error) {
	switch {
	case !o.Done:
		return verdict{}, horde.Errorf(horde.AestheticsNotCompleted, "Images can be rated when the request is done.")
	case !o.Asked.Shared:
		return verdict{}, horde.Errorf(horde.AestheticsNotPublic,
			"Only images of requests that were sent with shared can be rated.")
	}

	v := verdict{best: strings.ToLower(in.Best)}
	known := func(id string) bool {
		return slices.ContainsFunc(o.Images, func(p queue.Image) bool { return p.ID == id })
	}
	unknown := func(id string) error {
		return horde.Errorf(horde.ProcGenNotFound, "The request has no image with ID '%s'.", id)
	}

	for _, a := range in.Ratings {
		a.ID = strings.ToLower(a.ID)
		if !known(a.ID) {
			return v, unknown(a.ID)
		}
		if slices.ContainsFunc(v.ratings, func(b api.AestheticRating) bool { return b.ID == a.ID }) {
			return v, horde.Errorf(horde.AestheticsDuplicate, "The image with ID '%s' is rated twice.", a.ID)
		}
		v.ratings = append(v.ratings, a)
	}

	switch {
	case v.best != "" && !known(v.best):
		return v, unknown(v.best)
	case v.best == "" && len(v.ratings) == 0:
		return v, horde.Errorf(horde.AestheticsMissing, "Name the best image or rate some.")
	case len(v.ratings) == 0 && len(o.Images) == 1:
		return v, horde.Errorf(horde.AestheticsSolo, "The best of one image says nothing. Rate it instead.")
	}
	return v, nil
}

// Amounts of generation §1.13, and the rating under which a single image is no good.
var (
	forRating    = horde.Whole(5)
	forArtifacts = horde.Whole(5)
	forBest      = horde.Whole(15)
	minimumCost  = horde.Whole(1) // what a request costs in the end
)

const goodRating = 7

// reward is what a verdict on a set of images earns, but always less than the
// request cost.
func reward(v verdict, images int, consumed horde.Kudos) horde.Kudos {
	var sum horde.Kudos
	for _, a := range v.ratings {
		sum += forRating
		if a.Artifacts != nil {
			sum += forArtifacts
		}
	}

	switch {
	case len(v.ratings) == 0:
		sum = forBest
	case len(v.ratings) == 1 && v.ratings[0].Rating < goodRating && v.best != "" && images > 1:
		sum += forBest
	}

	if sum >= consumed {
		sum = consumed - minimumCost
	}
	return max(0, sum)
}

// favourite is the best image according to the ratings: of several, the one rated
// highest, if there is one; a single one if it is good, unless another was named.
func (v verdict) favourite() string {
	switch {
	case len(v.ratings) == 1 && v.best == "" && v.ratings[0].Rating >= goodRating:
		return v.ratings[0].ID
	case len(v.ratings) < 2:
		return v.best
	}

	top := slices.MaxFunc(v.ratings, func(a, b api.AestheticRating) int { return a.Rating - b.Rating })
	tied := 0
	for _, a := range v.ratings {
		if a.Rating == top.Rating {
			tied++
		}
	}

	if tied > 1 && v.best != "" {
		return v.best
	}
	return top.ID
}

// testimony is what is kept with the ratings of a set.
type testimony struct {
	User struct {
		Alias       string      `json:"username"`
		Trusted     bool        `json:"trusted"`
		Age         int64       `json:"account_age"` // seconds
		Kudos       horde.Kudos `json:"kudos"`       // in hundredths
		Accumulated horde.Kudos `json:"kudos_accumulated"`
	} `json:"user"`
	Addr        string           `json:"addr,omitempty"`
	ClientAgent string           `json:"client_agent"`
	Images      []queue.Image    `json:"pictures"` // all of the set
	Asked       *admission.Image `json:"asked"`
}

// set returns the row of a verdict.
func (r *Ratings) set(
	ctx context.Context, o queue.Outcome, user *account.User, v verdict, from Rater,
) (store.RatingSet, error) {
	acc, err := r.Store.Account(ctx, o.UserID)
	if err != nil {
		return store.RatingSet{}, err
	}

	t := testimony{
		Addr:        from.Addr,
		ClientAgent: strings.ReplaceAll(from.ClientAgent, "\x00", ""),
		Images:      o.Images,
		Asked:       o.Asked,
	}
	t.User.Alias, t.User.Trusted = user.Alias(), user.Is(account.Trusted)
	t.User.Age = int64((horde.MicrosOf(r.Clock()) - user.Created) / 1_000_000)
	t.User.Kudos, t.User.Accumulated = acc.Balance, acc.Totals.Accumulated

	body, err := json.Marshal(&t)
	if err != nil {
		return store.RatingSet{}, err
	}

	set := store.RatingSet{ID: o.ID, UserID: o.UserID, Best: v.favourite(), Body: string(body)}
	for _, a := range v.ratings {
		row := store.Rating{Image: a.ID, Rating: a.Rating, Artifacts: -1}
		if a.Artifacts != nil {
			row.Artifacts = *a.Artifacts
		}
		set.Ratings = append(set.Ratings, row)
	}
	return set, nil
}
