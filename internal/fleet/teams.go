package fleet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"iter"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/moderation"
	"horde/internal/store"
)

const (
	maxTeams    = 100 // created by one user; not in the contract
	minTeamName = 3   // characters
	teamsPage   = 25  // teams that are read at once, with their members
)

var errTeamNameTaken = horde.Errorf(horde.TeamNameAlreadyExists,
	"A team with this name exists already. Please choose another one.")

func errNoTeam(id string) error {
	return horde.Errorf(horde.TeamNotFound, "Team with ID '%s' not found.", clip(id, 64))
}

// reloadTeams reads the names of all teams again.
func (f *Fleet) reloadTeams(ctx context.Context) error {
	return f.inTurn(ctx, func() error {
		all, err := f.Store.Teams(ctx)
		if err != nil {
			return err
		}

		names := make(map[string]string, len(all))
		for _, t := range all {
			names[t.ID] = t.Name
		}
		f.teamNames.Store(&names)
		return nil
	})
}

// teamName returns the name of a team as this node knows it, "" for none.
func (f *Fleet) teamName(id string) string {
	if names := f.teamNames.Load(); names != nil {
		return (*names)[id]
	}
	return ""
}

// teamOf returns a worker's team as its details show it.
func (f *Fleet) teamOf(w *Worker) (t api.TeamName) {
	if name := f.teamName(w.Team); name != "" {
		t.Name, t.ID = &name, &w.Team
	}
	return t
}

// Teams describes all teams, oldest first, with totals up to the last delivery. They are
// read as they are asked for; an error ends them.
func (f *Fleet) Teams(ctx context.Context) iter.Seq2[api.TeamDetails, error] {
	return func(yield func(api.TeamDetails, error) bool) {
		var last store.Team
		for {
			page, err := f.Store.TeamsAfter(ctx, last, teamsPage)
			if err != nil {
				yield(api.TeamDetails{}, err)
				return
			}

			list, err := f.teamDetails(ctx, page...)
			if err != nil {
				yield(api.TeamDetails{}, err)
				return
			}
			for _, details := range list {
				if !yield(details, nil) {
					return
				}
			}

			if len(page) < teamsPage {
				return
			}
			last = page[len(page)-1]
		}
	}
}

// Team describes one team; a TeamNotFound error if there is none.
func (f *Fleet) Team(ctx context.Context, id string) (api.TeamDetails, error) {
	t, err := f.findTeam(ctx, id)
	if err != nil {
		return api.TeamDetails{}, err
	}
	list, err := f.teamDetails(ctx, t)
	if err != nil {
		return api.TeamDetails{}, err
	}
	return list[0], nil
}

func (f *Fleet) findTeam(ctx context.Context, id string) (store.Team, error) {
	if !horde.IsID(id) {
		return store.Team{}, errNoTeam(id)
	}
	t, err := f.Store.Team(ctx, horde.PlainID(id))
	if errors.Is(err, store.ErrNotFound) {
		err = errNoTeam(id)
	}
	return t, err
}

// members returns the workers of teams by team, oldest first, whether they are there or not.
func (f *Fleet) members(ctx context.Context, teams []string) (map[string][]*Worker, error) {
	rows, err := f.Store.TeamWorkers(ctx, teams...)
	if err != nil {
		return nil, err
	}

	members := make(map[string][]*Worker, len(teams))
	for _, row := range rows {
		w := f.Worker(row.ID)
		if w == nil {
			if w, err = snapshot(*row, nil, nil); err != nil {
				return nil, fmt.Errorf("worker %s: %w", row.ID, err)
			}
			w.sawAt(row.LastCheckIn)
		}
		members[row.Team] = append(members[row.Team], w)
	}
	return members, nil
}

// teamDetails describes teams with their members. It reads all of them at once, since
// anybody may ask for the list of teams.
func (f *Fleet) teamDetails(ctx context.Context, teams ...store.Team) ([]api.TeamDetails, error) {
	ids, users := make([]string, len(teams)), make([]horde.UserID, len(teams))
	for i, t := range teams {
		ids[i], users[i] = t.ID, t.UserID
	}
	slices.Sort(users)

	members, err := f.members(ctx, ids)
	if err != nil {
		return nil, err
	}
	creators, err := f.Accounts.ByIDs(ctx, slices.Compact(users))
	if err != nil {
		return nil, err
	}

	now := horde.MicrosOf(f.Clock())
	list := make([]api.TeamDetails, len(teams))
	for i, t := range teams {
		list[i] = describeTeam(t, creators[t.UserID], members[t.ID], now)
	}
	return list, nil
}

// describeTeam describes a team; creator is nil where the account is gone. Models count for
// each member that offers them, whether it is online or not.
func describeTeam(t store.Team, creator *account.User, members []*Worker, now horde.Micros) api.TeamDetails {
	d := api.TeamDetails{
		RequestsFulfilled: t.Totals.Fulfilments,
		Kudos:             api.Float(t.Totals.Kudos.Float()),
		Uptime:            t.Totals.Uptime,
		WorkerCount:       len(members),
		Workers:           make([]api.TeamWorker, len(members)),
		Models:            modelCounts(members),
		Name:              t.Name,
		ID:                t.ID,
	}
	if t.Info != "" {
		d.Info = &t.Info
	}
	if creator != nil {
		d.Creator = creator.Alias()
	}

	for i, w := range members {
		d.Workers[i] = api.TeamWorker{Type: string(w.Kind), Name: w.Name, ID: w.ID, Online: w.Online(now)}
	}
	return d
}

// modelCounts counts the workers by model, sorted by model name.
func modelCounts(workers []*Worker) []api.ModelCount {
	counts := map[string]int{}
	for _, w := range workers {
		for _, m := range w.Settings.Models {
			counts[m]++
		}
	}

	list := make([]api.ModelCount, 0, len(counts))
	for name, n := range counts {
		list = append(list, api.ModelCount{Name: name, Count: n})
	}
	slices.SortFunc(list, func(a, b api.ModelCount) int { return cmp.Compare(a.Name, b.Name) })
	return list
}

// CreateTeam creates a team for a trusted user.
func (f *Fleet) CreateTeam(ctx context.Context, caller *account.User, in api.TeamInput) (api.ModifiedTeam, error) {
	switch {
	case caller.Anonymous():
		return api.ModifiedTeam{}, horde.Errorf(horde.AnonForbidden,
			"The anonymous user cannot create teams. Register an account of your own.")
	case !caller.Is(account.Trusted):
		return api.ModifiedTeam{}, horde.Errorf(horde.UntrustedTeamCreation, "Only trusted users can create teams.")
	}

	t := store.Team{ID: horde.NewID(), UserID: caller.ID}
	in, err := f.cleanTeam(ctx, t.ID, in)
	if err != nil {
		return api.ModifiedTeam{}, err
	}

	err = f.writeTeam(ctx, t.ID, in, func(tx *store.Tx) error {
		n, err := tx.CountTeams(caller.ID)
		if err != nil {
			return err
		}
		if n >= maxTeams {
			return horde.Errorf(horde.Forbidden, "You have created %d teams, which is as many as an account can have.", n)
		}
		applyTeam(&t, in)
		t.Created = tx.Now
		return tx.InsertTeam(t)
	})
	return api.ModifiedTeam{ID: t.ID, Name: in.Name, Info: in.Info}, err
}

// ModifyTeam changes name and info of a team: its creator and the
// moderators may. Either all of it is done or nothing.
func (f *Fleet) ModifyTeam(
	ctx context.Context, caller *account.User, id string, in api.TeamInput,
) (api.ModifiedTeam, error) {
	t, err := f.findTeam(ctx, id)
	if err != nil {
		return api.ModifiedTeam{}, err
	}
	const refusal = "Only the creator of a team and the moderators of this horde can change it."
	switch mayChange := f.governs(caller, t); {
	case in.Info != nil && !mayChange:
		return api.ModifiedTeam{}, horde.Errorf(horde.NotOwner, refusal)
	case in.Name != nil && !mayChange:
		return api.ModifiedTeam{}, horde.Errorf(horde.NotModerator, refusal)
	case in == (api.TeamInput{}):
		return api.ModifiedTeam{}, horde.Errorf(horde.NoTeamModSelected, "No field to change was given.")
	}

	if in, err = f.cleanTeam(ctx, t.ID, in); err != nil {
		return api.ModifiedTeam{}, err
	}

	err = f.writeTeam(ctx, t.ID, in, func(tx *store.Tx) error {
		if _, err := tx.Team(t.ID); err != nil { // it was deleted since it was looked up
			return err
		}
		change := store.TeamChange{Name: in.Name, Info: in.Info}
		if in.Name != nil {
			key := teamKey(*in.Name)
			change.NameKey = &key
		}
		tx.UpdateTeam(t.ID, change)
		return nil
	})
	if err == nil {
		err = f.Accounts.RecordOver(ctx, t.UserID,
			account.Act{By: caller, Action: "team changed", Target: t.Name + " " + t.ID})
	}
	return api.ModifiedTeam{Name: in.Name, Info: in.Info}, err
}

// DeleteTeam removes a team: its creator and the moderators may. Its members
// are in no team afterwards.
func (f *Fleet) DeleteTeam(ctx context.Context, caller *account.User, id string) (api.DeletedTeam, error) {
	t, err := f.findTeam(ctx, id)
	if err != nil {
		return api.DeletedTeam{}, err
	}
	if !f.governs(caller, t) {
		return api.DeletedTeam{}, horde.Errorf(horde.NotModerator,
			"Only the creator of a team and the moderators of this horde can delete it.")
	}

	rows, err := f.Store.TeamWorkers(ctx, t.ID)
	if err != nil {
		return api.DeletedTeam{}, err
	}
	members := make([]string, len(rows))
	for i, row := range rows {
		members[i] = row.ID
	}

	unit := store.Unit{Key: t.ID, Workers: members, Do: func(tx *store.Tx) error { return tx.DeleteTeam(t.ID) }}
	if err := f.Store.Write(ctx, unit); errors.Is(err, store.ErrLost) {
		return api.DeletedTeam{}, errNoTeam(id)
	} else if err != nil {
		return api.DeletedTeam{}, err
	}

	return api.DeletedTeam{ID: t.ID, Name: t.Name}, f.Accounts.RecordOver(ctx, t.UserID,
		account.Act{By: caller, Action: "team deleted", Target: t.Name + " " + t.ID})
}

// governs reports whether a user may change and delete a team: its creator and the
// moderators may, but only administrators those of administrators.
func (f *Fleet) governs(u *account.User, t store.Team) bool {
	if u.ID == t.UserID {
		return !u.Anonymous() || u.Is(account.Moderator)
	}
	return u.Is(account.Moderator) && f.Accounts.RefuseAbove(u, t.UserID) == nil
}

// cleanTeam checks name and info that a team is to get, in the order of
// platform §3.6, and returns them without markup.
func (f *Fleet) cleanTeam(ctx context.Context, id string, in api.TeamInput) (api.TeamInput, error) {
	var out api.TeamInput
	if in.Name != nil {
		name := cleanLine(moderation.Sanitize(*in.Name))
		if err := moderation.CheckName(name); err != nil {
			return out, err
		}
		if utf8.RuneCountInString(name) < minTeamName {
			return out, horde.Errorf(horde.BadRequest,
				"The name of a team has at least %d characters that can be seen.", minTeamName)
		}

		all, err := f.Store.Teams(ctx)
		if err != nil {
			return out, err
		}

		taken := func(t store.Team) bool { return t.ID != id && t.NameKey == teamKey(name) }
		switch {
		case slices.ContainsFunc(all, taken):
			return out, errTeamNameTaken
		case moderation.Profane(name):
			return out, horde.Errorf(horde.ProfaneTeamName, "Please choose a team name that everybody can read.")
		}

		out.Name = &name
	}
	if in.Info != nil {
		if moderation.Profane(cleanLine(*in.Info)) {
			return out, horde.Errorf(horde.ProfaneTeamInfo, "Please choose words that everybody can read.")

		}
		info := moderation.Sanitize(*in.Info)
		out.Info = &info
	}
	return out, nil
}

// teamKey is a team's name as it is unique: in any case, composed or not.
func teamKey(name string) string { return cases.Fold().String(norm.NFKC.String(name)) }

// cleanLine returns a line of text without invisible characters, with single spaces.
func cleanLine(text string) string {
	visible := strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cf, r) {
			return -1
		}
		return r
	}, text)
	return strings.Join(strings.Fields(visible), " ")
}

// applyTeam sets the given fields.
func applyTeam(t *store.Team, in api.TeamInput) {
	if in.Name != nil {
		t.Name, t.NameKey = *in.Name, teamKey(*in.Name)
	}
	if in.Info != nil {
		t.Info = *in.Info
	}
}

// writeTeam runs do unless another team has the name, and brings the names of
// teams up to date.
func (f *Fleet) writeTeam(ctx context.Context, id string, in api.TeamInput, do func(*store.Tx) error) error {
	err := f.Store.Write(ctx, store.Unit{Key: id, Do: func(tx *store.Tx) error {
		if in.Name == nil {
			return do(tx)
		}

		taken, err := tx.TeamNameTaken(teamKey(*in.Name), id)
		if err == nil && taken {
			err = errTeamNameTaken
		}
		if err != nil {
			return err
		}
		return do(tx)
	}})
	switch {
	case errors.Is(err, store.ErrDuplicate): // another node was faster
		return errTeamNameTaken
	case errors.Is(err, store.ErrNotFound):
		return errNoTeam(id)
	}
	return err
}
