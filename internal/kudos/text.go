package kudos

import (
	"math"

	"horde/internal/horde"
)

// TextOrder is what the price of a text depends on.
type TextOrder struct {
	MaxLength   int // tokens to write at most
	MaxContext  int // tokens that the model looks at
	N           int // texts
	PromptChars int
	Targeted    bool // for named workers on a horde that matches targeting
}

// Sizes of models in billions of parameters.
const (
	smallModel   = 13 // smaller ones are no cheaper in proportion
	pricedModel  = 13 // what an estimate reckons with where any model may serve
	growth       = 0.20
	leastTokens  = 20 // of a text, however short
	charsAToken  = 4
	leastContext = 0.1
	mostContext  = 30
)

// contextFactor is what the length of the context, in tokens, multiplies a
// price by (§6.5).
func contextFactor(tokens int) float64 {
	return min(max(1.2+math.Pow(2.2, math.Log2(float64(tokens)/1024)), leastContext), mostContext)
}

// Tokens estimates how many tokens a text of so many characters has: not fewer
// than 20, not more than asked for (§5.4).
func (o TextOrder) Tokens(chars int) int {
	return min(o.MaxLength, max(leastTokens, (chars+charsAToken-1)/charsAToken))
}

// sizeFactor is what large models cost beyond their size.
func sizeFactor(billions float64) float64 {
	return math.Pow(max(billions, smallModel)/smallModel, growth)
}

// Estimate is the price of one text before it is written (§6.5): of billions, the
// size of the first model named; 0 where any may serve.
func (o TextOrder) Estimate(billions float64) float64 {
	length, context := float64(o.MaxLength), contextFactor(o.MaxContext)
	if billions == 0 {
		return horde.Round2(length * pricedModel * context / 100)
	}
	return horde.Round2(length * sizeFactor(billions) * billions * context / 100)
}

// DryRun is the answer to a dry run, in whole kudos (§2.5).
func (o TextOrder) DryRun(billions float64) float64 {
	return math.RoundToEven((o.Estimate(billions)+1)*float64(o.N) + 1)
}

// Upfront is what is set aside where kudos are needed upfront (§2.4): of
// billions, the size of the largest model named; 0 where any may serve.
func (o TextOrder) Upfront(billions float64) horde.Kudos {
	if billions == 0 {
		return horde.Whole(20 * int64(o.N))
	}
	return horde.KudosOf(horde.Round2(float64(o.MaxLength)*billions/21) * float64(o.N))
}

// TextTax is charged once when a request is accepted: 1, and 2 with a style
// (§6.3).
func TextTax(styled bool) horde.Kudos {
	if styled {
		return horde.Whole(3)
	}
	return horde.Whole(1)
}

// Written is a delivered text as its reward sees it.
type Written struct {
	Chars     int
	Billions  float64 // size of the model; 0: not known
	Validated bool    // the back end is
	Trusted   bool    // the worker's owner is
}

// Reward is the worth of a delivered text (§6.5). The estimate of the prompt is
// capped as the text's is (decisions #26).
func (o TextOrder) Reward(w Written) float64 {
	if o.Targeted {
		return targetedPrice
	}
	context := contextFactor(o.Tokens(o.PromptChars))
	tokens := float64(o.Tokens(w.Chars))
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

// BurnText is what the requester pays for a delivered text of this reward. A
// censored text has the reward 0 (§6.3).
func BurnText(reward float64) float64 { return reward + 1 }

// TextUptime is the reward for ten minutes of a text worker (§6.8): of the size
// of its first model in billions, 0 where that is not known.
func TextUptime(maxContext int, billions float64, validated bool) horde.Kudos {
	const mostCounted = 262144
	k := 25 + 15*float64(max(0, min(maxContext, mostCounted)))/1024
	if billions == 0 {
		return horde.KudosOf(k * 0.5)
	}
	if !validated {
		k *= 0.3
	}
	return horde.KudosOf(k * max(0.25, billions/7))
}
