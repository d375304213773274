package kudos

import (
	"fmt"

	"horde/internal/horde"
)

// Codes of the steps of a price, in the order in which they come.
const (
	StepNetwork        = "network"         // the image by the price network
	StepFormula        = "formula"         // the image by the fixed formula
	StepTargeted       = "targeted"        // for named workers, where targeting is matched
	StepLoras          = "loras"           // LoRAs
	StepTIs            = "tis"             // textual inversions
	StepModel          = "model"           // factor of the model's baseline
	StepTokens         = "tokens"          // of a text generation
	StepSize           = "size"            // of a text model
	StepLargeModel     = "large_model"     // what large models cost beyond their size
	StepContext        = "context"         // of a text generation
	StepScale          = "scale"           // of text generations, from tokens to kudos
	StepSource         = "source_image"    // source image
	StepPostProcessing = "post_processing" // one post-processor
	StepBurn           = "burn"            // of each delivery
	StepFastOnly       = "slow_workers"    // only fast workers
	StepBlacklist      = "worker_blacklist"
	StepEach           = "each"       // rounded to hundredths: the charge for one delivery
	StepN              = "n"          // times the number of generations
	StepAcceptance     = "acceptance" // when the request is accepted
	StepExtraSources   = "extra_source_images"
	StepRounding       = "rounding" // to what the dry run answers
)

// Step is one line of a price: what is applied, and what results.
type Step struct {
	Code    string
	Name    string  // of the network, the baseline or the post-processor that is meant
	Count   int     // how many: LoRAs, images, tokens
	Seconds float64 // StepNetwork: what the net expects the image to take
	Basis   float64 // StepNetwork: what it expects the basis job to take
	Factor  float64 // by which the price is multiplied; 0: it is not
	Add     float64 // added to the price
	Kudos   float64 // the price so far
}

// to passes a step to report, unless that is nil.
func (s Step) to(report func(Step)) {
	if report != nil {
		report(s)
	}
}

// Describe says what a step is, for people.
func (s Step) Describe() string {
	switch s.Code {
	case StepNetwork:
		return fmt.Sprintf("One image by the price network %s, which expects it to take %.2f s "+
			"where the reference job, worth %d kudos, "+
			"takes %.2f s.",
			s.Name, s.Seconds, basisKudos, s.Basis)
	case StepFormula:
		if s.Name == "" {
			return "One image by the fixed formula: this horde uses no price network."
		}
		return fmt.Sprintf("One image by the fixed formula, since the price network does not know %q.", s.Name)
	case StepTargeted:
		return "Requests for named workers cost next to nothing on this horde."
	case StepLoras:
		return fmt.Sprintf("LoRAs, %d kudos each: %d.", perLora, s.Count)
	case StepTIs:
		return "Textual inversions, however many."
	case StepModel:
		return fmt.Sprintf("The model is built on %s.", s.Name)
	case StepSource:
		return "A source image."
	case StepPostProcessing:
		return fmt.Sprintf("Post-processing by %s.", s.Name)
	case StepBurn:
		return "Taken out of circulation with each delivery."
	case StepFastOnly:
		return "Only fast workers (slow_workers is false)."
	case StepBlacklist:
		return "Named workers are shut out (worker_blacklist)."
	}
	return s.textWords()
}

// textWords is Describe for the steps of text generation and of whole requests.
func (s Step) textWords() string {
	switch s.Code {
	case StepTokens:
		return fmt.Sprintf("One text generation of at most %d tokens.", s.Count)
	case StepLargeModel:
		return "Large models cost more than in proportion."
	case StepSize:
		return fmt.Sprintf("%s has %g billion parameters.", s.Name, s.Factor)
	case StepContext:
		return fmt.Sprintf("The length of the context, %d tokens.", s.Count)
	case StepScale:
		return "From tokens to kudos."
	case StepEach:
		return "The charge for one delivery, rounded."
	case StepN:
		return fmt.Sprintf("%d of them.", s.Count)
	case StepAcceptance:
		return "For taking the request into the queue: charged at once, whatever becomes of it, and never returned."
	case StepExtraSources:
		return fmt.Sprintf("Further source images, %d kudos each, charged at once: %d.", perExtraSource, s.Count)
	case StepRounding:
		return "The answer of a dry run for texts is a whole number."
	}
	return s.Code
}

// Explain prices a request as [Pricer.Quote] does, and tells every step of it.
// The last step's Kudos are the quote's total.
func (p *Pricer) Explain(o Order, baselines []string) (Quote, []Step) {
	var steps []Step
	add := func(s Step) { steps = append(steps, s) }

	q := p.quote(&o, baselines, add)
	each := q.PerImage.Float()
	add(Step{Code: StepEach, Kudos: each})

	whole := horde.Kudos(q.N) * q.PerImage
	if q.N != 1 {
		add(Step{Code: StepN, Count: q.N, Factor: float64(q.N), Kudos: whole.Float()})
	}

	base := horde.Whole(baseTax)
	add(Step{Code: StepAcceptance, Add: base.Float(), Kudos: (whole + base).Float()})
	if o.ExtraSources > 0 {
		add(Step{Code: StepExtraSources, Count: o.ExtraSources, Add: (q.Tax - base).Float(), Kudos: q.Total().Float()})
	}
	return q, steps
}
