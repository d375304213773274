package console

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
	ExitDone        = 0
	ExitFailed      = 1
	ExitUsage       = 2
	ExitInterrupted = 130
)

// ExitCodes explains the exit statuses.
var ExitCodes = []struct {
	Code    int
	Meaning string
}{
	{ExitDone, "done: everything that was requested is there; of serve, work and up: ended on request"},
	{ExitFailed, "failed: the horde refused or does not answer, or not everything arrived; what did is saved"},
	{ExitUsage, "called wrongly: a flag, an argument, or a file named there is invalid. Nothing was requested or paid"},
	{ExitInterrupted, "interrupted (Ctrl-C or SIGTERM) before everything was there; what is finished is saved"},
}

// PrintExitCodes prints the table.
func PrintExitCodes(w io.Writer) error {
	rows := [][]string{{"STATUS", "MEANING"}}
	for _, e := range ExitCodes {
		rows = append(rows, []string{strconv.Itoa(e.Code), e.Meaning})
	}
	return Table(w, rows)
}

// Report prints a command's error and returns its exit status.
func Report(con *Console, err error) int {
	if err == nil {
		return ExitDone
	}
	text := Explain(err)
	if e := (*api.Error)(nil); errors.As(err, &e) {
		text = con.Flags.ReplaceFields(text)
	}

	if text != "" {
		fmt.Fprintln(con.Stderr, "horde:", text)
	}
	return exitCodeOf(con.Ctx, err)
}

// ExitError is an error with an exit status of its own.
type ExitError struct {
	Code int
	Err  error // nil: already reported
}

func (e *ExitError) Error() string {
	if e.Err == nil {
		return ""
	}
	return e.Err.Error()
}

func (e *ExitError) Unwrap() error { return e.Err }

// UsageError is the error of a wrong call.
func UsageError(format string, args ...any) error {
	return &ExitError{ExitUsage, fmt.Errorf(format, args...)}
}

// InterruptedError is the error of a command that an interrupt ended.
func InterruptedError(format string, args ...any) error {
	return &ExitError{ExitInterrupted, fmt.Errorf(format, args...)}
}

// exitCodeOf is the exit status of a command that ended with err in ctx.
func exitCodeOf(ctx context.Context, err error) int {
	if err == nil {
		return ExitDone
	}
	if e := (*ExitError)(nil); errors.As(err, &e) {
		return e.Code
	}
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return ExitInterrupted
	}
	// A value that only the horde's schema knows to be out of bounds.
	if refused := (*api.Error)(nil); errors.As(err, &refused) && len(refused.Errors) > 0 {
		return ExitUsage
	}
	return ExitFailed
}
