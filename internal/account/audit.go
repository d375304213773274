package account

import (
	"context"
	"log/slog"
	"strings"
	"time"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/store"
)

// AuditKept is how long is kept what moderators and administrators did.
const AuditKept = 365 * 24 * time.Hour

// Bounds of what is kept of one action, in bytes.
const (
	maxAuditTarget = 200
	maxAuditDetail = 1000
)

// MaxAudit is the most actions on a page.
const MaxAudit = 200

// Act is something that somebody did by the rights of a moderator or administrator, to what
// is not their own.
type Act struct {
	By     *User
	Action string // such as "worker changed"
	Target string // what it was done to
	Detail string // what is new; no secrets
}

// Record keeps an act that is done, for administrators to read, and leaves a line in the
// log. It is kept, though its caller has left meanwhile.
func (a *Accounts) Record(ctx context.Context, act Act) error {
	row := store.Action{
		ID:     horde.NewID(),
		UserID: act.By.ID,
		Action: act.Action,
		Target: clipText(act.Target, maxAuditTarget),
		Detail: clipText(act.Detail, maxAuditDetail),
	}
	a.config.Log.LogAttrs(ctx, slog.LevelInfo, row.Action,
		slog.String("by", act.By.Alias()), slog.String("target", row.Target), slog.String("detail", row.Detail))

	return a.store.Write(context.WithoutCancel(ctx), store.Unit{Do: func(tx *store.Tx) error {
		return tx.InsertAction(row)
	}})
}

// RecordOver is Record for an act that needs no rights if it is the owner's.
func (a *Accounts) RecordOver(ctx context.Context, owner horde.UserID, act Act) error {
	if act.By.ID == owner {
		return nil
	}
	return a.Record(ctx, act)
}

// clipText cuts a text that others chose, and removes what no database stores.
func clipText(text string, limit int) string {
	text = strings.ReplaceAll(strings.ToValidUTF8(text, "\ufffd"), "\x00", "\ufffd")
	if len(text) <= limit {
		return text
	}
	return strings.ToValidUTF8(text[:limit], "") + "…"
}

// Audit reads a page of what moderators and administrators did, the newest first; only for
// administrators. before is the Next of the page before, "" for the first.
func (a *Accounts) Audit(ctx context.Context, caller *User, before string, limit int) (*api.Audit, error) {
	if !a.Admin(caller) {
		return nil, horde.Errorf(horde.NotAdmin, "Only the administrators of this horde read what was done.")
	}

	rows, err := a.store.Actions(ctx, before, limit+1)
	if err != nil {
		return nil, err
	}

	page := &api.Audit{Actions: []api.AuditedAction{}}
	for i, row := range rows {
		if i == limit {
			page.Next = rows[i-1].ID
			break
		}
		page.Actions = append(page.Actions, api.AuditedAction{
			ID:     row.ID,
			At:     row.At.Time().UTC().Format(time.RFC3339),
			By:     (&User{ID: row.UserID, Username: row.Username}).Alias(),
			Action: row.Action,
			Target: row.Target,
			Detail: row.Detail,
		})
	}
	return page, nil
}
