package horde

import "context"

// Reached is the way by which a caller reached this server: what links and other
// addresses of ourselves begin with in answers to that caller.
type Reached interface {
	// BaseURL is scheme and host without a slash at the end, such as
	// "https://horde.example"; "" where it is not known.
	BaseURL() string
}

// At is a way that is known already.
type At string

// BaseURL implements Reached.
func (a At) BaseURL() string { return string(a) }

type reachedKey struct{}

// WithBase is a context for what is done for a caller who came by r.
func WithBase(ctx context.Context, r Reached) context.Context {
	return context.WithValue(ctx, reachedKey{}, r)
}

// BaseOf is how the caller for whom something is done reached this server; "" where
// nobody called.
func BaseOf(ctx context.Context) string {
	if r, ok := ctx.Value(reachedKey{}).(Reached); ok {
		return r.BaseURL()
	}
	return ""
}
