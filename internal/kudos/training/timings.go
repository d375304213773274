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

// Timed is a finished image that a horde has recorded.
type Timed struct {
	Order    kudos.Order
	Machine  string  // which worker, by a pseudonym
	Baseline string  // of its model
	Batch    int     // images that were generated together with it, itself counted
	Seconds  float64 // from handing out to delivery
}

// ReadTimings reads what a server has recorded of finished images. Rows that
// make no sense are skipped; lost is their number.
func ReadTimings(ctx context.Context, s *store.Store) (timed []Timed, lost int, err error) {
	type row struct {
		Timed
		key string
	}
	var rows []row
	err = s.Timings(ctx, func(t store.Timing) error {
		f, err := kudos.ParseFeatures(t.Features)
		if err != nil || f.Width > maxCount || f.Height > maxCount || f.Steps > maxCount || math.IsNaN(f.Cfg) ||
			len(rows) == maxJobs {
			lost++
			return nil
		}
		rows = append(rows, row{
			Timed: Timed{
				Order:    f.Order(),
				Machine:  t.Machine,
				Baseline: t.Baseline,
				Batch:    t.Batch,
				Seconds:  float64(t.Micros) / 1e6,
			},
			key: fmt.Sprint(t.Features, t.Machine, t.Baseline, t.Batch, t.Micros, t.Hour),
		})
		return nil
	})

	// Sort here: the order decides what training does, and databases sort text differently.
	slices.SortFunc(rows, func(a, b row) int { return strings.Compare(a.key, b.key) })
	for _, r := range rows {
		timed = append(timed, r.Timed)
	}
	return timed, lost, err
}

// Bounds of what training learns from.
const (
	shortest, longest = 0.05, 3600 // seconds of an image
	minOfMachine      = 20         // images from which a machine's pace is known
	minOfKind         = 20         // likewise for a kind of job
	outlierFactor     = 3          // times the usual time, or a third of it: the machine stalled, or its clock moved
	polishRounds      = 5          // of the median polish
)

// Normalized is what remains of timings to learn from.
type Normalized struct {
	Jobs     []Job
	Paces    int // pairs of machine and baseline that were compared
	Unfit    int // batches, LoRAs and others that a net has no input for, and impossible times
	Unknown  int // of machines with too few images to know their pace
	Outliers int
}

// Normalize converts times from many machines into times of one. How long an image
// takes is modelled as a product: what yardstick expects it to take, times the
// pace of the machine with models of this baseline, times what jobs of its kind
// ([kindOf]) take beyond what yardstick expects. Pace and kind are the medians
// that fit, found alternately (Tukey's median polish of the logarithms), so that
// neither a stalled worker nor one that serves only one kind of job shifts them.
// A time is divided by its machine's pace; one that is three times off what is
// then usual for its kind is left out. So are batches, whose images are
// delivered together, and what a net has no input for.
//
// The resulting times are on yardstick's scale, with the basis job at what
// yardstick gives it.
func Normalize(timed []Timed, yardstick *kudos.Net) (Normalized, error) {
	var n Normalized
	var all []*polished
	for _, t := range timed {
		o := &t.Order

		// Leave out what a net cannot price.
		if t.Batch != 1 || o.Loras+o.TIs+o.ExtraSources > 0 || o.Workflow != "" ||
			!(t.Seconds >= shortest && t.Seconds <= longest) {
			n.Unfit++
			continue
		}
		all = append(all, &polished{
			Timed: t,
			ratio: math.Log(t.Seconds / expected(yardstick, *o)),
			pace:  t.Machine + "/" + t.Baseline,
			kind:  kindOf(o),
		})
	}

	// Leave out machines whose pace cannot be known.
	all = slices.DeleteFunc(all, tooRare(all, func(q *polished) string { return q.pace }, minOfMachine, &n.Unknown))
	if len(all) == 0 {
		return n, fmt.Errorf("there is nothing to learn from yet: unfit are %d (batches, LoRAs, "+
			"times below %v s or above %v s), and %d are "+
			"of machines with fewer than %d",
			n.Unfit, shortest, longest, n.Unknown, minOfMachine)
	}

	// Bring each time to the pace of the yardstick, without outliers.
	paces, kinds := polish(all, yardstick.Encoding())
	n.Paces = len(paces)
	for _, q := range all {
		if off := q.ratio - paces[q.pace] - kinds[q.kind]; math.Abs(off) > math.Log(outlierFactor) {
			n.Outliers++
			continue
		}
		seconds := q.Seconds / math.Exp(paces[q.pace])

		n.Jobs = append(n.Jobs, Job{Order: q.Order, Seconds: seconds, Kudos: seconds / yardstick.Basis() * kudosOfBasis})
	}
	return n, nil
}

// expected is how many seconds the yardstick expects a job to take; if it has no place
// for a name, without what the name stands for. The kind of the job makes up for that.
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

// tooRare returns, for use with slices.DeleteFunc, a test for names that are too
// rare, and counts what it finds.
func tooRare(all []*polished, name func(*polished) string, least int, dropped *int) func(*polished) bool {
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

// polish splits the ratios into a part due to the pace and one due to the kind. Rare
// kinds get none; the ordinary kind gets 0, so that a pace says by how much a
// machine differs from the yardstick for ordinary jobs.
func polish(all []*polished, e *kudos.Encoding) (paces, kinds map[string]float64) {
	kinds = map[string]float64{}
	usual, count := ordinary(all, e)

	for range polishRounds {
		paces = medians(all, func(q *polished) (string, float64) { return q.pace, q.ratio - kinds[q.kind] })
		kinds = medians(all, func(q *polished) (string, float64) { return q.kind, q.ratio - paces[q.pace] })

		// Shift everything so that the ordinary kind is at 0.
		shift := kinds[usual]
		for name := range kinds {
			if kinds[name] -= shift; count[name] < minOfKind {
				delete(kinds, name)
			}
		}
		for name := range paces {
			paces[name] += shift
		}
	}
	return paces, kinds
}

// ordinary is the kind of job for which the yardstick is trusted: that of the
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
	if count[kindOf(&basis)] >= minOfKind {
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

// kindOf says what a job asks for apart from its size: sampler, source, control type,
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

// Rescale converts the times of jobs to a scale on which the basis job takes
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
