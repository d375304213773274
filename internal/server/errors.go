package server

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"strconv"

	"horde/api"
	"horde/internal/horde"
)

// Texts of the wire that programs and people know.
const (
	textNotUnderstood = "The browser (or proxy) sent a request that this server could not understand."
	textValidation    = "Input payload validation failed"
	textInternal      = "Internal Server Error"
	textUnknownURL    = "The requested URL was not found on the server. If you entered the URL manually please check your spelling and try again."
	textWrongMethod   = "The method is not allowed for the requested URL."
)

// notUnderstood is the answer to a body that is no JSON.
func notUnderstood() error { return &horde.Error{Detail: textNotUnderstood} }

// invalid is the answer to a body or parameter that fails validation: path →
// what is wrong, without a code.
func invalid(fields map[string]string) error {
	return &horde.Error{Detail: textValidation, Fields: fields}
}

func invalidField(path, problem string) error {
	return invalid(map[string]string{path: problem})
}

// refusedAs is a refusal whose status is another than its code's usual one.
type refusedAs struct {
	error
	status int
}

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
		status, ok := statusOf(refused.Code)
		if !ok {
			s.log.LogAttrs(r.Context(), slog.LevelError, "return code without a status", slog.String("rc", string(refused.Code)))
			status = http.StatusInternalServerError
		}
		if as := (refusedAs{}); errors.As(err, &as) {
			status = as.status
		}
		s.writeRefusal(w, r, refused, status)
		return
	}
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		w.WriteHeader(statusClientGone)
		return
	}
	s.log.LogAttrs(r.Context(), slog.LevelError, "internal error",
		slog.String("method", r.Method), slog.String("path", r.URL.Path), slog.Any("err", err))
	s.writeRefused(w, r, http.StatusInternalServerError, &api.Error{Message: textInternal})
}

// detailOf is what a refusal says to its caller.
func detailOf(err error) string {
	var e *horde.Error
	if errors.As(err, &e) {
		return e.Detail
	}
	return ""
}

// statusClientGone never reaches anybody: it is for the log and the metrics.
const statusClientGone = 499

func (s *Server) writeRefusal(w http.ResponseWriter, r *http.Request, e *horde.Error, status int) {
	body := api.Error{Message: e.Detail, RC: string(e.Code), Errors: e.Fields}
	if len(e.Fields) > 0 && body.Message == "" {
		body.Message = textValidation
	}
	if e.RetryAfter > 0 {
		seconds := (e.RetryAfter + 1e9 - 1) / 1e9
		w.Header()["Retry-After"] = []string{strconv.FormatInt(int64(seconds), 10)}
	}
	s.writeRefused(w, r, status, &body)
}
