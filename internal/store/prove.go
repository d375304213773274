package store

import (
	"context"
	"database/sql"
	"fmt"
	"hash/maphash"
	"maps"
	"slices"

	"horde/internal/horde"
)

// FaultKind is what is wrong about an account or event of the ledger.
type FaultKind int

// Kinds of faults.
const (
	WrongBalance   FaultKind = iota // an account's balance is not the sum of its postings
	WrongHeld                       // what an account says is held is not the sum of its holds
	UnbalancedOne                   // the postings of an event do not sum to zero
	StrayPosting                    // a posting of an event that does not exist
	EmptyEvent                      // an event without postings
	UnknownAccount                  // postings or holds of an account that does not exist
	NoOwner                         // an account of a user that does not exist
	StaleHold                       // a hold for a request that is gone, or for a form that is over
	NegativeHold                    // a hold that keeps less than nothing
	WrongKeyHeld                    // what a shared key says is set aside is not the sum of its holds
	OverdrawnKey                    // more of a shared key's budget is set aside than it has
	UnknownKey                      // holds of a shared key that does not exist
)

// Fault is one entry of the ledger that its parts do not prove.
type Fault struct {
	Kind FaultKind

	// Name is the account ("user:7", "escrow:7", "held:7"), the event, the hold
	// ("sharedkey:" and a request's id for one on a shared key) or the shared key.
	Name string

	Says  horde.Kudos // what stands there
	Parts horde.Kudos // what its parts sum up to
}

// String tells a person what is wrong.
func (f Fault) String() string {
	switch f.Kind {
	case WrongBalance:
		return fmt.Sprintf("account %s has %s, its postings sum to %s", f.Name, f.Says, f.Parts)
	case WrongHeld:
		return fmt.Sprintf("account %s says %s, its holds sum to %s", f.Name, f.Says, f.Parts)
	case UnbalancedOne:
		return fmt.Sprintf("event %s has postings that sum to %s, not to zero", f.Name, f.Parts)
	case StrayPosting:
		return fmt.Sprintf("posting %s (%s) belongs to no event", f.Name, f.Parts)
	case EmptyEvent:
		return fmt.Sprintf("event %s has no postings", f.Name)
	case UnknownAccount:
		return fmt.Sprintf("%s has %s of postings or holds, but there is no such account", f.Name, f.Parts)
	case NoOwner:
		return fmt.Sprintf("account %s has %s, but there is no such user", f.Name, f.Says)
	case NegativeHold:
		return fmt.Sprintf("hold %s keeps %s, less than nothing", f.Name, f.Says)
	case WrongKeyHeld:
		return fmt.Sprintf("shared key %s says that %s are set aside, its holds sum to %s", f.Name, f.Says, f.Parts)
	case OverdrawnKey:
		return fmt.Sprintf("shared key %s has %s left, but %s are set aside", f.Name, f.Says, f.Parts)
	case UnknownKey:
		return fmt.Sprintf("there are holds of %s on shared key %s, which does not exist", f.Parts, f.Name)
	case StaleHold:
		return fmt.Sprintf("hold %s keeps %s for something that is over", f.Name, f.Parts)
	}
	return f.Name
}

// Proof is what Prove has looked at and found.
type Proof struct {
	Events   int64
	Postings int64
	Accounts int64
	Holds    int64
	Sum      horde.Kudos // of all postings; 0 in a sound ledger
	Faults   int64
}

// Sound reports whether nothing is wrong.
func (pr Proof) Sound() bool { return pr.Sum == 0 && pr.Faults == 0 }

// Prove proves every balance from its postings, every held sum from its holds,
// that the postings of each event, and so all of them, sum to zero, and that every
// event has postings, every posting an event and an account, and every account a
// user; and in the same way what is set aside on shared keys. It reads one moment of
// the database, every row once, while writes go on. found is called for each fault,
// progress now and then with how many of all events have been seen; it may be nil.
//
// The postings of an event lie together, so that only the sums of accounts and of
// events that are half read are kept in memory, and nine bytes for each event.
func (s *Store) Prove(ctx context.Context, found func(Fault), progress func(done, all int64)) (Proof, error) {
	tx, err := s.read.BeginTx(ctx, s.engine.snapshot)
	if err != nil {
		return Proof{}, err
	}
	defer tx.Rollback()

	p := prover{
		ctx:      ctx,
		tx:       tx,
		found:    found,
		progress: progress,
		posted:   map[string]horde.Kudos{},
		open:     map[string]horde.Kudos{},
	}
	for _, step := range []func() error{
		p.events,
		p.postings,
		p.empty,
		p.holds,
		p.accounts,
		p.owners,
		p.stale,
		p.keyHolds,
		p.keys,
		p.staleOnKeys,
	} {
		if err := step(); err != nil {
			return p.Proof, err
		}
	}
	return p.Proof, nil
}

type prover struct {
	Proof
	ctx      context.Context
	tx       *sql.Tx
	found    func(Fault)
	progress func(done, all int64)
	known    []uint64                     // hashes of the ids of events, sorted
	used     []bool                       // which of the known events have postings
	posted   map[string]horde.Kudos       // account → sum of its postings
	open     map[string]horde.Kudos       // event → sum so far, where that is not zero
	held     map[horde.UserID]horde.Kudos // user → sum of holds
	onKeys   map[string]horde.Kudos       // shared key → sum of holds
}

func (p *prover) fault(f Fault) {
	p.Faults++
	p.found(f)
}

// each runs a query and calls row for each of its rows, without gathering them.
func (p *prover) each(q string, into []any, row func()) error {
	rs, err := p.tx.QueryContext(p.ctx, q)
	if err != nil {
		return err
	}
	defer rs.Close()

	for rs.Next() {
		if err := rs.Scan(into...); err != nil {
			return err
		}
		row()
	}
	return rs.Err()
}

// seed makes the hashes different in each process: nobody can prepare an id that
// passes for another. By chance one does once in 2⁶⁴ / events.
var seed = maphash.MakeSeed()

// events remembers which events there are. A join with the postings would look
// each one up on its own, all over the disk.
func (p *prover) events() error {
	var id string
	err := p.each("SELECT id FROM ledger_events", []any{&id}, func() {
		p.Events++
		p.known = append(p.known, maphash.String(seed, id))
	})
	slices.Sort(p.known)
	p.used = make([]bool, len(p.known))
	return err
}

const progressEvery = 10_000 // postings

func (p *prover) postings() error {
	var account, event, last string
	var amount horde.Kudos
	var known bool
	var seen int64
	const query = "SELECT account, event_id, amount FROM ledger_postings"
	err := p.each(query, []any{&account, &event, &amount}, func() {
		p.Postings++
		p.Sum += amount
		p.posted[account] += amount
		if sum := p.open[event] + amount; sum == 0 {
			delete(p.open, event)
		} else {
			p.open[event] = sum
		}

		// The postings of an event lie together: look it up once.
		if event != last {
			last = event
			seen++
			var at int
			if at, known = slices.BinarySearch(p.known, maphash.String(seed, event)); known {
				p.used[at] = true
			}
		}
		if !known {
			p.fault(Fault{Kind: StrayPosting, Name: account + " of " + event, Parts: amount})
		}

		if p.progress != nil && p.Postings%progressEvery == 0 {
			p.progress(min(seen, p.Events), p.Events)
		}
	})
	if err != nil {
		return err
	}

	for _, id := range slices.Sorted(maps.Keys(p.open)) {
		p.fault(Fault{Kind: UnbalancedOne, Name: id, Parts: p.open[id]})
	}
	return nil
}

// empty names the events without postings. They are read again only when there
// are any.
func (p *prover) empty() error {
	if !slices.Contains(p.used, false) {
		return nil
	}
	var id string
	return p.each("SELECT id FROM ledger_events ORDER BY id", []any{&id}, func() {
		if at, _ := slices.BinarySearch(p.known, maphash.String(seed, id)); !p.used[at] {
			p.fault(Fault{Kind: EmptyEvent, Name: id})
		}
	})
}

func (p *prover) holds() error {
	p.held = map[horde.UserID]horde.Kudos{}
	var id string
	var user horde.UserID
	var remaining horde.Kudos
	return p.each("SELECT id, user_id, remaining FROM holds", []any{&id, &user, &remaining}, func() {
		p.Holds++
		p.held[user] += remaining
		if remaining < 0 {
			p.fault(Fault{Kind: NegativeHold, Name: id, Says: remaining})
		}
	})
}

// accounts compares what the accounts say with what was summed up, and then
// looks for sums that no account claimed.
func (p *prover) accounts() error {
	var user horde.UserID
	var balance, kept, held horde.Kudos
	const query = "SELECT user_id, balance, escrow, held FROM accounts ORDER BY user_id"
	err := p.each(query, []any{&user, &balance, &kept, &held}, func() {
		p.Accounts++
		id := user.String()
		p.balance(spendable+id, balance)
		p.balance(escrow+id, kept)
		if parts := p.held[user]; parts != held {
			p.fault(Fault{Kind: WrongHeld, Name: "held:" + id, Says: held, Parts: parts})
		}
		delete(p.held, user)
	})
	if err != nil {
		return err
	}

	for _, name := range slices.Sorted(maps.Keys(p.posted)) {
		if !SystemAccount(name) {
			p.fault(Fault{Kind: UnknownAccount, Name: name, Parts: p.posted[name]})
		}
	}
	for _, user := range slices.Sorted(maps.Keys(p.held)) {
		p.fault(Fault{Kind: UnknownAccount, Name: "held:" + user.String(), Parts: p.held[user]})
	}
	return nil
}

func (p *prover) balance(name string, says horde.Kudos) {
	if parts := p.posted[name]; parts != says {
		p.fault(Fault{Kind: WrongBalance, Name: name, Says: says, Parts: parts})
	}
	delete(p.posted, name)
}

// owners looks for accounts that nobody can log in to.
func (p *prover) owners() error {
	var user horde.UserID
	var balance horde.Kudos
	return p.each("SELECT a.user_id, a.balance FROM accounts a LEFT JOIN users u ON u.id = a.user_id "+
		"WHERE u.id IS NULL ORDER BY a.user_id",
		[]any{&user, &balance}, func() {
			p.fault(Fault{Kind: NoOwner, Name: spendable + user.String(), Says: balance})
		})
}

// stale looks for holds that nothing will ever release: they go with their
// requests, those for forms when the form ends.
func (p *prover) stale() error {
	var id string
	var remaining horde.Kudos
	return p.each("SELECT h.id, h.remaining FROM holds h LEFT JOIN requests r ON r.id = substr(h.id, 9) "+
		"LEFT JOIN forms f ON f.id = substr(h.id, 15) AND f.state IN (0, 1) "+
		"WHERE substr(h.id, 1, 8) = 'upfront:' AND r.id IS NULL OR substr(h.id, 1, 14) = 'interrogation:' AND f.id IS NULL "+
		"ORDER BY h.id", []any{&id, &remaining}, func() {
		p.fault(Fault{Kind: StaleHold, Name: id, Parts: remaining})
	})
}

// onKey names the hold of a request on its shared key.
func onKey(request string) string { return "sharedkey:" + request }

func (p *prover) keyHolds() error {
	p.onKeys = map[string]horde.Kudos{}
	var request, key string
	var remaining horde.Kudos
	const query = "SELECT request_id, key_id, remaining FROM key_holds ORDER BY request_id"
	return p.each(query, []any{&request, &key, &remaining}, func() {
		p.Holds++
		p.onKeys[key] += remaining
		if remaining < 0 {
			p.fault(Fault{Kind: NegativeHold, Name: onKey(request), Says: remaining})
		}
	})
}

// keys compares what shared keys say is set aside with what was summed up.
func (p *prover) keys() error {
	var id string
	var budget, held horde.Kudos
	err := p.each("SELECT id, budget, held FROM shared_keys ORDER BY id", []any{&id, &budget, &held}, func() {
		if parts := p.onKeys[id]; parts != held {
			p.fault(Fault{Kind: WrongKeyHeld, Name: id, Says: held, Parts: parts})
		}
		if budget != Unlimited && held > max(0, budget) {
			p.fault(Fault{Kind: OverdrawnKey, Name: id, Says: budget, Parts: held})
		}
		delete(p.onKeys, id)
	})
	if err != nil {
		return err
	}

	for _, key := range slices.Sorted(maps.Keys(p.onKeys)) {
		p.fault(Fault{Kind: UnknownKey, Name: key, Parts: p.onKeys[key]})
	}
	return nil
}

// staleOnKeys looks for holds on shared keys that outlived their requests.
func (p *prover) staleOnKeys() error {
	var request string
	var remaining horde.Kudos
	return p.each("SELECT h.request_id, h.remaining FROM key_holds h LEFT JOIN requests r ON r.id = h.request_id "+
		"WHERE r.id IS NULL ORDER BY h.request_id",
		[]any{&request, &remaining}, func() {
			p.fault(Fault{Kind: StaleHold, Name: onKey(request), Parts: remaining})
		})
}

// Audit is a Proof with its first faults.
type Audit struct {
	Proof
	Unbalanced []string // events whose postings do not sum to zero
	Wrong      []string // all else that is wrong, by name
}

// maxAuditFaults is how many faults an Audit names.
const maxAuditFaults = 100

// Audit proves the ledger and keeps the names of at most maxAuditFaults faults.
func (s *Store) Audit(ctx context.Context) (Audit, error) {
	var a Audit
	proof, err := s.Prove(ctx, func(f Fault) {
		switch {
		case len(a.Unbalanced)+len(a.Wrong) >= maxAuditFaults:
		case f.Kind == UnbalancedOne:
			a.Unbalanced = append(a.Unbalanced, f.Name)
		default:
			a.Wrong = append(a.Wrong, f.Name)
		}
	}, nil)
	a.Proof = proof
	return a, err
}
