package main

import (
	"fmt"
	"time"
)

// AdminModelsCmd is about the model references of a server.
type AdminModelsCmd struct {
	List AdminModelsListCmd `cmd:"" help:"Show the stored lists of models, where they come from and how old they are."`
}

// AdminModelsListCmd shows the stored references.
type AdminModelsListCmd struct{ StoreFlags }

// Help shows examples.
func (AdminModelsListCmd) Help() string {
	return `Examples:
  horde admin models list
  horde admin models list --data /var/lib/horde
  horde admin models list --db postgres://horde@db/horde`
}

// Run prints.
func (c *AdminModelsListCmd) Run(con *console) error {
	s, err := c.open(con)
	if err != nil {
		return err
	}
	defer s.Close()
	stored, err := s.References(con.ctx)
	if err != nil {
		return err
	}
	if len(stored) == 0 {
		fmt.Fprintln(con.stderr, "no list of models is stored; the server knows the common names that are built in")
		return nil
	}
	rows := [][]string{{"LIST", "MODELS", "FETCHED", "CHANGED", "SOURCE"}}
	for _, r := range stored {
		rows = append(rows, []string{r.Slot, fmt.Sprint(r.Models), age(r.Fetched), age(r.Changed), clean(r.Source)})
	}
	return table(con.stdout, rows)
}

// age says how long ago a moment was, given in microseconds since 1970.
func age(micros int64) string {
	return time.Since(time.UnixMicro(micros)).Round(time.Second).String() + " ago"
}
