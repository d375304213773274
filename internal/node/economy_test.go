package node

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/hordetest"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// crook is one of an adversary's accounts, with workers at an address.
type crook struct {
	party
	addr   string
	shared string // key that others may spend by
	style  string // id
}

// pursuit is something that the adversary has asked for or has in hand.
type pursuit struct {
	trade
	id    string
	crook *crook // whose worker has it; nil: it is a request
}

// economy is a horde of which an adversary has all accounts and workers.
type economy struct {
	*testing.T
	n      *Node
	clock  *hordetest.Clock
	dice   *rand.Rand
	crooks []*crook
	open   []pursuit // requests
	hands  []pursuit
}

const (
	crooksPerAddress = 2
	alchemists       = 3 // of each crook
)

// newEconomy makes the accounts, each with what its floor keeps and no more.
func newEconomy(t *testing.T, db *storetest.DB, bounds account.Unpaid) *economy {
	t.Helper()
	e := &economy{T: t, clock: hordetest.NewClock(), dice: rand.New(rand.NewPCG(13, 9))}
	e.n, _ = newNode(t, func(o *Options) {
		o.DBURL, o.Clock, o.Unpaid = db.Options().URL, e.clock.Now, bounds
	})

	for i := range 3 * crooksPerAddress {
		atFloor := int64(25)
		name := fmt.Sprint("crook ", i)
		u, key, _, err := e.n.Accounts.TestUser(t.Context(),
			account.NewUser{Username: name, OAuthID: "test-" + name, Roles: account.Customizer}, &atFloor)
		if err != nil {
			t.Fatal(err)
		}

		c := &crook{party: party{id: u.ID, key: key}, addr: fmt.Sprintf("203.0.113.%d:99", i/crooksPerAddress)}
		c.style = e.made(c, "POST", "styles/image", fmt.Sprintf(`{"name":"style %d","prompt":"{p}{np}",`+
			`"models":["stable_diffusion"],"params":{"width":64,"height":64,"steps":1}}`, i))
		c.shared = e.made(c, "PUT", "sharedkeys", `{"kudos":100}`)
		e.crooks = append(e.crooks, c)
	}
	return e
}

// made is the id of what a call of a crook makes.
func (e *economy) made(c *crook, method, path, body string) string {
	e.Helper()
	var made struct{ ID string }
	if status := e.do(c, method, path, c.key, body, &made); status >= 300 || made.ID == "" {
		e.Fatalf("%s %s: %d %+v", method, path, status, made)
	}
	return made.ID
}

// do makes a call from the address of a crook. No call may fail inside of the server.
func (e *economy) do(c *crook, method, path, key, body string, v any) (status int) {
	e.Helper()
	r := httptest.NewRequest(method, "/api/v2/"+path, strings.NewReader(body))
	r.RemoteAddr = c.addr
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("apikey", key)

	w := httptest.NewRecorder()
	e.n.http.ServeHTTP(w, r)
	if w.Code >= 500 {
		e.Errorf("%s %s: %d %s", method, path, w.Code, w.Body)
	}
	if v != nil && w.Code < 300 {
		if err := json.Unmarshal(w.Body.Bytes(), v); err != nil {
			e.Fatalf("%s %s: %v in %s", method, path, err, w.Body)
		}
	}
	return w.Code
}

func (e *economy) someone() *crook { return e.crooks[e.dice.IntN(len(e.crooks))] }

// take takes one of the pursuits out of a list; ok is false where there is none.
func (e *economy) take(from *[]pursuit) (p pursuit, ok bool) {
	if len(*from) == 0 {
		return p, false
	}
	i := e.dice.IntN(len(*from))
	p = (*from)[i]
	*from = slices.Delete(*from, i, i+1)
	return p, true
}

// move is something that the adversary does; often is how often among all.
type move struct {
	often int
	do    func(*economy)
}

var moves = []move{
	{8, (*economy).ask},
	{10, (*economy).pop},
	{9, (*economy).submit},
	{1, (*economy).cancel},
	{2, (*economy).transfer},
	{2, (*economy).rate},
	{3, (*economy).idle},
	{1, (*economy).sweep},
}

// play makes random moves.
func (e *economy) play(n int) {
	sum := 0
	for _, m := range moves {
		sum += m.often
	}

	for range n {
		at := e.dice.IntN(sum)
		for _, m := range moves {
			if at -= m.often; at < 0 {
				m.do(e)
				break
			}
		}
	}
}

// ask asks for images, texts or forms: without an account, by one of an account's own, or
// by a shared key; images with a style now and then.
func (e *economy) ask() {
	kind, c := trades[e.dice.IntN(len(trades))], e.someone()
	key := []string{api.AnonymousKey, c.key, e.someone().shared}[e.dice.IntN(3)]

	body := kind.order
	switch {
	case kind.name == "image" && e.dice.IntN(2) == 0:
		body = fmt.Sprintf(`{"prompt":"x","shared":true,"style":%q,"params":{"n":%d}}`, e.someone().style, 1+e.dice.IntN(3))
	case kind.name == "alchemy":
		body = `{"forms":[{"name":"caption"},{"name":"nsfw"},{"name":"interrogation"}],"source_image":"` + dot + `"}`
		if key != api.AnonymousKey { // no shared keys
			key = c.key
		}
	}

	var accepted struct{ ID string }
	if e.do(c, "POST", kind.asks, key, body, &accepted) < 300 {
		e.open = append(e.open, pursuit{trade: kind, id: accepted.ID})
	}
}

// pop has one of a crook's workers take work.
func (e *economy) pop() {
	kind, c := trades[e.dice.IntN(len(trades))], e.someone()
	e.popBy(c, kind, e.dice.IntN(alchemists))
}

func (e *economy) popBy(c *crook, kind trade, alchemist int) {
	name := fmt.Sprint(c.id, " ", kind.name)
	offer := kind.offer
	if kind.name == "alchemy" {
		name = fmt.Sprint(name, " ", alchemist)
		offer = `{"name":%q,"amount":3,"forms":["caption","nsfw","interrogation"]}`
	}

	var job struct {
		ID    string
		Forms []struct{ ID string }
	}
	if e.do(c, "POST", kind.pops, c.key, fmt.Sprintf(offer, name), &job) >= 300 {
		return
	}
	if job.ID != "" {
		e.hands = append(e.hands, pursuit{kind, job.ID, c})
	}
	for _, f := range job.Forms {
		e.hands = append(e.hands, pursuit{kind, f.ID, c})
	}
}

// submit delivers some work: as it should be, censored, or as a fault; now and then twice.
func (e *economy) submit() {
	p, ok := e.take(&e.hands)
	if !ok {
		return
	}

	result := p.result
	if p.name == "image" {
		result = `"generation":"R2","seed":1`
	}
	switch e.dice.IntN(16) {
	case 0:
		result = `"generation":"","result":{},"seed":-1,"state":"faulted"`
	case 1, 2:
		result += `,"state":"censored"`
	case 3:
		e.hands = append(e.hands, p)
	}
	e.do(p.crook, "POST", p.submits, p.crook.key, fmt.Sprintf(`{"id":%q,%s}`, p.id, result), nil)
}

// cancel cancels a request, whose work may be in a worker's hands.
func (e *economy) cancel() {
	if p, ok := e.take(&e.open); ok {
		e.do(e.someone(), "DELETE", p.told+p.id, "", "", nil)
	}
}

// transfer moves what an account can spend to another one, which can ask by it.
func (e *economy) transfer() {
	from, to := e.someone(), e.someone()
	a, err := e.n.Store.Account(e.Context(), from.id)
	if err != nil {
		e.Fatal(err)
	}
	amount := int64(a.Balance-a.Lowest-a.Held) / 100
	e.do(from, "POST", "kudos/transfer", from.key, fmt.Sprintf(`{"username":"x#%d","amount":%d}`, to.id, amount), nil)
}

// rate rates the images of a request that is done.
func (e *economy) rate() {
	p, ok := e.take(&e.open)
	if !ok || p.name != "image" {
		return
	}

	var st api.ImageStatus
	c := e.someone()
	e.do(c, "GET", p.told+p.id, "", "", &st)
	if len(st.Generations) == 0 || st.Waiting+st.Processing > 0 {
		e.open = append(e.open, p)
		return
	}
	var ratings []string
	for _, g := range st.Generations {
		ratings = append(ratings, fmt.Sprintf(`{"id":%q,"rating":8,"artifacts":1}`, g.ID))
	}
	e.do(c, "POST", "generate/rate/"+p.id, c.key, `{"ratings":[`+strings.Join(ratings, ",")+`]}`, nil)
}

// idle lets time go by, in which the workers of a crook are there.
func (e *economy) idle() {
	c := e.someone()
	for range e.dice.IntN(4) {
		e.clock.Advance(time.Duration(30+e.dice.IntN(250)) * time.Second)
		for _, kind := range trades {
			for i := range alchemists {
				if i == 0 || kind.name == "alchemy" {
					e.popBy(c, kind, i)
				}
			}
		}
	}
}

func (e *economy) sweep() {
	if err := e.n.Queue.Sweep(e.Context()); err != nil {
		e.Fatal(err)
	}
	if err := e.n.Alchemy.Sweep(e.Context()); err != nil {
		e.Fatal(err)
	}
	if err := e.n.prune(e.Context()); err != nil {
		e.Fatal(err)
	}
}

// gain is what one event has given the adversary, all accounts together.
type gain struct {
	at     horde.Micros
	amount horde.Kudos
}

// gains are those of an account or address, and their sums by days.
type gains struct {
	all  []gain
	days map[int64]horde.Kudos
}

func (g *gains) add(at horde.Micros, amount horde.Kudos) {
	if g.days == nil {
		g.days = map[int64]horde.Kudos{}
	}
	g.all = append(g.all, gain{at, amount})
	g.days[store.DayOf(at)] += amount
}

// mostIn is the most that was gained within a time, whenever it began.
func (g *gains) mostIn(window time.Duration) (most horde.Kudos) {
	slices.SortFunc(g.all, func(a, b gain) int { return int(a.at - b.at) })
	first, sum := 0, horde.Kudos(0)
	for _, one := range g.all {
		for sum += one.amount; one.at-g.all[first].at >= horde.MicrosIn(window); first++ {
			sum -= g.all[first].amount
		}
		most = max(most, sum)
	}
	return most
}

func (g *gains) mostOfADay() (most horde.Kudos) {
	for _, amount := range g.days {
		most = max(most, amount)
	}
	return most
}

// loot is what the ledger says that the adversary has gained.
type loot struct {
	accounts  map[horde.UserID]*gains
	addresses map[string]*gains // by workers alone
	kinds     map[string]*gains // by what the events' ids begin with
}

// found is an event, with what it moved for each of the adversary's accounts.
type found struct {
	store.Movement
	net, best horde.Kudos
	winner    *crook // who got most of it
}

// count adds up the ledger: what an event moved for all accounts of the adversary together,
// what others among them paid for it taken off, is gained by who got most of it.
func (e *economy) count() loot {
	e.Helper()
	events := map[string]*found{}
	for _, c := range e.crooks {
		_, movements, err := e.n.Store.History(e.Context(), c.id, store.Place{}, 1<<20)
		if err != nil {
			e.Fatal(err)
		}
		for _, m := range movements {
			f := events[m.Event.ID]
			if f == nil {
				f = &found{Movement: m}
				events[m.Event.ID] = f
			}
			amount := m.Balance + m.Escrow
			if f.net += amount; amount > f.best {
				f.best, f.winner = amount, c
			}
		}
	}

	l := loot{accounts: map[horde.UserID]*gains{}, addresses: map[string]*gains{}, kinds: map[string]*gains{}}
	for _, c := range e.crooks {
		l.accounts[c.id], l.addresses[c.addr] = &gains{}, &gains{}
	}
	for id, f := range events {
		kind, _, _ := strings.Cut(id, ":")
		if f.net <= 0 || kind == "test" {
			continue
		}
		if l.kinds[kind] == nil {
			l.kinds[kind] = &gains{}
		}
		l.kinds[kind].add(f.At, f.net)
		l.accounts[f.winner.id].add(f.At, f.net)
		if kind == "deliver" || kind == "form" || kind == "uptime" {
			l.addresses[f.winner.addr].add(f.At, f.net)
		}
	}
	return l
}

// TestAdversaryEarnsWithinBounds: whatever somebody does who has many accounts and workers,
// asks without an account, from accounts that have nothing or by shared keys, censors,
// faults, cancels, transfers, rates, has styles and is idle: on no day does an account of
// theirs, or do the workers at one of their addresses, gain more than the bounds
// (generation §6.14). What is kept back counts too.
func TestAdversaryEarnsWithinBounds(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) {
		bounds := account.Unpaid{Account: horde.Whole(60), Address: horde.Whole(90)}
		e := newEconomy(t, db, bounds)
		begun := e.clock.Now()
		for range 4 {
			e.play(economyMoves)
			e.clock.Advance(5 * time.Hour)
		}

		l := e.count()
		var hour, day, ofADay [2]horde.Kudos // by account, by address
		look := func(place int, what any, g *gains, bound horde.Kudos) {
			hour[place], day[place] = max(hour[place], g.mostIn(time.Hour)), max(day[place], g.mostIn(24*time.Hour))
			ofADay[place] = max(ofADay[place], g.mostOfADay())
			if most := g.mostOfADay(); most > bound {
				t.Errorf("%v gained %s on one day, more than %s", what, most, bound)
			}
		}
		for id, g := range l.accounts {
			look(0, id, g, bounds.Account)
		}
		for addr, g := range l.addresses {
			look(1, addr, g, bounds.Address)
		}

		t.Logf("in %v, by account and by address: %s in an hour, %s in a day, %s on a day of the calendar, of %+v",
			e.clock.Now().Sub(begun).Round(time.Hour), hour, day, ofADay, bounds)
		if ofADay != [2]horde.Kudos{bounds.Account, bounds.Address} {
			t.Errorf("the adversary came to %s on a day: it is not good enough to test bounds of %+v", ofADay, bounds)
		}
		if a, err := e.n.Store.Audit(t.Context()); err != nil || !a.Sound() {
			t.Errorf("the ledger: %+v, %v", a, err)
		}
	})
}

// economyMoves is how many moves are made between two pauses.
const economyMoves = 400

// TestAdversaryWithoutBounds: the adversary of the test above gains more where nothing
// bounds it.
func TestAdversaryWithoutBounds(t *testing.T) {
	t.Parallel()
	e := newEconomy(t, storetest.On(t, storetest.SQLite), account.Unpaid{})
	e.play(4 * economyMoves)

	l, most := e.count(), horde.Kudos(0)
	for _, g := range l.accounts {
		most = max(most, g.mostOfADay())
	}
	if most <= horde.Whole(60) {
		t.Errorf("an account has gained %s on a day", most)
	}
	for _, kind := range []string{"deliver", "form", "uptime", "rate", "accept"} {
		g := l.kinds[kind]
		if g == nil {
			t.Errorf("nothing was gained by events of the kind %q", kind)
			continue
		}
		t.Logf("%s: %s on a day", kind, g.mostOfADay())
	}
}
