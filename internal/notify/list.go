package notify

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/store"
)

// MaxPage is how many webhooks a page has at most.
const MaxPage = 100

// List is a page of the webhooks of an account that wait or were given up, the newest
// first: those in a state, "" for all, after the page that ended with before.
func (n *Notifier) List(
	ctx context.Context, user horde.UserID, state, before string, limit int,
) (*api.Webhooks, error) {
	page := store.WebhookPage{
		UserID: user,
		State:  store.WebhookState(state),
		Before: math.MaxInt64,
		Limit:  limit + 1,
	}
	if before != "" {
		var err error
		if page.Before, page.BeforeID, err = readCursor(before); err != nil {
			return nil, err
		}
	}

	rows, err := n.Store.Webhooks(ctx, page)
	if err != nil {
		return nil, err
	}
	counts, err := n.Store.CountWebhooks(ctx, user)
	if err != nil {
		return nil, err
	}
	out := &api.Webhooks{
		Webhooks: []api.Webhook{},
		Pending:  counts.Pending,
		Failed:   counts.Failed,
		Dead:     counts.Dead,
	}
	if len(rows) > limit {
		rows = rows[:limit]
		out.Next = cursorOf(&rows[limit-1])
	}
	for i := range rows {
		out.Webhooks = append(out.Webhooks, shown(&rows[i]))
	}

	secret, err := n.Store.WebhookSecret(ctx, user)
	if err == nil {
		out.SecretSince = timeText(secret.Created)
	} else if !errors.Is(err, store.ErrNotFound) {
		return nil, err
	}
	return out, nil
}

// shown is a webhook as its owner sees it.
func shown(w *store.Webhook) api.Webhook {
	out := api.Webhook{
		ID:       w.ID,
		Request:  w.RequestID,
		Type:     w.Kind,
		URL:      w.Address,
		State:    string(w.State()),
		Attempts: w.Attempts,
		Created:  timeText(w.Created),
		Error:    w.Error,
	}
	if !w.Dead {
		out.Next = timeText(w.Due)
	}
	return out
}

func timeText(at horde.Micros) string { return at.Time().Format(time.RFC3339) }

// Replay has a webhook of an account called again that failed.
func (n *Notifier) Replay(ctx context.Context, user horde.UserID, id string) error {
	none := horde.Errorf(horde.NotFound, "None of your webhooks with this id has failed.")
	if !horde.IsID(id) {
		return none
	}
	err := n.Store.Write(ctx, store.Unit{Do: func(tx *store.Tx) error { return tx.ReplayWebhook(id, user) }})
	if errors.Is(err, store.ErrNotFound) {
		return none
	}
	if err == nil {
		n.Wake()
	}
	return err
}

// cursorOf is where the page after the one that ends with w begins.
func cursorOf(w *store.Webhook) string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d %s", w.Created, w.ID))
}

func readCursor(text string) (created horde.Micros, id string, err error) {
	raw, err := base64.RawURLEncoding.DecodeString(text)
	if err == nil {
		at, rest, _ := strings.Cut(string(raw), " ")
		id = rest
		var number int64
		number, err = strconv.ParseInt(at, 10, 64)
		created = horde.Micros(number)
	}
	if err != nil || !horde.IsID(id) {
		return 0, "", horde.Invalid("before", "take it from next of the page before")
	}
	return created, id, nil
}

// How many webhooks of an account are kept.
const (
	maxWaiting = 5_000 // the oldest beyond are given up
	maxDead    = 1_000 // the oldest beyond go
	deadKept   = 30 * 24 * time.Hour
)

// Prune keeps the webhooks of every account to their bounds. Those of unreadable, whose
// key is public, are not kept once they were given up: nobody may read them.
func (n *Notifier) Prune(ctx context.Context, unreadable horde.UserID) error {
	bounds := store.WebhookBounds{
		Waiting:    maxWaiting,
		Dead:       maxDead,
		DeadSince:  horde.MicrosOf(n.Clock().Add(-deadKept)),
		Unreadable: unreadable,
	}
	return n.Store.Write(ctx, store.Unit{Do: func(tx *store.Tx) error { return tx.PruneWebhooks(bounds) }})
}
