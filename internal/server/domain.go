package server

import (
	"net/http"

	"horde/internal/account"
	"horde/internal/alchemy"
	"horde/internal/catalog"
	"horde/internal/content"
	"horde/internal/fleet"
	"horde/internal/moderation"
	"horde/internal/queue"
	"horde/internal/rating"
	"horde/internal/stats"
	"horde/internal/style"
)

// Domain is what the handlers call: one object for each room behind them.
type Domain struct {
	Accounts *account.Accounts
	Fleet    *fleet.Fleet
	Queue    *queue.Queue
	Alchemy  *alchemy.Queue
	Catalog  *catalog.Catalog
	Styles   *style.Styles
	Ratings  *rating.Ratings
	Stats    *stats.Stats
	// Documents are terms, privacy notice and sponsors.
	Documents *content.Documents
	Switches  *moderation.Switches
	Filters   *moderation.Filters
	// Addresses are those that are kept out.
	Addresses *moderation.Addresses
	Blobs     http.Handler // serves signed links of a folder store; nil with S3

	// TestAccounts opens POST /api/v2/dev/test-user to this machine.
	TestAccounts bool
}
