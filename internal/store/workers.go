package store

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"horde/internal/horde"
)

// Worker is one worker of any kind. Settings is the domain's JSON of the last
// full check-in.
type Worker struct {
	ID             string
	Kind           horde.Kind // image, text, interrogation
	UserID         horde.UserID
	Name           string
	Created        horde.Micros
	LastCheckIn    horde.Micros
	Addr           string
	Info           string
	Maintenance    bool
	MaintenanceMsg string
	Paused         bool
	Settings       string
	Team           string // id of its team; "": none
	Totals         WorkerTotals
	Version        int64 // grows with each change, so that a reader can tell the newer of two
}

// WorkerTotals are the figures of a worker's life.
type WorkerTotals struct {
	Kudos        horde.Kudos  `json:"kudos,omitempty"`
	Generated    horde.Kudos  `json:"generated,omitempty"`
	UptimeKudos  horde.Kudos  `json:"uptime_kudos,omitempty"`
	Interrogated horde.Kudos  `json:"interrogated,omitempty"` // with forms
	WorkUnits    int64        `json:"things,omitempty"`
	Fulfilments  int64        `json:"fulfilments,omitempty"`
	Uncompleted  int64        `json:"uncompleted,omitempty"`
	Aborts       int64        `json:"aborts,omitempty"` // in the window that began at AbortsSince
	AbortsSince  horde.Micros `json:"aborts_since,omitempty"`
	Uptime       int64        `json:"uptime,omitempty"` // seconds
	UptimeReward int64        `json:"uptime_reward,omitempty"`
	Delivered    horde.Micros `json:"delivered,omitempty"` // when it did last, in microseconds; older nodes drop it
	Suspicions   []int        `json:"suspicions,omitempty"`

	// FailedPops are the pops that have failed since the last delivery, the oldest
	// first; SuspendedUntil is when the worker gets jobs again that failed at too many,
	// in microseconds. Older nodes drop both when they change the worker.
	FailedPops     []string     `json:"failed_pops,omitempty"`
	SuspendedUntil horde.Micros `json:"suspended_until,omitempty"`
	Speeds         []float64    `json:"speeds,omitempty"` // newest last, work units per second
}

const workerColumns = "id, kind, user_id, name, created, last_check_in, addr, info, maintenance, " +
	"maintenance_msg, paused, settings, totals, version, team"

func scanWorker(r scanner) (*Worker, error) {
	var w Worker
	var totals string
	if err := r.Scan(&w.ID, &w.Kind, &w.UserID, &w.Name, &w.Created, &w.LastCheckIn, &w.Addr, &w.Info,
		&w.Maintenance, &w.MaintenanceMsg, &w.Paused, &w.Settings, &totals, &w.Version, &w.Team); err != nil {
		return nil, err
	}

	if totals != "{}" {
		if err := json.Unmarshal([]byte(totals), &w.Totals); err != nil {
			return nil, fmt.Errorf("totals of worker %s: %w", w.ID, err)
		}
	}
	return &w, nil
}

// WorkersSince reads the workers that have checked in since then, the last ones first, at
// most so many.
func (s *Store) WorkersSince(ctx context.Context, since horde.Micros, most int) ([]*Worker, error) {
	return rows(ctx, s, scanWorker, "SELECT "+workerColumns+" FROM workers WHERE last_check_in >= $1 "+
		"ORDER BY last_check_in DESC, id LIMIT $2", since, most)
}

// Worker reads one worker; ErrNotFound when there is none.
func (s *Store) Worker(ctx context.Context, id string) (*Worker, error) {
	return one(ctx, s, scanWorker, "SELECT "+workerColumns+" FROM workers WHERE id = $1", id)
}

// TeamWorkers reads the workers of teams, of each the oldest first.
func (s *Store) TeamWorkers(ctx context.Context, teams ...string) ([]*Worker, error) {
	var all []*Worker
	err := inChunks(teams, func(q string, args []any) error {
		some, err := rows(ctx, s, scanWorker, "SELECT "+workerColumns+" FROM workers WHERE team IN "+q+
			" AND team <> '' ORDER BY created, id", args...)
		all = append(all, some...)
		return err
	})
	return all, err
}

// Workers reads the workers with these ids; unknown ones are left out.
func (s *Store) Workers(ctx context.Context, ids []string) ([]*Worker, error) {
	var all []*Worker
	err := inChunks(ids, func(q string, args []any) error {
		some, err := rows(ctx, s, scanWorker, "SELECT "+workerColumns+" FROM workers WHERE id IN "+q, args...)
		all = append(all, some...)
		return err
	})
	return all, err
}

// WorkerByName reads one worker; ErrNotFound when there is none.
func (s *Store) WorkerByName(ctx context.Context, name string) (*Worker, error) {
	return one(ctx, s, scanWorker, "SELECT "+workerColumns+" FROM workers WHERE name = $1", name)
}

// InsertWorker writes a new worker; ErrDuplicate when the name is taken.
func (tx *Tx) InsertWorker(w Worker) error {
	_, err := tx.change("INSERT INTO workers ("+workerColumns+") "+
		"VALUES ($1,$2,$3,$4,$5,$6,$7,$8,$9,$10,$11,$12,$13,$14,$15)",
		w.ID, w.Kind, w.UserID, w.Name, w.Created, w.LastCheckIn, w.Addr, w.Info,
		w.Maintenance, w.MaintenanceMsg, w.Paused, w.Settings, jsonText(w.Totals), w.Version, w.Team)
	tx.changed.Workers.add(w.ID)
	return err
}

// Placed is a worker as limits count it.
type Placed struct {
	ID   string
	Kind horde.Kind
	Name string
	Addr string // where it called from last
}

// PlacedWorkers reads the workers of a user inside the transaction, so that none
// is made meanwhile when the user's account is locked.
func (tx *Tx) PlacedWorkers(user horde.UserID) ([]Placed, error) {
	return read(tx, scanPlaced, placedWorkers, user)
}

// PlacedWorkers reads the workers of a user, the oldest first.
func (s *Store) PlacedWorkers(ctx context.Context, user horde.UserID) ([]Placed, error) {
	return rows(ctx, s, scanPlaced, placedWorkers, user)
}

const placedWorkers = "SELECT id, kind, name, addr FROM workers WHERE user_id = $1 ORDER BY created, id"

// scanPlaced reads a row of placedWorkers.
func scanPlaced(r scanner) (p Placed, err error) { return p, r.Scan(&p.ID, &p.Kind, &p.Name, &p.Addr) }

// DeleteWorker removes a worker. ErrLost: a job row still names it, it has a form
// in hand, or it is gone.
func (tx *Tx) DeleteWorker(id string) error {
	n, err := tx.change("DELETE FROM workers WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM jobs WHERE worker_id = $1) "+
		"AND NOT EXISTS (SELECT 1 FROM forms WHERE state = 1 AND worker_id = $1)", id)
	if err != nil {
		return err
	}
	if n == 0 {
		return ErrLost
	}

	// Nothing is written back to it, and no other unit of the batch finds it.
	delete(tx.workers, id)
	delete(tx.touched.workers, id)
	tx.changed.Workers.add(id)
	return nil
}

func (tx *Tx) lockWorkers(list []statement, ids []string) []statement {
	tx.workers = make(map[string]*Worker, len(ids))
	keep := func(r scanner) error {
		w, err := scanWorker(r)
		if err == nil {
			tx.workers[w.ID] = w
		}
		return err
	}

	_ = inChunks(ids, func(q string, args []any) error {
		list = append(list, statement{
			text: "SELECT " + workerColumns + " FROM workers WHERE id IN " + q +
				" ORDER BY id" + tx.w.s.engine.forUpdate,
			args: args,
			each: keep,
		})
		return nil
	})
	return list
}

// ChangeWorker lets f change a locked worker that the unit declared and returns it as
// it is then; the change is undone when the unit is refused later on. ErrNotFound:
// there is no such worker.
func (tx *Tx) ChangeWorker(id string, f func(*Worker)) (Worker, error) {
	if !slices.Contains(tx.unit.Workers, id) {
		return Worker{}, tx.undeclared("worker", id)
	}
	return tx.changeLockedWorker(id, f)
}

// changeLockedWorker is ChangeWorker for a worker that any unit of the batch has locked.
func (tx *Tx) changeLockedWorker(id string, f func(*Worker)) (Worker, error) {
	w := tx.workers[id]
	if w == nil {
		return Worker{}, fmt.Errorf("worker %s: %w", id, ErrNotFound)
	}

	before := *w
	tx.undo = append(tx.undo, func() { *w = before })
	f(w)
	w.Version++
	mark(&tx.touched.workers, id)
	return *w, nil
}

func (tx *Tx) writeWorkers(list []statement) []statement {
	for _, id := range slices.Sorted(maps.Keys(tx.touched.workers)) {
		w := tx.workers[id]
		list = append(list, statement{
			text: "UPDATE workers SET name = $2, last_check_in = $3, addr = $4, info = $5, maintenance = $6, " +
				"maintenance_msg = $7, paused = $8, settings = $9, totals = $10, version = $11 WHERE id = $1",
			args: []any{
				w.ID, w.Name, w.LastCheckIn, w.Addr, w.Info, w.Maintenance,
				w.MaintenanceMsg, w.Paused, w.Settings, jsonText(w.Totals), w.Version,
			},
		})
	}
	return list
}
