package use

import (
	"time"

	"horde/client"
	"horde/internal/cli/console"
)

// How long commands wait. Tests shorten them before any command runs.
var (
	// PollInterval is the pause between two checks where a horde has no event stream.
	PollInterval = time.Second

	// AnswerTimeout is how long an interrupted call may still take.
	AnswerTimeout = 5 * time.Second
)

// newClient is a client for a request that is followed to its end.
func newClient(f console.HordeFlags) *client.Client {
	return client.New(f.Horde, f.APIKey, client.WithPollInterval(PollInterval))
}
