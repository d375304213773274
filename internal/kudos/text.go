package kudos

import (
	"math"

	"horde/internal/horde"
)

// TextOrder is what the price of a text generation depends on.
type TextOrder struct {
	MaxLength   int // tokens to generate at most
	MaxContext  int // tokens that the model considers
	N           int // generations
	PromptChars int
	Targeted    bool // for named workers on a horde that matches targeting
	Styled      bool // by a text style
}

// Figures of generation §6.5.
const (
	smallModel    = 13   // billions of parameters; smaller models are no cheaper in proportion
	growth        = 0.20 // exponent by which larger models cost more than in proportion
	minTokens     = 20   // of a generation, however short
	charsPerToken = 4
	minContext    = 0.1 // factor
	maxContext    = 30  // factor
)

// AssumedBillions is the size in billions of parameters that an estimate assumes
// if any model may serve.
const AssumedBillions = 13

// contextFactor is what the length of the context, in tokens, multiplies a
// price by (generation §6.5).
func contextFactor(tokens int) float64 {
	return min(max(1.2+math.Pow(2.2, math.Log2(float64(tokens)/1024)), minContext), maxContext)
}

// Tokens estimates how many tokens a text of this many characters has: not fewer
// than 20, not more than asked for (generation §5.4).
func (t TextOrder) Tokens(chars int) int {
	return min(t.MaxLength, max(minTokens, (chars+charsPerToken-1)/charsPerToken))
}

// sizeFactor is what large models cost beyond proportion to their size.
func sizeFactor(billions float64) float64 {
	return math.Pow(max(billions, smallModel)/smallModel, growth)
}

// Estimate is the price of one generation before it is made (generation §6.5): of billions, the
// size of the first model named; 0 if any may serve.
func (t TextOrder) Estimate(billions float64) float64 { return t.estimate(billions, "", nil) }

// estimate is Estimate; report, unless nil, is called with each step. model is what the
// size belongs to.
func (t TextOrder) estimate(billions float64, model string, report func(Step)) float64 {
	if billions == 0 {
		billions, model = AssumedBillions, "A model of usual size"
	}

	size, context := sizeFactor(billions), contextFactor(t.MaxContext)
	length := float64(t.MaxLength)
	k := horde.Round2(length * size * billions * context / 100)

	if report != nil {
		report(Step{Code: StepTokens, Count: t.MaxLength, Add: length, Kudos: length})
		report(Step{Code: StepSize, Name: model, Factor: billions, Kudos: length * billions})
		if size != 1 {
			report(Step{Code: StepLargeModel, Factor: size, Kudos: length * size * billions})
		}
		report(Step{Code: StepContext, Count: t.MaxContext, Factor: context, Kudos: length * size * billions * context})
		report(Step{Code: StepScale, Factor: 0.01, Kudos: k})
	}
	return k
}

// DryRun is the answer to a dry run, in whole kudos (generation §2.5).
func (t TextOrder) DryRun(billions float64) float64 { return t.dryRun(billions, "", nil) }

// dryRun is DryRun; report, unless nil, is called with each step.
func (t TextOrder) dryRun(billions float64, model string, report func(Step)) float64 {
	k := BurnText(t.estimate(billions, model, report))
	Step{Code: StepBurn, Add: 1, Kudos: k}.to(report)

	k *= float64(t.N)
	if t.N != 1 {
		Step{Code: StepN, Count: t.N, Factor: float64(t.N), Kudos: k}.to(report)
	}

	k++
	Step{Code: StepAcceptance, Add: 1, Kudos: k}.to(report)

	whole := math.RoundToEven(k)
	Step{Code: StepRounding, Add: whole - k, Kudos: whole}.to(report)
	return whole
}

// Explain prices a request as DryRun does, and tells every step of it. model is
// the name of the model that has the size; both are empty if any may serve.
func (t TextOrder) Explain(billions float64, model string) (dry float64, steps []Step) {
	dry = t.dryRun(billions, model, func(s Step) { steps = append(steps, s) })
	return dry, steps
}

// MaxCost is the most that a request can cost: every generation is as long as it may
// be, and made by a model of billions (0: not known) with a validated back
// end.
func (t TextOrder) MaxCost(billions float64) horde.Kudos {
	w := WrittenText{Chars: charsPerToken * max(t.MaxLength, minTokens), Billions: billions, Validated: true}
	reward := t.Reward(w)
	if billions == 0 { // then trust matters too
		w.Trusted = true
		reward = max(reward, t.Reward(w))
	}
	return t.Tax() + horde.Kudos(t.N)*horde.KudosOf(BurnText(reward))
}

// Upfront is what is set aside where kudos are needed upfront (generation §2.4): of
// billions, the size of the largest model named; 0 if any may serve.
func (t TextOrder) Upfront(billions float64) horde.Kudos {
	if billions == 0 {
		return horde.Whole(20 * int64(t.N))
	}
	return horde.KudosOf(horde.Round2(float64(t.MaxLength)*billions/21) * float64(t.N))
}

// What is charged once when a request for text is accepted (generation §6.3).
const (
	textTax       = 1 // whole kudos
	styledTextTax = 3 // whole kudos, with a style
)

// Tax is charged once when a request is accepted.
func (t TextOrder) Tax() horde.Kudos {
	if t.Styled {
		return horde.Whole(styledTextTax)
	}
	return horde.Whole(textTax)
}

// WrittenText is what the reward of a delivered text depends on.
type WrittenText struct {
	Chars     int
	Billions  float64 // size of the model; 0: not known
	Validated bool    // the back end is
	Trusted   bool    // the worker's owner is
}

// Reward is the worth of a delivered text (generation §6.5). The estimate of the prompt's
// tokens is capped as the text's is (decision 26).
func (t TextOrder) Reward(w WrittenText) float64 {
	if t.Targeted {
		return targetedPrice
	}

	context := contextFactor(t.Tokens(t.PromptChars))
	tokens := float64(t.Tokens(w.Chars))
	switch {
	case w.Billions == 0 && w.Trusted:
		return tokens * context * 0.027
	case w.Billions == 0:
		return context
	}

	k := tokens * sizeFactor(w.Billions) * w.Billions / 125
	if !w.Validated {
		k *= 0.3
	}
	return horde.Round2(k * context)
}

// BurnText is what the requester pays for a delivered text with this reward. A
// censored text has the reward 0 (generation §6.3).
func BurnText(reward float64) float64 { return reward + 1 }
