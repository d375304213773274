package training

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"horde/internal/kudos"
	"horde/internal/store"
)

// Timed is a finished image of a horde's own life.
type Timed struct {
	Order    kudos.Order
	Machine  string  // which worker, by a name of no other use
	Baseline string  // of its model
	Batch    int     // images that were generated together with it, itself counted
	Seconds  float64 // from handing out to delivery
}

// ReadTimings reads what a server has recorded of finished images. Rows that
// make no sense are left out; lost is their number.
func ReadTimings(ctx context.Context, s *store.Store) (timed []Timed, lost int, err error) {
	type row struct {
		Timed
		key string
	}
	var rows []row
	err = s.Timings(ctx, func(t store.Timing) error {
		f, err := kudos.ParseFeatures(t.Features)
		if err != nil || f.Width > maxCount || f.Height > maxCount || f.Steps > maxCount || math.IsNaN(f.Cfg) || len(rows) == maxJobs {
			lost++
			return nil
		}
		rows = append(rows, row{Timed{Order: f.Order(), Machine: t.Machine, Baseline: t.Baseline, Batch: t.Batch, Seconds: float64(t.Micros) / 1e6},
			fmt.Sprint(t.Features, t.Machine, t.Baseline, t.Batch, t.Micros, t.Hour)})
		return nil
	})
	// The order decides what training does, and databases sort texts differently.
	slices.SortFunc(rows, func(a, b row) int { return strings.Compare(a.key, b.key) })
	for _, r := range rows {
		timed = append(timed, r.Timed)
	}
	return timed, lost, err
}

// Bounds of what is learnt from.
const (
	shortest, longest = 0.05, 3600 // seconds of an image
	leastOfMachine    = 20         // images by which a machine's pace is known
	leastOfKind       = 20         // likewise for a kind of job
	farOff            = 3          // times what is usual, or a third of it: the machine was stalled, or the clock moved
	polishRounds      = 5
)

// Normalized is what is left of timings to learn from.
type Normalized struct {
	Jobs     []Job
	Paces    int // machines with one baseline each, that were compared
	Unfit    int // batches, LoRAs and others that a net has no input for, and impossible times
	Unknown  int // of machines with too few images to know their pace
	Outliers int
}

// Normalize turns times of many machines into times of one. How long an image
// takes is taken to be a product: what yardstick expects it to take, times the
// pace of the machine with models of this baseline, times what jobs of its kind
// ([kindOf]) take beyond what yardstick expects. Pace and kind are the medians
// that fit, found by turns (Tukey's median polish of the logarithms), so that
// neither a stalled worker nor one that generates only one kind of job shifts them.
// A time is divided by its machine's pace; one that is three times off what is
// then usual for its kind is left out. So are batches, whose images are
// delivered together, and what a net has no input for.
//
// The times that come out are on yardstick's scale, with the basis job at what
// yardstick gives it.
func Normalize(timed []Timed, yardstick *kudos.Net) (Normalized, error) {
	var n Normalized
	var all []*polished
	for _, t := range timed {
		o := &t.Order
		if t.Batch != 1 || o.Loras+o.TIs+o.ExtraSources > 0 || o.Workflow != "" || !(t.Seconds >= shortest && t.Seconds <= longest) {
			n.Unfit++
			continue
		}
		all = append(all, &polished{Timed: t, ratio: math.Log(t.Seconds / expected(yardstick, *o)), pace: t.Machine + "/" + t.Baseline, kind: kindOf(o)})
	}
	all = slices.DeleteFunc(all, byCount(all, func(q *polished) string { return q.pace }, leastOfMachine, &n.Unknown))
	if len(all) == 0 {
		return n, fmt.Errorf("there is nothing to learn from yet: unfit are %d (batches, LoRAs, times below %v s or above %v s), and %d are of machines with fewer than %d",
			n.Unfit, shortest, longest, n.Unknown, leastOfMachine)
	}
	paces, kinds := polish(all, yardstick.Encoding())
	n.Paces = len(paces)
	for _, q := range all {
		if off := q.ratio - paces[q.pace] - kinds[q.kind]; math.Abs(off) > math.Log(farOff) {
			n.Outliers++
			continue
		}
		seconds := q.Seconds / math.Exp(paces[q.pace])
		n.Jobs = append(n.Jobs, Job{Order: q.Order, Seconds: seconds, Kudos: seconds / yardstick.Basis() * kudosOfBasis})
	}
	return n, nil
}

// expected is how many seconds the yardstick expects a job to take; where it has
// no place for a name, without what the name stands for. The job's kind makes up
// for that.
func expected(yardstick *kudos.Net, o kudos.Order) float64 {
	e := yardstick.Encoding()
	o.PostProcessing = slices.DeleteFunc(slices.Clone(o.PostProcessing), func(name string) bool {
		_, _, known := e.Knows("", "", []string{name})
		return !known
	})
	if _, known, _ := e.Knows("", o.ControlType, nil); !known {
		o.ControlType = ""
	}
	if s, ok := yardstick.Seconds(&o); ok {
		return s
	}
	return kudos.Formula(&o) / kudosOfBasis * yardstick.Basis()
}

// kudosOfBasis is what the basis job is worth (generation §6.1).
const kudosOfBasis = 11

// polished is a timing on its way to being normalized.
type polished struct {
	Timed
	ratio      float64 // logarithm of its time over the expected one
	pace, kind string
}

// byCount tells, for use with slices.DeleteFunc, which have a name that is too
// rare, and counts them.
func byCount(all []*polished, name func(*polished) string, least int, dropped *int) func(*polished) bool {
	count := map[string]int{}
	for _, q := range all {
		count[name(q)]++
	}
	return func(q *polished) bool {
		if count[name(q)] < least {
			*dropped++
			return true
		}
		return false
	}
}

// polish splits the ratios into a part of the pace and one of the kind. Rare
// kinds have none; the ordinary kind has 0, so that a pace is by how much a
// machine differs from the yardstick at ordinary jobs.
func polish(all []*polished, e *kudos.Encoding) (paces, kinds map[string]float64) {
	kinds = map[string]float64{}
	usual, count := ordinary(all, e)
	for range polishRounds {
		paces = medians(all, func(q *polished) (string, float64) { return q.pace, q.ratio - kinds[q.kind] })
		kinds = medians(all, func(q *polished) (string, float64) { return q.kind, q.ratio - paces[q.pace] })
		shift := kinds[usual]
		for name := range kinds {
			if kinds[name] -= shift; count[name] < leastOfKind {
				delete(kinds, name)
			}
		}
		for name := range paces {
			paces[name] += shift
		}
	}
	return paces, kinds
}

// ordinary is the kind of job on which the yardstick is taken at its word: that of
// the basis job or, where that is rare, the most frequent kind that asks for
// nothing but a sampler it knows; where there is none, the most frequent of all.
// count is how many jobs there are of each kind.
func ordinary(all []*polished, e *kudos.Encoding) (kind string, count map[string]int) {
	count = map[string]int{}
	plain := map[string]bool{}
	for _, q := range all {
		count[q.kind]++
		known, _, _ := e.Knows(q.Order.Sampler, "", nil)
		plain[q.kind] = known && q.kind == q.Order.Sampler
	}
	basis := kudos.BasisJob()
	if count[kindOf(&basis)] >= leastOfKind {
		return kindOf(&basis), count
	}
	better := func(a, b string) bool { // than b, as an ordinary kind
		if plain[a] != plain[b] {
			return plain[a]
		}
		return count[a] > count[b] || count[a] == count[b] && a < b
	}
	for name := range count {
		if kind == "" || better(name, kind) {
			kind = name
		}
	}
	return kind, count
}

func medians(all []*polished, of func(*polished) (string, float64)) map[string]float64 {
	values := map[string][]float64{}
	for _, q := range all {
		name, v := of(q)
		values[name] = append(values[name], v)
	}
	out := make(map[string]float64, len(values))
	for name, v := range values {
		slices.Sort(v)
		out[name] = (v[(len(v)-1)/2] + v[len(v)/2]) / 2
	}
	return out
}

// kindOf says what a job asks for beside its size: sampler, source, control type,
// high resolution fix and post-processors.
func kindOf(o *kudos.Order) string {
	parts := []string{o.Sampler}
	if o.HasSource {
		parts = append(parts, "source "+o.SourceProcessing)
	}
	if o.ControlType != "" {
		parts = append(parts, "control "+o.ControlType)
	}
	if o.HiresFix {
		parts = append(parts, "hires_fix")
	}
	return strings.Join(append(parts, o.PostProcessing...), ", ")
}

// Rescale brings the times of jobs onto a scale on which the basis job takes
// basis seconds, so that they can be learnt from together with others. They need
// both columns, seconds and kudos_basis11.
func Rescale(jobs []Job, basis float64) error {
	now := BasisSeconds(jobs)
	if now == 0 {
		return errors.New("without the columns seconds and kudos_basis11 it is not known what the basis job takes")
	}
	for i := range jobs {
		jobs[i].Seconds *= basis / now
	}
	return nil
}
