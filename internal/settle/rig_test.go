package settle_test

import (
	"context"
	"sync/atomic"
	"testing"
	"time"

	"horde/internal/account"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/settle"
	"horde/internal/store"
	"horde/internal/store/storetest"
)

// rig is a store with a time that stands still until it is moved.
type rig struct {
	*testing.T
	*store.Store
	now *atomic.Int64 // microseconds
}

// each runs a test on both databases.
func each(t *testing.T, test func(r *rig)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, db *storetest.DB) { test(open(t, db)) })
}

// open opens a store on a database, on a day at noon.
func open(t *testing.T, db *storetest.DB) *rig {
	t.Helper()
	now := &atomic.Int64{}
	now.Store(time.Date(2026, 8, 1, 12, 0, 0, 0, time.UTC).UnixMicro())
	s := db.Open(storetest.Clock(func() time.Time { return time.UnixMicro(now.Load()) }))
	return &rig{T: t, Store: s, now: now}
}

// run runs a row of a table as a subtest.
func (h *rig) run(name string, test func(r *rig)) {
	h.Helper()
	h.T.Run(name, func(t *testing.T) { test(&rig{T: t, Store: h.Store, now: h.now}) })
}

// write runs a unit of work that must not be refused.
func (h *rig) write(accounts []horde.UserID, do func(*store.Tx) error) {
	h.Helper()
	if err := h.Write(h.Context(), store.Unit{Accounts: accounts, Do: do}); err != nil {
		h.Fatal(err)
	}
}

const (
	floor = horde.Kudos(2500)
	rich  = horde.Kudos(100_000)
)

// user makes one with a balance of rich.
func (h *rig) user(roles account.Role) *account.User {
	h.Helper()
	name := horde.NewID()
	u := &account.User{Username: "u", OAuthID: name, Roles: roles}
	h.write(nil, func(tx *store.Tx) (err error) {
		u.ID, err = tx.InsertUser(store.User{ID: -1, OAuthID: name, KeyHash: name}, int64(floor))
		return err
	})
	h.write([]horde.UserID{u.ID}, func(tx *store.Tx) error {
		e := kudos.NewEntry(tx, "set:"+name, "test", "", "")
		if err := e.SetBalance(u.ID, rich); err != nil {
			return err
		}
		return e.Commit()
	})
	return u
}

func (h *rig) account(u *account.User) *store.Account {
	h.Helper()
	a, err := h.Account(context.Background(), u.ID)
	if err != nil {
		h.Fatal(err)
	}
	return a
}

// worker makes one in a team of its own. Its last deliveries had these speeds.
func (h *rig) worker(owner *account.User, kind horde.Kind, speeds ...float64) *fleet.Worker {
	h.Helper()
	team := store.Team{ID: horde.NewID(), UserID: owner.ID}
	team.Name, team.NameKey = team.ID, team.ID
	w := store.Worker{ID: horde.NewID(), Kind: kind, UserID: owner.ID, Version: 1, Team: team.ID}
	w.Name = w.ID
	w.Totals.Speeds = speeds
	h.write(nil, func(tx *store.Tx) error {
		if err := tx.InsertTeam(team); err != nil {
			return err
		}
		return tx.InsertWorker(w)
	})
	return &fleet.Worker{Worker: w, Owner: owner}
}

func (h *rig) workerRow(w *fleet.Worker) *store.Worker {
	h.Helper()
	rows, err := h.Workers(context.Background(), []string{w.ID})
	if err != nil || len(rows) != 1 {
		h.Fatalf("worker %s: %v, %v", w.ID, rows, err)
	}
	return rows[0]
}

// request is one that was taken, and where its kudos come from.
type request struct {
	id    string
	funds settle.Funds
}

// request takes one for n images, which needs so much upfront; a shared key pays,
// where one is given.
func (h *rig) request(payer *account.User, n int, needed horde.Kudos, key string) *request {
	h.Helper()
	q := &request{id: horde.NewID(), funds: settle.Funds{Payer: payer.ID}}
	h.write([]horde.UserID{payer.ID}, func(tx *store.Tx) error {
		a := settle.Acceptance{
			Rules:    settle.Images,
			Request:  q.id,
			Payer:    payer.ID,
			Needed:   needed,
			Tax:      tax,
			TaxParts: kudos.TaxParts(tax, 0),
			Most:     tax + needed,
		}
		if key != "" {
			k, err := tx.SharedKey(key)
			if err != nil {
				return err
			}
			a.Key = &k
		}

		reserved, err := a.Apply(tx)
		if err != nil {
			return err
		}

		if reserved.OnAccount {
			q.funds.Hold = settle.HoldOfRequest(q.id)
		}

		if key != "" {
			q.funds.Key = &kudos.KeyUse{Key: key, Request: q.id, Promised: reserved.Promised}
		}

		tx.InsertRequest(store.Request{ID: q.id, Kind: horde.KindImage, UserID: payer.ID, Created: tx.Now, Body: "{}",
			RequestState: store.RequestState{Jobs: n, Waiting: n, Expires: tx.Now + horde.MicrosIn(time.Hour), Consumed: tax,
				Version: 1}})

		return nil
	})

	return q
}

const tax = horde.Kudos(300)

func (h *rig) state(q *request) store.RequestState {
	h.Helper()
	rows, err := h.Requests(context.Background(), []string{q.id})
	if err != nil || len(rows) != 1 {
		h.Fatalf("request %s: %v, %v", q.id, rows, err)
	}
	return rows[0].RequestState
}

// job hands a job of a request out to a worker.
func (h *rig) job(q *request, w *fleet.Worker) *settle.Job {
	h.Helper()
	j := &store.Job{ID: horde.NewID(), RequestID: q.id, WorkerID: w.ID, Model: "m", Started: horde.Micros(h.now.Load()),
		TTL: 150_000_000}
	j.Pop = j.ID
	h.write(nil, func(tx *store.Tx) error {
		if _, err := tx.Claim(q.id, 1, 0); err != nil {
			return err
		}
		tx.InsertJob(*j)
		return nil
	})
	return &settle.Job{Row: j}
}

// forms takes a request for n forms, sets aside what each costs, and hands them out
// to workers, as far as there are any.
func (h *rig) forms(payer *account.User, n int, workers ...*fleet.Worker) (forms []*settle.Form) {
	h.Helper()
	request := store.AlchemyRequest{ID: horde.NewID(), UserID: payer.ID, Created: horde.Micros(h.now.Load()),
		Expires: horde.Micros(h.now.Load()) + 1e9, Body: "{}"}
	var rows []store.Form

	var wishes []kudos.OptionalHold
	for i := range n {
		row := store.Form{ID: horde.NewID(), RequestID: request.ID, Position: i, Name: "caption",
			FormProgress: store.FormProgress{Version: 1}}
		rows = append(rows, row)
		wishes = append(wishes, kudos.OptionalHold{ID: settle.HoldOfForm(row.ID), Amount: formCharge})
	}

	h.write([]horde.UserID{payer.ID}, func(tx *store.Tx) error {
		a := settle.Acceptance{Rules: settle.Forms, Request: request.ID, Payer: payer.ID, Wishes: wishes}
		if _, err := a.Apply(tx); err != nil {
			return err
		}
		tx.InsertAlchemy(request, rows, nil)
		return nil
	})

	for i, row := range rows {
		f := &settle.Form{Row: row}
		if i < len(workers) {
			h.hand(f, workers[i])
		}
		forms = append(forms, f)
	}

	return forms
}

// hand gives a waiting form to a worker.
func (h *rig) hand(f *settle.Form, w *fleet.Worker) {
	h.Helper()
	claim := store.ClaimFormOf(&f.Row, w.ID, horde.NewID(), horde.Micros(h.now.Load())+180_000_000,
		horde.Micros(h.now.Load()))
	h.write(nil, func(tx *store.Tx) (err error) {
		f.Row.FormProgress, err = claim.Answer(tx)
		return err
	})
}

const formCharge, formReward = horde.Kudos(300), horde.Kudos(100)

func fundsOf(f *settle.Form, payer *account.User) settle.Funds {
	return settle.Funds{Payer: payer.ID, Hold: settle.HoldOfForm(f.Row.ID), OneCharge: true}
}

// sound checks that the ledger explains all balances, and holds what users have held.
func (h *rig) sound() {
	h.Helper()
	a, err := h.Audit(context.Background())
	if err != nil {
		h.Fatal(err)
	}
	if !a.Sound() {
		h.Errorf("the ledger is not sound: %+v", a)
	}
}
