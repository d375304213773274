package store

import (
	"context"

	"horde/internal/horde"
)

// Request is one client request. Body is the domain's JSON; the columns beside
// it are what changes or is searched for.
type Request struct {
	ID       string
	Kind     horde.Kind // image, text
	UserID   horde.UserID
	Created  horde.Micros
	Priority int64 // at acceptance; growth is computed (generation §5.1)
	Body     string
	RequestState
}

// RequestState is the part of a request that moves. Version grows with each
// change, so that a reader can tell the newer of two.
type RequestState struct {
	Jobs      int // results asked for; at a cancel, those that were there
	Expires   horde.Micros
	Waiting   int // jobs to hand out
	Faults    int // jobs given up so far
	Faulted   bool
	Cancelled bool
	Consumed  horde.Kudos
	Version   int64
}

const (
	requestColumns = "id, kind, user_id, created, priority, body, " + stateColumns
	stateColumns   = "jobs, expires, waiting, faults, faulted, cancelled, consumed, version"
)

var requestTable = newTable("requests", requestColumns)

func scanRequest(r scanner) (q Request, err error) {
	return q, r.Scan(&q.ID, &q.Kind, &q.UserID, &q.Created, &q.Priority, &q.Body,
		&q.Jobs, &q.Expires, &q.Waiting, &q.Faults, &q.Faulted, &q.Cancelled, &q.Consumed, &q.Version)
}

func scanState(r scanner) (s RequestState, err error) {
	return s, r.Scan(&s.Jobs, &s.Expires, &s.Waiting, &s.Faults, &s.Faulted, &s.Cancelled, &s.Consumed, &s.Version)
}

// LiveRequests reads all requests that have not expired, oldest first.
func (s *Store) LiveRequests(ctx context.Context, now horde.Micros) ([]Request, error) {
	return rows(ctx, s, scanRequest,
		"SELECT "+requestColumns+" FROM requests WHERE expires > $1 ORDER BY created, id", now)
}

// Requests reads the requests with these ids; unknown ones are left out.
func (s *Store) Requests(ctx context.Context, ids []string) ([]Request, error) {
	var all []Request
	err := inChunks(ids, func(q string, args []any) error {
		some, err := rows(ctx, s, scanRequest, "SELECT "+requestColumns+" FROM requests WHERE id IN "+q, args...)
		all = append(all, some...)
		return err
	})
	return all, err
}

// isOpen: something of a request waits or is in a worker's hands.
const isOpen = "(waiting > 0 AND NOT faulted OR " +
	"EXISTS (SELECT 1 FROM jobs WHERE request_id = requests.id AND state = 0))"

// OpenRequests reads the requests that have not expired and are not over, oldest first.
func (s *Store) OpenRequests(ctx context.Context, now horde.Micros) ([]Request, error) {
	return rows(ctx, s, scanRequest,
		"SELECT "+requestColumns+" FROM requests WHERE expires > $1 AND "+isOpen+" ORDER BY created, id", now)
}

// EndedRequests reads whose the requests are that have not expired and are over: id, kind,
// user and whether they were given up, and nothing else.
func (s *Store) EndedRequests(ctx context.Context, now horde.Micros) ([]Request, error) {
	scan := func(r scanner) (q Request, err error) { return q, r.Scan(&q.ID, &q.Kind, &q.UserID, &q.Faulted) }
	return rows(ctx, s, scan,
		"SELECT id, kind, user_id, faulted FROM requests WHERE expires > $1 AND NOT "+isOpen, now)
}

// RequestIDsWith reads the ids of a user's requests that a shared key pays for, and perhaps
// of others.
func (s *Store) RequestIDsWith(ctx context.Context, user horde.UserID, key string) ([]string, error) {
	return rows(ctx, s, scanText, "SELECT id FROM requests WHERE user_id = $1 AND body LIKE $2 ORDER BY id",
		user, `%"shared_key":"`+key+`"%`)
}

// Expired reads requests that have expired.
func (s *Store) Expired(ctx context.Context, now horde.Micros, limit int) ([]Request, error) {
	return rows(ctx, s, scanRequest,
		"SELECT "+requestColumns+" FROM requests WHERE expires <= $1 ORDER BY expires LIMIT $2", now, limit)
}

// InsertRequest buffers a new request.
func (tx *Tx) InsertRequest(q Request) {
	tx.insert(requestTable, q.ID, q.Kind, q.UserID, q.Created, q.Priority, q.Body,
		q.Jobs, q.Expires, q.Waiting, q.Faults, q.Faulted, q.Cancelled, int64(q.Consumed), q.Version)
	tx.changed.Requests.add(q.ID)
	tx.changed.Committed.Requests = append(tx.changed.Committed.Requests, q)
}

// requestChanged notes the new state of a request.
func (c *Changes) requestChanged(id string, s RequestState) {
	c.Requests.add(id)
	c.Committed.States = append(c.Committed.States, RequestChange{id, s})
}

// updateRequest runs a conditional update that returns the new state; ErrLost
// when the condition does not hold (any more).
func (tx *Tx) updateRequest(id, set, where string, args ...any) (RequestState, error) {
	return changeOf(id, set, where, args...).Answer(tx)
}

// Claim is ClaimOf within a unit.
func (tx *Tx) Claim(id string, k int, expires horde.Micros) (RequestState, error) {
	return ClaimOf(id, k, expires, tx.Now).Answer(tx)
}

// Charge is ChargeOf within a unit.
func (tx *Tx) Charge(id string, amount horde.Kudos, expires horde.Micros) (RequestState, error) {
	return ChargeOf(id, amount, expires).Answer(tx)
}

// TouchRequest raises the version of a request and changes nothing else of it, so that the
// other nodes read its rows again; ErrLost when it is gone.
func (tx *Tx) TouchRequest(id string) error {
	_, err := ChargeOf(id, 0, 0).Answer(tx)
	return err
}

// LockRequest locks a request, so that no other node changes it until the transaction
// ends, and returns its state. ErrLost: it is gone.
func (tx *Tx) LockRequest(id string) (RequestState, error) {
	return tx.Charge(id, 0, 0)
}

// Requeue puts a given-up job back and locks the request. A cancelled request gets
// nothing back.
func (tx *Tx) Requeue(id string) (RequestState, error) {
	return tx.updateRequest(id, "faults = faults + 1, waiting = CASE WHEN cancelled THEN 0 ELSE waiting + 1 END", "")
}

// GiveUp ends a request that has failed too often (generation §5.8).
func (tx *Tx) GiveUp(id string) (RequestState, error) {
	return tx.updateRequest(id, "faulted = TRUE", "")
}

// Cancel ends the handing out of a request's jobs.
func (tx *Tx) Cancel(id string) (RequestState, error) {
	return tx.updateRequest(id, "waiting = 0, cancelled = TRUE, "+
		"jobs = (SELECT count(*) FROM jobs WHERE request_id = $1 AND state = 1 AND NOT fake)", "")
}

// DeleteRequest removes a request that expired at or before now, with its jobs.
// ErrLost: it was renewed or is gone.
func (tx *Tx) DeleteRequest(id string, now horde.Micros) error {
	n, err := tx.change("DELETE FROM requests WHERE id = $1 AND expires <= $2", id, now)
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrLost
	}
	tx.changed.Requests.add(id)
	tx.changed.Committed.Deleted = append(tx.changed.Committed.Deleted, id)

	// A pop in the same transaction may have handed out a job that is not inserted yet.
	tx.discard(jobTable, func(job []any) bool { return job[1] == id })
	_, err = tx.change("DELETE FROM jobs WHERE request_id = $1", id)
	return err
}
