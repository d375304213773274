package account

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

func open(t testing.TB, s *store.Store) *Accounts {
	t.Helper()
	a, err := New(context.Background(), s, Config{KeySecret: "pepper"})
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestTheAnonymousAccountIsMadeOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s := db.Open()
		open(t, s)
		a := open(t, s) // a second time: it exists
		u, err := a.ByKey(t.Context(), api.AnonymousKey)
		if err != nil || u.ID != 0 || u.Alias() != "Anonymous#0" || !u.Anonymous() || u.Concurrency != 500 {
			t.Errorf("%+v, %v", u, err)
		}
	})
}

func TestTheAnonymousAccountIsMadeOnceOnManyNodes(t *testing.T) {
	db := storetest.On(t, storetest.Postgres)
	var wg sync.WaitGroup
	for range 5 {
		s := db.Open()
		wg.Go(func() {
			if _, err := New(t.Context(), s, Config{}); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestAKeyOpensItsAccountAlone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s, ctx := db.Open(), t.Context()
		a := open(t, s)
		u, key, err := a.Create(ctx, NewUser{Username: "Ann"})
		if err != nil {
			t.Fatal(err)
		}

		if u.ID != 1 || u.Alias() != "Ann#1" {
			t.Errorf("the first registered user is %s", u.Alias())
		}

		row, err := s.User(ctx, u.ID)
		if err != nil || strings.Contains(row.KeyHash, key) || row.KeyHash != a.hash(key) || len(row.KeyHash) != 64 {
			t.Errorf("stored key %q of %q, %v", row.KeyHash, key, err)
		}

		if other, err := New(ctx, s, Config{KeySecret: "salt"}); err != nil || other.hash(key) == row.KeyHash {
			t.Errorf("the hash does not depend on the secret (%v)", err)
		}

		if len(key) != 22 {
			t.Errorf("key %q has %d characters", key, len(key))
		}

		for _, bad := range []string{"", "x", strings.Repeat("x", 65), strings.Repeat("x", 1<<20), row.KeyHash,
			strings.ToUpper(key) + "!"} {
			if _, err := a.ByKey(ctx, bad); !errors.Is(err, ErrUnknownKey) {
				t.Errorf("key %.30q: %v", bad, err)
			}
		}

		got, err := a.ByKey(ctx, key)
		if err != nil || got.ID != u.ID {
			t.Errorf("%+v, %v", got, err)
		}

		if _, err := a.ByID(ctx, 99); horde.CodeOf(err) != horde.UserNotFound {
			t.Errorf("unknown id: %v", err)
		}
	})
}

// TestAnOldKeyIsOfNoUseAtOnce: the old key is of no use from the moment the new one is given
// out, however hot the cache is, on the other node as soon as it hears of it.
func TestAnOldKeyIsOfNoUseAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s, ctx := db.Open(), t.Context()
		a := open(t, s)

		other := a
		if s.Shared() {
			peer := db.Open()
			other = open(t, peer)
			heard := make(chan struct{}, 100)
			watch, cancel := context.WithCancel(ctx)
			var wg sync.WaitGroup
			peer.Follow(func(context.Context, *store.Changes) error { heard <- struct{}{}; return nil })
			wg.Go(func() { s.Watch(watch) }) // it shows that it lives
			wg.Go(func() { peer.Watch(watch) })
			defer wg.Wait()
			defer cancel()
			<-heard
		}

		_, key, created, err := a.TestUser(ctx, NewUser{Username: "Ann", OAuthID: "test-1"}, nil)
		if err != nil || !created {
			t.Fatalf("created %v, %v", created, err)
		}

		stop := make(chan struct{})
		var hot atomic.Value // the key that the readers use
		hot.Store(key)

		var readers sync.WaitGroup
		for range 4 { // keep the cache hot
			readers.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
						_, _ = a.ByKey(ctx, hot.Load().(string))
						runtime.Gosched()
					}
				}
			})
		}

		for range 10 {
			if _, err := other.ByKey(ctx, key); err != nil {
				t.Fatal(err)
			}

			u, fresh, created, err := a.TestUser(ctx, NewUser{Username: "Ann", OAuthID: "test-1", Roles: Trusted}, nil)
			if err != nil || created || fresh == key || !u.Is(Trusted) {
				t.Fatalf("renewed: %+v created %v, %v", u, created, err)
			}

			if _, err := a.ByKey(ctx, key); !errors.Is(err, ErrUnknownKey) {
				t.Fatalf("the old key still works: %v", err)
			}

			for start := time.Now(); ; time.Sleep(time.Millisecond) {
				if _, err := other.ByKey(ctx, key); errors.Is(err, ErrUnknownKey) {
					break
				}
				if time.Since(start) > 5*time.Second {
					t.Fatal("the old key still works on the other node")
				}
			}

			key = fresh
			hot.Store(key)
			if u, err := a.ByKey(ctx, key); err != nil || !u.Is(Trusted) {
				t.Fatalf("the new key: %+v, %v", u, err)
			}
		}

		close(stop)
		readers.Wait()
	})
}

func TestATestUserHasTheBalanceAskedFor(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s, ctx := db.Open(), t.Context()
		a := open(t, s)
		for _, balance := range []int64{5000, 0, -3, 120} {
			roles := Role(0)
			if balance == 0 {
				roles = Moderator | Trusted
			}

			u, _, _, err := a.TestUser(ctx, NewUser{Username: "m", OAuthID: "o", Roles: roles}, &balance)
			if err != nil {
				t.Fatal(err)
			}

			if got, err := a.Balance(ctx, u.ID); err != nil || got != horde.Whole(balance) {
				t.Errorf("balance %s, want %d (%v)", got, balance, err)
			}

			if moderator := balance == 0; u.Is(Moderator) != moderator || u.Is(Trusted) != moderator {
				t.Errorf("roles %b", u.Roles)
			}
		}

		if audit, err := s.Audit(ctx); err != nil || !audit.Sound() {
			t.Errorf("%+v, %v", audit, err)
		}
	})
}

// TestIDsOfNewUsersAreDense: ids are dense and nobody is refused, though two nodes
// count at once.
func TestIDsOfNewUsersAreDense(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		nodes := []*Accounts{open(t, db.Open())}
		if db.Engine == storetest.Postgres {
			nodes = append(nodes, open(t, db.Open()))
		}

		const n = 120
		var mu sync.Mutex
		seen := map[horde.UserID]bool{}

		var wg sync.WaitGroup
		for i := range n {
			wg.Go(func() {
				u, _, err := nodes[i%len(nodes)].Create(t.Context(), NewUser{Username: fmt.Sprint(i)})
				if err != nil {
					t.Error(err)
					return
				}

				mu.Lock()
				defer mu.Unlock()
				if seen[u.ID] || u.ID < 1 || u.ID > n {
					t.Errorf("id %d is taken or leaves a hole", u.ID)
				}

				seen[u.ID] = true
			})
		}

		wg.Wait()
		if len(seen) != n {
			t.Errorf("%d of %d users", len(seen), n)
		}
	})
}

func TestOneIdentityMakesOneUser(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		a := open(t, db.Open())
		var mu sync.Mutex
		made := 0
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				_, _, err := a.Create(t.Context(), NewUser{OAuthID: "g_1"})
				mu.Lock()
				defer mu.Unlock()
				if err == nil {
					made++
				} else if !errors.Is(err, store.ErrDuplicate) {
					t.Error(err)
				}
			})
		}
		wg.Wait()
		if made != 1 {
			t.Errorf("%d users of one identity", made)
		}
	})
}

func TestEachKindOfAccountHasItsFloor(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		s, ctx := db.Open(), t.Context()
		a := open(t, s)
		for oauth, want := range map[string]horde.Kudos{
			"":                                     1400, // a random UUID: pseudonymous
			"g_123":                                2500,
			"01234567-89ab-cdef-0123-456789abcdef": 1400,
			"0123456789abcdef0123456789abcdef":     2500, // a UUID in another form is none of ours
		} {
			t.Run(oauth, func(t *testing.T) {
				u, _, err := a.Create(ctx, NewUser{OAuthID: oauth})
				if err != nil {
					t.Fatal(err)
				}
				acc, err := s.Account(ctx, u.ID)
				if err != nil || acc.Lowest != want || acc.Balance != 0 || u.Pseudonymous() != (want == 1400) {
					t.Errorf("%q: floor %s, balance %s, %v", oauth, acc.Lowest, acc.Balance, err)
				}
			})
		}
		if acc, err := s.Account(ctx, 0); err != nil || acc.Lowest != -5000 {
			t.Errorf("anonymous: %+v, %v", acc, err)
		}
	})
}

func TestAnAliasNamesItsID(t *testing.T) {
	for alias, want := range map[string]horde.UserID{
		"Ann#7": 7, "#7": 7, "7": 7, "a#b#12": 12, "Anonymous#0": 0, "x#2147483647": 2147483647, "x#007": 7,
		"": -1, "Ann": -1, "Ann#": -1, "Ann#7 ": -1, "Ann# 7": -1, "Ann#-7": -1, "Ann#+7": -1, "-7": -1, "+7": -1,
		"Ann#2147483648": -1, "Ann#99999999999999999999": -1, "Ann#7x": -1, "Ann#0x7": -1, "Ann#1_0": -1, "Ann#٧": -1,
		"Ann#7\x00": -1, "Ann#7.0": -1,
	} {
		t.Run(alias, func(t *testing.T) {
			id, ok := IDOfAlias(alias)
			if ok != (want >= 0) || ok && id != want {
				t.Errorf("%q: %d, %v", alias, id, ok)
			}
		})
	}
}

func FuzzIDOfAlias(f *testing.F) {
	f.Add("Ann#7")
	f.Add("#")
	f.Fuzz(func(t *testing.T, alias string) {
		if id, ok := IDOfAlias(alias); ok && (id < 0 || id > 1<<31-1) {
			t.Errorf("%q: %d", alias, id)
		}
	})
}

func TestUsernamesAreCleaned(t *testing.T) {
	for name, want := range map[string]string{
		"  Ann\x00 ":                   "Ann",
		"<script>x</script>":           "&lt;script&gt;x&lt;/script&gt;",
		"a & b":                        "a &amp; b",
		"":                             "",
		strings.Repeat("é", 40):        strings.Repeat("é", 30),
		"Ann#7":                        "Ann#7",
		strings.Repeat("x", 29) + " y": strings.Repeat("x", 29),
	} {
		t.Run(name, func(t *testing.T) {
			if got := cleanName(name); got != want {
				t.Errorf("%q: %q, want %q", name, got, want)
			}
		})
	}
}

// Whoever is listed is so by id: a new name, by whomever, takes and gives no rights.
func TestAdministratorsAreListedByID(t *testing.T) {
	t.Parallel()
	a := open(t, storetest.On(t, storetest.SQLite).Open())
	a.config.Admins = func() []string { return []string{"Ann#1", "5", "#6", "nobody", "Anonymous#0"} }
	a.config.Awarders = []string{"Ann#1", "5"}

	for _, c := range []struct {
		name string
		user User
		want bool
	}{
		{"listed by name and id", User{Username: "Ann", ID: 1}, true},
		{"under a new name", User{Username: "Bob", ID: 1}, true},
		{"of the same name", User{Username: "Ann", ID: 2}, false},
		{"listed by a bare id", User{Username: "Eve", ID: 5}, true},
		{"of a name that looks like the alias", User{Username: "Ann#1", ID: 7}, false},
		{"of a name that is listed without an id", User{Username: "nobody", ID: 8}, false},
		{"the anonymous user, though listed",
			User{Username: "Anonymous", ID: horde.AnonymousID, OAuthID: anonymousOAuth}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			if a.Admin(&c.user) != c.want {
				t.Errorf("administrator: %v", !c.want)
			}
			if a.Awarder(&c.user) != c.want {
				t.Errorf("may award kudos: %v", !c.want)
			}
		})
	}
}

// TestCacheIsBounded: strangers cannot fill the memory with users.
func TestCacheIsBounded(t *testing.T) {
	t.Parallel()
	a := open(t, storetest.On(t, storetest.SQLite).Open())
	for i := range cacheSize {
		a.byKey[fmt.Sprint(i)] = cached{&User{ID: horde.UserID(i)}, time.Now().Add(time.Hour)}
	}
	if _, err := a.ByKey(t.Context(), api.AnonymousKey); err != nil || len(a.byKey) != 1 {
		t.Errorf("%d users cached, %v", len(a.byKey), err)
	}
}

// A name that nobody should read, or that looks like another one, is refused at
// registration and later (platform §8.1, decision 60).
func TestMisleadingNamesAreRefused(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		a := open(t, db.Open())
		eve, _, err := a.Create(t.Context(), NewUser{Username: "Eve", OAuthID: "eve"})
		if err != nil {
			t.Fatal(err)
		}

		for _, c := range []struct {
			rule, name string
			want       horde.Code
		}{
			{"profane", "fuck this", horde.ProfaneUserName},
			{"innocent", "Scunthorpe", ""},
			{"another script", "日本 Ωmega", ""},
			{"an emoji of several characters", "👩\u200d🚀", ""},
			{"space around it", " Ann\n", ""},
			{"like an alias", "admin#1", horde.BadRequest},
			{"a line break", "Ann\nBob", horde.BadRequest},
			{"an escape sequence", "Ann\x1b[2J", horde.BadRequest},
			{"a control character of Latin-1", "Ann\u0085Bob", horde.BadRequest},
			{"written backwards", "\u202enimda", horde.BadRequest},
			{"an isolate", "Ann\u2066", horde.BadRequest},
			{"a mark of direction", "Ann\u200f", horde.BadRequest},
			{"an Arabic mark", "Ann\u061c", horde.BadRequest},
			{"a line separator", "Ann\u2028Bob", horde.BadRequest},
		} {
			t.Run(c.rule, func(t *testing.T) {
				_, alias, err := a.Register(t.Context(), c.name)
				wantCode(t, "register", err, c.want)
				if (alias != "") != (c.want == "") {
					t.Errorf("the alias is %q", alias)
				}

				_, err = a.Modify(t.Context(), eve, eve.ID, api.ModifyUser{Username: &c.name})
				wantCode(t, "rename", err, c.want)
			})
		}
	})
}
