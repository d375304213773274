package moderation

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"horde/api"
	"horde/internal/horde"
	"horde/internal/store"
)

// Filters are the prompt filters of the horde (generation §7): in the
// database for all nodes, and compiled in memory for every request. The zero
// value has none.
type Filters struct {
	store *store.Store
	log   *slog.Logger
	off   bool
	now   atomic.Pointer[filterSet] // nil before the first reload
	mu    sync.Mutex                // one reload at a time, so that memory never goes back in time
}

// FilterConfig is what filters depend on.
type FilterConfig struct {
	Store *store.Store
	Log   *slog.Logger
	// Off: prompts are neither judged nor rewritten, including those for adult models and of
	// flagged users. Moderators can still edit filters.
	Off bool
}

// Limits of what moderators can store.
const (
	maxFilters     = 2_000
	maxDescription = 10_000 // bytes
)

// OpenFilters reads and compiles the filters of a store.
func OpenFilters(ctx context.Context, c FilterConfig) (*Filters, error) {
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	f := &Filters{store: c.Store, log: c.Log, off: c.Off}
	c.Store.Follow(func(ctx context.Context, changes *store.Changes) error {
		if changes.Filters || changes.Missed {
			return f.reload(ctx)
		}
		return nil
	})
	return f, f.reload(ctx)
}

// reload reads the filters again, after some have changed.
func (f *Filters) reload(ctx context.Context) error {
	f.mu.Lock()
	defer f.mu.Unlock()

	rows, err := f.store.Filters(ctx)
	if err != nil {
		return fmt.Errorf("read the filters: %w", err)
	}

	set, broken := compileSet(rows)
	if broken != nil {
		f.log.Error("filters that do not work", "error", broken)
	}
	f.now.Store(set)
	return nil
}

var noFilters = &filterSet{}

func (f *Filters) set() *filterSet {
	if s := f.now.Load(); s != nil {
		return s
	}
	return noFilters
}

// Off reports whether the operator has switched filters off.
func (f *Filters) Off() bool { return f.off }

// slow reports a pattern that ran out of time. Its author should fix it.
func (f *Filters) slow(id int64, err error) {
	if f.log != nil {
		f.log.Warn("filter too slow for a prompt", "filter", id, "error", err)
	}
}

// Refuses reports whether the filters find a prompt so suspicious (2 of 2) that it
// has to be rewritten or refused (generation §7.4).
func (f *Filters) Refuses(prompt string) bool {
	set := f.set()
	if f.off || !set.mayRefuse() {
		return false
	}
	return set.refuses(scanned{prompt, Normalize(prompt)}, f.slow)
}

// Test returns what the filters of one type find in a prompt; of all types if kind is 0.
func (f *Filters) Test(prompt string, kind int) api.FilterPromptSuspicion {
	v := verdict{matches: []string{}}
	if !f.off {
		in := func(k int) bool { return kind == 0 || k == kind }
		v = f.set().judge(scanned{prompt, Normalize(prompt)}, in, f.slow)
	}
	return api.FilterPromptSuspicion{Suspicion: strconv.Itoa(v.suspicion), Matches: v.matches}
}

// Regexes returns the patterns in use, joined by type: of one type, or of all if kind is 0.
func (f *Filters) Regexes(kind int) []api.FilterRegex {
	list := []api.FilterRegex{}
	set := f.set()
	for _, k := range knownTypes {
		if kind != 0 && k != kind {
			continue
		}
		one := api.FilterRegex{FilterType: k}
		if a := set.types[k]; a != nil {
			one.Regex = a.text
		}
		list = append(list, one)
	}
	return list
}

// List reads filters, oldest first: of one type, or of all if kind is 0, and only those
// that have contains in pattern or description.
func (f *Filters) List(ctx context.Context, kind int, contains string) ([]api.FilterDetails, error) {
	rows, err := f.store.Filters(ctx)
	if err != nil {
		return nil, err
	}

	list := []api.FilterDetails{}
	for i := range rows {
		row := &rows[i]
		described := row.Description != nil && strings.Contains(*row.Description, contains)
		if (kind == 0 || row.Type == kind) && (described || strings.Contains(row.Regex, contains)) {
			list = append(list, details(row))
		}
	}
	return list, nil
}

// details returns a filter as moderators see it (platform §4.3).
func details(row *store.Filter) api.FilterDetails {
	return api.FilterDetails{ID: strconv.FormatInt(row.ID, 10), Regex: row.Regex, FilterType: row.Type,
		Description: row.Description, Replacement: row.Replacement, User: alias(row.Editor, row.EditorID)}
}

func alias(username string, id horde.UserID) string {
	return username + "#" + id.String()
}

// number parses the id of a filter; what is not a number belongs to no filter.
func number(id string) (int64, error) {
	n, err := strconv.ParseInt(id, 10, 64)
	if err != nil || n < 0 || strings.Trim(id, "0123456789") != "" {
		return 0, notFound(id)
	}
	return n, nil
}

func notFound(id string) error {
	if len(id) > 40 {
		id = id[:40] + "…"
	}
	return horde.Errorf(horde.FilterNotFound,
		"There is no filter with the id '%s'. Look it up in GET /api/v2/filters.", id)
}

// Filter reads one filter.
func (f *Filters) Filter(ctx context.Context, id string) (api.FilterDetails, error) {
	n, err := number(id)
	if err != nil {
		return api.FilterDetails{}, err
	}
	row, err := f.store.Filter(ctx, n)
	if errors.Is(err, store.ErrNotFound) {
		err = notFound(id)
	}
	return details(&row), err
}

// Put stores a filter, or returns the one that already has this pattern and type
// (platform §3.8). editor is the id of the moderator.
func (f *Filters) Put(ctx context.Context, editor horde.UserID, in api.PutFilter) (api.FilterDetails, error) {
	row := store.Filter{
		Type:        in.FilterType,
		Regex:       in.Regex,
		Description: in.Description,
		Replacement: in.Replacement,
		AuthorID:    editor,
		EditorID:    editor,
	}
	if err := check(&row); err != nil {
		return api.FilterDetails{}, err
	}

	var id int64
	err := f.write(ctx, func(tx *store.Tx) error {
		all, err := tx.Filters()
		if err != nil {
			return err
		}

		if i := slices.IndexFunc(all, func(o store.Filter) bool {
			return o.Type == row.Type &&
				o.Regex == row.Regex
		}); i >= 0 {
			id = all[i].ID
			return nil
		}

		if len(all) >= maxFilters {
			return horde.Errorf(horde.BadRequest,
				"There are %d filters, the most that can be. Join some, or delete some.", len(all))
		}
		id, err = tx.InsertFilter(row)
		return err
	})
	if err != nil {
		return api.FilterDetails{}, err
	}

	row, err = f.store.Filter(ctx, id)
	return details(&row), err
}

// check refuses a filter that would not work.
func check(row *store.Filter) error {
	p, err := compile(row.Regex)
	if err == nil {
		_, err = parseTemplate(row.Replacement, p)
	}
	if err == nil && row.Description != nil && len(*row.Description) > maxDescription {
		err = fmt.Errorf("the description has more than %d bytes", maxDescription)
	}
	if err != nil {
		return horde.Errorf(horde.BadRequest, "This filter cannot be stored: %s.", err)
	}
	return nil
}

// Modify changes a filter: what is absent or empty stays unchanged. The editor becomes its
// user.
func (f *Filters) Modify(
	ctx context.Context, editor horde.UserID, id string, in api.PatchFilter,
) (api.FilterDetails, error) {
	n, err := number(id)
	if err != nil {
		return api.FilterDetails{}, err
	}

	err = f.write(ctx, func(tx *store.Tx) error {
		all, err := tx.Filters()
		if err != nil {
			return err
		}

		i := slices.IndexFunc(all, func(o store.Filter) bool { return o.ID == n })
		if i < 0 {
			return notFound(id)
		}
		if in == (api.PatchFilter{}) {
			return horde.Errorf(horde.NoFilterModSelected,
				"Nothing of the filter was to be changed. Name regex, filter_type, description or replacement.")
		}

		row := all[i]
		apply(&row, in)
		row.EditorID = editor
		if err := check(&row); err != nil {
			return err
		}
		return tx.UpdateFilter(row)
	})
	if err != nil {
		return api.FilterDetails{}, err
	}
	return f.Filter(ctx, id)
}

func apply(row *store.Filter, in api.PatchFilter) {
	if in.Regex != "" {
		row.Regex = in.Regex
	}
	if in.FilterType != 0 {
		row.Type = in.FilterType
	}
	if in.Description != "" {
		row.Description = &in.Description
	}
	if in.Replacement != "" {
		row.Replacement = in.Replacement
	}
}

// Delete removes a filter.
func (f *Filters) Delete(ctx context.Context, id string) error {
	n, err := number(id)
	if err != nil {
		return err
	}

	return f.write(ctx, func(tx *store.Tx) error {
		all, err := tx.Filters()
		if err != nil {
			return err
		}
		if !slices.ContainsFunc(all, func(o store.Filter) bool { return o.ID == n }) {
			return notFound(id)
		}
		return tx.DeleteFilter(n)
	})
}

// write changes filters for all nodes, and recompiles them on this one.
func (f *Filters) write(ctx context.Context, do func(*store.Tx) error) error {
	return f.store.Write(ctx, store.Unit{Key: "filters", Do: do})
}
