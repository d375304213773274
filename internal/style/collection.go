package style

import (
	"context"
	"errors"
	"slices"
	"strings"

	"horde/api"
	"horde/internal/account"
	"horde/internal/horde"
	"horde/internal/moderation"
	"horde/internal/store"
)

// maxMembers bounds the styles of a collection; not in the contract.
const maxMembers = 1000

func errNoCollection(ref string) error {
	return horde.Errorf(horde.CollectionNotFound, "Collection '%s' not found.", clip(ref))
}

var errNotCollector = horde.Errorf(horde.Forbidden, "Only the owner of a collection can change it.")

// collection reads a collection by id; nil if there is none.
func (s *Styles) collection(ctx context.Context, id string) (*store.Collection, error) {
	if !horde.IsID(id) {
		return nil, nil
	}
	return foundCollection(s.Store.Collection(ctx, strings.ToLower(id)))
}

// collectionNamed finds a collection by name, one of the given kind first; nil
// if there is none.
func (s *Styles) collectionNamed(ctx context.Context, n name, kind horde.Kind) (*store.Collection, error) {
	if n.scope == "style" || !storable(n.name) {
		return nil, nil
	}
	c, err := foundCollection(s.Store.CollectionNamed(ctx, n.name, n.user, kind))
	if c == nil && err == nil && kind != "" {
		return foundCollection(s.Store.CollectionNamed(ctx, n.name, n.user, ""))
	}
	return c, err
}

func foundCollection(c store.Collection, err error) (*store.Collection, error) {
	if errors.Is(err, store.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	return &c, nil
}

// Collection shows a collection by id.
func (s *Styles) Collection(ctx context.Context, id string) (api.Collection, error) {
	c, err := s.collection(ctx, id)
	return s.oneCollection(ctx, c, id, err)
}

// CollectionNamed shows a collection by name.
func (s *Styles) CollectionNamed(ctx context.Context, ref string) (api.Collection, error) {
	n, err := s.parse(ctx, ref)
	if err != nil {
		return api.Collection{}, err
	}
	c, err := s.collectionNamed(ctx, n, "")
	return s.oneCollection(ctx, c, ref, err)
}

func (s *Styles) oneCollection(
	ctx context.Context, c *store.Collection, ref string, err error,
) (api.Collection, error) {
	if err == nil && c == nil {
		err = errNoCollection(ref)
	}
	if err != nil {
		return api.Collection{}, err
	}

	list, err := s.collectionDetails(ctx, []store.Collection{*c})
	if err != nil {
		return api.Collection{}, err
	}
	return list[0], nil
}

// Collections shows a page of the public collections. The kind of the listing is
// image, text, or all.
func (s *Styles) Collections(ctx context.Context, l Listing) ([]api.Collection, error) {
	switch l.Kind {
	case "all":
		l.Kind = ""
	case horde.KindImage, horde.KindText:
	default:
		return nil, horde.Errorf(horde.BadRequest, "type is image, text or all.")
	}

	query, err := l.of()
	if err != nil {
		return nil, err
	}

	found, err := s.Store.ListCollections(ctx, query)
	if err != nil {
		return nil, err
	}
	return s.collectionDetails(ctx, found)
}

func (s *Styles) collectionDetails(ctx context.Context, found []store.Collection) ([]api.Collection, error) {
	ids := make([]string, len(found))
	list := make([]api.Collection, len(found))
	byID := map[string]*api.Collection{}
	for i, c := range found {
		ids[i] = c.ID
		list[i] = api.Collection{
			ID:       c.ID,
			Name:     c.Name,
			Type:     string(c.Kind),
			Public:   c.Public,
			Styles:   []api.ShortStyle{},
			UseCount: c.UseCount,
		}
		byID[c.ID] = &list[i]
	}

	members, err := s.Store.Members(ctx, ids)
	if err != nil {
		return nil, err
	}

	for _, m := range members {
		c := byID[m.Collection]
		c.Styles = append(c.Styles, api.ShortStyle{Name: alias(m.Creator, m.UserID) + "::style::" + m.Name, ID: m.Style})
	}
	return list, nil
}

// CreateCollection makes a collection and returns its id.
func (s *Styles) CreateCollection(ctx context.Context, in api.CollectionInput, key string) (string, error) {
	caller, err := s.Accounts.ByKey(ctx, key)
	switch {
	case err != nil:
		return "", err
	case caller.Anonymous():
		return "", errAnonymous
	case caller.Is(account.Deleted):
		return "", errDeleted
	}

	c := store.Collection{ID: horde.NewID(), UserID: caller.ID, Public: true}
	members, err := s.applyCollection(ctx, &c, in)
	if err != nil {
		return "", err
	}
	if members == nil {
		return "", errNoMembers
	}

	return c.ID, s.writeCollection(ctx, &c, func(tx *store.Tx) error {
		n, err := tx.CountCollections(caller.ID)
		if err != nil {
			return err
		}
		if n >= maxPerUser {
			return horde.Errorf(horde.Forbidden, "You have %d collections, which is as many as an account can have.", n)
		}
		c.Created = tx.Now
		return tx.InsertCollection(c, members)
	})
}

// ModifyCollection changes a collection of the caller: what is absent stays unchanged. It
// returns the id.
func (s *Styles) ModifyCollection(ctx context.Context, id string, in api.CollectionInput, key string) (string, error) {
	c, caller, err := s.targetCollection(ctx, id, key)
	if err != nil {
		return "", err
	}
	if c.UserID != caller.ID {
		return "", errNotCollector
	}

	members, err := s.applyCollection(ctx, c, in)
	if err != nil {
		return "", err
	}

	return c.ID, s.writeCollection(ctx, c, func(tx *store.Tx) error {
		if _, err := tx.Collection(c.ID); err != nil {
			return err
		}
		return tx.UpdateCollection(*c, members)
	})
}

func (s *Styles) targetCollection(ctx context.Context, id, key string) (*store.Collection, *account.User, error) {
	c, err := s.collection(ctx, id)
	if err == nil && c == nil {
		err = errNoCollection(id)
	}
	if err != nil {
		return nil, nil, err
	}
	caller, err := s.Accounts.ByKey(ctx, key)
	return c, caller, err
}

// DeleteCollection removes a collection: its owner and moderators may.
func (s *Styles) DeleteCollection(ctx context.Context, id, key string) error {
	c, caller, err := s.targetCollection(ctx, id, key)
	switch {
	case err != nil:
		return err
	case caller.Anonymous():
		return errAnonymous
	case c.UserID != caller.ID && !caller.Is(account.Moderator):
		return errNotCollector
	}
	if err := s.Accounts.RefuseAbove(caller, c.UserID); err != nil {
		return err
	}
	err = s.Store.Write(ctx, store.Unit{Key: c.ID, Accounts: []horde.UserID{c.UserID}, Do: func(tx *store.Tx) error {
		return tx.DeleteCollection(c.ID)
	}})
	if err != nil {
		return err
	}
	return s.Accounts.RecordOver(ctx, c.UserID,
		account.Act{By: caller, Action: "collection deleted", Target: c.Name + " " + c.ID})
}

var errNoMembers = horde.Errorf(horde.BadRequest, "A collection needs at least one style, by id or name.")

// applyCollection applies what an input gives to a collection and finds its
// styles; nil if the input names none.
func (s *Styles) applyCollection(ctx context.Context, c *store.Collection, in api.CollectionInput) ([]string, error) {
	if in.Name != nil {
		if err := moderation.CheckName(*in.Name); err != nil {
			return nil, err
		}
	}
	for text, into := range map[*string]*string{in.Name: &c.Name, in.Info: &c.Info} {
		if text == nil {
			continue
		}
		if moderation.Profane(*text) {
			return nil, horde.Errorf(horde.BadRequest, "Please choose words that everybody can read.")
		}
		*into = moderation.Sanitize(*text)
	}

	if c.Name == "" {
		return nil, horde.Errorf(horde.BadRequest, "The collection needs a name.")
	}
	if in.Public != nil {
		c.Public = *in.Public
	}

	if in.Styles == nil {
		return nil, nil
	}
	return s.members(ctx, c, *in.Styles)
}

// members finds the styles that refs name, all of one kind: that of the collection
// if it has one already.
func (s *Styles) members(ctx context.Context, c *store.Collection, refs []string) ([]string, error) {
	if len(refs) == 0 {
		return nil, errNoMembers
	}
	if len(refs) > maxMembers {
		return nil, horde.Errorf(horde.BadRequest, "A collection can have at most %d styles.", maxMembers)
	}

	var ids []string
	for _, ref := range refs {
		v, err := s.member(ctx, ref, c.Kind)
		if horde.CodeOf(err) == horde.StyleNotFound {
			return nil, horde.Errorf(horde.BadRequest, "There is no style '%s'.", clip(ref))
		}
		if err != nil {
			return nil, err
		}

		if c.Kind == "" {
			c.Kind = v.Kind
		}
		if v.Kind != c.Kind {
			return nil, horde.Errorf(horde.BadRequest,
				"The styles of a collection are all for images or all for text; '%s' is for %ss.", clip(ref), v.Kind)
		}

		if !slices.Contains(ids, v.ID) {
			ids = append(ids, v.ID)
		}
	}
	return ids, nil
}

func (s *Styles) member(ctx context.Context, ref string, kind horde.Kind) (*Style, error) {
	if horde.IsID(ref) {
		return s.byID(ctx, horde.PlainID(ref))
	}
	n, err := s.parse(ctx, ref)
	if err != nil {
		return nil, err
	}
	v, err := s.named(ctx, n, kind)
	if err == nil && v == nil {
		err = errNotFound(ref)
	}
	return v, err
}

// writeCollection stores a collection under a name that its owner has not used
// yet.
func (s *Styles) writeCollection(ctx context.Context, c *store.Collection, do func(*store.Tx) error) error {
	taken := horde.Errorf(horde.BadRequest, "You have a collection of this name already. Please choose another one.")

	err := s.Store.Write(ctx, store.Unit{Key: c.ID, Accounts: []horde.UserID{c.UserID}, Do: func(tx *store.Tx) error {
		exists, err := tx.CollectionNameTaken(c.UserID, c.Name, c.ID)
		if err == nil && exists {
			err = taken
		}
		if err != nil {
			return err
		}
		return do(tx)
	}})
	switch {
	case errors.Is(err, store.ErrDuplicate):
		return taken
	case errors.Is(err, store.ErrNotFound):
		return errNoCollection(c.ID)
	}
	return err
}
