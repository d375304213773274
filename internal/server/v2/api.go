// Package v2 answers the calls of the contract, /api/v2: a file per resource, which
// declares its routes and has their handlers. A handler reads the call, makes one
// call of a room of the domain and writes the answer.
package v2

import (
	"context"
	"net/netip"
	"slices"

	"horde/internal/server"
	"horde/internal/server/domain"
)

// API is what the handlers of the contract need.
type API struct {
	domain.Domain

	Version string
	// Ready returns why this node cannot serve; nil: it always can.
	Ready func(context.Context) error
	// Vouch gives an address the higher limits for a day; nil: there are none.
	Vouch func(netip.Addr)
	// TestAccounts opens POST /api/v2/dev/test-user to this machine.
	TestAccounts bool
}

// Routes is the route table of the contract.
func (a *API) Routes() []server.Route {
	return slices.Concat(
		a.imageRoutes(),
		a.textRoutes(),
		a.alchemyRoutes(),
		a.ratingRoutes(),
		a.userRoutes(),
		a.kudosRoutes(),
		a.sharedKeyRoutes(),
		a.workerRoutes(),
		a.messageRoutes(),
		a.teamRoutes(),
		a.styleRoutes(),
		a.collectionRoutes(),
		a.statusRoutes(),
		a.modelRoutes(),
		a.modeRoutes(),
		a.statsRoutes(),
		a.documentRoutes(),
		a.filterRoutes(),
		a.addressRoutes(),
		a.testUserRoutes(),
	)
}
