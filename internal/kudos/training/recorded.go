package training

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"

	"horde/api"
	"horde/internal/kudos"
)

// Recorded is an image request and what another horde answered to it.
type Recorded struct {
	Order    kudos.Order // with that horde's defaults filled in
	Model    string      // that was asked for
	Network  bool        // priced by its net; else by the fixed formula
	Accepted float64     // kudos in the answer to the request
	Reward   float64     // kudos in the answer to the delivery
	Charged  float64     // kudos in the status at the end
}

// maxRecordedLine bounds the bytes of one line.
const maxRecordedLine = 1 << 20

// ReadRecorded reads recorded prices: one JSON object a line, with the keys
// request, basis ("network" or "formula"), accepted, reward and charged.
func ReadRecorded(path string) ([]Recorded, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()

	var all []Recorded
	sc := bufio.NewScanner(f)
	sc.Buffer(nil, maxRecordedLine)
	for n := 1; sc.Scan(); n++ {
		var row struct {
			Request                   api.ImageRequest
			Basis                     string
			Accepted, Reward, Charged float64
		}

		if err := json.Unmarshal(sc.Bytes(), &row); err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", path, n, err)
		}
		o, model, err := orderOf(&row.Request)
		if err != nil {
			return nil, fmt.Errorf("%s: line %d: %w", path, n, err)
		}
		all = append(all, Recorded{
			Order:    o,
			Model:    model,
			Network:  row.Basis == "network",
			Accepted: row.Accepted,
			Reward:   row.Reward,
			Charged:  row.Charged,
		})
	}

	if err := sc.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return all, nil
}

// orderOf fills in what a server does: the defaults of generation §1.2, and at most 40
// steps with a control type.
func orderOf(r *api.ImageRequest) (o kudos.Order, model string, err error) {
	p := r.Params
	if p == nil || r.Models == nil || len(*r.Models) == 0 {
		return o, "", fmt.Errorf("a recorded request needs params and models")
	}

	o = kudos.Order{
		Width:            or(p.Width, 512),
		Height:           or(p.Height, 512),
		Steps:            or(p.Steps, 30),
		Cfg:              or(p.CfgScale, 5),
		Sampler:          p.SamplerName,
		Karras:           or(p.Karras, true),
		HiresFix:         or(p.HiresFix, false),
		Denoising:        p.DenoisingStrength,
		HasSource:        r.SourceImage != "",
		HasMask:          r.SourceMask != "",
		SourceProcessing: r.SourceProcessing,
		ControlType:      p.ControlType,
		ReturnControlMap: or(p.ReturnControlMap, false),
		PostProcessing:   p.PostProcessing,
		Loras:            len(p.Loras),
		TIs:              len(p.TIs),
		Workflow:         p.Workflow,
		N:                1,
		ExtraSources:     len(r.ExtraSourceImages),
		FastOnly:         !or(r.SlowWorkers, true),
		Blacklist:        or(r.WorkerBlacklist, false),
	}

	if o.Sampler == "" {
		o.Sampler = "k_euler_a"
	}
	if o.ControlType != "" {
		o.Steps = min(o.Steps, 40)
	}
	return o, (*r.Models)[0], nil
}

func or[T any](v *T, otherwise T) T {
	if v == nil {
		return otherwise
	}
	return *v
}

// Job turns a recorded request into a job to learn from: baseline is its
// model's, basis what the basis job takes, in seconds.
func (r *Recorded) Job(baseline string, basis float64) Job {
	bare := r.Order
	bare.Loras, bare.TIs = 0, 0
	p := kudos.NewPricer(nil)
	k := r.Reward/r.Order.ModelFactor(baseline) - (p.Price(r.Order) - p.Price(bare))
	return Job{Order: bare, Kudos: k, Seconds: k / 11 * basis}
}
