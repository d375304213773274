package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strconv"

	"horde/api"
)

// The exit statuses of every command. docs/cli.md and "horde help exit-codes"
// show the same table.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitInterrupted = 130
)

// exitCodes explains the exit statuses.
var exitCodes = []struct {
	code    int
	meaning string
}{
	{exitDone, "done: everything that was requested is there; of serve, work and up: ended on request"},
	{exitFailed, "failed: the horde refused or does not answer, or not everything arrived; what did is saved"},
	{exitUsage, "called wrongly: a flag, an argument, or a file named there is invalid. Nothing was requested or paid"},
	{exitInterrupted, "interrupted (Ctrl-C or SIGTERM) before everything was there; what is finished is saved"},
}

// printExitCodes prints the table.
func printExitCodes(w io.Writer) error {
	rows := [][]string{{"STATUS", "MEANING"}}
	for _, e := range exitCodes {
		rows = append(rows, []string{strconv.Itoa(e.code), e.meaning})
	}
	return table(w, rows)
}

// exitError is an error with an exit status of its own.
type exitError struct {
	code int
	err  error // nil: already reported
}

func (e *exitError) Error() string {
	if e.err == nil {
		return ""
	}
	return e.err.Error()
}

func (e *exitError) Unwrap() error { return e.err }

// usageError is the error of a wrong call.
func usageError(format string, args ...any) error {
	return &exitError{exitUsage, fmt.Errorf(format, args...)}
}

// interruptedError is the error of a command that an interrupt ended.
func interruptedError(format string, args ...any) error {
	return &exitError{exitInterrupted, fmt.Errorf(format, args...)}
}

// exitCodeOf is the exit status of a command that ended with err in ctx.
func exitCodeOf(ctx context.Context, err error) int {
	if err == nil {
		return exitDone
	}
	if e := (*exitError)(nil); errors.As(err, &e) {
		return e.code
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return exitInterrupted
	}
	// A value that only the horde's schema knows to be out of bounds.
	if refused := (*api.Error)(nil); errors.As(err, &refused) && len(refused.Errors) > 0 {
		return exitUsage
	}
	return exitFailed
}
