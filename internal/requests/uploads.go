package requests

import (
	"context"
	"errors"

	"horde/internal/blob"
	"horde/internal/horde"
	"horde/internal/store"
)

// Uploads is what may be uploaded as the result of the job or form with this id: what may
// says of its row. The row comes from memory (known; nil: it is not there), and is read
// where the request is over. That of a shared database always is: another node may have
// ended the work just now.
func Uploads[T any](
	ctx context.Context, s *store.Store, id string,
	known func(id string) *T, read func(ctx context.Context, id string) (T, error), may func(*T) blob.Access,
) (blob.Access, error) {
	if !horde.IsID(id) {
		return blob.Closed, nil
	}
	id = horde.PlainID(id)
	if !s.Shared() {
		if row := known(id); row != nil {
			return may(row), nil
		}
	}

	row, err := read(ctx, id)
	switch access := may(&row); {
	case errors.Is(err, store.ErrNotFound):
		return blob.Closed, nil
	case err != nil, !s.Shared() && access == blob.Open: // its request has expired, else it were in memory
		return blob.Closed, err
	default:
		return access, nil
	}
}
