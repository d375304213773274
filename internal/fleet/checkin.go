package fleet

import (
	"context"
	"encoding/json"
	"errors"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"horde/api"
	"horde/internal/account"
	"horde/internal/bridge"
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/moderation"
	"horde/internal/store"
)

// Intervals of check-ins.
const (
	debounce     = 30 * time.Second // settings of a known worker are stored at most this often
	persistEvery = 10 * time.Second // a check-in without news is stored at most this often
	uptimeReward = 600              // seconds of uptime for one reward
	idleAfter    = 24 * time.Hour   // without a delivery
)

// Offer is one pop: the worker as stored, and what only this pop decides.
type Offer struct {
	Worker        *Worker
	Owner         *account.User
	Models        map[string]struct{} // of this pop
	ModelList     []string
	PriorityUsers map[horde.UserID]struct{} // served first; always includes the owner
	RequireKudos  bool
	Amount        int
}

// visit is the part of a pop that workers of every kind send.
type visit struct {
	kind        horde.Kind
	name, agent string
	priority    []string
	amount      *int
	settings    func() (Settings, error)
}

// CheckInImage handles the part of an image pop that concerns the worker: the
// refusals of generation §1.14 in order, creation of new workers and
// check-in. owner is the user of the key, addr where the pop came from.
func (f *Fleet) CheckInImage(ctx context.Context, owner *account.User, pop api.ImagePop, addr string) (*Offer, error) {
	return f.checkInAs(ctx, owner, addr, visit{
		kind:     horde.KindImage,
		name:     pop.Name,
		agent:    pop.BridgeAgent,
		priority: pop.PriorityUsernames,
		amount:   pop.Amount,
		settings: func() (Settings, error) { return f.imageSettings(owner, pop) },
	})
}

// CheckInText is CheckInImage for a text pop (generation §2.7).
func (f *Fleet) CheckInText(ctx context.Context, owner *account.User, pop api.TextPop, addr string) (*Offer, error) {
	return f.checkInAs(ctx, owner, addr, visit{
		kind:     horde.KindText,
		name:     pop.Name,
		agent:    pop.BridgeAgent,
		priority: pop.PriorityUsernames,
		amount:   pop.Amount,
		settings: func() (Settings, error) { return textSettings(owner, pop) },
	})
}

// checkInAs runs the check-in of a worker of any kind.
func (f *Fleet) checkInAs(ctx context.Context, owner *account.User, addr string, v visit) (*Offer, error) {
	for _, name := range v.priority {
		if !strings.Contains(name, "#") {
			return nil, horde.Errorf(horde.InvalidPriorityUsername,
				"The priority username %q lacks its number. Use the form name#id.", clip(name, 60))
		}
	}

	if err := mayWork(owner); err != nil {
		return nil, err
	}

	name, oddities := cleanName(v.name)
	w, err := f.FindByName(ctx, name)
	if err != nil {
		return nil, err
	}
	if w == nil { // others keep the names that they have
		if err := moderation.CheckName(name); err != nil {
			return nil, err
		}
	}
	if w != nil && w.Kind != v.kind {
		return nil, horde.Errorf(horde.PolymorphicNameConflict,
			"A worker of another type is called %q already. Please choose another name.", name)
	}

	unsafe, err := f.mayCallFrom(ctx, owner, addr)
	if err != nil {
		return nil, err
	}

	if w == nil {
		if err := f.mayCreate(ctx, owner, v.kind, name, v.agent, addr); err != nil {
			return nil, err
		}
	} else if w.UserID != owner.ID {
		return nil, errWrongCredentials
	}

	settings, err := v.settings()
	if err == nil {
		settings.PriorityUsers, err = priorityUsers(v.priority)
	}
	if err != nil {
		return nil, err
	}

	if w == nil {
		w, err = f.create(ctx, owner, name, v.kind, settings, addr, oddities...)
	} else {
		w, err = f.checkIn(ctx, w, owner, settings, addr)
	}
	if err == nil && unsafe {
		w, err = f.suspectAddress(ctx, w, owner)
	}

	if err != nil {
		return nil, err
	}
	return newOffer(w, owner, settings, v), nil
}

var errWrongCredentials = horde.Errorf(horde.WrongCredentials, "Wrong credentials to submit as this worker.")

// newOffer returns the offer of a pop with these settings.
func newOffer(w *Worker, owner *account.User, s Settings, v visit) *Offer {
	o := &Offer{
		Worker:        w,
		Owner:         owner,
		ModelList:     s.Models,
		Models:        make(map[string]struct{}, len(s.Models)),
		PriorityUsers: map[horde.UserID]struct{}{owner.ID: {}},
		RequireKudos:  s.RequireUpfrontKudos,
		Amount:        valueOr(v.amount, 1),
	}

	for _, m := range s.Models {
		o.Models[m] = struct{}{}
	}
	for _, id := range s.PriorityUsers {
		o.PriorityUsers[id] = struct{}{}
	}
	return o
}

// mayWork refuses owners who cannot run workers.
func mayWork(owner *account.User) error {
	switch {
	case owner.Is(account.Deleted):
		return horde.Errorf(horde.DeletedUser, "This account is scheduled for deletion and cannot run workers.")
	case owner.Is(account.Flagged):
		return horde.Errorf(horde.WorkerFlaggedMaintenance,
			"Your worker has been put into maintenance mode by the moderators of this horde. Please contact them.")
	case owner.Anonymous():
		return horde.Errorf(horde.AnonForbiddenWorker,
			"Anonymous users cannot run workers. Please register an account and use its API key.")
	}
	return nil
}

var reservedName = regexp.MustCompile(`(?i)colab|tpu|google`)

// Workers that an owner can run. The original counts those that are there already and
// refuses beyond these, so there can be one more of them, as recorded (decision 54).
const (
	untrustedWorkers = 3
	trustedWorkers   = 20

	// Alchemists count towards neither, but have a bound of their own, far beyond what
	// anybody runs: each takes memory on all nodes (platform §7.2).
	mostAlchemists = 200
)

// mayCreate refuses a new worker that the owner may not add (generation §1.14).
func (f *Fleet) mayCreate(
	ctx context.Context, owner *account.User, kind horde.Kind, name, agent, addr string,
) error {
	switch {
	case name == "":
		return horde.Errorf(horde.BadRequest, "The worker needs a name.")
	case moderation.Profane(name):
		return horde.Errorf(horde.ProfaneWorkerName, "Please choose a worker name that everybody can read.")
	case moderation.Profane(agent):
		return horde.Errorf(horde.ProfaneBridgeAgent, "Please choose a bridge agent that everybody can read.")

	}
	if reservedName.MatchString(name) {
		return horde.Errorf(horde.BadRequest, "Please choose a worker name without the words colab, tpu or google.")
	}

	own, err := f.Store.PlacedWorkers(ctx, owner.ID)
	if err != nil {
		return err
	}
	return f.mayAdd(owner, kind, own, addr)
}

// mayAdd refuses one more worker beyond the limits of an owner who has these.
func (f *Fleet) mayAdd(owner *account.User, kind horde.Kind, own []store.Placed, addr string) error {
	count, sameAddr := 0, 0
	for _, w := range own {
		if w.Kind == horde.KindAlchemy {
			continue
		}
		count++
		if w.Addr == addr {
			sameAddr++
		}
	}

	limit := untrustedWorkers
	if owner.Is(account.Trusted) {
		limit = trustedWorkers
	}

	alchemists := len(own) - count
	switch {
	case kind == horde.KindAlchemy && alchemists >= max(mostAlchemists, owner.WorkerInvited):
		return horde.Errorf(horde.TooManyWorkers,
			"You have %d alchemists, as many as you can run. Please contact the moderators if you need more.", alchemists)
	case f.InviteOnly() && count >= owner.WorkerInvited:
		return horde.Errorf(horde.WorkerInviteOnly,
			"This horde takes new workers by invitation only. You may run %d.", owner.WorkerInvited)
	case limit == untrustedWorkers && count > untrustedWorkers:
		return horde.Errorf(horde.TooManyWorkers,
			"Untrusted users can run %d workers. Please contact the moderators to become trusted.", untrustedWorkers+1)
	case count > trustedWorkers && count > owner.WorkerInvited:
		return horde.Errorf(horde.TooManyWorkersTrusted,
			"You can run %d workers. Please contact the moderators if you need more.",
			max(trustedWorkers, owner.WorkerInvited)+1)
	case sameAddr > limit && sameAddr > owner.WorkerInvited:
		return horde.Errorf(horde.TooManySameIPs,
			"Too many of your workers share one network address. You can run %d from it.",
			max(limit, owner.WorkerInvited)+1)
	}
	return nil
}

// create adds a worker. Of several first pops at once one creates it and the others
// continue as its check-in. Oddities of its name are suspicions from the start.
func (f *Fleet) create(
	ctx context.Context, owner *account.User, name string, kind horde.Kind, s Settings, addr string, oddities ...int,
) (*Worker, error) {
	f.adding.Lock()
	defer f.adding.Unlock()

	if w := f.ByName(name); w != nil {
		return f.joined(w, owner, kind)
	}
	text := settingsText(s)
	if err := f.roomFor(declaration{text: text, addr: addr, owner: owner}); err != nil {
		return nil, err
	}

	now := horde.MicrosOf(f.Clock())
	row := store.Worker{
		ID:          horde.NewID(),
		Kind:        kind,
		UserID:      owner.ID,
		Name:        name,
		Created:     now,
		LastCheckIn: now,
		Addr:        addr,
		Settings:    text,
	}

	if owner.Is(account.Trusted) {
		oddities = nil
	}
	for _, reason := range oddities {
		Suspect(&row, reason)
	}

	// Lock the account, so that another node does not count at the same time.
	err := f.Store.Write(ctx, store.Unit{Key: row.ID, Accounts: []horde.UserID{owner.ID}, Do: func(tx *store.Tx) error {
		own, err := tx.PlacedWorkers(owner.ID)
		if err != nil {
			return err
		}
		if slices.ContainsFunc(own, func(w store.Placed) bool { return w.Name == name }) {
			return store.ErrDuplicate // created on another node, so not one more
		}

		if err := f.mayAdd(owner, kind, own, addr); err != nil {
			return err
		}

		for _, reason := range oddities {
			if err := account.SuspectUser(tx, owner.ID, reason); err != nil {
				return err
			}
		}
		return tx.InsertWorker(row)
	}})
	if errors.Is(err, store.ErrDuplicate) { // created on another node
		other, err := f.FindByName(ctx, name)
		if err == nil && other == nil { // and deleted at once
			err = horde.Errorf(horde.WorkerNotFound, "The worker %q was deleted just now.", name)
		}
		if err != nil {
			return nil, err
		}
		return f.joined(other, owner, kind)
	}

	if err != nil {
		return nil, err
	}
	if f.Worker(row.ID) == nil { // the news of it could not be brought in
		if err := f.Refresh(ctx, []string{row.ID}); err != nil {
			return nil, err
		}
	}
	return f.Find(ctx, row.ID)
}

// joined returns the worker that another pop of the same name created.
func (f *Fleet) joined(w *Worker, owner *account.User, kind horde.Kind) (*Worker, error) {
	switch {
	case w.Kind != kind:
		return nil, horde.Errorf(horde.PolymorphicNameConflict,
			"A worker of another type is called %q already. Please choose another name.", w.Name)
	case w.UserID != owner.ID:
		return nil, errWrongCredentials
	}
	return w, nil
}

// checkIn stores what a known worker declares: not within 30 s of the
// last full check-in once the worker is older than that (generation §1.14 "debounced").
func (f *Fleet) checkIn(ctx context.Context, w *Worker, owner *account.User, s Settings, addr string) (*Worker, error) {
	now := horde.MicrosOf(f.Clock())
	w.seen.Store(int64(now))

	owned := sameUser(w.Owner, owner)
	young := now-w.Created < horde.MicrosIn(debounce)

	// A full check-in was stored just now: only a new state of the owner is news.
	if !young && now-w.LastCheckIn < horde.MicrosIn(debounce) {
		if !owned {
			f.setOwner(owner)
			return f.Latest(w), nil
		}
		return w, nil
	}

	text := settingsText(s)
	if text == w.Worker.Settings && addr == w.Addr && owned && now-w.stored < horde.MicrosIn(persistEvery) {
		return w, nil
	}
	if err := f.roomFor(declaration{text: text, addr: addr, owner: owner, of: w.ID}); err != nil {
		return nil, err
	}

	unit := store.Unit{Key: w.ID, Workers: []string{w.ID}, Accounts: []horde.UserID{w.UserID}}
	first := f.firstOnline(w, now)
	unit.Do = func(tx *store.Tx) error {
		var reward horde.Kudos
		row, err := tx.ChangeWorker(w.ID, func(r *store.Worker) {
			// Without a reward, the way to the next one begins anew.
			if !accrue(r, now) || !first && !deliveredLately(r, now) {
				r.Totals.UptimeReward = r.Totals.Uptime
			}
			reward = f.rewardUptime(r, s)
			r.LastCheckIn, r.Addr, r.Settings = now, addr, text
		})
		if err != nil || reward == 0 {
			return err
		}
		tx.CountForTeam(row.Team, store.TeamTotals{Uptime: uptimeReward})
		return f.payUptime(tx, row, owner, reward)
	}
	err := f.Store.Write(ctx, unit)
	if errors.Is(err, store.ErrNotFound) { // deleted meanwhile
		f.drop(w.ID)
		return f.create(ctx, owner, w.Name, w.Kind, s, addr)
	}
	if err != nil {
		return nil, err
	}

	if !owned {
		f.setOwner(owner)
	}
	return f.Latest(w), nil
}

// Latest is the newest snapshot of a worker, the given one if it is gone.
func (f *Fleet) Latest(w *Worker) *Worker {
	if now := f.Worker(w.ID); now != nil {
		return now
	}
	return w
}

// firstOnline reports whether a worker is the oldest of its owner's that are online, of
// its kind: the one that is rewarded for its uptime whether it delivers or not
// (decision 53). Of one that delivers nobody asks it.
func (f *Fleet) firstOnline(w *Worker, now horde.Micros) bool {
	if deliveredLately(&w.Worker, now) {
		return false
	}
	for _, other := range f.Owned(w.UserID) {
		if other.Kind == w.Kind && other.Online(now) {
			return other.ID == w.ID
		}
	}
	return true
}

// deliveredLately reports whether a worker has delivered anything within a day.
func deliveredLately(r *store.Worker, now horde.Micros) bool {
	return r.Totals.Delivered > 0 && now-r.Totals.Delivered <= horde.MicrosIn(idleAfter)
}

// accrue adds the time since the last check-in to the uptime and reports whether it may
// be rewarded: not to whoever returns from being offline, paused, suspended or in
// maintenance (generation §6.8).
func accrue(r *store.Worker, now horde.Micros) bool {
	elapsed := now - r.LastCheckIn
	if elapsed > horde.MicrosIn(staleAfter) || r.Paused || r.Maintenance || r.Totals.SuspendedUntil > now {
		return false
	}
	r.Totals.Uptime += int64((elapsed + 500_000) / 1_000_000)
	return true
}

// rewardUptime adds the reward that has become due to a worker's row, and returns it.
func (f *Fleet) rewardUptime(r *store.Worker, s Settings) horde.Kudos {
	if r.Totals.Uptime-r.Totals.UptimeReward <= uptimeReward {
		return 0
	}

	r.Totals.UptimeReward = r.Totals.Uptime
	reward := f.uptimeReward(r.Kind, s)
	r.Totals.Kudos += reward
	r.Totals.UptimeKudos += reward
	return reward
}

// payUptime pays an uptime reward: untrusted owners get all of it in escrow, except
// for alchemists. Nobody pays for it.
func (f *Fleet) payUptime(tx *store.Tx, w store.Worker, owner *account.User, reward horde.Kudos) error {
	e := kudos.NewEntry(tx, "uptime:"+w.ID+":"+horde.NewID(), "uptime", "", "")
	e.About(kudos.About{Worker: w.ID})
	e.Within(f.Accounts.UnpaidBounds(owner, w.Addr))

	if spendable := owner.Is(account.Trusted) || w.Kind == horde.KindAlchemy; spendable {
		if err := e.Reward(w.UserID, kudos.Earning{Amount: reward, Trusted: spendable}); err != nil {
			return err
		}
	} else if err := e.Escrow(w.UserID, reward); err != nil {
		return err
	}

	if forgone := e.Forgone(); forgone > 0 {
		_, err := tx.ChangeWorker(w.ID, func(r *store.Worker) {
			r.Totals.Kudos -= forgone
			r.Totals.UptimeKudos -= forgone
		})
		if err != nil {
			return err
		}
	}
	if err := tx.ChangeAccount(w.UserID, func(a *store.Account) { a.LastActive = tx.Now }); err != nil {
		return err
	}
	return e.Commit()
}

func settingsText(s Settings) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err) // plain fields always marshal
	}
	return string(b)
}

// Lengths of worker names that are odd.
const (
	maxWorkerName     = 100 // characters
	extremeWorkerName = 200 // characters
)

// cleanName returns the name under which a worker is known, and what is odd about the
// one that was sent (platform §6.5).
func cleanName(name string) (clean string, oddities []int) {
	name = moderation.Sanitize(name)

	length := utf8.RuneCountInString(name)
	if length > maxWorkerName {
		oddities = append(oddities, account.SuspicionName)
	}
	if length > extremeWorkerName {
		oddities = append(oddities, account.SuspicionExtreme)
	}
	return clip(name, maxWorkerName), oddities
}

// clip cuts s to n characters.
func clip(s string, n int) string {
	for i := range s {
		if n == 0 {
			return s[:i]
		}
		n--
	}
	return s
}

func valueOr[T any](p *T, v T) T {
	if p == nil {
		return v
	}
	return *p
}

// Bridge returns the capabilities of the worker's bridge.
func (o *Offer) Bridge() bridge.Agent { return o.Worker.Agent }
