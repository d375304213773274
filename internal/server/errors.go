package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"time"

	"horde/api"
	"horde/internal/horde"
)

// TextInternal is all that a stranger reads of a mistake of ours.
const TextInternal = "Internal Server Error"

// Texts of the wire that programs and people know.
const (
	textNotUnderstood = "The browser (or proxy) sent a request that this server could not understand."
	textValidation    = "Input payload validation failed"
	textUnknownURL    = "The requested URL was not found on the server. " +
		"If you entered the URL manually please check your spelling and try again."
	textWrongMethod = "The method is not allowed for the requested URL."
)

// notUnderstood is the answer to a body that is no JSON.
func notUnderstood() error { return &horde.Error{Detail: textNotUnderstood} }

// Invalid is the answer to a body or parameter that fails validation: path →
// what is wrong, without a code.
func Invalid(fields map[string]string) error {
	return &horde.Error{Detail: textValidation, Fields: fields}
}

// InvalidField is Invalid for one member or parameter.
func InvalidField(path, problem string) error {
	return Invalid(map[string]string{path: problem})
}

// refusedAs is a refusal whose status is another than its code's usual one.
type refusedAs struct {
	error
	status int
}

// RefusedAs gives a refusal another status than its code's usual one.
func RefusedAs(err error, status int) error { return refusedAs{err, status} }

// Unwrap lets errors.As find the refusal.
func (e refusedAs) Unwrap() error { return e.error }

// writeError answers with err. A *horde.Error anywhere in its chain is shown;
// everything else may hold what strangers must not see, so it is logged and
// answered with the bare text.
func (s *Server) writeError(w http.ResponseWriter, r *http.Request, err error) {
	if wrote(w) {
		// Nothing can be said any more: the answer has begun.
		s.log.LogAttrs(r.Context(), slog.LevelWarn, "answer broken off", slog.Any("err", err))
		return
	}

	var refused *horde.Error
	if errors.As(err, &refused) {
		status, known := horde.StatusOf(refused.Code)
		if !known {
			s.log.LogAttrs(r.Context(), slog.LevelError, "return code without a status", slog.String("rc", string(refused.Code)))
			status = http.StatusInternalServerError
		}
		if as := (refusedAs{}); errors.As(err, &as) {
			status = as.status
		}
		if refused.Code == horde.InvalidAPIKey {
			LogFailedKey(r)
		}
		s.writeRefusal(w, r, refused, status)
		return
	}

	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		w.WriteHeader(statusClientGone)
		return
	}

	if errors.Is(err, horde.ErrUnavailable) {
		s.log.LogAttrs(r.Context(), slog.LevelWarn, "not available",
			slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Any("err", err))
		s.writeRefusal(w, r, unavailable, http.StatusServiceUnavailable)
		return
	}

	s.log.LogAttrs(r.Context(), slog.LevelError, "internal error",
		slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Any("err", err))
	s.writeRefused(w, r, http.StatusInternalServerError, &api.Error{Message: TextInternal})
}

// unavailable is the answer to a call that the database could not serve in time.
var unavailable = &horde.Error{
	Code:       horde.ServerBusy,
	Detail:     "This horde cannot do this at the moment. Please try again in a few seconds.",
	RetryAfter: 3 * time.Second,
}

// LogFailedKey leaves a line about a key that was sent and is nobody's: who tries keys
// shows in the log. The key itself is in no line.
func LogFailedKey(r *http.Request) {
	x := exchangeOf(r)
	if x.server == nil || APIKey(r) == "" {
		return
	}
	x.server.log.LogAttrs(r.Context(), slog.LevelInfo, "unknown API key",
		slog.String("method", r.Method), slog.String("route", x.pattern),
		slog.String("network", x.network.String()), slog.String("client", x.client.String()))
}

// DetailOf returns what a refusal says to its caller.
func DetailOf(err error) string {
	var e *horde.Error
	if errors.As(err, &e) {
		return e.Detail
	}
	return ""
}

// statusClientGone never reaches anybody: it is for the log and the metrics.
const statusClientGone = 499

// writeRefusal answers with an Error of the domain.
func (s *Server) writeRefusal(w http.ResponseWriter, r *http.Request, e *horde.Error, status int) {
	body := api.Error{Message: e.Detail, RC: string(e.Code), Errors: e.Fields}
	if len(e.Fields) > 0 && body.Message == "" {
		body.Message = textValidation
	}
	if e.RetryAfter > 0 {
		seconds := (e.RetryAfter + time.Second - 1) / time.Second
		w.Header()["Retry-After"] = []string{strconv.FormatInt(int64(seconds), 10)}
	}
	s.writeRefused(w, r, status, &body)
}

// writeRefused answers with a refusal: as a page to whoever reads pages, else as
// JSON. Retry-After, if any, stands in the header already.
func (s *Server) writeRefused(w http.ResponseWriter, r *http.Request, status int, body *api.Error) {
	if s.ErrorPage != nil && s.ErrorPage(w, r, status, body) {
		return
	}
	writeBody(w, status, body)
}
