package queue

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/kinds"
	"horde/internal/moderation"
	"horde/internal/store"
)

// maxRewritten bounds the wanted half of a prompt that is rewritten (generation §7.4).
const maxRewritten = 7000 // characters

var (
	errCorrupt = horde.Errorf(horde.CorruptPrompt,
		"The filters of this horde refuse this prompt, and its sender has to wait a while. "+
			"Please keep children out of it. With replacement_filter such prompts are rewritten instead.")
	errTooLongToRewrite = horde.Errorf(horde.BadRequest,
		"This prompt would have to be rewritten, and is too long for that: at most %d characters. "+
			"Please shorten it.", maxRewritten)
	errNotAdult = horde.Errorf(horde.CorruptPrompt,
		"To keep this horde safe, the models asked for do not take this prompt. Please change it.")
)

// filter looks at the prompt of a request, and rewrites or refuses it (rows 21
// and 22).
func (q *Queue) filter(ctx context.Context, r kinds.Filtered, t *terms, from From) error {
	if q.Filters.Off() {
		return nil
	}

	m := r.Common()
	filtering := r.Filtering()
	suspicious := filtering.Looks && q.Filters.Refuses(m.Prompt)
	if suspicious {
		harmless := ""
		if filtering.Rewrite {
			if wanted, _, _ := strings.Cut(m.Prompt, "###"); utf8.RuneCountInString(wanted) > maxRewritten {
				return errTooLongToRewrite
			}
			harmless = q.Filters.Rewrite(m.Prompt)
		}
		if harmless == "" {
			return q.refusePrompt(ctx, m.Prompt, t, from)
		}
		m.Prompt = harmless
	}

	return q.keepAdult(r, t.caller().Flagged, suspicious)
}

// keepAdult rewrites prompts with words of youth for models made for adult
// content, and every prompt of a flagged user (generation §7.5). rewritten says that row 21
// did its part already.
func (q *Queue) keepAdult(r kinds.Filtered, flagged, rewritten bool) error {
	m := r.Common()
	p := moderation.Prompt{Text: m.Prompt, Models: m.Models, Rewritten: rewritten}
	if !flagged && !(slices.ContainsFunc(m.Models, r.IsAdult) && q.Filters.MentionsMinors(p)) {
		return nil
	}
	if m.Prompt = q.Filters.Adult(p); m.Prompt == "" {
		return errNotAdult
	}
	return nil
}

// refusePrompt refuses a prompt. Unless a moderator tried it, the prompt is kept
// for moderators, its sender is suspected, and the address has to wait (generation §7.4).
func (q *Queue) refusePrompt(ctx context.Context, prompt string, t *terms, from From) error {
	sender := t.asker
	if sender.Is(account.Moderator) {
		return errCorrupt
	}

	// The offence counts, even if its sender leaves before the answer.
	ctx = context.WithoutCancel(ctx)
	err := q.Store.Write(ctx, store.Unit{Do: func(tx *store.Tx) error {
		if err := moderation.KeepRefused(tx, sender.ID, prompt); err != nil {
			return err
		}
		return account.SuspectUser(tx, sender.ID, account.SuspicionCorruptPrompt)
	}})
	if err != nil {
		return err
	}
	if err := q.Addresses.PutProxiedInTimeout(ctx, from.Addr, from.Proxy); err != nil {
		return err
	}
	return errCorrupt
}
