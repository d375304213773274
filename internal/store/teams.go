package store

import (
	"context"
	"errors"
	"maps"
	"slices"

	"horde/internal/horde"
)

// Team is a group of workers (platform §3.6). A worker's row says which
// team it is in; the totals are what members brought while they were in it.
type Team struct {
	ID      string
	Name    string
	NameKey string // the name as it is unique among teams
	Info    string
	UserID  horde.UserID
	Created horde.Micros
	Totals  TeamTotals
}

// TeamTotals are figures that only grow.
type TeamTotals struct {
	Kudos       horde.Kudos
	Fulfilments int64 // images
	WorkUnits   int64 // pixelsteps
	Uptime      int64 // seconds
}

func (tt *TeamTotals) add(o TeamTotals) {
	tt.Kudos += o.Kudos
	tt.Fulfilments += o.Fulfilments
	tt.WorkUnits += o.WorkUnits
	tt.Uptime += o.Uptime
}

const teamColumns = "id, name, name_key, info, user_id, created, kudos, fulfilments, things, uptime"

func scanTeam(r scanner) (t Team, err error) {
	return t, r.Scan(&t.ID, &t.Name, &t.NameKey, &t.Info, &t.UserID, &t.Created,
		&t.Totals.Kudos, &t.Totals.Fulfilments, &t.Totals.WorkUnits, &t.Totals.Uptime)
}

// Teams reads all teams, oldest first.
func (s *Store) Teams(ctx context.Context) ([]Team, error) {
	return rows(ctx, s, scanTeam, "SELECT "+teamColumns+" FROM teams ORDER BY created, id")
}

// TeamsAfter reads the teams behind another one, oldest first, at most so many; behind the
// zero Team, from the first one on.
func (s *Store) TeamsAfter(ctx context.Context, last Team, most int) ([]Team, error) {
	return rows(ctx, s, scanTeam, "SELECT "+teamColumns+" FROM teams WHERE created > $1 OR created = $1 AND id > $2 "+
		"ORDER BY created, id LIMIT $3", last.Created, last.ID, most)
}

// Team reads a team; ErrNotFound when there is none with that id.
func (s *Store) Team(ctx context.Context, id string) (Team, error) {
	return one(ctx, s, scanTeam, "SELECT "+teamColumns+" FROM teams WHERE id = $1", id)
}

// Team reads a team inside the transaction; ErrNotFound when there is none. It locks
// nothing: teams are changed at the commit, in one order.
func (tx *Tx) Team(id string) (Team, error) {
	if tx.renewed[id].gone {
		return Team{}, ErrNotFound
	}
	return readOne(tx, scanTeam, "SELECT "+teamColumns+" FROM teams WHERE id = $1", id)
}

// TeamNameTaken reports whether a team other than except has the name.
func (tx *Tx) TeamNameTaken(key, except string) (bool, error) {
	n, err := readCount(tx, "SELECT count(*) FROM teams WHERE name_key = $1 AND id <> $2", key, except)
	return n > 0, err
}

// CountTeams counts the teams that a user created.
func (tx *Tx) CountTeams(user horde.UserID) (int, error) {
	return readCount(tx, "SELECT count(*) FROM teams WHERE user_id = $1", user)
}

// InsertTeam writes a new team; ErrDuplicate when the name is taken.
func (tx *Tx) InsertTeam(t Team) error {
	tx.changed.Teams = true
	_, err := tx.change("INSERT INTO teams (id, name, name_key, info, user_id, created) VALUES ($1, $2, $3, $4, $5, $6)",
		t.ID, t.Name, t.NameKey, t.Info, t.UserID, t.Created)
	return err
}

// TeamChange says what becomes of a team; nil: it stays.
type TeamChange struct {
	Name    *string
	NameKey *string
	Info    *string
}

// teamChange is what happens to a team at the commit.
type teamChange struct {
	list []statement
	gone bool
}

// changeTeam has statements run at the commit; more of one team in their order.
func (tx *Tx) changeTeam(id string, c teamChange) {
	before := tx.renewed[id]
	tx.undo = append(tx.undo, func() { tx.renewed[id] = before })

	if tx.renewed == nil {
		tx.renewed = map[string]teamChange{}
	}
	tx.renewed[id] = teamChange{append(slices.Clip(before.list), c.list...), before.gone || c.gone}
}

// UpdateTeam changes name and info of a team; Write returns ErrDuplicate when the
// name is taken.
func (tx *Tx) UpdateTeam(id string, c TeamChange) {
	tx.changed.Teams = true
	tx.changeTeam(id, teamChange{list: []statement{{
		text: "UPDATE teams SET name = COALESCE($2, name), name_key = COALESCE($3, name_key), " +
			"info = COALESCE($4, info) WHERE id = $1",
		args: []any{id, c.Name, c.NameKey, c.Info},
	}}})
}

// DeleteTeam removes a team, whose members are in none then. ErrLost: it is gone.
func (tx *Tx) DeleteTeam(id string) error {
	if _, err := tx.Team(id); errors.Is(err, ErrNotFound) {
		return ErrLost
	} else if err != nil {
		return err
	}
	tx.changed.Teams = true

	// Workers before the team, as deliveries lock them; in the order of their ids those
	// too that the unit did not know of.
	for _, w := range tx.workers {
		if w.Team == id {
			if _, err := tx.changeLockedWorker(w.ID, func(w *Worker) { w.Team = "" }); err != nil {
				return err
			}
		}
	}

	members, err := read(tx, scanText, "SELECT id FROM workers WHERE team = $1 ORDER BY id"+tx.w.s.engine.forUpdate, id)
	if err != nil {
		return err
	}
	for _, worker := range members {
		if _, err := tx.change("UPDATE workers SET team = '', version = version + 1 WHERE id = $1", worker); err != nil {
			return err
		}
		tx.changed.Workers.add(worker)
	}

	tx.changeTeam(id, teamChange{
		list: []statement{{text: "DELETE FROM teams WHERE id = $1", args: []any{id}}},
		gone: true,
	})
	return nil
}

// JoinTeam puts a locked worker into a team, or into none (""); ErrNotFound when
// there is no such team. The team is not locked: the id of one that another node
// deletes at this moment is that of no team.
func (tx *Tx) JoinTeam(worker, team string) (Worker, error) {
	w, err := tx.ChangeWorker(worker, func(w *Worker) { w.Team = team })
	if err != nil {
		return w, err
	}
	if tx.renewed[team].gone {
		return w, ErrNotFound
	}

	n, err := tx.change("UPDATE workers SET team = $2 "+
		"WHERE id = $1 AND ($2 = '' OR EXISTS (SELECT 1 FROM teams WHERE id = $2))", worker, team)
	if err == nil && n == 0 {
		err = ErrNotFound
	}
	return w, err
}

// CountForTeam adds to the totals of a team, at the commit and once for all units
// of the batch. Of a team that is gone nothing is counted.
func (tx *Tx) CountForTeam(id string, more TeamTotals) {
	if id == "" {
		return
	}
	before := tx.teams[id]
	tx.undo = append(tx.undo, func() { tx.teams[id] = before })

	if tx.teams == nil {
		tx.teams = map[string]TeamTotals{}
	}
	sum := before
	sum.add(more)
	tx.teams[id] = sum
}

// writeTeams adds what was counted for teams and changes them, in the order of their
// ids, so that nodes do not wait for each other in a circle.
func (tx *Tx) writeTeams(list []statement) []statement {
	ids := slices.AppendSeq(slices.Collect(maps.Keys(tx.teams)), maps.Keys(tx.renewed))
	slices.Sort(ids)

	for _, id := range slices.Compact(ids) {
		if t := tx.teams[id]; t != (TeamTotals{}) { // else of a unit that was refused
			list = append(list, statement{
				text: "UPDATE teams SET kudos = kudos + $2, fulfilments = fulfilments + $3, things = things + $4, " +
					"uptime = uptime + $5 WHERE id = $1",
				args: []any{id, int64(t.Kudos), t.Fulfilments, t.WorkUnits, t.Uptime},
			})
		}
		list = append(list, tx.renewed[id].list...)
	}
	return list
}
