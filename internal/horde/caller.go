package horde

import "context"

// Caller is for whom something is done.
type Caller interface {
	// CallerKey is what shares are counted by: it is the same for all that one
	// caller sends, and another one for others.
	CallerKey() string
}

type callerKey struct{}

// WithCaller returns a context for what is done for a caller.
func WithCaller(ctx context.Context, c Caller) context.Context {
	return context.WithValue(ctx, callerKey{}, c)
}

// CallerOf returns the key of the caller for whom something is done; "" if nobody called.
func CallerOf(ctx context.Context) string {
	if c, ok := ctx.Value(callerKey{}).(Caller); ok {
		return c.CallerKey()
	}
	return ""
}
