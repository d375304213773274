package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"unicode/utf8"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/moderation"
	"horde/internal/store"
)

const (
	maxInfo           = 1000 // characters
	maxMaintenanceMsg = 300  // characters

	noTeam = "None" // the name of a worker's team after it has left it
)

// Modify changes a worker as caller asks, field by field in the order of
// platform §3.4. The first field that is refused ends it with its error;
// what came before is kept.
func (f *Fleet) Modify(
	ctx context.Context, caller *account.User, w *Worker, in api.ModifyWorker,
) (api.ModifiedWorker, error) {
	m := &modification{fleet: f, w: w, in: in, caller: caller}
	refusal := m.check(ctx)
	if err := m.write(ctx); err != nil {
		refusal = err
	} else if err := m.record(ctx); err != nil {
		return m.out, err
	}
	if refusal == nil && !m.selected {
		refusal = horde.Errorf(horde.NoWorkerModSelected, "No field to change was given.")
	}
	return m.out, refusal
}

// record keeps what a moderator changed of somebody else's worker.
func (m *modification) record(ctx context.Context) error {
	if len(m.changes) == 0 && m.join == nil {
		return nil
	}

	text, _ := json.Marshal(m.out) // of booleans and texts
	return m.fleet.Accounts.RecordOver(ctx, m.w.UserID, account.Act{
		By:     m.caller,
		Action: "worker changed",
		Target: m.w.Name + " " + m.w.ID,
		Detail: string(text),
	})
}

// write makes the changes that were gathered. If another node has given the name away
// name away just now, or deleted the team, those before it are kept.
func (m *modification) write(ctx context.Context) error {
	if len(m.changes) == 0 && m.join == nil {
		return nil
	}

	err := m.fleet.write(ctx, m.w.ID, m.apply)
	switch {
	case err == errNameTaken:
		m.changes, m.join = m.changes[:m.beforeName], nil
	case horde.CodeOf(err) == horde.TeamNotFound:
		m.join = nil
	default:
		return err
	}
	if len(m.changes) > 0 {
		if again := m.fleet.write(ctx, m.w.ID, m.apply); again != nil {
			return again
		}
	}
	return err
}

// change rewrites a worker's row.
func (f *Fleet) change(ctx context.Context, id string, apply func(*store.Worker)) error {
	return f.write(ctx, id, func(tx *store.Tx) (store.Worker, error) { return tx.ChangeWorker(id, apply) })
}

// write changes a worker's row by apply.
func (f *Fleet) write(ctx context.Context, id string, apply func(*store.Tx) (store.Worker, error)) error {
	err := f.Store.Write(ctx, store.Unit{Key: id, Workers: []string{id}, Do: func(tx *store.Tx) error {
		_, err := apply(tx)
		return err
	}})
	switch {
	case errors.Is(err, store.ErrDuplicate): // another node gave the name away just now
		return errNameTaken
	case errors.Is(err, store.ErrNotFound):
		f.drop(id)
		return horde.Errorf(horde.WorkerNotFound, "Worker with ID '%s' not found.", id)
	}
	return err
}

var errNameTaken = horde.Errorf(horde.WorkerNameAlreadyExists,
	"A worker with this name exists already. Please choose another one.")

// modification is a Modify in progress.
type modification struct {
	fleet    *Fleet
	w        *Worker
	in       api.ModifyWorker
	caller   *account.User
	out      api.ModifiedWorker
	changes  []func(*store.Worker)
	join     *string // id of the team to join, "" to be in none; nil: the team stays
	selected bool

	beforeName int // how many of the changes come before that of the name
}

// apply makes the gathered changes.
func (m *modification) apply(tx *store.Tx) (store.Worker, error) {
	row, err := tx.ChangeWorker(m.w.ID, func(w *store.Worker) {
		for _, change := range m.changes {
			change(w)
		}
	})

	if err != nil || m.join == nil {
		return row, err
	}

	row, err = tx.JoinTeam(m.w.ID, *m.join)
	if errors.Is(err, store.ErrNotFound) { // deleted since it was looked up
		err = errNoTeam(*m.join)
	}
	return row, err
}

// check gathers the changes up to the first that is refused.
func (m *modification) check(ctx context.Context) error {
	for _, b := range []struct {
		given bool
		check func() error
	}{
		{m.in.Maintenance != nil, m.maintenance},
		{m.in.Info != nil, m.info},
		{m.in.Paused != nil, m.paused},
		{m.in.Name != nil, func() error { return m.name(ctx) }},
		{m.in.Team != nil, func() error { return m.team(ctx) }},
	} {
		if !b.given {
			continue
		}

		m.selected = true
		if err := b.check(); err != nil {
			return err
		}
	}
	return nil
}

// mustOwn refuses callers who neither own nor moderate the worker; code is that of the
// refusal.
func (m *modification) mustOwn(code horde.Code) error {
	if m.caller.ID != m.w.UserID && !m.caller.Is(account.Moderator) {
		return horde.Errorf(code, "Only the owner of the worker and the moderators of this horde can change it.")
	}
	if m.caller.Anonymous() {
		return horde.Errorf(horde.AnonForbiddenWorker, "The anonymous user cannot change workers.")
	}
	return m.fleet.Accounts.RefuseAbove(m.caller, m.w.UserID)
}

// The fields of a worker, each with the rights it needs.
func (m *modification) maintenance() error {
	if err := m.mustOwn(horde.NotOwner); err != nil {
		return err
	}

	on, text := *m.in.Maintenance, ""
	if on && m.in.MaintenanceMsg != nil {
		text = clip(moderation.Sanitize(*m.in.MaintenanceMsg), maxMaintenanceMsg)
	}

	m.out.Maintenance = m.in.Maintenance
	m.changes = append(m.changes, func(w *store.Worker) {
		w.Maintenance, w.MaintenanceMsg = on, text
		if !on { // whoever switches it off says that the worker works again
			EndFailures(w)
		}
	})
	return nil
}

func (m *modification) info() error {
	if err := m.mustOwn(horde.NotOwner); err != nil {
		return err
	}

	switch {
	case moderation.Profane(*m.in.Info):
		return horde.Errorf(horde.ProfaneWorkerInfo, "Please choose words that everybody can read.")
	case utf8.RuneCountInString(*m.in.Info) > maxInfo:
		return horde.Errorf(horde.TooLongWorkerName, "The info of a worker has at most %d characters.", maxInfo)
	}

	info := moderation.Sanitize(*m.in.Info)
	m.out.Info = &info
	m.changes = append(m.changes, func(w *store.Worker) { w.Info = info })
	return nil
}

func (m *modification) paused() error {
	if !m.caller.Is(account.Moderator) {
		return horde.Errorf(horde.NotModerator,
			"Workers are paused by the moderators of this horde. You can use maintenance.")
	}
	if err := m.fleet.Accounts.RefuseAbove(m.caller, m.w.UserID); err != nil {
		return err
	}

	m.out.Paused = m.in.Paused
	m.changes = append(m.changes, func(w *store.Worker) {
		w.Paused = *m.in.Paused
		if !w.Paused {
			EndFailures(w)
		}
	})
	return nil
}

func (m *modification) name(ctx context.Context) error {
	if err := m.mustOwn(horde.NotModerator); err != nil {
		return err
	}

	name, _ := cleanName(*m.in.Name)
	if err := moderation.CheckName(name); err != nil {
		return err
	}
	switch {
	case moderation.Profane(name):
		return horde.Errorf(horde.ProfaneWorkerName, "Please choose a worker name that everybody can read.")
	case name == "":
		return horde.Errorf(horde.BadRequest, "The worker needs a name.")
	}

	other, err := m.fleet.FindByName(ctx, name)
	if err != nil {
		return err
	}
	if other != nil && other.ID != m.w.ID {
		return errNameTaken
	}

	m.out.Name = &name
	m.beforeName = len(m.changes)
	m.changes = append(m.changes, func(w *store.Worker) { w.Name = name })
	return nil
}

// team puts the worker into a team, whoever created it, or removes it from its own.
func (m *modification) team(ctx context.Context) error {
	if err := m.mustOwn(horde.NotModerator); err != nil {
		return err
	}

	name, id := noTeam, ""
	if *m.in.Team != "" {
		t, err := m.fleet.findTeam(ctx, *m.in.Team)
		if err != nil {
			return err
		}
		name, id = t.Name, t.ID
	}
	m.out.Team, m.join = &name, &id
	return nil
}

// Delete removes a worker. Refused with Locked while a live request has a job of it. What it
// has earned stays with its owner.
func (f *Fleet) Delete(ctx context.Context, caller *account.User, w *Worker) error {
	switch {
	case caller.ID != w.UserID && !caller.Is(account.Moderator):
		return horde.Errorf(horde.NotModerator,
			"Only the owner of the worker and the moderators of this horde can delete it.")
	case caller.Anonymous():
		return horde.Errorf(horde.AnonForbiddenWorker, "The anonymous user cannot delete workers.")
	}
	if err := f.Accounts.RefuseAbove(caller, w.UserID); err != nil {
		return err
	}
	if err := f.remove(ctx, w.ID); err != nil {
		return err
	}
	return f.Accounts.RecordOver(ctx, w.UserID,
		account.Act{By: caller, Action: "worker deleted", Target: w.Name + " " + w.ID})
}

// remove deletes a worker.
func (f *Fleet) remove(ctx context.Context, id string) error {
	err := f.Store.Write(ctx, store.Unit{Key: id, Do: func(tx *store.Tx) error { return tx.DeleteWorker(id) }})
	if errors.Is(err, store.ErrLost) {
		return horde.Errorf(horde.Locked,
			"Requests that are still alive have jobs of this worker. Put it into maintenance and delete it in 20 minutes.")
	}
	return err
}

// drop forgets workers that are gone.
func (f *Fleet) drop(ids ...string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, id := range ids {
		if w := f.byID[id]; w != nil {
			f.revision.Add(1)
			f.leaveLocked(w)
		}
	}
}

// RemoveOwned deletes all workers of a user.
func (f *Fleet) RemoveOwned(ctx context.Context, user horde.UserID) error {
	own, err := f.Store.PlacedWorkers(ctx, user)
	if err != nil {
		return err
	}
	for _, w := range own {
		if err := f.remove(ctx, w.ID); err != nil {
			return err
		}
	}
	return nil
}

// Unpause ends the pauses of all workers of a user.
func (f *Fleet) Unpause(ctx context.Context, user horde.UserID) error {
	return f.changeOwned(ctx, user, func(w *store.Worker) { w.Paused = false })
}

// ClearSuspicions clears the suspicions against all workers of a user.
func (f *Fleet) ClearSuspicions(ctx context.Context, user horde.UserID) error {
	return f.changeOwned(ctx, user, func(w *store.Worker) { w.Totals.Suspicions = nil })
}

// changeOwned changes all workers of a user, and goes on if one is gone.
func (f *Fleet) changeOwned(ctx context.Context, user horde.UserID, apply func(*store.Worker)) error {
	own, err := f.Store.PlacedWorkers(ctx, user)
	if err != nil {
		return err
	}

	var refused error
	for _, w := range own {
		if err := f.change(ctx, w.ID, apply); err != nil && horde.CodeOf(err) != horde.WorkerNotFound {
			refused = errors.Join(refused, err)
		}
	}
	return refused
}

// refreshOwners brings changed users into the snapshots of their workers.
func (f *Fleet) refreshOwners(ctx context.Context, users []horde.UserID) error {
	for _, id := range users {
		if len(f.Owned(id)) == 0 {
			continue
		}
		err := f.inTurn(ctx, func() error {
			owner, err := f.Accounts.ByID(ctx, id)
			if err != nil && horde.CodeOf(err) == "" {
				return err
			}
			if owner != nil {
				f.setOwner(owner)
			}
			return nil
		})
		if err != nil {
			return err
		}
	}
	return nil
}

// setOwner puts an owner into the snapshots of its workers.
func (f *Fleet) setOwner(owner *account.User) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for _, w := range slices.Collect(maps.Values(f.byOwner[owner.ID])) {
		if sameUser(w.Owner, owner) {
			continue
		}

		f.revision.Add(1)
		next := *w
		next.Owner = owner
		f.leaveLocked(w)
		f.enterLocked(&next)
	}
}
