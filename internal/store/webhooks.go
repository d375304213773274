package store

import (
	"context"

	"horde/internal/horde"
)

// Webhook is a call that is still to be made, or was given up. It is written in the
// transaction of the delivery that it tells of.
type Webhook struct {
	ID        string       // of the job or form that it tells of
	UserID    horde.UserID // whose request it was
	RequestID string
	Kind      string // image, text, form

	Address string
	Host    string

	// Body is what is sent, with Mark in place of the image Blob, which is shown by a link
	// that begins with Base, or inline. Without an image they are "".
	Body   string
	Mark   string
	Blob   string
	ByLink bool
	Base   string

	Created  horde.Micros // renewed by a replay
	Due      horde.Micros // of the next attempt; while one is made, when another node may make one
	Attempts int          // that were begun
	Error    string       // of the last attempt, "" while there is none
	Dead     bool         // given up
}

const webhookColumns = "id, user_id, request_id, kind, address, host, body, mark, blob, by_link, base, " +
	"created, due, attempts, error, dead"

var webhookTable = newTable("webhooks", webhookColumns)

func scanWebhook(r scanner) (w Webhook, err error) {
	return w, r.Scan(&w.ID, &w.UserID, &w.RequestID, &w.Kind, &w.Address, &w.Host, &w.Body, &w.Mark, &w.Blob, &w.ByLink,
		&w.Base, &w.Created, &w.Due, &w.Attempts, &w.Error, &w.Dead)
}

// InsertWebhook buffers a webhook that is due now.
func (tx *Tx) InsertWebhook(w Webhook) {
	tx.insert(webhookTable, w.ID, w.UserID, w.RequestID, w.Kind, w.Address, w.Host, w.Body, w.Mark, w.Blob, w.ByLink,
		w.Base, tx.Now, tx.Now, 0, "", false)
}

// DueWebhook is what decides who is called next.
type DueWebhook struct {
	ID     string
	UserID horde.UserID
	Host   string
	Due    horde.Micros
}

func scanDueWebhook(r scanner) (w DueWebhook, err error) {
	return w, r.Scan(&w.ID, &w.UserID, &w.Host, &w.Due)
}

// maxDueRead bounds how many due webhooks are looked through for those to call.
const maxDueRead = 20_000

// DueWebhooks reads webhooks that are due at now, at most perHost for each host: first
// one of every host, and among these one of every account, the oldest before others.
func (s *Store) DueWebhooks(ctx context.Context, now horde.Micros, perHost, limit int) ([]DueWebhook, error) {
	return rows(ctx, s, scanDueWebhook, `SELECT id, user_id, host, due FROM (
	SELECT id, user_id, host, due, row_number() OVER (PARTITION BY host ORDER BY due, id) AS of_host,
		row_number() OVER (PARTITION BY user_id ORDER BY due, id) AS of_user
	FROM (SELECT id, user_id, host, due FROM webhooks WHERE dead = FALSE AND due <= $1 ORDER BY due LIMIT $4) AS oldest
) AS placed WHERE of_host <= $2 ORDER BY of_host, of_user, due, id LIMIT $3`, now, perHost, limit, maxDueRead)
}

// ClaimWebhook takes a due webhook for an attempt, until the given time. ErrLost: another
// node has it, or it is gone.
func (tx *Tx) ClaimWebhook(w DueWebhook, until horde.Micros) (Webhook, error) {
	claimed, err := read(tx, scanWebhook, "UPDATE webhooks SET due = $3, attempts = attempts + 1 "+
		"WHERE id = $1 AND due = $2 AND dead = FALSE RETURNING "+webhookColumns, w.ID, w.Due, until)
	if err != nil {
		return Webhook{}, err
	}
	if len(claimed) == 0 {
		return Webhook{}, ErrLost
	}
	tx.direct = true
	return claimed[0], nil
}

// DeleteWebhook removes a webhook that its receiver took.
func (tx *Tx) DeleteWebhook(id string) error {
	_, err := tx.change("DELETE FROM webhooks WHERE id = $1", id)
	return err
}

// WebhookFailure is what becomes of a webhook after an attempt that failed.
type WebhookFailure struct {
	Error string
	Due   horde.Micros // when it is called again
	Dead  bool         // it is given up
}

// FailWebhook notes that an attempt failed.
// Nothing is noted where another attempt was begun since.
func (tx *Tx) FailWebhook(w *Webhook, f WebhookFailure) error {
	_, err := tx.change("UPDATE webhooks SET error = $3, due = $4, dead = $5 WHERE id = $1 AND due = $2",
		w.ID, w.Due, f.Error, f.Due, f.Dead)
	return err
}

// ReplayWebhook has a webhook of an account called again that failed, from the beginning.
// ErrNotFound: there is none.
func (tx *Tx) ReplayWebhook(id string, user horde.UserID) error {
	n, err := tx.change("UPDATE webhooks SET dead = FALSE, created = $3, due = $3, attempts = 0, error = '' "+
		"WHERE id = $1 AND user_id = $2 AND error <> ''", id, user, tx.Now)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return err
}

// WebhookState is how far webhooks are.
type WebhookState string

// States of a webhook.
const (
	WebhookPending WebhookState = "pending" // not answered yet
	WebhookFailed  WebhookState = "failed"  // to be tried again
	WebhookDead    WebhookState = "dead"    // given up
)

// webhookStates are the conditions of the states.
var webhookStates = map[WebhookState]string{
	"":             "",
	WebhookPending: " AND dead = FALSE AND error = ''",
	WebhookFailed:  " AND dead = FALSE AND error <> ''",
	WebhookDead:    " AND dead = TRUE",
}

// State is how far the webhook is.
func (wh *Webhook) State() WebhookState {
	switch {
	case wh.Dead:
		return WebhookDead
	case wh.Error != "":
		return WebhookFailed
	}
	return WebhookPending
}

// WebhookPage says which webhooks of an account to read, the newest first: those in a
// state, "" for all, that were made before another one.
type WebhookPage struct {
	UserID   horde.UserID
	State    WebhookState
	Before   horde.Micros
	BeforeID string
	Limit    int
}

// Webhooks reads a page of the webhooks of an account.
func (s *Store) Webhooks(ctx context.Context, p WebhookPage) ([]Webhook, error) {
	return rows(ctx, s, scanWebhook, "SELECT "+webhookColumns+" FROM webhooks "+
		"WHERE user_id = $1 AND (created, id) < ($2, $3)"+webhookStates[p.State]+
		" ORDER BY created DESC, id DESC LIMIT $4", p.UserID, p.Before, p.BeforeID, p.Limit)
}

// WebhookCounts are how many webhooks there are in each state.
type WebhookCounts struct{ Pending, Failed, Dead int }

// CountWebhooks counts the webhooks of an account.
func (s *Store) CountWebhooks(ctx context.Context, user horde.UserID) (WebhookCounts, error) {
	scan := func(r scanner) (c WebhookCounts, err error) { return c, r.Scan(&c.Pending, &c.Failed, &c.Dead) }
	return one(ctx, s, scan, `SELECT COALESCE(SUM(CASE WHEN dead = FALSE AND error = '' THEN 1 ELSE 0 END), 0),
	COALESCE(SUM(CASE WHEN dead = FALSE AND error <> '' THEN 1 ELSE 0 END), 0),
	COALESCE(SUM(CASE WHEN dead = TRUE THEN 1 ELSE 0 END), 0) FROM webhooks WHERE user_id = $1`, user)
}

// WebhookBacklog is what there is to call.
type WebhookBacklog struct {
	Waiting int          // webhooks that were not given up
	Due     horde.Micros // when the first of them is, or was, to be called; 0: none waits
}

// WebhookBacklog reads what there is to call. It counts the webhooks one by one, in an index.
func (s *Store) WebhookBacklog(ctx context.Context) (WebhookBacklog, error) {
	scan := func(r scanner) (b WebhookBacklog, err error) { return b, r.Scan(&b.Waiting, &b.Due) }
	return one(ctx, s, scan, `SELECT (SELECT count(*) FROM webhooks WHERE dead = FALSE),
	(SELECT COALESCE(min(due), 0) FROM webhooks WHERE dead = FALSE)`)
}

// WebhookBounds are how many webhooks are kept, and for how long.
type WebhookBounds struct {
	Waiting    int          // of an account; the oldest beyond are given up
	Dead       int          // of an account; the oldest beyond go
	DeadSince  horde.Micros // those that were made before, in microseconds, go
	Unreadable horde.UserID // the account whose owner is nobody: its dead ones go at once
}

// PruneWebhooks keeps to the bounds.
func (tx *Tx) PruneWebhooks(b WebhookBounds) error {
	const placed = "SELECT id FROM (SELECT id, " +
		"row_number() OVER (PARTITION BY user_id ORDER BY created DESC, id DESC) AS place " +
		"FROM webhooks WHERE dead = "
	_, err := tx.change("UPDATE webhooks SET dead = TRUE, error = 'too many were waiting' WHERE id IN ("+
		placed+"FALSE) AS waiting WHERE place > $1)", b.Waiting)
	if err != nil {
		return err
	}

	_, err = tx.change("DELETE FROM webhooks WHERE dead = TRUE AND (created < $1 OR user_id = $2)",
		b.DeadSince, b.Unreadable)
	if err != nil {
		return err
	}
	_, err = tx.change("DELETE FROM webhooks WHERE id IN ("+placed+"TRUE) AS dead WHERE place > $1)", b.Dead)
	return err
}

// WebhookSecret is what webhooks of an account are signed with, encrypted.
type WebhookSecret struct {
	UserID        horde.UserID
	Secret        string
	Created       horde.Micros
	Previous      string       // "": none
	PreviousUntil horde.Micros // until when it signs too
}

func scanWebhookSecret(r scanner) (w WebhookSecret, err error) {
	return w, r.Scan(&w.UserID, &w.Secret, &w.Created, &w.Previous, &w.PreviousUntil)
}

// WebhookSecret reads what webhooks of an account are signed with; ErrNotFound: they are
// not.
func (s *Store) WebhookSecret(ctx context.Context, user horde.UserID) (WebhookSecret, error) {
	return one(ctx, s, scanWebhookSecret,
		"SELECT user_id, secret, created, previous, previous_until FROM webhook_secrets WHERE user_id = $1", user)
}

// RotateWebhookSecret gives an account a new secret. The one before signs too until the
// given time.
func (tx *Tx) RotateWebhookSecret(user horde.UserID, secret string, until horde.Micros) error {
	_, err := tx.change(`INSERT INTO webhook_secrets (user_id, secret, created, previous, previous_until)
VALUES ($1, $2, $3, '', 0)
ON CONFLICT (user_id) DO UPDATE SET
	previous = webhook_secrets.secret, previous_until = $4, secret = excluded.secret, created = excluded.created`,
		user, secret, tx.Now, until)
	return err
}
