package fleet

import (
	"context"
	"maps"
	"slices"

	"horde/api"
	"horde/internal/account"
)

// What alchemists get when their pop does not say (generation §3.3,
// platform §7.1).
const (
	standardForm     = "caption"
	standardMaxTiles = 80
)

// FormsOffer is one pop of an alchemist: the worker as stored, and what this pop
// alone decides.
type FormsOffer struct {
	Worker        *Worker
	Owner         *account.User
	Forms         []string           // names, sorted, each once
	MaxTiles      int                // of an image, 512×512 pixels each
	PriorityUsers map[int64]struct{} // friends; the owner always is one
	Amount        int                // at least 1
}

// CheckInForms is CheckInImage for an alchemy pop (generation §3.3). Alchemists show no
// models, and how many an owner has is not limited by their own number.
func (f *Fleet) CheckInForms(ctx context.Context, owner *account.User, pop api.AlchemyPop, addr string) (*FormsOffer, error) {
	s := formsSettings(pop)
	o, err := f.checkInAs(ctx, owner, addr, visit{kind: Forms, name: pop.Name, agent: pop.BridgeAgent, priority: pop.PriorityUsernames,
		amount: pop.Amount, settings: func() (Settings, error) { return s, nil }})
	if err != nil {
		return nil, err
	}
	return &FormsOffer{Worker: o.Worker, Owner: owner, Forms: s.Forms, MaxTiles: s.MaxTiles, PriorityUsers: o.PriorityUsers, Amount: max(1, o.Amount)}, nil
}

// formsSettings reads an alchemy pop with the effective defaults of generation §3.3.
func formsSettings(pop api.AlchemyPop) Settings {
	s := Settings{BridgeAgent: agentOf(pop.BridgeAgent), Threads: valueOr(pop.Threads, 1), MaxTiles: valueOr(pop.MaxTiles, standardMaxTiles),
		AllowUnsafeIP: true}
	set := map[string]struct{}{}
	for _, name := range pop.Forms {
		set[name] = struct{}{}
	}
	if s.Forms = slices.Sorted(maps.Keys(set)); len(s.Forms) == 0 {
		s.Forms = []string{standardForm}
	}
	return s
}
