package live

import (
	"context"
	"slices"

	"horde/internal/horde"
)

// Source reads rows that this node may not have heard of yet.
type Source struct {
	Shared bool // other nodes write to the database too
	Read   func(ctx context.Context, keys []string) error
}

// Find calls known, again after reading the row with this key where another node may
// have written it. Nil: there is none.
func Find[E comparable](ctx context.Context, s Source, key string, known func() E) (E, error) {
	var none E
	if e := known(); e != none || !s.Shared || !horde.IsID(key) {
		return e, nil
	}
	if err := s.Read(ctx, []string{key}); err != nil {
		return none, err
	}
	return known(), nil
}

// FindAll calls known, which returns those of the keys that this node knows. Another
// node may have written the rest; one read looks for all of them. What was found is
// returned beside an error too.
func FindAll(
	ctx context.Context, s Source, keys []string, known func(keys []string) []string,
) (found []string, err error) {
	found = known(keys)
	if len(found) >= len(keys) || !s.Shared {
		return found, nil
	}
	unknown := slices.DeleteFunc(slices.Clone(keys), func(key string) bool {
		return slices.Contains(found, key) || !horde.IsID(key)
	})
	if err := s.Read(ctx, unknown); err != nil {
		return found, err
	}
	return append(found, known(unknown)...), nil
}
