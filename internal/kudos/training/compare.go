package training

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"horde/internal/kudos"
)

// Comparison is what changes when one pricer replaces another.
type Comparison struct {
	Old, New Score
	// Shift is the mean of new/old − 1 over the jobs, Typical the median of how
	// much a price moves either way, Moved the share of prices that move by more
	// than a tenth.
	Shift, Typical, Moved float64
	Movers                []Mover // kinds of jobs, largest moves first
}

// Mover is how the prices of one kind of job move.
type Mover struct {
	Kind     string
	Jobs     int
	Shift    float64 // mean of new/old − 1
	Old, New float64 // mean prices in kudos
}

const (
	minJobsOfKind = 10  // jobs of a kind that is reported
	movedBy       = 0.1 // share of a price from which it counts as moved
)

// Compare prices jobs with both. Where they have no column kudos_basis11 the two
// scores are zero, as those of prices whose truth is unknown.
func Compare(old, replacement *kudos.Pricer, jobs []Job) (c Comparison, err error) {
	if len(jobs) > 0 && !math.IsNaN(jobs[0].Kudos) {
		if c.Old, err = Evaluate(old, jobs); err == nil {
			c.New, err = Evaluate(replacement, jobs)
		}
		if err != nil {
			return c, err
		}
	}

	sums := map[string]*Mover{}
	moves := make([]float64, 0, len(jobs))
	for i := range jobs {
		o := &jobs[i].Order
		a, b := old.Price(*o), replacement.Price(*o)
		move := b/a - 1
		moves = append(moves, math.Abs(move))
		c.Shift += move / float64(len(jobs))
		for _, kind := range kindsOf(o) {
			m := sums[kind]
			if m == nil {
				m = &Mover{Kind: kind}
				sums[kind] = m
			}
			m.Jobs, m.Shift, m.Old, m.New = m.Jobs+1, m.Shift+move, m.Old+a, m.New+b
		}
	}

	slices.Sort(moves)
	if n := len(moves); n > 0 {
		c.Typical = moves[n/2]
		at, _ := slices.BinarySearch(moves, movedBy)
		c.Moved = float64(n-at) / float64(n)
	}
	c.Movers = moversOf(sums)
	return c, nil
}

// moversOf averages the sums of each kind that has enough jobs, largest moves first.
func moversOf(sums map[string]*Mover) (all []Mover) {
	for _, m := range sums {
		if m.Jobs >= minJobsOfKind {
			n := float64(m.Jobs)
			all = append(all, Mover{m.Kind, m.Jobs, m.Shift / n, m.Old / n, m.New / n})
		}
	}

	slices.SortFunc(all, func(a, b Mover) int {
		return cmp.Or(cmp.Compare(math.Abs(b.Shift), math.Abs(a.Shift)), cmp.Compare(a.Kind, b.Kind))
	})
	return all
}

// kindsOf returns the kinds that a job belongs to: one by its size, one by its steps,
// one by its sampler, and one by each further thing that it asks for.
func kindsOf(o *kudos.Order) []string {
	kinds := []string{
		class(o.Width*o.Height, "size",
			[]int{512 * 512, 768 * 768, 1024 * 1024, 2048 * 2048}, []string{"512²", "768²", "1024²", "2048²"}),
		class(o.Steps, "steps", []int{10, 20, 30, 50, 100}, []string{"10", "20", "30", "50", "100"}),
		"sampler " + o.Sampler,
	}

	if o.HasSource {
		kinds = append(kinds, "source "+o.SourceProcessing)
	}
	if o.ControlType != "" {
		kinds = append(kinds, "control "+o.ControlType)
	}
	if o.HiresFix {
		kinds = append(kinds, "hires_fix")
	}

	posts := slices.Compact(slices.Sorted(slices.Values(o.PostProcessing)))
	for _, name := range posts {
		kinds = append(kinds, "post-processor "+name)
	}
	return kinds
}

func class(v int, what string, ends []int, names []string) string {
	for i, end := range ends {
		if v <= end {
			return fmt.Sprintf("%s up to %s", what, names[i])
		}
	}
	return fmt.Sprintf("%s beyond %s", what, names[len(names)-1])
}
