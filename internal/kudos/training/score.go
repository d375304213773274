package training

import (
	"errors"
	"math"
	"slices"

	"horde/internal/kudos"
)

// Score is how close prices are to the truth. The accuracy of one job is
// 1 − |a−p| / max(a,p).
type Score struct {
	Jobs     int
	Formula  int     // of these priced by the fixed formula
	Accuracy float64 // mean over the jobs
	Worst    float64 // first percentile: 99 of 100 jobs are at least as accurate
	Tail     float64 // mean of the worst hundredth
	Least    float64 // worst job
}

// Evaluate compares what p charges for jobs with their column kudos_basis11.
func Evaluate(p *kudos.Pricer, jobs []Job) (Score, error) {
	if len(jobs) == 0 {
		return Score{}, errors.New("no jobs to compare prices with")
	}

	each := make([]float64, len(jobs))
	formula := 0
	for i := range jobs {
		j := &jobs[i]
		if math.IsNaN(j.Kudos) {
			return Score{}, errors.New("the data file has no column kudos_basis11 to compare prices with")
		}
		if n := p.Net(); n == nil {
			formula++
		} else if _, ok := n.Seconds(&j.Order); !ok {
			formula++
		}
		each[i] = accuracy(j.Kudos, p.Price(j.Order))
	}

	s := scoreOf(each)
	s.Formula = formula
	return s, nil
}

func accuracy(a, p float64) float64 {
	if a == p {
		return 1
	}
	return 1 - math.Abs(a-p)/math.Max(a, p)
}

// scoreOf summarises accuracies, which it sorts.
func scoreOf(each []float64) Score {
	slices.Sort(each)
	worst := (len(each) + 99) / 100 // nearest rank
	return Score{
		Jobs: len(each), Accuracy: mean(each), Worst: each[worst-1], Tail: mean(each[:worst]), Least: each[0],
	}
}

func mean(v []float64) float64 {
	sum := 0.0
	for _, x := range v {
		sum += x
	}
	return sum / float64(len(v))
}
