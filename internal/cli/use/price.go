package use

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"horde/api"
	"horde/internal/cli/console"
)

// pricing is how a price is obtained, and what is said with it.
type pricing struct {
	breakdown func(context.Context) (*api.Price, error)  // line by line, by our own hordes
	dryRun    func(context.Context) (*api.DryRun, error) // by any
	unserved  string                                     // that nobody serves it, or ""
	anyModel  bool                                       // the request names no model
}

// printPrice prints what a request would cost, and why.
func printPrice(con *console.Console, p pricing) error {
	if p.unserved != "" {
		fmt.Fprintln(con.Stderr, "note:", p.unserved)
	}

	price, err := p.breakdown(con.Ctx)
	var refused *api.Error
	if errors.As(err, &refused) && refused.Status == http.StatusNotFound {
		return printDryRun(con, p)
	}
	if err != nil {
		return err
	}

	var rows [][]string
	for _, line := range price.Lines {
		text := con.Flags.ReplaceFields(console.Clean(line.Text))
		rows = append(rows, []string{fmt.Sprintf("%.2f", float64(line.Kudos)), effect(line), text})
	}
	if err := console.Table(con.Stdout, rows); err != nil {
		return err
	}
	for _, note := range price.Notes {
		fmt.Fprintln(con.Stdout, con.Flags.ReplaceFields(console.Clean(note)))
	}
	_, err = fmt.Fprintln(con.Stdout, totalText(price, p.anyModel))
	return err
}

// totalText says what a request costs. The estimate of a dry run can exceed the
// most that is charged, since it does not consider everything: it is not a price then.
// Where any model may serve, a worker with a dearer one can still appear.
func totalText(p *api.Price, anyModel bool) string {
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
		return fmt.Sprintf("costs at most %.2f kudos%s: the lines above are the estimate of a dry run, "+
			"which is more than is charged", float64(p.Charged), when)
	}
	return fmt.Sprintf("costs at most %.2f kudos%s", float64(p.Charged), when)
}

// printDryRun prints the price that any horde answers.
func printDryRun(con *console.Console, p pricing) error {
	answer, err := p.dryRun(con.Ctx)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(con.Stdout, "costs about %.2f kudos (this horde does not explain its prices)\n",
		float64(answer.Kudos))
	return err
}

// effect is what a line does to the price before it.
func effect(line api.PriceLine) string {
	switch {
	case line.Factor != nil:
		return fmt.Sprintf("×%g", float64(*line.Factor))
	case line.Add != nil:
		return fmt.Sprintf("%+g", float64(*line.Add))
	}
	return ""
}
