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

type accountKey struct{}

// WithAccount returns a context for what is done for an account, from whatever address.
func WithAccount(ctx context.Context, id UserID) context.Context {
	return context.WithValue(ctx, accountKey{}, id)
}

// AccountOf returns the account for which something is done, "" if it is nobody's.
func AccountOf(ctx context.Context) string {
	if id, ok := ctx.Value(accountKey{}).(UserID); ok {
		return id.String()
	}
	return ""
}

// CallerOf returns the key of the caller for whom something is done; "" if nobody called.
func CallerOf(ctx context.Context) string {
	if c, ok := ctx.Value(callerKey{}).(Caller); ok {
		return c.CallerKey()
	}
	return ""
}

// PauseCounting notes that the call that ctx belongs to waits for something outside of this
// server until resume is called, so that it does not count as worked on meanwhile. Of no
// call, and of callers who do not count, it does nothing.
func PauseCounting(ctx context.Context) (resume func()) {
	if c, ok := ctx.Value(callerKey{}).(interface{ PauseCounting() (resume func()) }); ok {
		return c.PauseCounting()
	}
	return func() {}
}
