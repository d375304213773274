package requests

import (
	"context"

	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/settle"
)

// This file is how work ends that is in a worker's hands, a job or a form.

// ErrForeignWork refuses what is done to work of a worker by somebody who does not own it.
var ErrForeignWork = horde.Errorf(horde.WrongCredentials, "Wrong credentials to submit as this worker.")

// NoSuchWork refuses an id that no job or form has.
func NoSuchWork(id string) error {
	return horde.Errorf(horde.InvalidJobID, "Processing Job with ID %s does not exist.", Shown(id))
}

// AlreadySubmitted refuses a second result. Workers look for the words "already submitted".
func AlreadySubmitted(id string) error {
	return horde.Errorf(horde.DuplicateGen, "Processing Generation with ID %s already submitted.", id)
}

// WorkerOf finds the worker with this id that has work in its hands, in the database too
// where another node made it. Nil: there is none any more.
func (c *Config) WorkerOf(ctx context.Context, id string) (*fleet.Worker, error) {
	if id == "" {
		return nil, nil
	}
	w, err := c.Fleet.Find(ctx, id)
	if horde.CodeOf(err) == horde.WorkerNotFound {
		return nil, nil
	}
	return w, err
}

// GiveUp has an abort settled (settle.GiveUp) by the rules of the moment.
func (c *Config) GiveUp(ctx context.Context, b *settle.Abort) error {
	b.Raid = c.Modes().Raid
	if err := settle.GiveUp(ctx, c.Store, b); err != nil {
		return err
	}
	if b.Suspended {
		c.Log.Warn("worker is paused: all of its last jobs failed", "worker", b.Worker.ID, "name", b.Worker.Name)
	}
	return nil
}

// Late is work whose time was over before its worker delivered it.
type Late struct {
	ID, Request, Worker string

	Begun, Due horde.Micros
}

// TimeOut has late work given up, by giveUp, which hears whose it was (nil: the worker is
// gone) and whether the server itself is to blame.
func (c *Config) TimeOut(ctx context.Context, l Late, giveUp func(*fleet.Worker, settle.Excuse) error) error {
	w, err := c.WorkerOf(ctx, l.Worker)
	if err != nil {
		return err
	}
	why, err := c.Server().ExcuseLate(ctx, l.Begun, l.Due)
	if err != nil {
		return err
	}

	if err := giveUp(w, why); err != nil {
		return err
	}
	c.Log.Info("job took too long", "job", l.ID, "request", l.Request, "worker", l.Worker)
	return nil
}
