package store

import (
	"context"
	"maps"
	"slices"

	"horde/internal/horde"
)

// Team is a group of workers (platform rulebook §3.6). A worker's row says which
// team it is in; the totals are what members brought while they were in it.
type Team struct {
	ID      string
	Name    string
	NameKey string // the name as it is unique among teams
	Info    string
	UserID  int64
	Created int64 // microseconds
	Totals  TeamTotals
}

// TeamTotals are figures that only grow.
type TeamTotals struct {
	Kudos       horde.Kudos
	Fulfilments int64 // images
	Things      int64 // pixelsteps
	Uptime      int64 // seconds
}

func (t *TeamTotals) add(o TeamTotals) {
	t.Kudos += o.Kudos
	t.Fulfilments += o.Fulfilments
	t.Things += o.Things
	t.Uptime += o.Uptime
}

const teamColumns = "id, name, name_key, info, user_id, created, kudos, fulfilments, things, uptime"

func scanTeam(r scanner) (t Team, err error) {
	return t, r.Scan(&t.ID, &t.Name, &t.NameKey, &t.Info, &t.UserID, &t.Created,
		&t.Totals.Kudos, &t.Totals.Fulfilments, &t.Totals.Things, &t.Totals.Uptime)
}

// Teams reads all teams, oldest first.
func (s *Store) Teams(ctx context.Context) ([]Team, error) {
	return rows(ctx, s, scanTeam, "SELECT "+teamColumns+" FROM teams ORDER BY created, id")
}

// Team reads a team; ErrNotFound when there is none with that id.
func (s *Store) Team(ctx context.Context, id string) (Team, error) {
	return one(ctx, s, scanTeam, "SELECT "+teamColumns+" FROM teams WHERE id = $1", id)
}

// Team reads and locks a team inside the transaction. Lock workers before: that is
// the order of deliveries.
func (tx *Tx) Team(id string) (Team, error) {
	return readOne(tx, scanTeam, "SELECT "+teamColumns+" FROM teams WHERE id = $1"+tx.w.s.engine.forUpdate, id)
}

// TeamNameTaken reports whether a team other than except has the name.
func (tx *Tx) TeamNameTaken(key, except string) (bool, error) {
	n, err := readCount(tx, "SELECT count(*) FROM teams WHERE name_key = $1 AND id <> $2", key, except)
	return n > 0, err
}

// CountTeams counts the teams that a user created.
func (tx *Tx) CountTeams(user int64) (int, error) {
	return readCount(tx, "SELECT count(*) FROM teams WHERE user_id = $1", user)
}

// InsertTeam writes a new team; ErrDuplicate when the name is taken.
func (tx *Tx) InsertTeam(t Team) error {
	tx.touched.teams = true
	_, err := tx.change("INSERT INTO teams (id, name, name_key, info, user_id, created) VALUES ($1, $2, $3, $4, $5, $6)",
		t.ID, t.Name, t.NameKey, t.Info, t.UserID, t.Created)
	return err
}

// UpdateTeam writes name and info of a team; ErrDuplicate when the name is taken.
func (tx *Tx) UpdateTeam(t Team) error {
	tx.touched.teams = true
	_, err := tx.change("UPDATE teams SET name = $2, name_key = $3, info = $4 WHERE id = $1", t.ID, t.Name, t.NameKey, t.Info)
	return err
}

// DeleteTeam removes a team, whose members are in none then. ErrLost: it is gone.
func (tx *Tx) DeleteTeam(id string) error {
	tx.touched.teams = true

	// Workers before the team, as deliveries lock them.
	for _, w := range tx.workers {
		if w.Team == id {
			if _, err := tx.ChangeWorker(w.ID, func(w *Worker) { w.Team = "" }); err != nil {
				return err
			}
		}
	}
	if _, err := tx.change("UPDATE workers SET team = '', version = version + 1 WHERE team = $1", id); err != nil {
		return err
	}

	n, err := tx.change("DELETE FROM teams WHERE id = $1", id)
	if err == nil && n == 0 {
		err = ErrLost
	}
	return err
}

// JoinTeam puts a locked worker into a team, or into none ("").
func (tx *Tx) JoinTeam(worker, team string) (Worker, error) {
	w, err := tx.ChangeWorker(worker, func(w *Worker) { w.Team = team })
	if err != nil {
		return w, err
	}
	_, err = tx.change("UPDATE workers SET team = $2 WHERE id = $1", worker, team)
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

// writeTeams adds what was counted for teams, in the order of their ids, so that
// nodes do not wait for each other in a circle.
func (tx *Tx) writeTeams(list []statement) []statement {
	for _, id := range slices.Sorted(maps.Keys(tx.teams)) {
		t := tx.teams[id]
		if t == (TeamTotals{}) { // of a unit that was refused
			continue
		}
		list = append(list, statement{
			text: "UPDATE teams SET kudos = kudos + $2, fulfilments = fulfilments + $3, things = things + $4, uptime = uptime + $5 WHERE id = $1",
			args: []any{id, int64(t.Kudos), t.Fulfilments, t.Things, t.Uptime},
		})
	}
	return list
}
