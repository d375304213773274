package live

import (
	"context"
	"errors"
	"slices"

	"horde/internal/horde"
	"horde/internal/store"
)

// Read brings the rows with these keys into a table: those that another node has written
// and this one has not heard of, and those that are over and were retired.
type Read func(ctx context.Context, keys []string) error

// Find calls known, again after reading the row with this key where it was not known.
// Nil: there is none.
func Find[E comparable](ctx context.Context, read Read, key string, known func() E) (E, error) {
	var none E
	if e := known(); e != none || !horde.IsID(key) {
		return e, nil
	}
	if err := read(ctx, []string{key}); err != nil {
		return none, err
	}
	return known(), nil
}

// FindPart is Find for a job or form; requestOf reads which request it is part of, or
// store.ErrNotFound.
func FindPart[P comparable](
	ctx context.Context, read Read, id string, known func(id string) P,
	requestOf func(ctx context.Context, id string) (string, error),
) (P, error) {
	var none P
	id = horde.PlainID(id)
	if p := known(id); p != none || !horde.IsID(id) {
		return p, nil
	}

	request, err := requestOf(ctx, id)
	if errors.Is(err, store.ErrNotFound) {
		return none, nil
	}
	if err == nil {
		err = read(ctx, []string{request})
	}
	if err != nil {
		return none, err
	}
	return known(id), nil
}

// PartOf is what FindPart asks where it is known which request the part is of.
func PartOf(request string) func(context.Context, string) (string, error) {
	return func(context.Context, string) (string, error) { return request, nil }
}

// FindAll calls known, which returns those of the keys that this node knows. One read
// looks for all of the rest. What was found is returned beside an error too.
func FindAll(
	ctx context.Context, read Read, keys []string, known func(keys []string) []string,
) (found []string, err error) {
	found = known(keys)
	if len(found) >= len(keys) {
		return found, nil
	}

	unknown := slices.DeleteFunc(slices.Clone(keys), func(key string) bool {
		return slices.Contains(found, key) || !horde.IsID(key)
	})
	if len(unknown) == 0 {
		return found, nil
	}

	if err := read(ctx, unknown); err != nil {
		return found, err
	}
	return append(found, known(unknown)...), nil
}
