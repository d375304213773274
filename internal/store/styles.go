package store

import (
	"context"

	"horde/internal/horde"
)

// Style is a preset for requests (platform §3.12). Params, Tags, Models
// and Examples are the domain's JSON. Every unit that changes one must declare
// the account of its owner, as for SharedKey.
type Style struct {
	ID        string
	Kind      horde.Kind // image, text
	UserID    horde.UserID
	Name      string // one of its owner's styles has it
	Info      string
	Prompt    string
	Params    string
	Public    bool
	NSFW      bool
	Tags      string
	Models    string
	Examples  string
	SharedKey string // id of the key that pays, "" for none
	UseCount  int64
	Created   horde.Micros
	Creator   string // username of the owner; read only
}

const (
	styleColumns = "id, kind, user_id, name, info, prompt, params, public, nsfw, tags, models, examples, shared_key, " +
		"use_count, created"
	styleRead = "SELECT " + styleColumns + ", (SELECT username FROM users WHERE users.id = styles.user_id) FROM styles"
)

func scanStyle(r scanner) (v Style, err error) {
	return v, r.Scan(&v.ID, &v.Kind, &v.UserID, &v.Name, &v.Info, &v.Prompt, &v.Params, &v.Public, &v.NSFW,
		&v.Tags, &v.Models, &v.Examples, &v.SharedKey, &v.UseCount, &v.Created, &v.Creator)
}

// Style reads a style by id; ErrNotFound when there is none.
func (s *Store) Style(ctx context.Context, id string) (Style, error) {
	return one(ctx, s, scanStyle, styleRead+" WHERE id = $1", id)
}

// StyleNamed reads the oldest style of this name; of one user, unless user is
// below 0, and of one kind, unless kind is empty. ErrNotFound when there is none.
func (s *Store) StyleNamed(ctx context.Context, name string, user horde.UserID, kind horde.Kind) (Style, error) {
	return one(ctx, s, scanStyle, styleRead+" WHERE name = $1 AND (CAST($2 AS BIGINT) < 0 OR user_id = $2) "+
		"AND (CAST($3 AS TEXT) = '' OR kind = $3) ORDER BY created, id LIMIT 1", name, user, kind)
}

// Listing says which styles or collections to list. Only public ones are.
type Listing struct {
	Kind   horde.Kind // image, text; of collections "" for both
	Age    bool       // oldest first, else the most used first
	Tag    string     // of styles: only those that have it; "": all
	Model  string     // likewise
	Limit  int
	Offset int
}

func (l Listing) order() string {
	if l.Age {
		return "created, id"
	}
	return "use_count DESC, created, id"
}

// ListStyles reads public styles.
func (s *Store) ListStyles(ctx context.Context, l Listing) ([]Style, error) {
	const hasWord = "EXISTS (SELECT 1 FROM style_words w WHERE w.style_id = styles.id AND "
	return rows(ctx, s, scanStyle, styleRead+" WHERE public AND kind = $1"+
		" AND (CAST($2 AS TEXT) = '' OR "+hasWord+"w.kind = 'tag' AND w.word = $2))"+
		" AND (CAST($3 AS TEXT) = '' OR "+hasWord+"w.kind = 'model' AND w.word = $3))"+
		" ORDER BY "+l.order()+" LIMIT $4 OFFSET $5", l.Kind, l.Tag, l.Model, l.Limit, l.Offset)
}

// StyleOwners are users whose styles are read.
type StyleOwners struct {
	Users   []horde.UserID
	Private bool // their private styles too
}

// StylesOf reads the styles of users, oldest first.
func (s *Store) StylesOf(ctx context.Context, o StyleOwners) ([]Style, error) {
	var all []Style
	err := inChunks(o.Users, func(q string, args []any) error {
		where := " WHERE user_id IN " + q
		if !o.Private {
			where += " AND public"
		}
		some, err := rows(ctx, s, scanStyle, styleRead+where+" ORDER BY created, id", args...)
		all = append(all, some...)
		return err
	})
	return all, err
}

// Style reads and locks a style inside the transaction.
func (tx *Tx) Style(id string) (Style, error) {
	return readOne(tx, scanStyle, styleRead+" WHERE id = $1"+tx.w.s.engine.forUpdate, id)
}

// StyleNameTaken reports whether another style of the user than except, or a
// collection, has this name.
func (tx *Tx) StyleNameTaken(user horde.UserID, name, except string) (bool, error) {
	n, err := readCount(tx, "SELECT (SELECT count(*) FROM styles WHERE user_id = $1 AND name = $2 AND id <> $3) + "+
		"(SELECT count(*) FROM collections WHERE user_id = $1 AND name = $2)", user, name, except)
	return n > 0, err
}

// CountStyles counts a user's styles inside the transaction.
func (tx *Tx) CountStyles(user horde.UserID) (int, error) {
	return readCount(tx, "SELECT count(*) FROM styles WHERE user_id = $1", user)
}

// InsertStyle writes a new style. tags and models are what it is found by.
func (tx *Tx) InsertStyle(v Style, tags, models []string) error {
	_, err := tx.change("INSERT INTO styles ("+styleColumns+") "+
		"VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15)",
		v.ID, v.Kind, v.UserID, v.Name, v.Info, v.Prompt, v.Params, v.Public, v.NSFW,
		v.Tags, v.Models, v.Examples, v.SharedKey, v.UseCount, v.Created)
	if err != nil {
		return err
	}
	return tx.insertWords(v.ID, tags, models)
}

// UpdateStyle writes what an owner can change of a style, its examples included.
func (tx *Tx) UpdateStyle(v Style, tags, models []string) error {
	_, err := tx.change("UPDATE styles SET name = $2, info = $3, prompt = $4, params = $5, public = $6, nsfw = $7, "+
		"tags = $8, models = $9, "+
		"examples = $10, shared_key = $11 WHERE id = $1",
		v.ID, v.Name, v.Info, v.Prompt, v.Params, v.Public, v.NSFW, v.Tags, v.Models, v.Examples, v.SharedKey)
	if err != nil {
		return err
	}

	if _, err := tx.change("DELETE FROM style_words WHERE style_id = $1", v.ID); err != nil {
		return err
	}
	return tx.insertWords(v.ID, tags, models)
}

func (tx *Tx) insertWords(style string, tags, models []string) error {
	for kind, words := range map[string][]string{"tag": tags, "model": models} {
		for _, word := range words {
			_, err := tx.change("INSERT INTO style_words (style_id, kind, word) VALUES ($1, $2, $3) "+
				"ON CONFLICT (style_id, kind, word) DO NOTHING", style, kind, word)
			if err != nil {
				return err
			}
		}
	}
	return nil
}

// UseStyle counts a use of a style.
func (tx *Tx) UseStyle(id string) error {
	_, err := tx.change("UPDATE styles SET use_count = use_count + 1 WHERE id = $1", id)
	return err
}

// DeleteStyle removes a style, from all collections too.
func (tx *Tx) DeleteStyle(id string) error {
	for _, q := range []string{
		"DELETE FROM collection_styles WHERE style_id = $1",
		"DELETE FROM style_words WHERE style_id = $1",
		"DELETE FROM styles WHERE id = $1",
	} {
		if _, err := tx.change(q, id); err != nil {
			return err
		}
	}
	return nil
}
