// Package telemetry is what a program reports about itself: logs that carry the id
// of the request they belong to, the registry of its metrics, and the checks
// that say whether it can serve.
package telemetry

import (
	"context"
	"fmt"
	"io"
	"log/slog"
)

// NewLogger writes logs as text or json ("" is text) at level and above. Lines that
// are logged with a context from WithRequest have its id as "request".
func NewLogger(w io.Writer, format string, level slog.Leveler) (*slog.Logger, error) {
	opt := &slog.HandlerOptions{Level: level}
	switch format {
	case "", "text":
		return slog.New(&requestHandler{slog.NewTextHandler(w, opt)}), nil
	case "json":
		return slog.New(&requestHandler{slog.NewJSONHandler(w, opt)}), nil
	}
	return nil, fmt.Errorf("log format %q must be text or json", format)
}

type requestKey struct{}

// WithRequest returns a context whose log lines carry the request's id.
func WithRequest(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// Request returns the id that WithRequest put into ctx, or "".
func Request(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

// requestHandler adds the request's id to the records that it passes on.
type requestHandler struct{ slog.Handler }

func (h *requestHandler) Handle(ctx context.Context, r slog.Record) error {
	if id := Request(ctx); id != "" {
		r.AddAttrs(slog.String("request", id))
	}
	return h.Handler.Handle(ctx, r)
}

func (h *requestHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &requestHandler{h.Handler.WithAttrs(attrs)}
}

func (h *requestHandler) WithGroup(name string) slog.Handler {
	return &requestHandler{h.Handler.WithGroup(name)}
}
