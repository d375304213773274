package rating

import (
	"fmt"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"horde/api"
	"horde/internal/admission"
	"horde/internal/horde"
	"horde/internal/queue"
)

const (
	a = "aaaaaaaa-0000-4000-8000-000000000000"
	b = "bbbbbbbb-0000-4000-8000-000000000000"
	x = "cccccccc-0000-4000-8000-000000000000"
)

func outcome(ids ...string) queue.Outcome {
	o := queue.Outcome{Done: true, Asked: &admission.Image{Shared: true}, Consumed: horde.Whole(100)}
	for _, id := range ids {
		o.Images = append(o.Images, queue.Image{ID: id})
	}
	return o
}

func of(id string, n int, artifacts ...int) api.AestheticRating {
	r := api.AestheticRating{ID: id, Rating: n}
	if len(artifacts) > 0 {
		r.Artifacts = &artifacts[0]
	}
	return r
}

func TestRatingsAreJudged(t *testing.T) {
	unfinished, private := outcome(a, b), outcome(a, b)
	unfinished.Done = false
	private.Asked.Shared = false
	unfinished.Asked = private.Asked

	for _, c := range []struct {
		what string
		o    queue.Outcome
		in   api.Aesthetics
		code horde.Code
	}{
		{"unfinished comes before private", unfinished, api.Aesthetics{Best: x}, horde.AestheticsNotCompleted},
		{"private comes before unknown", private, api.Aesthetics{Best: x}, horde.AestheticsNotPublic},
		{
			"unknown rated", outcome(a, b),
			api.Aesthetics{Ratings: []api.AestheticRating{of(a, 5), of(x, 5)}},
			horde.ProcGenNotFound,
		},
		{
			"twice", outcome(a, b),
			api.Aesthetics{Best: x, Ratings: []api.AestheticRating{of(a, 5), of(strings.ToUpper(a), 6)}},
			horde.AestheticsDuplicate,
		},
		{
			"unknown best", outcome(a, b),
			api.Aesthetics{Best: x, Ratings: []api.AestheticRating{of(a, 5)}},
			horde.ProcGenNotFound,
		},
		{"nothing", outcome(a, b), api.Aesthetics{Ratings: []api.AestheticRating{}}, horde.AestheticsMissing},
		{"nothing of one", outcome(a), api.Aesthetics{}, horde.AestheticsMissing},
		{"best of one", outcome(a), api.Aesthetics{Best: a}, horde.AestheticsSolo},
		{"best of two", outcome(a, b), api.Aesthetics{Best: a}, ""},
		{"best and rating of one", outcome(a), api.Aesthetics{Best: a, Ratings: []api.AestheticRating{of(a, 5)}}, ""},
	} {
		t.Run(c.what, func(t *testing.T) {
			if _, err := judge(c.o, c.in); horde.CodeOf(err) != c.code || err == nil != (c.code == "") {
				t.Errorf("%s: %v, want %q", c.what, err, c.code)
			}
		})
	}
}

func TestARatingIsRewarded(t *testing.T) {
	for _, c := range []struct {
		v        verdict
		images   int
		consumed horde.Kudos
		want     horde.Kudos
	}{
		{verdict{ratings: []api.AestheticRating{of(a, 5)}}, 1, 10000, 500},
		{verdict{ratings: []api.AestheticRating{of(a, 5, 0)}}, 1, 10000, 1000}, // flawless is said too
		{verdict{ratings: []api.AestheticRating{of(a, 5, 1), of(b, 8)}}, 2, 10000, 1500},
		{verdict{best: a}, 2, 10000, 1500},
		{verdict{best: a, ratings: []api.AestheticRating{of(a, 6)}}, 2, 10000, 2000},
		{verdict{best: a, ratings: []api.AestheticRating{of(a, 7)}}, 2, 10000, 500},
		{verdict{best: a, ratings: []api.AestheticRating{of(a, 6)}}, 1, 10000, 500},
		{verdict{best: a, ratings: []api.AestheticRating{of(a, 6), of(b, 6)}}, 2, 10000, 1000},
		{verdict{ratings: []api.AestheticRating{of(a, 5)}}, 1, 300, 200}, // 3 cost, 2 come back
		{verdict{best: a}, 2, 1500, 1400},
		{verdict{best: a}, 2, 1506, 1500},
		{verdict{best: a}, 2, 50, 0}, // never below 0
		{verdict{best: a}, 2, 0, 0},
	} {
		t.Run(fmt.Sprintf("%+v of %d for %v", c.v, c.images, c.consumed), func(t *testing.T) {
			if got := reward(c.v, c.images, c.consumed); got != c.want {
				t.Errorf("%+v of %d for %v: %v, want %v", c.v, c.images, c.consumed, got, c.want)
			}
		})
	}
}

// Nobody earns by rating what they paid for, and nothing is taken.
func TestRewardIsLessThanTheCost(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := verdict{best: rapid.SampledFrom([]string{"", a, b}).Draw(t, "best")}
		for _, id := range []string{a, b, x} {
			if rapid.Bool().Draw(t, id) {
				rating, artifacts := rapid.IntRange(1, 10).Draw(t, "rating"), rapid.IntRange(0, 5).Draw(t, "artifacts")
				v.ratings = append(v.ratings, of(id, rating, artifacts))
			}
		}
		consumed := horde.Kudos(rapid.Int64Range(0, 10_000).Draw(t, "consumed"))
		if got := reward(v, 3, consumed); got < 0 || got > 0 && got >= consumed {
			t.Fatalf("%+v for %v earns %v", v, consumed, got)
		}
	})
}

func TestTheBestOrHighestRatedIsTheFavourite(t *testing.T) {
	for _, c := range []struct {
		v    verdict
		want string
	}{
		{verdict{best: a}, a},
		{verdict{ratings: []api.AestheticRating{of(a, 7)}}, a},
		{verdict{ratings: []api.AestheticRating{of(a, 6)}}, ""},
		{verdict{best: b, ratings: []api.AestheticRating{of(a, 9)}}, b},
		{verdict{ratings: []api.AestheticRating{of(a, 3), of(b, 4)}}, b},
		{verdict{best: a, ratings: []api.AestheticRating{of(a, 3), of(b, 4)}}, b},
		{verdict{ratings: []api.AestheticRating{of(a, 4), of(b, 4)}}, a},
		{verdict{best: b, ratings: []api.AestheticRating{of(a, 4), of(b, 4)}}, b},
	} {
		t.Run(fmt.Sprintf("%+v", c.v), func(t *testing.T) {
			if got := c.v.favourite(); got != c.want {
				t.Errorf("%+v: %q, want %q", c.v, got, c.want)
			}
		})
	}
}
