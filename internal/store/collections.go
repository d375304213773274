package store

import (
	"context"

	"horde/internal/horde"
)

// Collection is a set of styles of one kind (platform §3.13). Every unit
// that changes one must declare the account of its owner, as for SharedKey.
type Collection struct {
	ID       string
	Kind     horde.Kind // image, text
	UserID   horde.UserID
	Name     string // one of its owner's collections has it
	Info     string
	Public   bool
	UseCount int64
	Created  horde.Micros
}

const collectionColumns = "id, kind, user_id, name, info, public, use_count, created"

func scanCollection(r scanner) (c Collection, err error) {
	return c, r.Scan(&c.ID, &c.Kind, &c.UserID, &c.Name, &c.Info, &c.Public, &c.UseCount, &c.Created)
}

// Collection reads a collection by id; ErrNotFound when there is none.
func (s *Store) Collection(ctx context.Context, id string) (Collection, error) {
	return one(ctx, s, scanCollection, "SELECT "+collectionColumns+" FROM collections WHERE id = $1", id)
}

// CollectionNamed reads the oldest collection of this name; of one user, unless
// user is below 0, and of one kind, unless kind is empty.
func (s *Store) CollectionNamed(
	ctx context.Context, name string, user horde.UserID, kind horde.Kind,
) (Collection, error) {
	return one(ctx, s, scanCollection, "SELECT "+collectionColumns+" FROM collections WHERE name = $1 "+
		"AND (CAST($2 AS BIGINT) < 0 OR user_id = $2) AND (CAST($3 AS TEXT) = '' OR kind = $3) "+
		"ORDER BY created, id LIMIT 1", name, user, kind)
}

// ListCollections reads public collections.
func (s *Store) ListCollections(ctx context.Context, l Listing) ([]Collection, error) {
	return rows(ctx, s, scanCollection, "SELECT "+collectionColumns+" FROM collections "+
		"WHERE public AND (CAST($1 AS TEXT) = '' OR kind = $1) "+
		"ORDER BY "+l.order()+" LIMIT $2 OFFSET $3", l.Kind, l.Limit, l.Offset)
}

// Member is a style in a collection.
type Member struct {
	Collection string
	Style      string // id
	Name       string
	UserID     horde.UserID
	Creator    string // username of the style's owner
}

func scanMember(r scanner) (m Member, err error) {
	return m, r.Scan(&m.Collection, &m.Style, &m.Name, &m.UserID, &m.Creator)
}

// Members reads the styles of collections, oldest first.
func (s *Store) Members(ctx context.Context, collections []string) ([]Member, error) {
	var all []Member
	err := inChunks(collections, func(q string, args []any) error {
		some, err := rows(ctx, s, scanMember, "SELECT c.collection_id, v.id, v.name, v.user_id, "+
			"(SELECT username FROM users WHERE users.id = v.user_id) "+
			"FROM collection_styles c JOIN styles v ON v.id = c.style_id "+
			"WHERE c.collection_id IN "+q+" ORDER BY v.created, v.id", args...)
		all = append(all, some...)
		return err
	})
	return all, err
}

// Collection reads and locks a collection inside the transaction.
func (tx *Tx) Collection(id string) (Collection, error) {
	return readOne(tx, scanCollection,
		"SELECT "+collectionColumns+" FROM collections WHERE id = $1"+tx.w.s.engine.forUpdate, id)
}

// CollectionNameTaken reports whether another collection of the user than except
// has this name.
func (tx *Tx) CollectionNameTaken(user horde.UserID, name, except string) (bool, error) {
	n, err := readCount(tx, "SELECT count(*) FROM collections WHERE user_id = $1 AND name = $2 AND id <> $3",
		user, name, except)
	return n > 0, err
}

// CountCollections counts a user's collections inside the transaction.
func (tx *Tx) CountCollections(user horde.UserID) (int, error) {
	return readCount(tx, "SELECT count(*) FROM collections WHERE user_id = $1", user)
}

// InsertCollection writes a new collection of these styles.
func (tx *Tx) InsertCollection(c Collection, styles []string) error {
	_, err := tx.change("INSERT INTO collections ("+collectionColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8)",
		c.ID, c.Kind, c.UserID, c.Name, c.Info, c.Public, c.UseCount, c.Created)
	if err != nil {
		return err
	}
	return tx.insertMembers(c.ID, styles)
}

// UpdateCollection writes what an owner can change of a collection. nil styles
// stay as they are.
func (tx *Tx) UpdateCollection(c Collection, styles []string) error {
	_, err := tx.change("UPDATE collections SET kind = $2, name = $3, info = $4, public = $5 WHERE id = $1",
		c.ID, c.Kind, c.Name, c.Info, c.Public)
	if err != nil || styles == nil {
		return err
	}
	if _, err := tx.change("DELETE FROM collection_styles WHERE collection_id = $1", c.ID); err != nil {
		return err
	}
	return tx.insertMembers(c.ID, styles)
}

func (tx *Tx) insertMembers(collection string, styles []string) error {
	for _, style := range styles {
		_, err := tx.change("INSERT INTO collection_styles (collection_id, style_id) VALUES ($1, $2) "+
			"ON CONFLICT (collection_id, style_id) DO NOTHING", collection, style)
		if err != nil {
			return err
		}
	}
	return nil
}

// UseCollection counts a use of a collection.
func (tx *Tx) UseCollection(id string) error {
	_, err := tx.change("UPDATE collections SET use_count = use_count + 1 WHERE id = $1", id)
	return err
}

// DeleteCollection removes a collection; its styles stay.
func (tx *Tx) DeleteCollection(id string) error {
	if _, err := tx.change("DELETE FROM collection_styles WHERE collection_id = $1", id); err != nil {
		return err
	}
	_, err := tx.change("DELETE FROM collections WHERE id = $1", id)
	return err
}
