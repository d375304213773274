package account

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/store"
)

// MaxHistory is the most movements on a page of a history.
const MaxHistory = 200

// History explains what moved a user's kudos, newest first, in words: the same for
// the user, for moderators and for the operator. limit is cut to 1…MaxHistory;
// before is the Next of the preceding page, "" for the newest. It only reads, so a
// store opened by OpenReader will do. A user that does not exist is a UserNotFound error,
// an invalid before a validation error.
func History(
	ctx context.Context, s *store.Store, user horde.UserID, before string, limit int,
) (*api.KudosHistory, error) {
	from, err := readBookmark(before)
	if err != nil {
		return nil, err
	}

	limit = max(1, min(MaxHistory, limit))
	acc, found, err := s.History(ctx, user, from.Place, limit+1)
	if errors.Is(err, store.ErrNotFound) {
		return nil, errUserNotFound(user)
	}
	if err != nil {
		return nil, err
	}

	// One movement more than asked for says that there is a next page.
	more := len(found) > limit
	found = found[:min(limit, len(found))]
	if before == "" {
		from.balance, from.escrow = acc.Balance, acc.Escrow
	}

	// Explain the movements, newest first, with the names of everybody in them.
	t := narrator{user: user, balance: from.balance, escrow: from.escrow}
	for _, m := range found {
		d, err := kudos.ReadDetail(m.Event.Detail)
		if err != nil {
			return nil, fmt.Errorf("event %s: %w", m.Event.ID, err)
		}
		t.stories = append(t.stories, story{Movement: m, Detail: d})
	}
	if err := t.learnNames(ctx, s); err != nil {
		return nil, err
	}

	h := &api.KudosHistory{
		Username:        t.alias(user),
		Kudos:           api.Float(acc.Balance.Float()),
		EvaluatingKudos: api.Float(acc.Escrow.Float()),
		Held:            api.Float(acc.Held.Float()),
		Unpaid:          unpaidKudos(acc.Unpaid),
		Movements:       t.movements(),
	}
	if more {
		h.Next = bookmark{next(from.Place, found), t.balance, t.escrow}.String()
	}
	return h, nil
}

// unpaidKudos is what was earned on the day that was last counted.
func unpaidKudos(u store.Unpaid) api.UnpaidKudos {
	if u == (store.Unpaid{}) {
		return api.UnpaidKudos{}
	}
	day := horde.Micros(u.Day) * store.Day
	return api.UnpaidKudos{Day: day.Time().Format(time.DateOnly), Earned: api.Float(u.Amount.Float())}
}

// History returns the history of a user, as the function of this name does, with what
// was earned unpaid today and how much that may be.
func (a *Accounts) History(
	ctx context.Context, user horde.UserID, before string, limit int,
) (*api.KudosHistory, error) {
	h, err := History(ctx, a.store, user, before, limit)
	if err != nil {
		return nil, err
	}
	u, err := a.ByID(ctx, user)
	if err != nil {
		return nil, err
	}

	if today := a.config.Clock().UTC().Format(time.DateOnly); h.Unpaid.Day < today {
		h.Unpaid = api.UnpaidKudos{Day: today}
	}
	h.Unpaid.Bound = api.Float(a.UnpaidBounds(u, "").Account.Float())
	return h, nil
}

// HistoryOf finds the user whose history caller asks for by whom, an alias or id, ""
// for the caller's own. Those of others are for moderators only; that of the anonymous
// account, which everybody shares, is for nobody.
func (a *Accounts) HistoryOf(ctx context.Context, caller *User, whom string) (*User, error) {
	u := caller
	if whom != "" {
		id, ok := IDOfAlias(whom)
		if !ok {
			return nil, horde.Errorf(horde.UserNotFound, "There is no such user. Ask for name#id or a bare id.")
		}
		if id != caller.ID {
			if !caller.Is(Moderator) {
				return nil, horde.Errorf(horde.NotModerator, "Only moderators see the history of others.")
			}
			var err error
			if u, err = a.ByID(ctx, id); err != nil {
				return nil, err
			}
		}
	}

	if u.Anonymous() {
		return nil, horde.Errorf(horde.AnonForbidden,
			"The anonymous account is shared by many, so its history is not shown. Register an account of your own.")
	}
	return u, nil
}

// bookmark is where a page of a history begins, with the balances of the account after
// its first movement.
type bookmark struct {
	store.Place
	balance, escrow horde.Kudos
}

// next returns the place after a page: its last moment, without the movements of that
// moment that were shown.
func next(from store.Place, page []store.Movement) store.Place {
	last := page[len(page)-1].At
	p := store.Place{At: last}
	if last == from.At {
		p.Skip = from.Skip
	}
	for _, m := range page {
		if m.At == last {
			p.Skip++
		}
	}
	return p
}

func (b bookmark) String() string {
	return base64.RawURLEncoding.EncodeToString(fmt.Appendf(nil, "%d.%d.%d.%d", b.At, b.Skip, b.balance, b.escrow))
}

const maxSkip = 10_000 // movements of one moment; no batch has more

func readBookmark(text string) (b bookmark, err error) {
	if text == "" {
		return b, nil
	}

	wrong := horde.Invalid("before", "this is not the next of a page of this history")
	raw, err := base64.RawURLEncoding.DecodeString(text)
	fields := strings.Split(string(raw), ".")
	if err != nil || len(fields) != 4 {
		return b, wrong
	}

	var numbers [4]int64
	for i, f := range fields {
		if numbers[i], err = strconv.ParseInt(f, 10, 64); err != nil {
			return b, wrong
		}
	}

	if numbers[0] <= 0 || numbers[1] < 0 || numbers[1] > maxSkip {
		return b, wrong
	}
	return bookmark{
		Place:   store.Place{At: horde.Micros(numbers[0]), Skip: int(numbers[1])},
		balance: horde.Kudos(numbers[2]),
		escrow:  horde.Kudos(numbers[3]),
	}, nil
}

// story is a movement with the detail of its event.
type story struct {
	store.Movement
	kudos.Detail
}

// narrator describes the movements of one user.
type narrator struct {
	user            horde.UserID
	stories         []story
	names           store.Names
	balance, escrow horde.Kudos // after the movement that is described next
}

// learnNames looks up the names of the users, workers and keys in the stories.
func (t *narrator) learnNames(ctx context.Context, s *store.Store) (err error) {
	users, workers, keys := set[horde.UserID]{}, set[string]{}, set[string]{}
	users.add(t.user)
	for _, s := range t.stories {
		users.add(s.By)
		for _, m := range s.Moves {
			users.add(m.User)
		}
		workers.add(s.Worker)
		keys.add(s.Key)
	}

	t.names, err = s.Names(ctx, users.all, workers.all, keys.all)
	return err
}

// set collects values other than the zero value, without duplicates.
type set[T comparable] struct {
	has map[T]bool
	all []T
}

func (st *set[T]) add(v T) {
	if st.has == nil {
		st.has = map[T]bool{}
	}
	if !st.has[v] {
		st.has[v] = true
		st.all = append(st.all, v)
	}
}

func (t *narrator) alias(user horde.UserID) string {
	name, ok := t.names.Users[user]
	if !ok {
		return "a user who is gone"
	}
	return name + "#" + user.String()
}

// movements describes all stories, those of one request grouped where its newest
// is.
func (t *narrator) movements() []api.KudosMovement {
	list := []api.KudosMovement{}
	at := map[string]int{} // request → index in list
	for i := range t.stories {
		m := t.describe(&t.stories[i])
		place, known := at[m.Request]
		switch {
		case m.Kind != "request":
			list = append(list, m)
		case known:
			list[place] = together(list[place], m)
		default:
			at[m.Request] = len(list)
			list = append(list, m)
		}
	}

	for i := range list {
		if len(list[i].Movements) > 0 {
			sumUp(&list[i])
		}
	}
	return list
}

// group adds an older movement of a request to those that came after it.
func together(group, older api.KudosMovement) api.KudosMovement {
	if len(group.Movements) == 0 {
		first := group
		group.Job, group.WorkerID, group.WorkerName, group.Model, group.Parts = "", "", "", "", nil
		group.Movements = []api.KudosMovement{first}
	}
	group.Movements = append(group.Movements, older)
	return group
}

// sumUp sums up the movements of a request.
func sumUp(group *api.KudosMovement) {
	sums := map[string]horde.Kudos{}
	var names []string
	var amount, evaluating horde.Kudos
	for _, m := range group.Movements {
		amount += horde.KudosOf(float64(m.Amount))
		evaluating += horde.KudosOf(float64(m.Evaluating))
		for _, p := range m.Parts {
			if _, ok := sums[p.What]; !ok {
				names = append(names, p.What)
			}
			sums[p.What] += horde.KudosOf(float64(p.Amount))
		}
	}

	group.Amount, group.Evaluating = api.Float(amount.Float()), api.Float(evaluating.Float())
	for _, name := range names {
		group.Parts = append(group.Parts, api.KudosPart{What: name, Amount: api.Float(sums[name].Float())})
	}
	group.Text = fmt.Sprintf("Request %s: %s", group.Request, countParts(group.Movements))
}

// countParts says what became of a request according to its movements.
func countParts(movements []api.KudosMovement) string {
	var accepted bool
	delivered := 0
	for _, m := range movements {
		if m.Job == "" {
			accepted = true
		} else {
			delivered++
		}
	}

	text := fmt.Sprintf("%d deliveries", delivered)
	if delivered == 1 {
		text = "1 delivery"
	}
	if accepted {
		text = "accepted, " + text
	}
	return text
}

// describe describes one movement and steps back before it.
func (t *narrator) describe(s *story) api.KudosMovement {
	w := words{t: t, s: s}
	for _, m := range s.Moves {
		if m.User == t.user {
			w.parts = append(w.parts, m.Part)
		}
	}

	m := w.movement()
	m.At = s.At.Time().Format("2006-01-02T15:04:05.000000Z07:00")
	m.Amount, m.Balance = api.Float(s.Movement.Balance.Float()), api.Float(t.balance.Float())
	m.Evaluating, m.EvaluatingKudos = api.Float(s.Escrow.Float()), api.Float(t.escrow.Float())

	for _, p := range w.parts {
		m.Parts = append(m.Parts, api.KudosPart{What: string(p.Kind), Amount: api.Float(p.Amount.Float())})
	}

	m.Text = strings.ToUpper(m.Text[:1]) + m.Text[1:]
	t.balance -= s.Movement.Balance
	t.escrow -= s.Escrow
	return m
}
