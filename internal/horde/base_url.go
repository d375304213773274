package horde

import "context"

// Reached says how a caller reached this server: what links and other
// addresses of this server begin with in answers to that caller.
type Reached interface {
	// BaseURL is scheme and host without a trailing slash, such as
	// "https://horde.example"; "" if it is not known.
	BaseURL() string
}

// At is an address known in advance.
type At string

// BaseURL implements Reached.
func (a At) BaseURL() string { return string(a) }

type reachedKey struct{}

// WithBase returns a context for what is done for a caller who reached us by r.
func WithBase(ctx context.Context, r Reached) context.Context {
	return context.WithValue(ctx, reachedKey{}, r)
}

// BaseOf returns how the caller for whom something is done reached this server; "" if
// nobody called.
func BaseOf(ctx context.Context) string {
	if r, ok := ctx.Value(reachedKey{}).(Reached); ok {
		return r.BaseURL()
	}
	return ""
}
