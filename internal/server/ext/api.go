// Package ext answers the calls beyond the contract, /api/ext/v1: what the original
// does not have, and what its own clients therefore do not know. It is laid out as
// package v2 is.
package ext

import (
	"log/slog"
	"slices"
	"time"

	"horde/internal/server"
	"horde/internal/server/domain"
)

// API is what the handlers of the extensions need.
type API struct {
	domain.Domain

	Log *slog.Logger

	eventTexts server.EventTexts // of what changes
	endTexts   server.EventTexts // of the ends of requests, with their results
}

// Routes is the route table of the extensions.
func (a *API) Routes() []server.Route {
	return slices.Concat(
		a.progressRoutes(),
		a.eventRoutes(),
		a.priceRoutes(),
		a.kudosRoutes(),
		a.keyRoutes(),
		a.auditRoutes(),
		a.workerRoutes(),
		a.promptRoutes(),
		a.documentRoutes(),
		a.referenceRoutes(),
		a.loraRoutes(),
		a.webhookRoutes(),
	)
}

// adminRates limit what administrators call.
var adminRates = server.Rates{{Calls: 30, Per: time.Minute, By: server.ByAddress}}
