package fleet

import (
	"context"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// texts are the messages of a list, by their text.
func texts(list []api.Message) string {
	var all []string
	for _, m := range list {
		all = append(all, m.Message)
	}
	return strings.Join(all, " ")
}

func told(list []api.WorkerMessage) string {
	var all []string
	for _, m := range list {
		all = append(all, m.Message)
	}
	return strings.Join(all, " ")
}

// Who may tell whom something, who sees it, and until when (platform §3.5).
func TestMessagesReachWhomTheyAreFor(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		n := newNode(t, db, hordetest.NewClock())
		ctx := t.Context()
		owner, stranger, mod := n.user(t, 0), n.user(t, 0), n.user(t, account.Moderator)
		anon := must(n.Accounts.ByID(ctx, horde.AnonymousID))
		one, two := n.checkIn(t, owner, pop("worker one")).Worker.ID, n.checkIn(t, stranger, pop("worker two")).Worker.ID
		for _, c := range []struct {
			who  *account.User
			in   api.NewMessage
			code horde.Code
		}{
			{anon, api.NewMessage{WorkerID: horde.NewID(), Message: "x"}, horde.AnonForbidden},
			{owner, api.NewMessage{WorkerID: horde.NewID(), Message: "x"}, horde.WorkerNotFound},
			{mod, api.NewMessage{WorkerID: strings.Repeat("x", 36), Message: "x"}, horde.WorkerNotFound},
			{stranger, api.NewMessage{WorkerID: one, Message: "x"}, horde.MessagesOnlyOwnWorkers},
			{owner, api.NewMessage{Message: "x"}, horde.BadRequest},
		} {
			if _, err := n.SendMessage(ctx, c.who, c.in); horde.CodeOf(err) != c.code {
				t.Errorf("%s tells %+v: %v, want %s", c.who.Username, c.in, err, c.code)
			}
		}
		tell := func(who *account.User, in api.NewMessage) api.Message {
			t.Helper()
			n.clock.Advance(time.Second)
			return must(n.SendMessage(ctx, who, in))
		}
		own := tell(owner, api.NewMessage{WorkerID: one, Message: "own", Origin: "the boss", Expiry: ptr(1)})
		id := owner.ID.String()
		if own != (api.Message{WorkerID: one, UserID: id, Created: "2026-08-01 12:00:04.000000", ID: own.ID, Message: "own",
			Origin: id,
			Expiry: "Sat, 01 Aug 2026 13:00:04 -0000"}) {
			t.Errorf("an owner's message is %+v", own)
		}
		all := tell(mod, api.NewMessage{Message: "all"})
		if all.Origin != "AI Horde Moderators" || all.Expiry != "Sun, 02 Aug 2026 00:00:05 -0000" || all.WorkerID != "" {
			t.Errorf("a moderator's message is %+v", all)
		}
		named := tell(mod, api.NewMessage{WorkerID: one, Message: "named", Origin: "the team", Expiry: ptr(720)})
		if named.Origin != "the team" {
			t.Errorf("a moderator's own name is %q", named.Origin)
		}
		for _, c := range []struct{ worker, want string }{{one, "all own named"}, {two, "all"}} {
			if got := told(n.MessagesFor(c.worker)); got != c.want {
				t.Errorf("worker is told %q, want %q", got, c.want)
			}
		}
		if d := n.Details(n.Worker(one), account.Oversight); texts(d.Messages) != "own named" {
			t.Errorf("the worker's page shows %q", texts(d.Messages))
		}
		listed := func(who *account.User, l MessageListing, want string, code horde.Code) {
			t.Helper()
			list, err := n.Messages(ctx, who, l)
			if texts(list) != want || horde.CodeOf(err) != code {
				t.Errorf("%s lists %+v: %q %v, want %q %s", who.Username, l, texts(list), err, want, code)
			}
		}
		active := MessageListing{Validity: "active", Page: 1}
		by := func(user, worker string) MessageListing { l := active; l.User, l.Worker = user, worker; return l }
		listed(owner, active, "own all", "")
		listed(stranger, active, "all", "")
		listed(anon, active, "all", "")
		listed(mod, active, "own all named", "")
		listed(owner, by(id, ""), "own", "")
		listed(owner, by("", one), "own", "")
		listed(stranger, by(id, ""), "", horde.Forbidden)
		listed(stranger, by("nonsense", ""), "", horde.Forbidden)
		listed(mod, by(id, ""), "own", "")
		listed(mod, by("", one), "own named", "")
		listed(mod, by("nonsense", ""), "", horde.BadRequest)
		listed(mod, by("", "nonsense"), "", "")
		listed(mod, by("", "\x00\xff"), "", "")
		listed(mod, by("\x00\xff", ""), "", horde.BadRequest)
		listed(mod, MessageListing{Validity: "nonsense"}, "", horde.BadRequest)
		listed(mod, MessageListing{Validity: ""}, "", horde.BadRequest)
		listed(mod, MessageListing{Validity: "expired"}, "", "")
		listed(mod, MessageListing{Validity: "active", Page: 2}, "", "")
		listed(mod, MessageListing{Validity: "active", Page: -1 << 62}, "own all named", "")
		listed(mod, MessageListing{Validity: "active", Page: 1 << 62}, "", "")

		n.clock.Advance(time.Hour)
		if got := told(n.MessagesFor(one)); got != "all named" {
			t.Errorf("an hour later the worker is told %q", got)
		}
		listed(mod, active, "all named", "")
		listed(owner, MessageListing{Validity: "expired", Page: 1}, "own", "")
		listed(owner, MessageListing{Validity: "all", Page: 1}, "own all", "")
		if got := must(n.Message(ctx, own.ID)); got != own {
			t.Errorf("the expired message reads %+v", got)
		}

		for _, c := range []struct {
			who  *account.User
			id   string
			code horde.Code
		}{
			{owner, named.ID, horde.Forbidden}, {owner, "nonsense", horde.WorkermessageNotFound},
			{mod, horde.NewID(), horde.WorkermessageNotFound},
			{mod, own.ID, ""}, {mod, named.ID, ""}, {mod, named.ID, horde.WorkermessageNotFound},
		} {
			if err := n.DeleteMessage(ctx, c.who, c.id); horde.CodeOf(err) != c.code || err != nil && c.code == "" {
				t.Errorf("%s deletes %s: %v, want %s", c.who.Username, c.id, err, c.code)
			}
		}
		if got := told(n.MessagesFor(one)); got != "all" {
			t.Errorf("after deletion the worker is told %q", got)
		}
		if err := n.Reload(ctx); err != nil || told(n.MessagesFor(one)) != "all" {
			t.Errorf("read again: %q, %v", told(n.MessagesFor(one)), err)
		}
		n.clock.Advance(100 * 24 * time.Hour)
		if err := n.Store.Write(ctx,
			store.Unit{Do: func(tx *store.Tx) error { return tx.PruneMessages(n.clock.Micros()) }}); err != nil {
			t.Fatal(err)
		}
		listed(mod, MessageListing{Validity: "all", Page: 1}, "", "")
	})
}

// An owner's messages are bounded, since every pop carries them; pages hold 50.
func TestMessagesOfAnOwnerAreBounded(t *testing.T) {
	t.Parallel()
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	owner, mod := n.user(t, 0), n.user(t, account.Moderator)

	w := n.checkIn(t, owner, pop("worker one")).Worker.ID
	for i := range maxOwnMessages + 1 {
		_, err := n.SendMessage(t.Context(), owner, api.NewMessage{WorkerID: w, Message: "x", Expiry: ptr(1)})
		if refused := horde.CodeOf(err) == horde.BadRequest; refused != (i == maxOwnMessages) {
			t.Errorf("message %d: %v", i, err)
		}
	}

	n.clock.Advance(time.Hour)
	if _, err := n.SendMessage(t.Context(), owner, api.NewMessage{WorkerID: w, Message: "x"}); err != nil {
		t.Errorf("after the others have expired: %v", err)
	}

	for range 60 {
		if _, err := n.SendMessage(t.Context(), mod, api.NewMessage{WorkerID: w, Message: "m"}); err != nil {
			t.Fatal(err)
		}
	}

	for page, want := range map[int]int{1: 50, 2: 11, 3: 0} {
		list, err := n.Messages(t.Context(), mod, MessageListing{Validity: "active", Page: page})
		if err != nil || len(list) != want {
			t.Errorf("page %d holds %d messages, want %d; %v", page, len(list), want, err)
		}
	}
}

func TestNoMessagesAllocateNothing(t *testing.T) {
	n := newNode(t, storetest.On(t, storetest.SQLite), hordetest.NewClock())
	id := horde.NewID()
	if got := testing.AllocsPerRun(100, func() { n.MessagesFor(id) }); got != 0 || n.MessagesFor(id) == nil {
		t.Errorf("%v allocations for no messages, %v", got, n.MessagesFor(id))
	}
}

func TestMessagesReachWorkersOfAnotherNode(t *testing.T) {
	t.Parallel()
	db := storetest.On(t, storetest.Postgres)
	c := hordetest.NewClock()
	here, there := newNode(t, db, c), newNode(t, db, c)
	mod := here.user(t, account.Moderator)
	ctx := t.Context()
	var watches sync.WaitGroup
	t.Cleanup(watches.Wait)

	news := make(chan bool, 1)
	for _, n := range []*node{here, there} {
		begun := make(chan bool, 1)
		n.Store.Follow(func(_ context.Context, c *store.Changes) error {
			for _, told := range []chan bool{begun, news} {
				select {
				case told <- true:
				default:
				}
			}
			return nil
		})

		watches.Go(func() { n.Store.Watch(ctx) })
		<-begun
	}

	hear := func(want string) {
		t.Helper()
		for timeout := time.After(20 * time.Second); told(there.MessagesFor("w")) != want; {
			select {
			case <-news:
			case <-timeout:
				t.Fatalf("the other node tells %q, want %q", told(there.MessagesFor("w")), want)
			}
		}
	}

	m := must(here.SendMessage(ctx, mod, api.NewMessage{Message: "hello"}))
	hear("hello")
	if err := here.DeleteMessage(ctx, mod, m.ID); err != nil {
		t.Fatal(err)
	}

	hear("")
}

func TestMessagesAreBoundedAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		c := hordetest.NewClock()
		first := newNode(t, db, c)
		owner := first.user(t, 0)
		w := first.checkIn(t, owner, pop("worker one")).Worker.ID
		nodes := []*node{first}
		if db.Engine == storetest.Postgres {
			nodes = append(nodes, newNode(t, db, c), newNode(t, db, c))
		}

		var told atomic.Int64
		var wg sync.WaitGroup
		for i := range 3 * maxOwnMessages {
			wg.Go(func() {
				_, err := nodes[i%len(nodes)].SendMessage(t.Context(), owner, api.NewMessage{WorkerID: w, Message: "x"})
				if err == nil {
					told.Add(1)
				} else if horde.CodeOf(err) != horde.BadRequest {
					t.Error(err)
				}
			})
		}

		wg.Wait()
		if told.Load() != maxOwnMessages {
			t.Errorf("%d messages were taken", told.Load())
		}
	})
}
