package moderation

import (
	"context"
	"strings"
	"time"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/store"
)

// Refused prompts are kept for moderators to review (generation §7.4),
// for RefusedKept.
const (
	RefusedKept     = 30 * 24 * time.Hour
	maxRefused      = 20_000 // bytes kept of a prompt
	refusedPerPage  = 50
	refusedLastPage = 10_000
)

// KeepRefused records a prompt that was refused, in a unit of work that may do
// other things too.
func KeepRefused(tx *store.Tx, user horde.UserID, prompt string) error {
	return tx.InsertRefusedPrompt(store.RefusedPrompt{ID: horde.NewID(), UserID: user, Prompt: clean(prompt)})
}

// clean cuts a prompt and removes what no database stores.
func clean(prompt string) string {
	prompt = prompt[:min(len(prompt), maxRefused)]
	return strings.ToValidUTF8(strings.ReplaceAll(prompt, "\x00", ""), "")
}

// Refused reads a page of refused prompts, the newest first: of one user, or of all if
// user is negative. Pages count from 1.
func (f *Filters) Refused(ctx context.Context, user horde.UserID, page int) ([]api.RefusedPrompt, error) {
	page = min(max(page, 1), refusedLastPage)
	rows, err := f.store.RefusedPrompts(ctx, user, refusedPerPage, (page-1)*refusedPerPage)
	list := make([]api.RefusedPrompt, len(rows))
	for i, r := range rows {
		list[i] = api.RefusedPrompt{ID: r.ID, User: alias(r.Username, r.UserID), Prompt: r.Prompt,
			Created: r.Created.Time().Format(time.RFC3339)}
	}
	return list, err
}
