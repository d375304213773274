package main

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"horde/api"
)

// pricing is how a price is found out, and what is to be said with it.
type pricing struct {
	breakdown func(context.Context) (*api.Price, error)  // line by line, on hordes of ours
	dryRun    func(context.Context) (*api.DryRun, error) // on any
	unserved  string                                     // that nobody serves it, or ""
	anyModel  bool                                       // the request names no model
}

// tellPrice prints what a request would cost and how that comes about.
func tellPrice(con *console, p pricing) error {
	if p.unserved != "" {
		fmt.Fprintln(con.stderr, "note:", p.unserved)
	}
	price, err := p.breakdown(con.ctx)
	var refused *api.Error
	if errors.As(err, &refused) && refused.Status == http.StatusNotFound {
		return tellDryRun(con, p)
	}
	if err != nil {
		return err
	}

	var rows [][]string
	for _, line := range price.Lines {
		text := con.flags.inPlaceOfFields(clean(line.Text))
		rows = append(rows, []string{fmt.Sprintf("%.2f", float64(line.Kudos)), step(line), text})
	}
	if err := table(con.stdout, rows); err != nil {
		return err
	}
	for _, note := range price.Notes {
		fmt.Fprintln(con.stdout, con.flags.inPlaceOfFields(clean(note)))
	}
	_, err = fmt.Fprintln(con.stdout, inAll(price, p.anyModel))
	return err
}

// inAll says what a request costs. The estimate of a dry run can lie above the
// most that is charged, since it does not look at everything: then it is no price.
// Where any model may serve, a worker with a dearer one can still come.
func inAll(p *api.Price, anyModel bool) string {
	when := ""
	if anyModel {
		when = " with the workers there are now"
	}
	switch {
	case p.Exact:
		return fmt.Sprintf("costs %.2f kudos", float64(p.Kudos))
	case p.Kudos < p.Charged:
		return fmt.Sprintf("costs about %.2f kudos, and at most %.2f%s", float64(p.Kudos), float64(p.Charged), when)
	case p.Kudos > p.Charged:
		return fmt.Sprintf("costs at most %.2f kudos%s: the lines above are the estimate that a dry run answers, and more than is charged", float64(p.Charged), when)
	}
	return fmt.Sprintf("costs at most %.2f kudos%s", float64(p.Charged), when)
}

// tellDryRun prints the price that any horde tells.
func tellDryRun(con *console, p pricing) error {
	answer, err := p.dryRun(con.ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(con.stdout, "costs about %.2f kudos (this horde does not tell how its prices come about)\n", float64(answer.Kudos))
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
