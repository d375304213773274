package account

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// world is some accounts on a database, with a clock of the test's own.
type world struct {
	*Accounts
	t   *testing.T
	s   *store.Store
	now time.Time
}

func newWorld(t *testing.T, db *storetest.DB) *world {
	t.Helper()
	w := &world{t: t, now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	clock := func() time.Time { return w.now }
	w.s = db.Open(func(o *store.Options) { o.Clock = clock })
	var err error
	w.Accounts, err = New(context.Background(), w.s,
		Config{KeySecret: "k", Clock: clock, Admins: func() []string { return []string{"root#1"} }})
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// user makes a user with a balance.
func (w *world) user(name string, roles Role, balance int64) *User {
	w.t.Helper()
	u, _, err := w.Create(context.Background(), NewUser{Username: name, OAuthID: "test-" + name, Roles: roles})
	if err != nil {
		w.t.Fatal(err)
	}
	w.write(u.ID, func(tx *store.Tx) error {
		e := kudos.NewEntry(tx, "balance:"+name, "test", "", "")
		if err := e.SetBalance(u.ID, horde.Whole(balance)); err != nil {
			return err
		}
		return e.Commit()
	})
	return u
}

func (w *world) write(user horde.UserID, do func(*store.Tx) error) {
	w.t.Helper()
	if err := w.s.Write(w.t.Context(), store.Unit{Accounts: []horde.UserID{user}, Do: do}); err != nil {
		w.t.Fatal(err)
	}
}

// again is a user as it is now.
func (w *world) again(u *User) *User {
	w.t.Helper()
	n, err := w.ByID(context.Background(), u.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return n
}

func (w *world) balance(u *User) float64 {
	w.t.Helper()
	k, err := w.Balance(context.Background(), u.ID)
	if err != nil {
		w.t.Fatal(err)
	}
	return k.Float()
}

// sound proves all balances from the ledger.
func (w *world) sound() {
	w.t.Helper()
	a, err := w.s.Audit(context.Background())
	if err != nil || !a.Sound() {
		w.t.Errorf("the ledger is not sound: %+v, %v", a, err)
	}
}

// each runs a test on each engine, beside other tests. It has to be the last call of its
// test.
func each(t *testing.T, test func(*world)) {
	t.Helper()
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		t.Parallel()
		test(newWorld(t, db))
	})
}

func wantCode(t *testing.T, what string, err error, code horde.Code) {
	t.Helper()
	if err == nil && code == "" {
		return
	}
	if err == nil || horde.CodeOf(err) != code {
		t.Errorf("%s: got %v, want code %q", what, err, code)
	}
}

// Who may change what (platform §3.1).
func TestWhoMayModify(t *testing.T) {
	each(t, func(w *world) {
		root := w.user("root", Moderator|Trusted, 0)
		mod := w.user("mod", Moderator|Trusted, 0)
		service := w.user("service", Service, 0)
		alice := w.user("alice", 0, 0)
		bob := w.user("bob", 0, 0)
		anon := w.again(&User{ID: horde.AnonymousID})
		yes, number, text := true, 3, "hello there"

		amount, factor, monthly := 5.0, 2.0, int64(5)
		for _, c := range []struct {
			name                          string
			in                            api.ModifyUser
			root, mod, self, other, nobdy horde.Code // refusals
		}{
			{"kudos", api.ModifyUser{Kudos: &amount}, "", horde.NotAdmin, horde.NotAdmin, horde.NotAdmin, horde.NotAdmin},
			{"monthly_kudos", api.ModifyUser{MonthlyKudos: &monthly}, "", horde.NotAdmin, horde.NotAdmin, horde.NotAdmin,
				horde.NotAdmin},
			{"usage_multiplier", api.ModifyUser{UsageMultiplier: &factor}, "", horde.NotAdmin, horde.NotAdmin, horde.NotAdmin,
				horde.NotAdmin},
			{"moderator", api.ModifyUser{Moderator: new(bool)}, "", horde.NotAdmin, horde.NotAdmin, horde.NotAdmin,
				horde.NotAdmin},
			{"concurrency", api.ModifyUser{Concurrency: &number}, "", "", horde.NotModerator, horde.NotModerator,
				horde.NotModerator},
			{"worker_invited", api.ModifyUser{WorkerInvited: &number}, "", "", horde.NotModerator, horde.NotModerator,
				horde.NotModerator},
			{"trusted", api.ModifyUser{Trusted: new(bool)}, "", "", horde.NotModerator, horde.NotModerator, horde.NotModerator},
			{"flagged", api.ModifyUser{Flagged: new(bool)}, "", "", horde.NotModerator, horde.NotModerator, horde.NotModerator},
			{"customizer", api.ModifyUser{Customizer: &yes}, "", "", horde.NotModerator, horde.NotModerator, horde.NotModerator},
			{"vpn", api.ModifyUser{VPN: &yes}, "", "", horde.NotModerator, horde.NotModerator, horde.NotModerator},
			{"service", api.ModifyUser{Service: new(bool)}, "", "", horde.NotModerator, horde.NotModerator, horde.NotModerator},
			{"education", api.ModifyUser{Education: new(bool)}, "", "", horde.NotModerator, horde.NotModerator,
				horde.NotModerator},
			{"special", api.ModifyUser{Special: &yes}, "", "", horde.NotModerator, horde.NotModerator, horde.NotModerator},
			{"reset_suspicion", api.ModifyUser{ResetSuspicion: new(bool)}, "", "", horde.NotModerator, horde.NotModerator,
				horde.NotModerator},
			{"admin_comment", api.ModifyUser{AdminComment: &text}, "", "", horde.NotModerator, horde.NotModerator,
				horde.NotModerator},
			{"public_workers", api.ModifyUser{PublicWorkers: &yes}, "", "", "", horde.NotModerator, horde.NotModerator},
			{"username", api.ModifyUser{Username: &text}, "", "", "", horde.NotModerator, horde.NotModerator},
			{"contact", api.ModifyUser{Contact: &text}, "", "", "", horde.NotModerator, horde.NotModerator},
			{"passkey", api.ModifyUser{GenerateProxyPasskey: &yes}, horde.NonServiceForbidden, horde.NonServiceForbidden,
				horde.NonServiceForbidden, horde.NotModerator, horde.NotModerator},
			{"undelete", api.ModifyUser{Undelete: &yes}, horde.UserNotDeleted, horde.UserNotDeleted, horde.UserNotDeleted,
				horde.NotModerator, horde.NotModerator},
			{"nothing", api.ModifyUser{}, horde.NoUserModSelected, horde.NoUserModSelected, horde.NoUserModSelected,
				horde.NoUserModSelected, horde.NoUserModSelected},
			{"filtered", api.ModifyUser{Filtered: &yes}, horde.NoUserModSelected, horde.NoUserModSelected,
				horde.NoUserModSelected, horde.NoUserModSelected, horde.NoUserModSelected},
		} {
			for _, who := range []struct {
				caller *User
				want   horde.Code
			}{{root, c.root}, {mod, c.mod}, {alice, c.self}, {bob, c.other}, {anon, c.nobdy}} {
				_, err := w.Modify(context.Background(), who.caller, alice.ID, c.in)
				wantCode(w.t, c.name+" by "+who.caller.Username, err, who.want)
			}
		}

		for _, in := range []api.ModifyUser{{PublicWorkers: &yes}, {Username: &text}, {Contact: &text}} {
			_, err := w.Modify(context.Background(), anon, horde.AnonymousID, in)
			wantCode(w.t, "the anonymous user itself", err, horde.AnonForbiddenUserMod)
		}

		_, err := w.Modify(context.Background(), service, service.ID, api.ModifyUser{GenerateProxyPasskey: &yes})
		wantCode(w.t, "passkey of a service", err, "")
		_, err = w.Modify(context.Background(), mod, 999, api.ModifyUser{VPN: &yes})
		wantCode(w.t, "nobody", err, horde.UserNotFound)
		w.sound()
	})
}

func TestWhatIsChangedOfAnAccountHolds(t *testing.T) {
	each(t, func(w *world) {
		ctx := context.Background()
		root := w.user("root", Moderator|Trusted, 0)
		alice := w.user("alice", 0, 100)
		modify := func(in api.ModifyUser) (Modified, error) {
			w.t.Helper()
			return w.Modify(ctx, root, alice.ID, in)
		}
		ptr := func(v float64) *float64 { return &v }
		on, off := true, false

		m, _ := modify(api.ModifyUser{Kudos: ptr(1.7)})
		if *m.Answer.NewKudos != 101 {
			w.t.Errorf("1.7 kudos more than 100 are %v, want 101", *m.Answer.NewKudos)
		}
		m, _ = modify(api.ModifyUser{Kudos: ptr(-5000)})
		if *m.Answer.NewKudos != 25 {
			w.t.Errorf("taking 5000 leaves %v, want the floor of 25", *m.Answer.NewKudos)
		}
		allowance := int64(1000)
		m, _ = modify(api.ModifyUser{MonthlyKudos: &allowance})
		if *m.Answer.MonthlyKudos != 1000 || w.balance(alice) != 1025 ||
			w.again(alice).MonthlyReceived != horde.MicrosOf(w.now) {
			w.t.Errorf("an allowance of 1000: %+v, balance %v", *m.Answer.MonthlyKudos, w.balance(alice))
		}
		allowance = -4000
		m, _ = modify(api.ModifyUser{MonthlyKudos: &allowance})
		if *m.Answer.MonthlyKudos != 0 || w.balance(alice) != 1025 {
			w.t.Errorf("less allowance: %v, balance %v", *m.Answer.MonthlyKudos, w.balance(alice))
		}

		w.write(alice.ID, func(tx *store.Tx) error {
			e := kudos.NewEntry(tx, "escrow", "test", "", "")
			if err := e.Escrow(alice.ID, horde.Whole(7)); err != nil {
				return err
			}
			if err := SuspectUser(tx, alice.ID, SuspicionTooFast); err != nil {
				return err
			}
			return e.Commit()
		})
		m, _ = modify(api.ModifyUser{Moderator: &on, ResetSuspicion: &off})
		if u := w.again(alice); !u.Is(Moderator|Trusted) || !m.Unpause || !m.ClearWorkers || u.Suspicions != 0 ||
			w.balance(alice) != 1032 {
			w.t.Errorf("a new moderator: %+v, %+v, balance %v", u, m, w.balance(alice))
		}
		_, _ = modify(api.ModifyUser{Moderator: &off})
		if u := w.again(alice); u.Is(Moderator) || !u.Is(Trusted) {
			w.t.Errorf("no moderator any more: %+v", u)
		}

		// A refused field leaves those before it.
		few, rude := 7, "fuck this"
		_, err := modify(api.ModifyUser{Concurrency: &few, Username: &rude, Contact: &rude})
		wantCode(w.t, "rude name", err, horde.ProfaneUserName)
		if u := w.again(alice); u.Concurrency != 7 || u.Username != "alice" {
			w.t.Errorf("after a refusal: %+v", u)
		}

		// The anonymous user takes kudos but no roles.
		if _, err := w.Modify(ctx, root, horde.AnonymousID,
			api.ModifyUser{Flagged: &on, Trusted: &on, Education: &on, Kudos: ptr(100)}); err != nil {
			w.t.Error(err)
		}
		if u := w.again(&User{}); u.Roles != 0 || u.Concurrency != 500 || w.balance(u) != 100 {
			w.t.Errorf("the anonymous user: %+v, balance %v", u, w.balance(u))
		}
		w.sound()
	})
}

// Education moves the concurrency unless it was set by hand.
func TestEducationMovesTheConcurrency(t *testing.T) {
	each(t, func(w *world) {
		root := w.user("root", Moderator, 0)
		school := w.user("school", 0, 0)

		on, off, fifty, lots := true, false, 50, 300
		for _, c := range []struct {
			in     api.ModifyUser
			want   int
			shown  bool
			reason string
		}{
			{api.ModifyUser{Education: &on}, 200, true, "on"},
			{api.ModifyUser{Education: &off}, 30, true, "off again"},
			{api.ModifyUser{Education: &on, Concurrency: &fifty}, 50, true, "with a number of its own"},
			{api.ModifyUser{Education: &off}, 50, false, "off leaves other numbers"},
			{api.ModifyUser{Concurrency: &lots}, 300, true, "more than schools have"},
			{api.ModifyUser{Education: &on}, 300, false, "on leaves more"},
		} {
			t.Run(c.reason, func(t *testing.T) {
				m, err := w.Modify(context.Background(), root, school.ID, c.in)
				if got := w.again(school).Concurrency; err != nil || got != c.want || (m.Answer.Concurrency != nil) != c.shown {
					t.Errorf("%s: concurrency %d, shown %v, %v; want %d, %v", c.reason, got, m.Answer.Concurrency != nil, err,
						c.want, c.shown)
				}
			})
		}
	})
}

func TestNamesAreCleanedAndBounded(t *testing.T) {
	each(t, func(w *world) {
		alice := w.user("alice", 0, 0)
		for in, want := range map[string]string{
			" carol ": "carol", "<b>x</b> & <i>": "<b>x</b> &amp; <i></i>", "a\x00bc": "abc",
			strings.Repeat("y", 30): strings.Repeat("y", 30),
		} {
			t.Run(in, func(t *testing.T) {
				m, err := w.Modify(context.Background(), alice, alice.ID, api.ModifyUser{Username: &in})
				if err != nil || *m.Answer.Username != want {
					t.Errorf("%q: %v, %v, want %q", in, m.Answer.Username, err, want)
				}
			})
		}
		long, contact, rude := strings.Repeat("ü", 31), strings.Repeat("c", 500), "fuck this"
		_, err := w.Modify(context.Background(), alice, alice.ID, api.ModifyUser{Username: &long})
		wantCode(w.t, "long name", err, horde.TooLongUserName)
		_, err = w.Modify(context.Background(), alice, alice.ID, api.ModifyUser{Contact: &contact})
		wantCode(w.t, "long contact", err, "")
		_, err = w.Modify(context.Background(), alice, alice.ID, api.ModifyUser{Contact: &rude})
		wantCode(w.t, "rude contact", err, horde.ProfaneUserContact)
	})
}

func TestAPasskeyIsGoodWhileItsAccountIs(t *testing.T) {
	each(t, func(w *world) {
		ctx := context.Background()
		mod, service := w.user("mod", Moderator, 0), w.user("service", Service, 0)
		yes := true
		m, err := w.Modify(ctx, service, service.ID, api.ModifyUser{GenerateProxyPasskey: &yes})
		if err != nil {
			w.t.Fatal(err)
		}
		key := *m.Answer.ProxyPasskey
		if !w.Passkey(ctx, key) || w.Passkey(ctx, "") || w.Passkey(ctx, key+"x") {
			w.t.Error("only the passkey itself is accepted")
		}
		if _, err := w.Modify(ctx, mod, service.ID, api.ModifyUser{Flagged: &yes}); err != nil {
			w.t.Fatal(err)
		}
		if w.Passkey(ctx, key) {
			w.t.Error("a flagged service keeps its passkey")
		}
	})
}

func TestADeletedAccountLeavesNothing(t *testing.T) {
	each(t, func(w *world) {
		ctx := context.Background()
		root, mod := w.user("root", Moderator, 0), w.user("mod", Moderator, 0)
		alice, bob := w.user("alice", 0, 100), w.user("bob", 0, 0)
		anon := w.again(&User{})
		for _, c := range []struct {
			caller, target *User
			want           horde.Code
		}{
			{anon, alice, horde.AnonForbiddenUser},
			{anon, mod, horde.AnonForbiddenUser},
			{root, mod, horde.CannotDeleteMod},
			{bob, mod, horde.CannotDeleteMod},
			{bob, alice, horde.NotUserOrMod},
		} {
			_, err := w.Delete(ctx, c.caller, c.target)
			wantCode(w.t, c.caller.Username+" deletes "+c.target.Username, err, c.want)
		}
		del := func(caller, target *User) bool {
			w.t.Helper()
			wipe, err := w.Delete(ctx, caller, w.again(target))
			wantCode(w.t, "delete "+target.Username, err, "")
			return wipe
		}
		if del(alice, alice) || !w.again(alice).Is(Deleted) {
			w.t.Error("the first time marks only")
		}
		_, err := w.Delete(ctx, alice, w.again(alice))
		wantCode(w.t, "wipe at once", err, horde.CannotWipeActiveUser)
		yes := true
		if _, err := w.Modify(ctx, alice, alice.ID, api.ModifyUser{Undelete: &yes}); err != nil ||
			w.again(alice).Is(Deleted) {
			w.t.Errorf("undelete: %v", err)
		}

		// Two wiped accounts in one database.
		del(root, alice)
		del(root, bob)
		w.now = w.now.Add(31 * 24 * time.Hour)
		for _, u := range []*User{alice, bob} {
			if !del(root, u) {
				w.t.Fatalf("%s cannot be wiped after 31 days", u.Username)
			}
			if err := w.Wipe(ctx, u.ID); err != nil {
				w.t.Fatal(err)
			}
			_, err := w.ByID(ctx, u.ID)
			wantCode(w.t, "wiped", err, horde.UserNotFound)
		}
		list, err := w.List(ctx, "age", 1)
		if err != nil || len(list) != 3 {
			w.t.Errorf("%d users are left in the list (%v), want 3", len(list), err)
		}
		w.sound()
	})
}

// Every refusal of a transfer, in order: each row also has what later rows refuse.
func TestTransfersAreRefusedInOrder(t *testing.T) {
	each(t, func(w *world) {
		ctx := context.Background()
		plain, rich := w.user("plain", 0, 1000), w.user("rich", 0, 100000)
		flagged, edu, gone := w.user("flagged", Flagged, 1000), w.user("edu", Education, 1000), w.user("gone", Deleted, 1000)

		shady := w.user("shady", 0, 1000)
		w.write(shady.ID, func(tx *store.Tx) error {
			for range suspectAt {
				if err := SuspectUser(tx, shady.ID, SuspicionAborts); err != nil {
					return err
				}
			}
			return nil
		})

		shady = w.again(shady)
		anon := w.again(&User{})
		if err := w.Transfer(ctx, rich, Gift{Target: "#" + itoa(plain.ID), Amount: 10}); err != nil {
			w.t.Fatal(err)
		}

		for _, c := range []struct {
			name   string
			source *User
			target string
			amount int64
			want   horde.Code
		}{
			{"from anon", anon, "nobody", -1, horde.KudosTransferFromAnon},
			{"nobody", plain, "nobody", -1, horde.InvalidTargetUsername},
			{"no such number", plain, "x#999", -1, horde.InvalidTargetUsername},
			{"unknown shared key", plain, "00000000-0000-4000-8000-000000000000", -1, horde.InvalidTargetUsername},
			{"beyond int32", plain, "x#4294967297", -1, horde.InvalidTargetUsername},
			{"to anon", shady, "Anonymous#0", -1, horde.KudosTransferToAnon},
			{"to self", shady, shady.Alias(), -1, horde.KudosTransferToSelf},
			{"back too fast", plain, rich.Alias(), -1, horde.TooFastKudosTransfers},
			{"suspicious source", shady, flagged.Alias(), -1, horde.FaultWhenKudosSending},
			{"flagged source", flagged, shady.Alias(), -1, horde.SourceAccountFlagged},
			{"education source", edu, shady.Alias(), -1, horde.EducationCannotSendKudos},
			{"suspicious target", gone, shady.Alias(), -1, horde.FaultWhenKudosReceiving},
			{"flagged target", gone, flagged.Alias(), -1, horde.TargetAccountFlagged},
			{"deleted target", plain, gone.Alias(), -1, horde.DeletedUser},
			{"deleted source", gone, plain.Alias(), -1, horde.DeletedUser},
			{"negative", plain, edu.Alias(), -1, horde.NegativeKudosTransfer},
			{"zero", plain, edu.Alias(), 0, horde.InvalidKudosTransferAmount},
			{"too much", plain, edu.Alias(), 986, horde.KudosTransferNotEnough},
			{"far too much", plain, edu.Alias(), 1<<63 - 1, horde.KudosTransferNotEnough},
			{"down to the floor", plain, edu.Alias(), 985, ""},
		} {
			wantCode(w.t, c.name, w.Transfer(ctx, c.source, Gift{Target: c.target, Amount: c.amount}), c.want)
		}

		if w.balance(plain) != 25 || w.balance(edu) != 1985 {
			w.t.Errorf("balances %v and %v, want 25 and 1985", w.balance(plain), w.balance(edu))
		}

		w.now = w.now.Add(time.Minute)
		if d, err := w.Details(ctx, plain, Public); err != nil || d.KudosDetails.Donated.Sum != -985 ||
			d.KudosDetails.Gifted.Begun || d.KudosDetails.Received.Sum != 10 {
			w.t.Errorf("totals of the giver: %+v, %v", d.KudosDetails, err)
		}

		wantCode(w.t, "a minute later", w.Transfer(ctx, plain, Gift{Target: rich.Alias(), Amount: 1}),
			horde.KudosTransferNotEnough)
		w.sound()
	})
}

func itoa(id horde.UserID) string { return strings.TrimPrefix((&User{ID: id}).Alias(), "#") }

func TestATransferIsMadeOnce(t *testing.T) {
	each(t, func(w *world) {
		ctx := context.Background()
		a, b, c := w.user("a", 0, 1000), w.user("b", 0, 1000), w.user("c", 0, 1000)
		give := func(from *User, to *User, amount int64) error {
			return w.Transfer(ctx, from, Gift{Target: to.Alias(), Amount: amount, Key: "k"})
		}
		// Many at once under one key move the amount once.
		done := make(chan error)
		for range 8 {
			go func() { done <- give(a, c, 100) }()
		}
		for range 8 {
			wantCode(w.t, "the same again", <-done, "")
		}
		wantCode(w.t, "other amount", give(a, c, 101), horde.IdempotencyKeyConflict)
		wantCode(w.t, "other target", give(a, b, 100), horde.IdempotencyKeyConflict)
		wantCode(w.t, "the key of another sender", give(b, c, 100), "")
		if w.balance(a) != 900 || w.balance(b) != 900 || w.balance(c) != 1200 {
			w.t.Errorf("balances %v, %v, %v; want 900, 900, 1200", w.balance(a), w.balance(b), w.balance(c))
		}
		w.sound()
	})
}

// What is held for a request cannot be given away, and a fresh account is lifted
// to its floor by what it receives.
func TestWhatIsHeldCannotBeGivenAway(t *testing.T) {
	each(t, func(w *world) {
		ctx := context.Background()
		a := w.user("a", 0, 100)
		w.write(a.ID, func(tx *store.Tx) error { return kudos.Hold(tx, "hold:x", a.ID, horde.Whole(50)) })
		fresh, _, err := w.Create(ctx, NewUser{Username: "fresh"})
		if err != nil {
			w.t.Fatal(err)
		}
		wantCode(w.t, "26 of 25", w.Transfer(ctx, a, Gift{Target: fresh.Alias(), Amount: 26}), horde.KudosTransferNotEnough)
		wantCode(w.t, "5 of 25", w.Transfer(ctx, a, Gift{Target: fresh.Alias(), Amount: 5}), "")
		if w.balance(fresh) != 14 {
			w.t.Errorf("a fresh pseudonymous account with 5 has %v, want its floor of 14", w.balance(fresh))
		}
		w.sound()
	})
}

func TestDetailsByPrivilege(t *testing.T) {
	each(t, func(w *world) {
		ctx := context.Background()
		mod, alice, bob := w.user("mod", Moderator|Trusted, 0), w.user("alice", Special, 5), w.user("bob", 0, 0)
		for _, c := range []struct {
			caller, user *User
			want         Privilege
		}{{nil, alice, Public}, {bob, alice, Public}, {alice, alice, Own}, {mod, alice, Oversight}, {mod, mod, Oversight}} {
			if got := PrivilegeOf(c.caller, c.user); got != c.want {
				w.t.Errorf("privilege of %v: %v, want %v", c.caller, got, c.want)
			}
		}

		contact := "alice@example.com"
		if _, err := w.Modify(ctx, mod, alice.ID, api.ModifyUser{Contact: &contact, AdminComment: &contact}); err != nil {
			w.t.Fatal(err)
		}

		alice = w.again(alice)
		for p, want := range map[Privilege][3]bool{Public: {false, false, false}, Own: {true, true, false},
			Oversight: {true, true, true}} {
			d, err := w.Details(ctx, alice, p)
			if err != nil {
				w.t.Fatal(err)
			}

			got := [3]bool{
				d.WorkerIDs != nil && d.SharedKeyIDs != nil, d.Contact != nil && d.VPN != nil && *d.Special,
				d.AdminComment != nil && d.EvaluatingKudos != nil && d.Suspicious != nil && d.MonthlyKudos != nil,
			}
			if got != want {
				w.t.Errorf("privilege %d shows %v, want %v", p, got, want)
			}
		}

		d, err := w.Details(ctx, mod, Oversight)
		if err != nil || d.MonthlyKudos.Amount != 300000 || d.MonthlyKudos.LastReceived != "" {
			w.t.Errorf("a moderator's allowance: %+v, %v", d.MonthlyKudos, err)
		}
	})
}

func TestListsOfUsersArePages(t *testing.T) {
	each(t, func(w *world) {
		ctx := context.Background()
		for i := range 30 {
			w.user("u"+itoa(horde.UserID(i)), 0, int64(1000+i))
		}

		for _, c := range []struct {
			sort        string
			page        int
			n           int
			first, last int
		}{
			{"", 1, 25, 30, 6},
			{"nonsense", 0, 25, 30, 6},
			{"kudos", -3, 25, 30, 6},
			{"kudos", 2, 6, 5, 0},
			{"", 3, 0, 0, 0},
			{"age", 1, 25, 0, 24},
			{"age", 2, 6, 25, 30},
			{"", 10001, 0, 0, 0},
			{"", 1 << 62, 0, 0, 0},
		} {
			t.Run(fmt.Sprintf("%s, page %d", c.sort, c.page), func(t *testing.T) {
				list, err := w.List(ctx, c.sort, c.page)
				if err != nil || len(list) != c.n {
					t.Errorf("%+v: %d users, %v", c, len(list), err)
				} else if c.n > 0 && (list[0].ID != c.first || list[c.n-1].ID != c.last) {
					t.Errorf("%+v: users %d to %d", c, list[0].ID, list[c.n-1].ID)
				}
			})
		}
	})
}

func TestSuspicionsCountAndAreBounded(t *testing.T) {
	var list []int
	for _, reason := range []int{8, 8, SuspicionTooFast, SuspicionTooFast, 2, 2, SuspicionAborts, SuspicionAborts} {
		list = Suspect(list, reason)
	}
	if len(list) != 6 {
		t.Errorf("reasons %v: want each once, but 5 and 9 each time", list)
	}
	for range 1000 {
		list = Suspect(list, SuspicionAborts)
	}
	if len(list) != maxSuspicions {
		t.Errorf("%d suspicions are remembered, want %d", len(list), maxSuspicions)
	}
	if u := (&User{Suspicions: 5}); !u.Suspicious() || (&User{Suspicions: 4}).Suspicious() ||
		(&User{Suspicions: 9, Roles: Trusted}).Suspicious() {
		t.Error("five suspicions make an untrusted user suspicious")
	}
}

// TestGiftsInOppositeDirections: of two gifts between the same users at one moment,
// one each way, one is taken; the other is too fast.
func TestGiftsInOppositeDirections(t *testing.T) {
	each(t, func(w *world) {
		for i := range 15 {
			a, b := w.user(fmt.Sprint("a", i), 0, 100), w.user(fmt.Sprint("b", i), 0, 100)
			var taken, fast atomic.Int64
			begin := make(chan struct{})

			var wg sync.WaitGroup
			for _, pair := range [][2]*User{{a, b}, {b, a}} {
				wg.Go(func() {
					<-begin
					switch err := w.Transfer(context.Background(), pair[0],
						Gift{Target: pair[1].Alias(), Amount: 10}); horde.CodeOf(err) {
					case horde.TooFastKudosTransfers:
						fast.Add(1)
					default:
						if err != nil {
							t.Error(err)
						}
						taken.Add(1)
					}
				})
			}

			close(begin)
			wg.Wait()
			if taken.Load() != 1 || fast.Load() != 1 {
				t.Fatalf("pair %d: %d were taken, %d too fast", i, taken.Load(), fast.Load())
			}
		}

		w.sound()
	})
}
