package fleet

import (
	"context"
	"errors"
	"time"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/store"
)

// Defaults and limits of messages.
const (
	usualExpiry     = 12 // hours
	moderatorOrigin = "AI Horde Moderators"
	messagesPerPage = 50
	// maxOwnMessages is how many live messages an owner may have: each pop of the
	// worker carries them.
	maxOwnMessages = 20
)

// SendMessage leaves a message for a worker, which its pops carry until it expires
// (platform §3.5). Owners may send messages to their own workers,
// moderators to any worker or, without a worker id, all of them.
func (f *Fleet) SendMessage(ctx context.Context, caller *account.User, in api.NewMessage) (api.Message, error) {
	m, err := f.newMessage(ctx, caller, in)
	if err != nil {
		return api.Message{}, err
	}

	// Lock the account, so that another node does not count at the same time.
	err = f.Store.Write(ctx, store.Unit{Key: m.ID, Accounts: []horde.UserID{caller.ID}, Do: func(tx *store.Tx) error {
		if !caller.Is(account.Moderator) {
			n, err := tx.CountMessages(caller.ID)
			if err != nil {
				return err
			}
			if n >= maxOwnMessages {
				return horde.Errorf(horde.BadRequest,
					"You have %d messages to workers that have not expired, which is the most. Delete some.", n)
			}
		}
		return tx.InsertMessage(m)
	}})
	if err != nil {
		return api.Message{}, err
	}

	// Only moderators write to all workers, or to those of others.
	if caller.Is(account.Moderator) {
		act := account.Act{By: caller, Action: "message sent", Target: "all workers", Detail: m.Message}
		if m.WorkerID != "" {
			act.Target = "worker " + m.WorkerID
		}
		if err := f.Accounts.Record(ctx, act); err != nil {
			return api.Message{}, err
		}
	}
	return messageOf(m), nil
}

// newMessage checks a message in the order of platform §3.5.
func (f *Fleet) newMessage(
	ctx context.Context, caller *account.User, in api.NewMessage,
) (m store.WorkerMessage, err error) {
	if caller.Anonymous() {
		return m, horde.Errorf(horde.AnonForbidden,
			"Anonymous users cannot send messages. Please register an account and use its API key.")
	}

	var worker *Worker
	if in.WorkerID != "" {
		if worker, err = f.Find(ctx, in.WorkerID); err != nil {
			return m, err
		}
	}

	origin := in.Origin
	switch {
	case caller.Is(account.Moderator):
		if origin == "" {
			origin = moderatorOrigin
		}
	case worker == nil:
		return m, horde.Errorf(horde.BadRequest, "worker_id is missing. Only moderators can send a message to all workers.")
	case worker.UserID != caller.ID:
		return m, horde.Errorf(horde.MessagesOnlyOwnWorkers, "You can only send messages to your own workers.")
	default:
		origin = caller.ID.String()
	}

	now := f.Clock()
	return store.WorkerMessage{
		ID:       horde.NewID(),
		WorkerID: in.WorkerID,
		UserID:   caller.ID,
		Message:  in.Message,
		Origin:   origin,
		Created:  horde.MicrosOf(now),
		Expires:  horde.Micros(now.Add(time.Duration(valueOr(in.Expiry, usualExpiry)) * time.Hour).UnixMicro()),
	}, nil
}

// messageOf returns a message as the wire has it.
func messageOf(m store.WorkerMessage) api.Message {
	return api.Message{
		ID:       m.ID,
		WorkerID: m.WorkerID,
		UserID:   m.UserID.String(),
		Message:  m.Message,
		Origin:   m.Origin,
		Created:  m.Created.Time().Format("2006-01-02 15:04:05.000000"),
		Expiry:   rfc822(m.Expires),
	}
}

// MessageListing says which messages to list.
type MessageListing struct {
	User     string // id of the author; "": anybody
	Worker   string // id; "": any worker
	Validity string // active, expired, all
	Page     int    // of 50, from 1
}

// Messages lists messages to workers, the oldest first. Moderators see all, others
// their own and those to all workers.
func (f *Fleet) Messages(ctx context.Context, caller *account.User, l MessageListing) ([]api.Message, error) {
	filter := store.MessageFilter{Worker: l.Worker, Now: horde.MicrosOf(f.Clock())}
	moderator := caller.Is(account.Moderator)
	switch {
	case l.User != "":
		id, known := account.IDOfAlias(l.User)
		if !moderator && (!known || id != caller.ID) {
			return nil, horde.Errorf(horde.Forbidden, "You can only see your own messages.")
		}
		if !known {
			return nil, horde.Errorf(horde.BadRequest, "user_id must be the number of a user, not '%s'.", clip(l.User, 40))
		}
		filter.User = &id
	case !moderator:
		filter.User, filter.Broadcasts = &caller.ID, true
	}

	switch l.Validity {
	case "active":
		filter.Live = true
	case "expired":
		filter.Expired = true
	case "all":
	default:
		return nil, horde.Errorf(horde.BadRequest, "validity must be active, expired or all, not '%s'.", clip(l.Validity, 40))
	}

	if l.Worker != "" && !horde.IsID(l.Worker) { // no worker's, and perhaps not storable
		return []api.Message{}, nil
	}

	offset := min(max(l.Page-1, 0), 1_000_000) * messagesPerPage
	rows, err := f.Store.ListMessages(ctx, filter, messagesPerPage, offset)
	if err != nil {
		return nil, err
	}

	list := make([]api.Message, len(rows))
	for i, m := range rows {
		list[i] = messageOf(m)
	}
	return list, nil
}

// Message finds a message, expired or not; a WorkermessageNotFound error if there
// is none.
func (f *Fleet) Message(ctx context.Context, id string) (api.Message, error) {
	m, err := f.message(ctx, id)
	if err != nil {
		return api.Message{}, err
	}
	return messageOf(m), nil
}

func (f *Fleet) message(ctx context.Context, id string) (m store.WorkerMessage, err error) {
	if horde.IsID(id) {
		if m, err = f.Store.WorkerMessage(ctx, id); !errors.Is(err, store.ErrNotFound) {
			return m, err
		}
	}
	return m, horde.Errorf(horde.WorkermessageNotFound, "Workermessage with ID '%s' not found.", clip(id, 64))
}

// DeleteMessage deletes a message: its author and moderators may.
func (f *Fleet) DeleteMessage(ctx context.Context, caller *account.User, id string) error {
	m, err := f.message(ctx, id)
	if err != nil {
		return err
	}
	if m.UserID != caller.ID && !caller.Is(account.Moderator) {
		return horde.Errorf(horde.Forbidden, "Only the author of a message and moderators can delete it.")
	}
	if err := f.Accounts.RefuseAbove(caller, m.UserID); err != nil {
		return err
	}

	err = f.Store.Write(ctx, store.Unit{Key: id, Do: func(tx *store.Tx) error { return tx.DeleteMessage(m.ID) }})
	if err != nil {
		return err
	}
	return f.Accounts.RecordOver(ctx, m.UserID, account.Act{By: caller, Action: "message deleted", Target: m.ID})
}
