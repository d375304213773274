package style

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/store"
)

// Bounds of examples. maxURL is not in the contract.
const (
	maxExamples = 4
	maxURL      = 2000
)

// AddExample adds an image to an image style and returns its id. The first
// example is always the primary.
func (s *Styles) AddExample(ctx context.Context, id string, in api.StyleExampleInput, key string) (string, error) {
	e := Example{ID: horde.NewID()}
	primary := ""
	if in.Primary != nil && *in.Primary {
		primary = e.ID
	}

	err := s.editExamples(ctx, id, key, func(list []Example) ([]Example, error) {
		if in.URL == nil {
			return nil, errURL
		}
		e.URL = *in.URL
		if err := fits(list, e); err != nil {
			return nil, err
		}
		if len(list) >= maxExamples {
			return nil, horde.Errorf(horde.Forbidden, "A style can have at most %d examples. Delete one first.", maxExamples)
		}
		return append(list, e), nil
	}, primary)
	return e.ID, err
}

// ModifyExample changes an example of an image style and returns its id. It
// becomes the primary unless it says otherwise; the primary stays the primary
// until another one replaces it.
func (s *Styles) ModifyExample(
	ctx context.Context, id, example string, in api.StyleExampleInput, key string,
) (string, error) {
	example = strings.ToLower(example)
	primary := example
	if in.Primary != nil && !*in.Primary {
		primary = ""
	}

	return example, s.editExamples(ctx, id, key, func(list []Example) ([]Example, error) {
		i := slices.IndexFunc(list, func(e Example) bool { return e.ID == example })
		if i < 0 {
			return nil, errNoExample(example)
		}
		if in.URL != nil {
			list[i].URL = *in.URL
		}
		return list, fits(list, list[i])
	}, primary)
}

// DeleteExample removes an example of an image style. If it was the primary,
// the oldest that remains becomes it.
func (s *Styles) DeleteExample(ctx context.Context, id, example, key string) error {
	example = strings.ToLower(example)
	return s.editExamples(ctx, id, key, func(list []Example) ([]Example, error) {
		kept := slices.DeleteFunc(slices.Clone(list), func(e Example) bool { return e.ID == example })
		if len(kept) == len(list) {
			return nil, errNoExample(example)
		}
		return kept, nil
	}, "")
}

func errNoExample(id string) error {
	return horde.Errorf(horde.StyleExampleNotFound, "This style has no example with ID '%s'.", clip(id))
}

var errURL = horde.Errorf(horde.BadRequest, "url must be the address of an image that begins with https://.")

// fits reports whether an example's address fits with the others.
func fits(list []Example, e Example) error {
	u, err := url.Parse(e.URL)
	if err != nil || !strings.HasPrefix(e.URL, "https://") || u.Host == "" || len(e.URL) > maxURL {
		return errURL
	}
	if slices.ContainsFunc(list, func(o Example) bool { return o.ID != e.ID && o.URL == e.URL }) {
		return horde.Errorf(horde.BadRequest, "This style has an example with this url already.")
	}
	return nil
}

// editExamples rewrites the examples of an image style, for its owner and moderators.
// The one whose id is primary becomes the primary, unless that is ""; there is always
// exactly one.
func (s *Styles) editExamples(
	ctx context.Context, id, key string, change func([]Example) ([]Example, error), primary string,
) error {
	v, caller, err := s.target(ctx, horde.KindImage, id, key)
	if err != nil {
		return err
	}
	if v.UserID != caller.ID && !caller.Is(account.Moderator) {
		return errNotOwner
	}
	if err := s.Accounts.RefuseAbove(caller, v.UserID); err != nil {
		return err
	}

	err = s.Store.Write(ctx, store.Unit{Key: v.ID, Accounts: []horde.UserID{v.UserID}, Do: func(tx *store.Tx) error {
		row, err := tx.Style(v.ID)
		if err != nil {
			return err
		}
		now, err := fromRow(row)
		if err != nil {
			return err
		}

		if now.Examples, err = change(now.Examples); err != nil {
			return err
		}
		onePrimary(now.Examples, primary)

		if row, err = now.toRow(); err != nil {
			return err
		}
		return tx.UpdateStyle(row, now.Tags, now.Models)
	}})
	if errors.Is(err, store.ErrNotFound) {
		return errNotFound(id)
	}
	if err != nil {
		return err
	}
	return s.Accounts.RecordOver(ctx, v.UserID,
		account.Act{By: caller, Action: "examples of a style changed", Target: v.Name + " " + v.ID})
}

// onePrimary makes exactly one of the examples the primary: the one with that id,
// else the one that is already, else the first.
func onePrimary(list []Example, primary string) {
	best := slices.IndexFunc(list, func(e Example) bool { return e.ID == primary })
	if best < 0 {
		best = slices.IndexFunc(list, func(e Example) bool { return e.Primary })
	}
	for i := range list {
		list[i].Primary = i == max(best, 0)
	}
}
