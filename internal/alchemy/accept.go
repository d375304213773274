package alchemy

import (
	"context"
	"encoding/json"
	"math"
	"net/netip"
	"strings"

	"horde/api"
	"horde/internal/account"
	"horde/internal/admission"
	"horde/internal/horde"
	"horde/internal/kinds"
	"horde/internal/kudos"
	"horde/internal/moderation"
	"horde/internal/requests"
	"horde/internal/settle"
	"horde/internal/source"
	"horde/internal/store"
)

// maxPayload bounds the settings of one form, in bytes of JSON.
const maxPayload = 64 << 10

// Request is one POST /interrogate/async.
type Request struct {
	Body     api.AlchemyRequest
	Key      string
	Addr     netip.Addr // of the person who asks; the zero Addr is nobody's
	UnsafeIP bool       // known to be unsafe, without asking
	// RefuseNUL refuses a body with a NUL, which no database keeps. It is asked behind the
	// checks that come before the source image; nil: nothing is refused.
	RefuseNUL func() error
}

// Accept checks a request in the order of generation §3.1 and takes it into the queue.
// Forms whose result is known already are done at once, at no cost.
func (q *Queue) Accept(ctx context.Context, ask Request) (*api.AlchemyAccepted, error) {
	forms := distinct(ask.Body.Forms)
	user, err := q.admit(ctx, &ask, len(forms))
	if err != nil {
		return nil, err
	}

	d, err := q.newDraft(ctx, user, &ask, forms)
	if err != nil {
		return nil, err
	}
	if err := q.commit(ctx, d, user); err != nil {
		if d.e.record.Source != "" {
			q.DropObjects(ctx, d.e.record.Source)
		}
		return nil, err
	}
	return &api.AlchemyAccepted{ID: d.e.row.ID}, nil
}

// distinct drops the later ones of forms with one name (decision 18).
func distinct(forms []api.AlchemyForm) []api.AlchemyForm {
	var out []api.AlchemyForm
	seen := map[string]bool{}
	for _, f := range forms {
		if !seen[f.Name] {
			seen[f.Name] = true
			out = append(out, f)
		}
	}
	return out
}

// admit runs the checks before the source image is read or fetched. It notes in ask
// whether the address is unsafe.
func (q *Queue) admit(ctx context.Context, ask *Request, forms int) (*account.User, error) {
	modes := q.Modes()
	if modes.Maintenance {
		return nil, horde.Errorf(horde.MaintenanceMode,
			"The horde is in maintenance mode and takes no new requests. Please try again later.")
	}
	if ask.Body.Webhook != "" && !strings.HasPrefix(ask.Body.Webhook, "https://") {
		return nil, horde.Errorf(horde.BadRequest, "webhook must be an address that begins with https://.")
	}

	user, err := q.Accounts.ByKey(ctx, ask.Key)
	if err != nil {
		return nil, err
	}
	crowd := q.index.crowd(user)
	if err := mayOpen(user, crowd.Own.Jobs, forms); err != nil {
		return nil, err
	}
	if err := q.Bounds.Check(ctx, crowd, admission.Backlog{Jobs: forms}); err != nil {
		return nil, err
	}

	// Row by row as for images: the address, then what no database keeps.
	vouched := user.Is(account.Trusted) || user.Patron
	ask.UnsafeIP = ask.UnsafeIP || !vouched && q.Checker.Judge(ctx, ask.Addr) == moderation.Unsafe
	if modes.Raid && ask.UnsafeIP && !vouched {
		return nil, horde.Errorf(horde.UntrustedUnsafeIP,
			"The horde is being raided, so requests from this address are only taken from trusted users and patrons for now.")
	}
	if ask.RefuseNUL != nil {
		if err := ask.RefuseNUL(); err != nil {
			return nil, err
		}
	}
	return user, nil
}

// draft is a request before its commit.
type draft struct {
	e       *entry
	results []store.FormResult // of forms that are done already
	done    []*form            // in the order of results
}

// newDraft reads and stores the source image and makes the rows.
func (q *Queue) newDraft(
	ctx context.Context, user *account.User, ask *Request, forms []api.AlchemyForm,
) (*draft, error) {
	now := q.Clock.Micros()
	row := store.AlchemyRequest{
		ID:      horde.NewID(),
		UserID:  user.ID,
		Created: now,
		Expires: now + horde.MicrosIn(kinds.RequestLife),
	}
	e := &entry{row: row, expires: row.Expires, record: record{
		SlowWorkers:    ask.Body.SlowWorkers == nil || *ask.Body.SlowWorkers,
		TrustedWorkers: ask.Body.TrustedWorkers != nil && *ask.Body.TrustedWorkers,
		Webhook:        ask.Body.Webhook,
		UnsafeIP:       ask.UnsafeIP,
	}}
	if ask.Addr.IsValid() {
		e.record.Addr = ask.Addr.String()
	}
	if e.record.Webhook != "" {
		e.record.Base = horde.BaseOf(ctx)
	}

	for i, f := range forms {
		payload, err := payloadText(f)
		if err != nil {
			return nil, err
		}
		e.forms = append(e.forms, &form{e: e, Form: store.Form{
			ID:           horde.NewID(),
			RequestID:    row.ID,
			Position:     i,
			Name:         f.Name,
			Payload:      payload,
			FormProgress: store.FormProgress{Version: 1},
		}})
	}

	if err := q.keepSource(user.WithAccount(ctx), e, ask.Body.SourceImage); err != nil {
		return nil, err
	}
	d := &draft{e: e}
	return d, q.fillKnown(ctx, d)
}

// payloadText is the settings of a form as they are stored.
func payloadText(f api.AlchemyForm) (string, error) {
	if len(f.Payload) == 0 {
		return "", nil
	}
	b, err := json.Marshal(f.Payload)
	if err == nil && len(b) > maxPayload {
		err = horde.Errorf(horde.BadRequest, "The payload of the form %s is larger than %d bytes.", f.Name, maxPayload)
	}
	return string(b), err
}

// keepSource measures the source image, and stores it if it came in base64: one named by
// URL is only fetched to see that it can be, and passed on (generation §3.1).
func (q *Queue) keepSource(ctx context.Context, e *entry, text string) error {
	images := q.SourceImages(e.row.UserID)
	data, head, err := images.File(ctx, text)
	if err != nil {
		return err
	}
	if e.record.Tiles = kudos.Tiles(head.Width, head.Height); e.record.Tiles > maxTiles {
		return horde.Errorf(horde.SourceImageResolutionExceeded,
			"The image takes %d tiles of %d×%d pixels; at most %d are allowed. Please send a smaller one.",
			e.record.Tiles, kudos.TileSide, kudos.TileSide, maxTiles)
	}

	if source.IsURL(text) {
		e.record.URL = text
		return nil
	}

	webp, err := source.ToWebP(ctx, data, horde.ImageValidationFailed)
	if err != nil {
		return err
	}
	name := e.row.ID + ".webp"
	if err := images.Put(ctx, name, webp); err != nil {
		return err
	}
	e.record.Source = name
	return nil
}

// fillKnown ends the forms whose result is known from an earlier request about
// the image at the same address (decision 18).
func (q *Queue) fillKnown(ctx context.Context, d *draft) error {
	r := &d.e.record
	if r.URL == "" || len(d.e.forms) == 0 {
		return nil
	}

	asked := map[string]*form{}
	var ids []string
	for _, f := range d.e.forms {
		id := f.work().KnownID(r.URL)
		asked[id] = f
		ids = append(ids, id)
	}

	known, err := q.Store.KnownResults(ctx, ids, q.Clock.Micros())
	if err != nil {
		return err
	}
	for _, k := range known {
		if r.TrustedWorkers && !k.Trusted {
			continue
		}
		if k.Blob != "" {
			if there, err := q.Blobs.Exists(ctx, k.Blob); err != nil || !there {
				continue
			}
		}

		f := asked[k.ID]
		f.State = store.FormDone
		d.done = append(d.done, f)
		d.results = append(d.results, store.FormResult{FormID: f.ID, Result: k.Result, Blob: k.Blob})
	}
	return nil
}

// commit acknowledges a request. What its forms will cost is set aside as far as
// the user has it, so that it is not spent elsewhere meanwhile (generation §6.13); nobody is
// refused for having less.
func (q *Queue) commit(ctx context.Context, d *draft, user *account.User) error {
	e := d.e
	row := e.row
	rows := make([]store.Form, len(e.forms))
	for i, f := range e.forms {
		rows[i] = f.Form
	}
	hooks, err := q.webhooksOf(d)
	if err != nil {
		return err
	}

	payer := []horde.UserID{row.UserID}
	err = requests.Admit(ctx, q.Store, q.index.Index, e, payer, func(tx *store.Tx) error {
		a, err := tx.Account(row.UserID)
		if err != nil {
			return err
		}
		if err := q.stillMayOpen(ctx, tx, user, e); err != nil {
			return err
		}

		row.Priority = int64(math.RoundToEven(a.Balance.Float()))
		acceptance := settle.Acceptance{Rules: settle.Forms, Request: row.ID, Payer: row.UserID, Wishes: d.wishes()}
		reserved, err := acceptance.Apply(tx)
		if err != nil {
			return err
		}

		e.record.Held = reserved.OnAccount
		body, err := json.Marshal(&e.record)
		if err != nil {
			return err
		}
		insert := row
		insert.Body = string(body)
		tx.InsertAlchemy(insert, rows, d.results)
		for _, hook := range hooks {
			tx.InsertWebhook(*hook)
		}
		return nil
	})
	if err != nil {
		return err
	}
	q.Hooks.Wake()
	return nil
}

// webhooksOf are what tells of the forms that nobody has to fill in.
func (q *Queue) webhooksOf(d *draft) (hooks []*store.Webhook, err error) {
	for i, f := range d.done {
		hook, err := q.webhookOf(f, d.results[i], nil)
		if err != nil {
			return nil, err
		}
		if hook != nil {
			hooks = append(hooks, hook)
		}
	}
	return hooks, nil
}

// wishes are the holds for the forms that somebody still has to fill in.
func (d *draft) wishes() (list []kudos.OptionalHold) {
	for _, f := range d.e.forms {
		if f.State == store.FormWaiting {
			list = append(list, kudos.OptionalHold{ID: settle.HoldOfForm(f.ID), Amount: f.work().Value().Charge})
		}
	}
	return list
}
