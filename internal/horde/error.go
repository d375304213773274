package horde

import (
	"errors"
	"fmt"
	"time"
)

// ErrUnavailable is in the chain of errors of what cannot be done now and perhaps can
// be a moment later, by no fault of the caller's: a 503. Nothing was done.
var ErrUnavailable = errors.New("not available at the moment")

// Error is a refusal that its caller may read: everything else that goes wrong
// is an internal error, logged and answered with a 500.
type Error struct {
	Code       Code
	Detail     string            // a sentence for the caller; becomes "message"
	Fields     map[string]string // validation only: dotted path → what is wrong
	RetryAfter time.Duration     // 0: none
}

func (e *Error) Error() string {
	if e.Code == "" {
		return e.Detail
	}
	return string(e.Code) + ": " + e.Detail
}

// Errorf makes an Error with a formatted detail.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Detail: fmt.Sprintf(format, args...)}
}

// Invalid makes the Error of one field that fails validation: its dotted path and
// what is wrong with it.
func Invalid(path, problem string) *Error {
	return &Error{Fields: map[string]string{path: problem}}
}
