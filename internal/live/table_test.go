package live

import (
	"fmt"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"horde/internal/horde"
	"horde/internal/match"
)

// request is a live request of these tests.
type request struct {
	key     string
	user    horde.UserID
	expires horde.Micros
	waits   int
	models  []string
	version int64
	givenUp bool
	item    match.Item
}

func (r *request) Key() string           { return r.key }
func (r *request) User() horde.UserID    { return r.user }
func (r *request) Expires() horde.Micros { return r.expires }
func (r *request) Load() Load {
	return Load{Jobs: r.waits, Units: int64(10 * r.waits), Bytes: int64(100 * r.waits), Models: r.models}
}
func (r *request) Over() bool               { return r.waits == 0 }
func (r *request) Version() int64           { return r.version }
func (r *request) Listed() bool             { return !r.givenUp }
func (r *request) Wakes(*match.Worker) bool { return true }
func (r *request) Items() []*match.Item     { return []*match.Item{&r.item} }

// Parts yields the request as its only part.
func (r *request) Parts(yield func(string, *request) bool) { yield("part of "+r.key, r) }

func newTable() *Table[*request, *request] { return NewTable[*request, *request]() }

// What the table counts of each user is what a count of all requests says, whatever
// came, changed, was reserved and went.
func TestCountsOfUsersAreARecount(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		table := newTable()
		kept, reserved := map[string]*request{}, map[string]*request{}

		random := func() *request {
			return &request{
				key:    fmt.Sprint("r", rapid.IntRange(0, 5).Draw(t, "key")),
				user:   horde.UserID(rapid.Int64Range(1, 2).Draw(t, "user")),
				waits:  rapid.IntRange(0, 3).Draw(t, "waits"),
				models: rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"a", "b", "c"}), 0, 3, rapid.ID).Draw(t, "models"),
			}
		}

		t.Repeat(map[string]func(*rapid.T){
			"reserve": func(*rapid.T) {
				if r := random(); kept[r.key] == nil && reserved[r.key] == nil {
					table.Reserve(r)
					reserved[r.key] = r
				}
			},
			"release": func(*rapid.T) {
				r := random()
				table.Release(r.key)
				delete(reserved, r.key)
			},
			"add": func(*rapid.T) {
				if r := random(); kept[r.key] == nil {
					table.Add(r)
					kept[r.key] = r
					delete(reserved, r.key)
				}
			},
			"change": func(t *rapid.T) {
				if r := kept[random().key]; r != nil {
					r.waits = rapid.IntRange(0, 3).Draw(t, "waits now")
					table.Changed(r)
				}
			},
			"remove": func(*rapid.T) {
				r := random()
				if kept[r.key] != nil {
					r = kept[r.key]
				}
				if table.Remove(r) != (kept[r.key] == r) {
					t.Fatal("removed what was not there, or not what was")
				}
				delete(kept, r.key)
			},
			"": func(t *rapid.T) {
				want := map[horde.UserID]int{}
				byModel := map[horde.UserID]map[string]int{}

				all := 0
				for _, m := range []map[string]*request{kept, reserved} {
					for _, r := range m {
						want[r.user] += r.waits
						all += r.waits
						if byModel[r.user] == nil {
							byModel[r.user] = map[string]int{}
						}
						for _, name := range r.models {
							if r.waits > 0 {
								byModel[r.user][name] += r.waits
							}
						}
					}
				}

				got := table.Tally()
				if diff := cmp.Diff(want, got.Jobs) + cmp.Diff(byModel, got.ByModel); diff != "" {
					t.Fatalf("counted − told + %s", diff)
				}

				for id, jobs := range want {
					if got.Bytes[id] != int64(100*jobs) {
						t.Fatalf("%d bytes of %d, counted %d jobs", got.Bytes[id], id, jobs)
					}
				}

				if got.Total.Jobs != all || got.Total.Units != int64(10*all) || got.Total.Bytes != int64(100*all) {
					t.Fatalf("%d jobs in all, told %+v", all, got.Total)
				}
			},
		})
	})
}

// A key is unknown while it is neither in the table nor reserved, and is told of once.
func TestAnUnknownKeyIsToldOnce(t *testing.T) {
	table := newTable()
	table.Add(&request{key: "in", user: 1})
	table.Reserve(&request{key: "reserved", user: 1, waits: 1})
	if got := table.Unknown([]string{"x", "in", "reserved", "x", "a"}); !slices.Equal(got, []string{"a", "x"}) {
		t.Error(got)
	}
}
