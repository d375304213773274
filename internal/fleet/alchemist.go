package fleet

import (
	"context"
	"maps"
	"slices"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
)

// Defaults of pops of alchemists (generation §3.3,
// platform §7.1).
const (
	defaultForm     = "caption"
	defaultMaxTiles = 80
)

// FormsOffer is one pop of an alchemist: the worker as stored, and what only this pop
// decides.
type FormsOffer struct {
	Worker        *Worker
	Owner         *account.User
	Forms         []string                  // names, sorted, without duplicates
	MaxTiles      int                       // of a source image, 512×512 pixels each
	PriorityUsers map[horde.UserID]struct{} // served first; always includes the owner
	Amount        int                       // at least 1
}

// CheckInForms is CheckInImage for an alchemy pop (generation §3.3). Alchemists list no
// models, and their number per owner is not limited.
func (f *Fleet) CheckInForms(
	ctx context.Context, owner *account.User, pop api.AlchemyPop, addr string,
) (*FormsOffer, error) {
	s := formsSettings(pop)
	o, err := f.checkInAs(ctx, owner, addr, visit{
		kind:     horde.KindAlchemy,
		name:     pop.Name,
		agent:    pop.BridgeAgent,
		priority: pop.PriorityUsernames,
		amount:   pop.Amount,
		settings: func() (Settings, error) { return s, nil },
	})
	if err != nil {
		return nil, err
	}

	return &FormsOffer{
		Worker:        o.Worker,
		Owner:         owner,
		Forms:         s.Forms,
		MaxTiles:      s.MaxTiles,
		PriorityUsers: o.PriorityUsers,
		Amount:        max(1, o.Amount),
	}, nil
}

// formsSettings reads an alchemy pop with the effective defaults of generation §3.3.
func formsSettings(pop api.AlchemyPop) Settings {
	s := Settings{
		BridgeAgent:   agentOf(pop.BridgeAgent),
		Threads:       valueOr(pop.Threads, 1),
		MaxTiles:      valueOr(pop.MaxTiles, defaultMaxTiles),
		AllowUnsafeIP: true,
	}

	set := map[string]struct{}{}
	for _, name := range pop.Forms {
		set[name] = struct{}{}
	}

	if s.Forms = slices.Sorted(maps.Keys(set)); len(s.Forms) == 0 {
		s.Forms = []string{defaultForm}
	}
	return s
}
