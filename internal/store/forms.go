package store

import (
	"context"

	"horde/internal/horde"
)

// AlchemyRequest is one request for forms about an image. Body is the domain's
// JSON.
type AlchemyRequest struct {
	ID       string
	UserID   horde.UserID
	Created  horde.Micros
	Expires  horde.Micros
	Priority int64
	Body     string
}

// FormState is where a form stands: from FormWaiting to FormRunning and back, and
// once to one of the others.
type FormState int

// States of a form.
const (
	FormWaiting FormState = iota
	FormRunning
	FormDone
	FormCancelled
	FormFaulted // given up
)

// Form is one piece of an AlchemyRequest.
type Form struct {
	ID        string
	RequestID string
	Position  int // within the request
	Name      string
	Payload   string // JSON object, "" for none
	FormProgress
}

// FormProgress is the part of a form that moves. Version grows with each change,
// so that a reader can tell the newer of two.
type FormProgress struct {
	State    FormState
	WorkerID string       // that has it, or had it last
	Started  horde.Micros // of the last handing out
	Ends     horde.Micros // when the worker's time is over
	Aborts   int          // times that it was given up
	Pop      string       // that the worker took it with
	FailedBy string       // what failed on it: worker/pop for each failure, with commas
	Version  int64
}

// FormResult is what a worker made of a form.
type FormResult struct {
	FormID string
	Result string // JSON object, "" for none
	Blob   string // name of the image that belongs to it
}

const (
	alchemyColumns      = "id, user_id, created, expires, priority, body"
	formProgressColumns = "state, worker_id, started, ends, aborts, pop, failed_by, version"
	formColumns         = "id, request_id, position, name, payload, " + formProgressColumns
)

var (
	alchemyTable = newTable("alchemy_requests", alchemyColumns)
	formTable    = newTable("forms", formColumns+", result, blob")
)

func scanAlchemy(r scanner) (a AlchemyRequest, err error) {
	return a, r.Scan(&a.ID, &a.UserID, &a.Created, &a.Expires, &a.Priority, &a.Body)
}

func scanForm(r scanner) (f Form, err error) {
	return f, r.Scan(&f.ID, &f.RequestID, &f.Position, &f.Name, &f.Payload,
		&f.State, &f.WorkerID, &f.Started, &f.Ends, &f.Aborts, &f.Pop, &f.FailedBy, &f.Version)
}

func scanFormProgress(r scanner) (p FormProgress, err error) {
	return p, r.Scan(&p.State, &p.WorkerID, &p.Started, &p.Ends, &p.Aborts, &p.Pop, &p.FailedBy, &p.Version)
}

func scanFormResult(r scanner) (f FormResult, err error) {
	return f, r.Scan(&f.FormID, &f.Result, &f.Blob)
}

// openAlchemy: the request has not expired, and a form of it waits or is in a worker's hands.
const openAlchemy = "expires > $1 AND " +
	"EXISTS (SELECT 1 FROM forms WHERE request_id = alchemy_requests.id AND state IN (0, 1))"

// OpenAlchemy reads the alchemy requests that have not expired and are not over, oldest first.
func (s *Store) OpenAlchemy(ctx context.Context, now horde.Micros) ([]AlchemyRequest, error) {
	return rows(ctx, s, scanAlchemy,
		"SELECT "+alchemyColumns+" FROM alchemy_requests WHERE "+openAlchemy+" ORDER BY created, id", now)
}

// OpenForms reads the forms of the alchemy requests that have not expired and are not over.
func (s *Store) OpenForms(ctx context.Context, now horde.Micros) ([]Form, error) {
	return rows(ctx, s, scanForm, "SELECT "+formColumns+" FROM forms WHERE request_id IN "+
		"(SELECT id FROM alchemy_requests WHERE "+openAlchemy+") ORDER BY request_id, position", now)
}

// AlchemyRequests reads the alchemy requests with these ids; unknown ones are
// left out.
func (s *Store) AlchemyRequests(ctx context.Context, ids []string) ([]AlchemyRequest, error) {
	var all []AlchemyRequest
	err := inChunks(ids, func(q string, args []any) error {
		some, err := rows(ctx, s, scanAlchemy, "SELECT "+alchemyColumns+" FROM alchemy_requests WHERE id IN "+q, args...)
		all = append(all, some...)
		return err
	})
	return all, err
}

// FormsOf reads the forms of alchemy requests, in their order.
func (s *Store) FormsOf(ctx context.Context, requests []string) ([]Form, error) {
	var all []Form
	err := inChunks(requests, func(q string, args []any) error {
		some, err := rows(ctx, s, scanForm,
			"SELECT "+formColumns+" FROM forms WHERE request_id IN "+q+" ORDER BY request_id, position", args...)
		all = append(all, some...)
		return err
	})
	return all, err
}

// Form reads one form; ErrNotFound when there is none.
func (s *Store) Form(ctx context.Context, id string) (Form, error) {
	return one(ctx, s, scanForm, "SELECT "+formColumns+" FROM forms WHERE id = $1", id)
}

// FormResults reads what workers made of the forms of a request; those without a
// result are left out.
func (s *Store) FormResults(ctx context.Context, request string) ([]FormResult, error) {
	return rows(ctx, s, scanFormResult,
		"SELECT id, result, blob FROM forms WHERE request_id = $1 AND result <> ''", request)
}

// ShortFormResults is FormResults without results of more than so many bytes.
func (s *Store) ShortFormResults(ctx context.Context, request string, bytes int) ([]FormResult, error) {
	return rows(ctx, s, scanFormResult,
		"SELECT id, result, blob FROM forms WHERE request_id = $1 AND result <> '' AND octet_length(result) <= $2",
		request, bytes)
}

// FormResultBytes is how many bytes FormResults reads, of results.
func (s *Store) FormResultBytes(ctx context.Context, request string) (int64, error) {
	return one(ctx, s, scanInt[int64],
		"SELECT CAST(COALESCE(SUM(octet_length(result)), 0) AS BIGINT) FROM forms WHERE request_id = $1", request)
}

// OverdueForms reads running forms whose time is up.
func (s *Store) OverdueForms(ctx context.Context, now horde.Micros, limit int) ([]Form, error) {
	return rows(ctx, s, scanForm,
		"SELECT "+formColumns+" FROM forms WHERE state = 1 AND ends < $1 ORDER BY ends LIMIT $2", now, limit)
}

// ExpiredAlchemy reads alchemy requests that have expired.
func (s *Store) ExpiredAlchemy(ctx context.Context, now horde.Micros, limit int) ([]AlchemyRequest, error) {
	return rows(ctx, s, scanAlchemy,
		"SELECT "+alchemyColumns+" FROM alchemy_requests WHERE expires <= $1 ORDER BY expires LIMIT $2", now, limit)
}

// InsertAlchemy buffers a new alchemy request and its forms.
func (tx *Tx) InsertAlchemy(a AlchemyRequest, forms []Form, results []FormResult) {
	tx.insert(alchemyTable, a.ID, a.UserID, a.Created, a.Expires, a.Priority, a.Body)

	made := map[string]FormResult{}
	for _, r := range results {
		made[r.FormID] = r
	}
	for _, f := range forms {
		tx.insert(formTable, f.ID, f.RequestID, f.Position, f.Name, f.Payload,
			int(f.State), f.WorkerID, f.Started, f.Ends, f.Aborts, f.Pop, f.FailedBy, f.Version,
			made[f.ID].Result, made[f.ID].Blob)
	}
	tx.changed.Alchemy.add(a.ID)
	c := &tx.changed.Committed
	c.Alchemy, c.Forms = append(c.Alchemy, a), append(c.Forms, forms...)
}

// CancelForm ends a form without a result. ErrLost: it is in another state by now.
func (tx *Tx) CancelForm(f *Form) (FormProgress, error) {
	return changeOfForm(f, f.State, "state = 3", "").Answer(tx)
}

// RequeueForm puts a running form that its worker gave up into another state: it
// waits again or is faulted (generation §3.3). failedBy is what has failed on it by
// now. Its worker stays named. ErrLost: it had ended.
func (tx *Tx) RequeueForm(f *Form, to FormState, failedBy string) (FormProgress, error) {
	return changeOfForm(f, FormRunning, "aborts = aborts + 1, state = $3, failed_by = $4", "",
		int(to), failedBy).Answer(tx)
}

// DeleteAlchemy removes an alchemy request that expired at or before now, with
// its forms. ErrLost: it was renewed or is gone.
func (tx *Tx) DeleteAlchemy(id string, now horde.Micros) error {
	n, err := tx.change("DELETE FROM alchemy_requests WHERE id = $1 AND expires <= $2", id, now)
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrLost
	}
	tx.changed.Alchemy.add(id)
	tx.changed.Committed.DeletedAlchemy = append(tx.changed.Committed.DeletedAlchemy, id)
	_, err = tx.change("DELETE FROM forms WHERE request_id = $1", id)
	return err
}

// KnownResult is the result of a form that may be given again to whoever asks for
// the same; ID says what that is.
type KnownResult struct {
	ID      string
	Result  string // JSON object
	Blob    string // name of the image that belongs to it
	Trusted bool   // made by the worker of a trusted owner
	Expires horde.Micros
}

func scanKnownResult(r scanner) (k KnownResult, err error) {
	return k, r.Scan(&k.ID, &k.Result, &k.Blob, &k.Trusted, &k.Expires)
}

// KnownResults reads the known results with these ids that have not expired.
func (s *Store) KnownResults(ctx context.Context, ids []string, now horde.Micros) ([]KnownResult, error) {
	var all []KnownResult
	err := inChunks(ids, func(q string, args []any) error {
		some, err := rows(ctx, s, scanKnownResult,
			"SELECT id, result, blob, trusted, expires FROM form_results WHERE id IN "+q, args...)

		for _, k := range some {
			if k.Expires > now {
				all = append(all, k)
			}
		}
		return err
	})
	return all, err
}

// KeepResult writes a known result over an older one.
func (tx *Tx) KeepResult(k KnownResult) error {
	_, err := tx.change(`INSERT INTO form_results (id, result, blob, trusted, expires) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (id) DO UPDATE SET
	result = excluded.result, blob = excluded.blob, trusted = excluded.trusted, expires = excluded.expires`,
		k.ID, k.Result, k.Blob, k.Trusted, k.Expires)
	return err
}

// PruneKnownResults removes the known results that have expired.
func (tx *Tx) PruneKnownResults() error {
	_, err := tx.change("DELETE FROM form_results WHERE expires < $1", tx.Now)
	return err
}
