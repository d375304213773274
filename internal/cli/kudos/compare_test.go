package kudos

import (
	"testing"

	"horde/internal/kudos"
	"horde/internal/kudos/training"
)

// Nets are compared by denoising strengths only where these count: otherwise the
// one that knows what they do would look worse than one that does not.
func TestNetsAreComparedWhereDenoisingCounts(t *testing.T) {
	net := kudos.Standard()
	p := kudos.NewPricer(net)
	jobs := func(counts bool) (list []training.Job) {
		for i := range 90 {
			strength := float64(1+i%9) / 10
			o := kudos.Order{
				Width:            512,
				Height:           64 * (4 + i%13),
				Steps:            20,
				Cfg:              7,
				Sampler:          "k_euler",
				HasSource:        true,
				SourceProcessing: "img2img",
			}
			j := training.Job{Order: o, Kudos: p.Price(o)}
			j.Order.Denoising = &strength
			if counts {
				j.Kudos = p.Price(j.Order)
			}
			list = append(list, j)
		}
		return list
	}

	for _, c := range []struct {
		name  string
		flags JobsFlags
		jobs  []training.Job
		want  bool
	}{
		{"a file where they do", JobsFlags{Data: "f"}, jobs(true), true},
		{"a file where they do not", JobsFlags{Data: "f"}, jobs(false), false},
		{"what a server recorded", JobsFlags{DataDir: "d"}, jobs(false), true},
		{"on PostgreSQL", JobsFlags{FromDB: "u"}, jobs(false), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := c.flags.denoisingCounts(net, c.jobs); got != c.want {
				t.Errorf("%s: %v", c.name, got)
			}
		})
	}
}
