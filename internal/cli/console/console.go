// Package console is what the commands of horde share: where a command runs (Console)
// and how it ends (exit.go, explain.go), what a horde says about fields said about flags
// (fields.go), the first interrupt and the second (signals.go), tables, JSON and
// progress on the terminal.
package console

import (
	"context"
	"io"
	"log/slog"
)

// HordeFlags name a horde and an account on it.
type HordeFlags struct {
	Horde  string `default:"http://127.0.0.1:7001" env:"HORDE_SERVER" placeholder:"URL" help:"Address of the horde (${default})."`
	APIKey string `name:"apikey" default:"0000000000" env:"HORDE_APIKEY,HORDE_API_KEY" placeholder:"KEY" help:"API key; default: the anonymous one."`
}

// Console is where a command runs: its context, which ends at the first
// interrupt, and its three streams.
type Console struct {
	Ctx    context.Context
	Stdin  io.Reader
	Stdout io.Writer
	Stderr io.Writer
	Getenv func(string) string
	Log    *slog.Logger
	Flags  FieldFlags // of the command
}
