package store

import (
	"fmt"

	"horde/internal/horde"
)

// Ask is one conditional change of a row, whose answer the unit that asks it goes
// on with. A unit that names its asks in First has them sent in the round trip
// that begins the transaction, together with those of the other units of the
// batch: on PostgreSQL a round trip costs more than the change. The answer is
// taken inside Do.
//
// An Ask belongs to one unit. What it finds is forgotten when the unit runs again.
type Ask[T any] struct {
	text  string
	args  []any
	scan  func(scanner) (T, error)
	note  func(*Changes, T) // notes what changed, to be made known; nil: nothing is
	sent  bool
	found []T
}

// Asked is an Ask of any answer.
type Asked interface {
	prepare(ahead bool) statement
	changed() bool
}

// prepare forgets the last run. When the ask is sent ahead, its statement fills
// in what it finds.
func (a *Ask[T]) prepare(ahead bool) statement {
	a.sent, a.found = ahead, a.found[:0]
	return statement{text: a.text, args: a.args, each: func(r scanner) error {
		v, err := a.scan(r)
		a.found = append(a.found, v)
		return err
	}}
}

// changed reports whether the ask, sent ahead, has changed a row.
func (a *Ask[T]) changed() bool { return a.sent && len(a.found) > 0 }

// Answer returns what the change made of the row; ErrLost when the condition does
// not hold (any more) and nothing was changed.
func (a *Ask[T]) Answer(tx *Tx) (answer T, err error) {
	found := a.found
	if !a.sent {
		if found, err = read(tx, a.scan, a.text, a.args...); err != nil {
			return answer, err
		}
	}
	if len(found) == 0 {
		return answer, ErrLost
	}

	tx.direct = true
	if a.note != nil {
		a.note(&tx.changed, found[0])
	}
	return found[0], nil
}

// askAhead adds the asks of the units. Units of one key change the same rows and
// must not see each other half done: they ask when it is their turn.
func (tx *Tx) askAhead(list []statement, batch []*pending) []statement {
	for i, p := range batch {
		u := &p.unit
		alone := u.Key != "" &&
			(i == 0 || batch[i-1].unit.Key != u.Key) &&
			(i+1 == len(batch) || batch[i+1].unit.Key != u.Key)

		for _, a := range u.First {
			if st := a.prepare(alone); alone {
				list = append(list, st)
			}
		}
	}
	return list
}

// ClaimOf asks for k jobs of a request that still has them, is not given up and
// has not expired now, and moves its expiry to at least expires.
func ClaimOf(id string, k int, expires, now horde.Micros) *Ask[RequestState] {
	return changeOf(id, "waiting = waiting - $2, expires = CASE WHEN expires < $3 THEN $3 ELSE expires END",
		" AND waiting >= $2 AND NOT faulted AND NOT cancelled AND expires > $4", k, expires, now)
}

// ChargeOf adds to what a request has consumed and moves its expiry to at least
// expires.
func ChargeOf(id string, amount horde.Kudos, expires horde.Micros) *Ask[RequestState] {
	return changeOf(id, "consumed = consumed + $2, expires = CASE WHEN expires < $3 THEN $3 ELSE expires END",
		"", int64(amount), expires)
}

// EndOf writes how a running job ended at now; lost when it had ended before.
func EndOf(id string, r JobResult, now horde.Micros) *Ask[string] {
	r.Finished = now
	return &Ask[string]{
		text: "UPDATE jobs SET state = $2, finished = $3, seed = $4, censored = $5, result = $6, metadata = $7, " +
			"excused = $8 WHERE id = $1 AND state = 0 RETURNING id",
		args: []any{id, int(r.State), now, r.Seed, r.Censored, r.Result, r.Metadata, r.Excused},
		scan: scanText,
		note: func(c *Changes, id string) { c.Committed.Ended = append(c.Committed.Ended, JobEnd{id, r}) },
	}
}

// changeOf is a conditional update of a request that returns its new state.
func changeOf(id, set, where string, args ...any) *Ask[RequestState] {
	return &Ask[RequestState]{
		text: "UPDATE requests SET version = version + 1, " + set +
			" WHERE id = $1" + where + " RETURNING " + stateColumns,
		args: append([]any{id}, args...),
		scan: scanState,
		note: func(c *Changes, s RequestState) { c.requestChanged(id, s) },
	}
}

// RenewAlchemyOf moves the expiry of an alchemy request that has not expired now
// to at least expires, and answers its id.
func RenewAlchemyOf(id string, expires, now horde.Micros) *Ask[string] {
	return &Ask[string]{
		text: "UPDATE alchemy_requests SET expires = CASE WHEN expires < $2 THEN $2 ELSE expires END " +
			"WHERE id = $1 AND expires > $3 RETURNING id",
		args: []any{id, expires, now},
		scan: scanText,
		note: func(c *Changes, id string) {
			c.Alchemy.add(id)
			c.Committed.Renewed = append(c.Committed.Renewed, Renewal{ID: id, Expires: expires})
		},
	}
}

// ClaimFormOf gives a waiting form of a request that has not expired now to a
// worker until ends; pop is the id of the pop that takes it.
func ClaimFormOf(f *Form, worker, pop string, ends, now horde.Micros) *Ask[FormProgress] {
	return changeOfForm(f, FormWaiting, "state = 1, worker_id = $3, started = $4, ends = $5, pop = $6",
		" AND EXISTS (SELECT 1 FROM alchemy_requests WHERE id = request_id AND expires > $4)", worker, now, ends, pop)
}

// FinishFormOf writes the result of a running form.
func FinishFormOf(f *Form, r FormResult) *Ask[FormProgress] {
	return changeOfForm(f, FormRunning, "state = 2, result = $3, blob = $4", "", r.Result, r.Blob)
}

// DropHoldOf deletes a hold and answers what it was; lowering the account's Held
// is the caller's.
func DropHoldOf(id string) *Ask[Hold] {
	return &Ask[Hold]{
		text: "DELETE FROM holds WHERE id = $1 RETURNING id, user_id, remaining",
		args: []any{id},
		scan: scanHold,
	}
}

// changeOfForm changes a form that is still in the version that the caller saw,
// and in the state that the change is from.
func changeOfForm(f *Form, from FormState, set, where string, args ...any) *Ask[FormProgress] {
	return &Ask[FormProgress]{
		text: fmt.Sprintf("UPDATE forms SET version = version + 1, %s "+
			"WHERE id = $1 AND version = $2 AND state = %d%s RETURNING %s", set, from, where, formProgressColumns),
		args: append([]any{f.ID, f.Version}, args...),
		scan: scanFormProgress,
		note: func(c *Changes, p FormProgress) {
			c.Alchemy.add(f.RequestID)
			c.Committed.Progress = append(c.Committed.Progress, FormChange{f.ID, p})
		},
	}
}
