package kudos_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

func TestMain(m *testing.M) {
	storetest.Checks(25)
	os.Exit(m.Run())
}

// open returns the nodes that a test works on: one on SQLite, two that share a
// database on PostgreSQL.
func open(db *storetest.DB) []*store.Store {
	nodes := []*store.Store{db.Open()}
	if db.Engine == storetest.Postgres {
		nodes = append(nodes, db.Open())
	}
	return nodes
}

func newUser(t interface{ Fatal(...any) }, s *store.Store, floor, balance horde.Kudos) (id horde.UserID) {
	name := horde.NewID()
	err := s.Write(context.Background(), store.Unit{Do: func(tx *store.Tx) (err error) {
		id, err = tx.InsertUser(store.User{ID: -1, OAuthID: name, KeyHash: name}, int64(floor))
		return err
	}})
	if err == nil && balance != 0 {
		err = s.Write(context.Background(), store.Unit{Accounts: []horde.UserID{id}, Do: func(tx *store.Tx) error {
			e := kudos.NewEntry(tx, "set:"+name, "test", "", "")
			return errors.Join(e.SetBalance(id, balance), e.Commit())
		}})
	}
	if err != nil {
		t.Fatal(err)
	}
	return id
}

func account(t interface{ Fatal(...any) }, s *store.Store, id horde.UserID) *store.Account {
	a, err := s.Account(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func sound(t interface {
	Fatal(...any)
	Errorf(string, ...any)
}, s *store.Store) {
	a, err := s.Audit(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if !a.Sound() {
		t.Errorf("the ledger is not sound: %+v", a)
	}
}

// postings reads what an event moved.
func postings(t *testing.T, db *storetest.DB, event string) map[string]horde.Kudos {
	t.Helper()
	rows, err := db.Raw().Query("SELECT account, amount FROM ledger_postings WHERE event_id = $1", event)
	if err != nil {
		t.Fatal(err)
	}
	defer rows.Close()
	found := map[string]horde.Kudos{}
	for rows.Next() {
		var name string
		var amount int64
		if err := rows.Scan(&name, &amount); err != nil {
			t.Fatal(err)
		}
		found[name] = horde.Kudos(amount)
	}
	return found
}

const floor = horde.Kudos(2500)

func TestEachMovementPostsItsSides(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := db.Open()
		for i, tt := range []struct {
			name            string
			before          horde.Kudos
			do              func(*kudos.Entry, horde.UserID) error
			user, escrow    horde.Kudos // posted
			others          map[string]horde.Kudos
			balance, hidden horde.Kudos // balance and escrow afterwards
		}{
			{"charge", 10000, func(e *kudos.Entry, u horde.UserID) error { return e.Charge(u, 6000) },
				-6000, 0, map[string]horde.Kudos{"burn": 6000}, 4000, 0},
			{"charge down to the floor", 10000, func(e *kudos.Entry, u horde.UserID) error { return e.Charge(u, 7500) },
				-7500, 0, map[string]horde.Kudos{"burn": 7500}, 2500, 0},
			{"charge through the floor", 10000, func(e *kudos.Entry, u horde.UserID) error { return e.Charge(u, 9000) },
				-7500, 0, map[string]horde.Kudos{"burn": 9000, "forgiven": -1500}, 2500, 0},
			{"charge at the floor", 2500, func(e *kudos.Entry, u horde.UserID) error { return e.Charge(u, 300) },
				0, 0, map[string]horde.Kudos{"burn": 300, "forgiven": -300}, 2500, 0},
			{"first movement lifts to the floor", 0, func(e *kudos.Entry, u horde.UserID) error { return e.Charge(u, 300) },
				2500, 0, map[string]horde.Kudos{"burn": 300, "forgiven": -2800}, 2500, 0},
			{"charge of nothing", 10000, func(e *kudos.Entry, u horde.UserID) error { return e.Charge(u, 0) },
				0, 0, map[string]horde.Kudos{}, 10000, 0},
			{"reward, trusted", 10000, func(e *kudos.Entry, u horde.UserID) error {
				return e.Reward(u, kudos.Earning{Amount: 1001, Trusted: true})
			},
				1001, 0, map[string]horde.Kudos{"mint": -1001}, 11001, 0},
			{"reward, untrusted", 10000,
				func(e *kudos.Entry, u horde.UserID) error { return e.Reward(u, kudos.Earning{Amount: 1000}) },
				500, 500, map[string]horde.Kudos{"mint": -1000}, 10500, 500},
			{"half of 0.01", 10000, func(e *kudos.Entry, u horde.UserID) error { return e.Reward(u, kudos.Earning{Amount: 1}) },
				1, 0, map[string]horde.Kudos{"mint": -1}, 10001, 0},
			{"half of 0.03", 10000, func(e *kudos.Entry, u horde.UserID) error { return e.Reward(u, kudos.Earning{Amount: 3}) },
				1, 2, map[string]horde.Kudos{"mint": -3}, 10001, 2},
			{"half of 0.05", 10000, func(e *kudos.Entry, u horde.UserID) error { return e.Reward(u, kudos.Earning{Amount: 5}) },
				3, 2, map[string]horde.Kudos{"mint": -5}, 10003, 2},
			{"half of 42.99", 10000, func(e *kudos.Entry, u horde.UserID) error {
				return e.Reward(u,
					kudos.Earning{Amount: 4299})
			},
				2149, 2150, map[string]horde.Kudos{"mint": -4299}, 12149, 2150},
			{"all in escrow", 10000, func(e *kudos.Entry, u horde.UserID) error { return e.Escrow(u, 5000) },
				0, 5000, map[string]horde.Kudos{"mint": -5000}, 10000, 5000},
			{"set", 10000, func(e *kudos.Entry, u horde.UserID) error { return e.SetBalance(u, 700) },
				-9300, 0, map[string]horde.Kudos{"admin": 9300}, 700, 0},
			{"delivery for oneself", 10000, func(e *kudos.Entry, u horde.UserID) error {
				return errors.Join(e.Charge(u, 1100), e.Reward(u, kudos.Earning{Amount: 1000, Trusted: true}))
			}, -100, 0, map[string]horde.Kudos{"burn": 1100, "mint": -1000}, 9900, 0},
		} {
			u := newUser(t, s, floor, tt.before)
			id := fmt.Sprint("event ", i)
			err := s.Write(t.Context(), store.Unit{Accounts: []horde.UserID{u}, Do: func(tx *store.Tx) error {
				e := kudos.NewEntry(tx, id, "test", "r", "j")
				return errors.Join(tt.do(e, u), e.Commit())
			}})
			if err != nil {
				t.Errorf("%s: %v", tt.name, err)
				continue
			}

			want := map[string]horde.Kudos{}
			for name, n := range tt.others {
				want[name] = n
			}

			for name, n := range map[string]horde.Kudos{kudos.UserAccount(u): tt.user, kudos.EscrowAccount(u): tt.escrow} {
				if n != 0 {
					want[name] = n
				}
			}

			if tt.name == "charge at the floor" { // so that the history tells of it
				want[kudos.UserAccount(u)] = 0
			}

			if diff := cmp.Diff(want, postings(t, db, id)); diff != "" {
				t.Errorf("%s: %s", tt.name, diff)
			}

			if a := account(t, s, u); a.Balance != tt.balance || a.Escrow != tt.hidden {
				t.Errorf("%s: balance %s, escrow %s", tt.name, a.Balance, a.Escrow)
			}
		}

		sound(t, s)
	})
}

// TestOneOfManySpendsFits: of 100 spends of 60 from an account of 100 with a floor of
// 25 exactly one succeeds.
func TestOneOfManySpendsFits(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		nodes := open(db)
		for name, spend := range map[string]func(tx *store.Tx, user horde.UserID, id string) error{
			"hold": func(tx *store.Tx, user horde.UserID, id string) error { return kudos.Hold(tx, id, user, 6000) },
			"hold, charge and release": func(tx *store.Tx, user horde.UserID, id string) error {
				if err := kudos.Hold(tx, id, user, 6000); err != nil {
					return err
				}
				e := kudos.NewEntry(tx, "spend:"+id, "test", "", "")
				return errors.Join(e.Charge(user, 5000), kudos.ConsumeHold(tx, id, 5000), kudos.ReleaseHolds(tx, id), e.Commit())
			},
		} {
			u := newUser(t, nodes[0], floor, 10000)
			var spent, poor atomic.Int64

			var wg sync.WaitGroup
			for i := range 100 {
				wg.Go(func() {
					id := fmt.Sprint(name, u, i)
					switch err := nodes[i%len(nodes)].Write(t.Context(),
						store.Unit{Key: id, Accounts: []horde.UserID{u}, Do: func(tx *store.Tx) error { return spend(tx, u, id) }}); {
					case err == nil:
						spent.Add(1)
					case errors.Is(err, kudos.ErrInsufficient):
						poor.Add(1)
					default:
						t.Error(err)
					}
				})
			}

			wg.Wait()
			if spent.Load() != 1 || poor.Load() != 99 {
				t.Errorf("%s: %d succeeded, %d were refused", name, spent.Load(), poor.Load())
			}
		}

		sound(t, nodes[0])
	})
}

func TestAnEventMovesKudosOnce(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		nodes := open(db)
		u := newUser(t, nodes[0], floor, 10000)
		var done atomic.Int64

		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				err := nodes[i%len(nodes)].Write(t.Context(), store.Unit{Accounts: []horde.UserID{u}, Do: func(tx *store.Tx) error {
					e := kudos.NewEntry(tx, "deliver:1", "test", "", "")
					return errors.Join(e.Charge(u, 100), e.Reward(u, kudos.Earning{Amount: 30}), e.Commit())
				}})
				if err == nil {
					done.Add(1)
				} else if !errors.Is(err, store.ErrDuplicate) {
					t.Error(err)
				}
			})
		}

		wg.Wait()
		if a := account(t, nodes[0], u); done.Load() != 1 || a.Balance != 10000-100+15 || a.Escrow != 15 {
			t.Errorf("%d succeeded; balance %s, escrow %s", done.Load(), a.Balance, a.Escrow)
		}

		sound(t, nodes[0])
	})
}

// purse is what the model believes of one user.
type purse struct {
	id                    horde.UserID
	balance, escrow, held horde.Kudos
	lowest                horde.Kudos
	holds                 map[string]horde.Kudos
}

func (p *purse) move(n horde.Kudos) { p.balance = max(p.balance+n, p.lowest) }

// TestTheLedgerIsPlainArithmetic compares random movements with simple arithmetic, and proves
// the ledger after each.
func TestTheLedgerIsPlainArithmetic(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := db.Open()
		rapid.Check(t, func(rt *rapid.T) { checkModel(rt, s) })
		sound(t, s)
	})
}

func checkModel(rt *rapid.T, s *store.Store) {
	var purses []*purse
	for _, lowest := range []horde.Kudos{2500, 1400, -5000} {
		p := &purse{lowest: lowest, holds: map[string]horde.Kudos{}}
		p.balance = horde.Kudos(rapid.Int64Range(0, 20000).Draw(rt, "balance"))
		p.id = newUser(rt, s, lowest, p.balance)
		purses = append(purses, p)
	}

	events := 0
	var last string // id of an event that is written
	pick := func() *purse { return rapid.SampledFrom(purses).Draw(rt, "user") }
	amount := func() horde.Kudos { return horde.Kudos(rapid.Int64Range(1, 12000).Draw(rt, "amount")) }
	run := func(p *purse, f func(*store.Tx) error) error {
		return s.Write(context.Background(), store.Unit{Accounts: []horde.UserID{p.id}, Do: f})
	}

	event := func(p *purse, f func(*kudos.Entry) error) {
		events++
		id := fmt.Sprint(p.id, "/", events)
		if err := run(p, func(tx *store.Tx) error {
			e := kudos.NewEntry(tx, id, "test", "", "")
			return errors.Join(f(e), e.Commit())
		}); err != nil {
			rt.Fatal(err)
		}
		last = id
	}

	hold := func(p *purse) string {
		ids := slices.Sorted(maps.Keys(p.holds)) // the same choice when a case is run again
		if len(ids) == 0 {
			return "none"
		}
		return rapid.SampledFrom(ids).Draw(rt, "hold")
	}

	rt.Repeat(map[string]func(*rapid.T){
		"charge": func(*rapid.T) {
			p, n := pick(), amount()
			event(p, func(e *kudos.Entry) error { return e.Charge(p.id, n) })
			p.move(-n)
		},
		"reward": func(*rapid.T) {
			p, n, trusted := pick(), amount(), rapid.Bool().Draw(rt, "trusted")
			event(p, func(e *kudos.Entry) error { return e.Reward(p.id, kudos.Earning{Amount: n, Trusted: trusted}) })
			kept := horde.Kudos(0)
			if !trusted {
				kept = horde.Kudos(math.RoundToEven(float64(n) / 2))
			}
			p.move(n - kept)
			p.escrow += kept
		},
		"repeat": func(*rapid.T) {
			p, n := pick(), amount()
			if last == "" {
				return
			}

			err := run(p, func(tx *store.Tx) error {
				e := kudos.NewEntry(tx, last, "test", "", "")
				return errors.Join(e.Charge(p.id, n), e.Escrow(p.id, 1), e.Commit())
			})
			if !errors.Is(err, store.ErrDuplicate) {
				rt.Fatalf("event %s a second time: %v", last, err)
			}
		},
		"hold": func(*rapid.T) {
			p, n := pick(), amount()
			events++
			id := fmt.Sprint("hold:", p.id, "/", events)
			err := run(p, func(tx *store.Tx) error { return kudos.Hold(tx, id, p.id, n) })
			if rich := p.balance-p.lowest-p.held >= n; rich != (err == nil) || err != nil &&
				!errors.Is(err, kudos.ErrInsufficient) {
				rt.Fatalf("hold %s of %+v: %v", n, p, err)
			}
			if err == nil {
				p.holds[id], p.held = n, p.held+n
			}
		},
		"wish": func(*rapid.T) {
			p := pick()
			var wishes []kudos.OptionalHold
			before := p.held

			for range rapid.IntRange(0, 3).Draw(rt, "wishes") {
				events++
				w := kudos.OptionalHold{ID: fmt.Sprint("hold:", p.id, "/", events), Amount: amount()}
				wishes = append(wishes, w)
				if got := min(w.Amount, p.balance-p.lowest-p.held); got > 0 {
					p.holds[w.ID], p.held = got, p.held+got
				}
			}

			var some bool
			err := run(p, func(tx *store.Tx) (err error) {
				some, err = kudos.HoldAvailable(tx, p.id, wishes)
				return err
			})
			if err != nil || some != (p.held > before) {
				rt.Fatalf("wishes %v of %+v: %v %v", wishes, p, some, err)
			}
		},
		"eat": func(*rapid.T) {
			p, n := pick(), amount()
			id := hold(p)
			event(p, func(e *kudos.Entry) error { return e.Charge(p.id, n) })
			if err := run(p, func(tx *store.Tx) error { return kudos.ConsumeHold(tx, id, n) }); err != nil {
				rt.Fatal(err)
			}

			p.move(-n)
			eaten := min(n, p.holds[id])
			p.held -= eaten
			if p.holds[id] -= eaten; p.holds[id] == 0 {
				delete(p.holds, id)
			}
		},
		"release": func(*rapid.T) {
			p := pick()
			id := hold(p)
			if err := run(p, func(tx *store.Tx) error { return kudos.ReleaseHolds(tx, id) }); err != nil {
				rt.Fatal(err)
			}
			p.held -= p.holds[id]
			delete(p.holds, id)
		},
		"refuse": func(*rapid.T) {
			p, n := pick(), amount()
			err := run(p, func(tx *store.Tx) error {
				e := kudos.NewEntry(tx, "refused", "test", "", "")
				return errors.Join(e.Charge(p.id, n), e.Reward(p.id, kudos.Earning{Amount: n}), e.Commit(), errRefused)
			})
			if !errors.Is(err, errRefused) {
				rt.Fatal(err)
			}
		},
		"": func(rt *rapid.T) {
			for _, p := range purses {
				a := account(rt, s, p.id)
				if a.Balance != p.balance || a.Escrow != p.escrow || a.Held != p.held {
					rt.Fatalf("user %d has %s, escrow %s, held %s; want %s, %s, %s", p.id, a.Balance, a.Escrow, a.Held, p.balance,
						p.escrow, p.held)
				}
			}
		},
	})

	sound(rt, s)
}

var errRefused = errors.New("refused")

// TestNothingIsLostInAStorm lets many goroutines, on two nodes where there can be two, move
// kudos at random between few accounts. Nothing may be lost, doubled or spent
// below the floor.
func TestNothingIsLostInAStorm(t *testing.T) {
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		nodes := open(db)
		var users []horde.UserID
		for range 5 {
			users = append(users, newUser(t, nodes[0], floor, 100000))
		}

		var wg sync.WaitGroup
		for g := range 16 {
			s := nodes[g%len(nodes)]
			wg.Go(func() {
				for i := range 25 {
					if err := storm(s, users, fmt.Sprint(g, "/", i)); err != nil && !errors.Is(err, kudos.ErrInsufficient) &&
						!errors.Is(err, errRefused) {
						t.Error(err)
					}
				}
			})
		}

		wg.Wait()
		sound(t, nodes[0])

		for _, u := range users {
			if a := account(t, nodes[0], u); a.Balance < floor {
				t.Errorf("user %d has %s, less than the floor", u, a.Balance)
			}
		}
	})
}

// storm is one delivery: of payer, for owner, out of a hold or not, paid twice
// or not at all now and then.
func storm(s *store.Store, users []horde.UserID, id string) error {
	payer, owner := users[rand.IntN(len(users))], users[rand.IntN(len(users))]
	n := horde.Kudos(rand.Int64N(9000) + 1)

	held, refused, trusted := rand.IntN(2) == 0, rand.IntN(5) == 0, rand.IntN(2) == 0
	if held {
		err := s.Write(context.Background(),
			store.Unit{Key: id, Accounts: []horde.UserID{payer},
				Do: func(tx *store.Tx) error { return kudos.Hold(tx, "hold:"+id, payer, n) }})
		if err != nil {
			return err
		}
	}

	unit := store.Unit{Key: id, Accounts: []horde.UserID{payer, owner}, Do: func(tx *store.Tx) error {
		e := kudos.NewEntry(tx, "deliver:"+id, "test", id, "")
		if err := errors.Join(e.Charge(payer, n),
			e.Reward(owner, kudos.Earning{Amount: n / 2, Trusted: trusted})); err != nil {
			return err
		}

		if refused {
			return errRefused
		}

		if held {
			if err := kudos.ConsumeHold(tx, "hold:"+id, n); err != nil {
				return err
			}
		}

		return e.Commit()
	}}
	if err := s.Write(context.Background(), unit); err != nil {
		return err
	}

	if err := s.Write(context.Background(), unit); !errors.Is(err, store.ErrDuplicate) {
		return fmt.Errorf("a delivery was settled twice: %v", err)
	}

	return nil
}

func TestAProofKnowsTheAccountsOfTheSystem(t *testing.T) {
	for _, name := range []string{kudos.Mint, kudos.Burn, kudos.Forgiven, kudos.Admin} {
		if !store.SystemAccount(name) {
			t.Errorf("a proof of the ledger does not know %q", name)
		}
	}
	for _, name := range []string{"", "user:", kudos.UserAccount(1), kudos.EscrowAccount(1), "mnit"} {
		if store.SystemAccount(name) {
			t.Errorf("%q belongs to nobody", name)
		}
	}
}
