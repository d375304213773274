package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"horde/api"
)

// tellPrice prints what a request would cost and how that comes about.
func tellPrice(con *console, ask func(context.Context) (*api.Price, error)) error {
	p, err := answered(con.ctx, ask)
	var refused *api.Error
	if errors.As(err, &refused) && refused.Status == http.StatusNotFound {
		return errors.New("this horde does not tell how its prices come about")
	}
	if err != nil {
		return err
	}
	var rows [][]string
	for _, line := range p.Lines {
		rows = append(rows, []string{fmt.Sprintf("%.2f", float64(line.Kudos)), step(line), clean(line.Text)})
	}
	if err := table(con.stdout, rows); err != nil {
		return err
	}
	for _, note := range p.Notes {
		fmt.Fprintln(con.stdout, clean(note))
	}
	if p.Exact {
		_, err = fmt.Fprintf(con.stdout, "costs %.2f kudos\n", float64(p.Kudos))
	} else {
		_, err = fmt.Fprintf(con.stdout, "costs about %.2f kudos; at most %.2f are charged\n", float64(p.Kudos), float64(p.Charged))
	}
	return err
}

// step is what a line does to the price before it.
func step(line api.PriceLine) string {
	switch {
	case line.Factor != nil:
		return fmt.Sprintf("×%g", float64(*line.Factor))
	case line.Add != nil:
		return fmt.Sprintf("%+g", float64(*line.Add))
	}
	return ""
}
