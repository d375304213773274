// Package form is what alchemy forms have of their own.
package form

import (
	"horde/internal/fleet"
	"horde/internal/kinds"
	"horde/internal/match"
)

// What a form can ask of a worker.
const (
	trustedWorkers match.Flags = 1 << iota
	fastOnly
)

// Asks is what a request for forms asks of a worker.
type Asks struct {
	Tiles       int // of the source image
	NeedsTrust  bool
	SlowWorkers bool
}

// Features are what a form asks of a worker.
func Features(a Asks) match.Features {
	f := match.Features{Size: a.Tiles}
	f.Flags.Set(trustedWorkers, a.NeedsTrust)
	f.Flags.Set(fastOnly, !a.SlowWorkers)
	return f
}

// Reasons for which a worker cannot serve a form.
const (
	lackTrust match.Lacks = 1 << iota
	lackTiles
	lackSpeed
)

// skippedTrust is what a worker is told of: whatever else withholds a form does so in
// silence (generation §3.3).
const skippedTrust = "untrusted"

// fastSeconds is how long a form takes: faster workers serve requests that want no slow
// ones.
const fastSeconds = 10

// skills are what a worker can do with forms.
type skills struct {
	maxTiles int
	trusted  bool // the owner
	fast     bool
}

// NewWorker is what decides which forms a worker gets; seen.Models are the forms that
// it offers. One that is paused or in maintenance gets what its owner asks for alone,
// not its friends' (generation §3.3).
func NewWorker(seen kinds.Seen, maxTiles int) *match.Worker {
	// Both in one piece of memory: every pop makes them, and every look at the fleet.
	w := &struct {
		match.Worker
		skills
	}{
		Worker: seen.Facts(),
		skills: skills{maxTiles: maxTiles, trusted: seen.OwnerTrusted, fast: seen.Worker.Speed() < fastSeconds},
	}

	w.OwnOnly = seen.Worker.Maintenance || seen.Worker.Paused
	w.Blacklist = nil // forms have no prompt
	w.Walked = lackTrust
	w.Skills = &w.skills
	return &w.Worker
}

// LastSeen is a worker that is not popping now, as its last check-in said.
func LastSeen(w *fleet.Worker) *match.Worker {
	return NewWorker(kinds.Seen{Worker: w, Models: w.Settings.Forms, OwnerTrusted: w.OwnerTrusted()}, w.Settings.MaxTiles)
}

// Lacking is the filter of generation §3.3.
func (k *skills) Lacking(f match.Features) (l match.Lacks) {
	l.Add(lackTrust, f.Flags.Has(trustedWorkers) && !k.trusted)
	l.Add(lackTiles, f.Size > k.maxTiles)
	l.Add(lackSpeed, f.Flags.Has(fastOnly) && !k.fast)
	return l
}

// Refuses tells of forms that only workers of trusted owners fill in.
func (k *skills) Refuses(_ *match.Item, lacks match.Lacks) string {
	switch {
	case lacks&lackTrust != 0:
		return skippedTrust
	case lacks != 0:
		return match.Silent
	}
	return ""
}
