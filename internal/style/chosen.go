package style

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/store"
)

// Chosen is the style that a request uses. Collection is the one from which it was
// drawn, nil if the style itself was named.
type Chosen struct {
	Style      *Style
	Collection *store.Collection
}

// Choose finds the style that a request of this kind means by ref, an id or a
// name; for a collection, a random member. The style may be of the other kind if
// nothing else has that name. StyleNotFound if there is none.
func (s *Styles) Choose(ctx context.Context, kind horde.Kind, ref string) (*Chosen, error) {
	if horde.IsID(ref) {
		ref = horde.PlainID(ref)
		v, err := s.byID(ctx, ref)
		if err == nil {
			return &Chosen{Style: v}, nil
		}
		if horde.CodeOf(err) != horde.StyleNotFound {
			return nil, err
		}
		c, err := s.collection(ctx, ref)
		return s.draw(ctx, c, ref, err)
	}

	n, err := s.parse(ctx, ref)
	if err != nil {
		return nil, err
	}

	v, err := s.named(ctx, n, kind)
	if err != nil {
		return nil, err
	}
	if v != nil && v.Kind == kind {
		return &Chosen{Style: v}, nil
	}

	// Nothing of this kind is a style of that name: try collections, then a style of the
	// other kind.
	c, err := s.collectionNamed(ctx, n, kind)
	if v != nil && (err != nil || c == nil) {
		return &Chosen{Style: v}, err
	}
	return s.draw(ctx, c, ref, err)
}

// draw picks a random member of a collection; an empty one, or no collection,
// is not found.
func (s *Styles) draw(ctx context.Context, c *store.Collection, ref string, err error) (*Chosen, error) {
	if err != nil {
		return nil, err
	}
	if c == nil {
		return nil, errNotFound(ref)
	}

	members, err := s.Store.Members(ctx, []string{c.ID})
	if err != nil {
		return nil, err
	}
	if len(members) == 0 {
		return nil, errNotFound(ref)
	}

	v, err := s.byID(ctx, members[rand.IntN(len(members))].Style)
	if err != nil {
		return nil, err
	}
	return &Chosen{Style: v, Collection: c}, nil
}

// maxPrompt bounds the bytes of a prompt that a template yields, however often it
// repeats what the client sent.
const maxPrompt = 1 << 20

// ErrPromptTooLong: the template yields a prompt of more than 1 MiB.
var ErrPromptTooLong = horde.Errorf(horde.InvalidPromptSize, "The prompt is too long for this style.")

// fill puts a prompt into the style's template, in one pass: what the client
// sent is never treated as a template itself. ok is false if the result would
// be too long.
func (c *Chosen) fill(positive, negative string) (prompt string, ok bool) {
	t := c.Style.Prompt
	if size := len(t) + strings.Count(t, "{p}")*len(positive) + strings.Count(t, "{np}")*len(negative); size > maxPrompt {
		return "", false
	}
	return strings.NewReplacer("{p}", positive, "{np}", negative).Replace(t), true
}

// Image merges an image style into a request (generation §4): the prompt
// goes into the template, models and params are the style's, except n and, if
// the style has none, the size. It returns the params as JSON too. Apart from
// the prompt, everything is merged even with ErrPromptTooLong: other refusals come first.
func (c *Chosen) Image(asked api.ImageRequest) (api.ImageRequest, json.RawMessage, error) {
	positive, negative, _ := strings.Cut(asked.Prompt, "###")
	if !strings.Contains(c.Style.Prompt, "###") && negative != "" && !strings.Contains(negative, "###") {
		negative = "###" + negative
	}

	prompt, fits := c.fill(positive, negative)

	var params api.ImageParams
	if err := json.Unmarshal([]byte(c.Style.Params), &params); err != nil {
		return asked, nil, fmt.Errorf("style %s: %w", c.Style.ID, err)
	}
	params.N = nil
	if own := asked.Params; own != nil {
		params.N = own.N
		if params.Width == nil {
			params.Width = own.Width
		}
		if params.Height == nil {
			params.Height = own.Height
		}
	}

	models := slices.Clone(c.Style.Models)
	asked.Params, asked.Models = &params, &models

	if !fits {
		return asked, json.RawMessage(c.Style.Params), ErrPromptTooLong
	}

	asked.Prompt = prompt
	return asked, json.RawMessage(c.Style.Params), nil
}

// Text merges a text style into a request: the prompt goes into the template,
// models and params are the style's, except n. Text has no negative prompt: its
// place stays empty. ErrPromptTooLong is as with Image.
func (c *Chosen) Text(asked api.TextRequest) (api.TextRequest, error) {
	prompt, fits := c.fill(asked.Prompt, "")
	var params api.TextParams
	if err := json.Unmarshal([]byte(c.Style.Params), &params); err != nil {
		return asked, fmt.Errorf("style %s: %w", c.Style.ID, err)
	}

	params.N = nil
	if asked.Params != nil {
		params.N = asked.Params.N
	}
	asked.Params, asked.Models = &params, slices.Clone(c.Style.Models)

	if !fits {
		return asked, ErrPromptTooLong
	}

	asked.Prompt = prompt
	return asked, nil
}

// Accounts returns the users whose accounts RewardOwner needs locked: the owners of the
// style and of the collection.
func (c *Chosen) Accounts() []horde.UserID {
	if c.Collection == nil {
		return []horde.UserID{c.Style.UserID}
	}
	return []horde.UserID{c.Style.UserID, c.Collection.UserID}
}

// RewardOwner counts an accepted request of asker and pays the style's owner, unless
// that is the asker. The style may have been deleted meanwhile.
func (c *Chosen) RewardOwner(tx *store.Tx, e *kudos.Entry, asker horde.UserID) error {
	if c.Collection != nil {
		if err := tx.UseCollection(c.Collection.ID); err != nil {
			return err
		}
	}
	if err := tx.UseStyle(c.Style.ID); err != nil {
		return err
	}

	owner := c.Style.UserID
	if owner == asker {
		return nil
	}
	if err := e.Bonus(owner, kudos.StyleReward(), kudos.StyleBonus); err != nil {
		return err
	}

	place := store.ImagePlace
	if c.Style.Kind == horde.KindText {
		place = store.TextPlace
	}
	return tx.ChangeAccount(owner, func(a *store.Account) { a.Totals.Styles[place]++ })
}
