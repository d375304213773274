package kudos

import (
	"fmt"
	"io"

	"horde/internal/cli/console"
	"horde/internal/kudos"
	"horde/internal/kudos/training"
)

// maxMovers is how many kinds of jobs a comparison shows.
const maxMovers = 12

// openNet reads a net, the one in the program where path is empty.
func openNet(path string) (*kudos.Net, error) {
	if path == "" {
		return kudos.Standard(), nil
	}
	net, err := kudos.ReadNet(path)
	if err != nil {
		return nil, console.UsageError("price network: %w", err)
	}
	return net, nil
}

// printComparison prices jobs by an old net and a new one and shows what would change.
func printComparison(w io.Writer, old, fresh *kudos.Net, jobs []training.Job) error {
	c, err := training.Compare(kudos.NewPricer(old), kudos.NewPricer(fresh), jobs)
	if err != nil {
		return err
	}

	fmt.Fprintf(w, "\ncompared on %d jobs\n", len(jobs))
	rows := [][]string{{"", "OLD " + console.Clean(old.Card().Name), "NEW " + console.Clean(fresh.Card().Name)}}
	if c.Old.Jobs > 0 {
		rows = append(rows,
			[]string{"accuracy", fmt.Sprintf("%.4f", c.Old.Accuracy), fmt.Sprintf("%.4f", c.New.Accuracy)},
			[]string{"worst percentile", fmt.Sprintf("%.4f", c.Old.Worst), fmt.Sprintf("%.4f", c.New.Worst)},
			[]string{"by the fixed formula", fmt.Sprint(c.Old.Formula), fmt.Sprint(c.New.Formula)})
	}

	rows = append(rows, []string{"basis job", fmt.Sprintf("%.2f s", old.Basis()), fmt.Sprintf("%.2f s", fresh.Basis())})
	if err := console.Table(w, rows); err != nil {
		return err
	}

	fmt.Fprintf(w, "\nprices move by %+.1f %% on average, half of them by at most %.1f %%, "+
		"and %.1f %% of them by more than a tenth\n\n",
		100*c.Shift, 100*c.Typical, 100*c.Moved)
	if len(c.Movers) == 0 {
		_, err := fmt.Fprintln(w, "too few jobs to compare them by kind")
		return err
	}

	rows = [][]string{{"KIND OF JOB", "JOBS", "MOVES BY", "OLD PRICE", "NEW PRICE"}}
	for _, m := range c.Movers[:min(maxMovers, len(c.Movers))] {
		rows = append(rows, []string{
			console.Clean(m.Kind),
			fmt.Sprint(m.Jobs),
			fmt.Sprintf("%+.1f %%", 100*m.Shift),
			fmt.Sprintf("%.2f", m.Old),
			fmt.Sprintf("%.2f", m.New),
		})
	}
	return console.Table(w, rows)
}
