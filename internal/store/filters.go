package store

import (
	"context"
	"fmt"
	"strconv"

	"horde/internal/horde"
)

// Filter is a moderator's pattern for prompts (platform §16).
type Filter struct {
	ID          int64
	Type        int // 10 to 29
	Regex       string
	Description *string // nil: none was given
	Replacement string
	AuthorID    horde.UserID
	EditorID    horde.UserID // who wrote or changed it last
	Created     horde.Micros
	Changed     horde.Micros
	Editor      string // username of EditorID; read only, "" when that user is gone
}

const (
	filterColumns = "id, filter_type, regex, description, replacement, author_id, editor_id, created, changed"
	filterRead    = "SELECT " + filterColumns + ", " +
		"COALESCE((SELECT username FROM users WHERE users.id = filters.editor_id), '') FROM filters"
)

func scanFilter(r scanner) (f Filter, err error) {
	return f, r.Scan(&f.ID, &f.Type, &f.Regex, &f.Description, &f.Replacement,
		&f.AuthorID, &f.EditorID, &f.Created, &f.Changed, &f.Editor)
}

// Filters reads all filters, oldest first.
func (s *Store) Filters(ctx context.Context) ([]Filter, error) {
	return rows(ctx, s, scanFilter, filterRead+" ORDER BY id")
}

// Filter reads a filter; ErrNotFound when there is none with that id.
func (s *Store) Filter(ctx context.Context, id int64) (Filter, error) {
	return one(ctx, s, scanFilter, filterRead+" WHERE id = $1", id)
}

// settingFilters is the setting that holds the newest id of a filter. Its row is
// the lock under which all filters change.
const settingFilters = "filters"

// Filters locks and reads all filters inside the transaction, oldest first. A
// unit that changes one must call it before.
func (tx *Tx) Filters() ([]Filter, error) {
	if _, err := tx.InitSetting(settingFilters, "0"); err != nil {
		return nil, err
	}
	return read(tx, scanFilter, filterRead+" ORDER BY id")
}

// InsertFilter writes a new filter and returns its id, one that no filter had
// before.
func (tx *Tx) InsertFilter(f Filter) (int64, error) {
	text, err := tx.InitSetting(settingFilters, "0")
	if err != nil {
		return 0, err
	}
	last, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return 0, tx.fail(fmt.Errorf("setting %q: %w", settingFilters, err))
	}

	f.ID = last + 1
	if err := tx.SetSetting(settingFilters, strconv.FormatInt(f.ID, 10)); err != nil {
		return 0, err
	}

	_, err = tx.change("INSERT INTO filters ("+filterColumns+") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
		f.ID, f.Type, f.Regex, f.Description, f.Replacement, f.AuthorID, f.EditorID, tx.Now, tx.Now)
	tx.changed.Filters = true
	return f.ID, err
}

// UpdateFilter writes what can be changed of a filter.
func (tx *Tx) UpdateFilter(f Filter) error {
	_, err := tx.change("UPDATE filters SET filter_type = $2, regex = $3, description = $4, replacement = $5, "+
		"editor_id = $6, changed = $7 WHERE id = $1",
		f.ID, f.Type, f.Regex, f.Description, f.Replacement, f.EditorID, tx.Now)
	tx.changed.Filters = true
	return err
}

// DeleteFilter removes a filter.
func (tx *Tx) DeleteFilter(id int64) error {
	_, err := tx.change("DELETE FROM filters WHERE id = $1", id)
	tx.changed.Filters = true
	return err
}

// RefusedPrompt is a prompt that filters refused, kept for moderators.
type RefusedPrompt struct {
	ID       string
	UserID   horde.UserID // who sent it
	Created  horde.Micros
	Prompt   string
	Username string // of UserID; read only, "" when that user is gone
}

// InsertRefusedPrompt writes a refused prompt.
func (tx *Tx) InsertRefusedPrompt(p RefusedPrompt) error {
	_, err := tx.change("INSERT INTO refused_prompts (id, user_id, created, prompt) VALUES ($1, $2, $3, $4)",
		p.ID, p.UserID, tx.Now, p.Prompt)
	return err
}

// RefusedPrompts reads refused prompts of all users, or of one where user is not
// below 0: the newest first.
func (s *Store) RefusedPrompts(ctx context.Context, user horde.UserID, limit, offset int) ([]RefusedPrompt, error) {
	return rows(ctx, s, func(r scanner) (p RefusedPrompt, err error) {
		return p, r.Scan(&p.ID, &p.UserID, &p.Created, &p.Prompt, &p.Username)
	}, "SELECT id, user_id, created, prompt, "+
		"COALESCE((SELECT username FROM users WHERE users.id = refused_prompts.user_id), '') FROM refused_prompts "+
		"WHERE CAST($1 AS BIGINT) < 0 OR user_id = $1 ORDER BY created DESC, id DESC LIMIT $2 OFFSET $3", user, limit, offset)
}

// PruneRefusedPrompts forgets refused prompts from before a time.
func (tx *Tx) PruneRefusedPrompts(before horde.Micros) error {
	_, err := tx.change("DELETE FROM refused_prompts WHERE created < $1", before)
	return err
}
