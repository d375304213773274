package text

import (
	"fmt"

	"horde/api"
	"horde/internal/admission"
	"horde/internal/horde"
	"horde/internal/kinds"
	"horde/internal/kudos"
	"horde/internal/store"
)

// Asked is a request for text generation on its way in.
type Asked struct{ *admission.TextRequest }

// Common is what images and texts have in common.
func (a Asked) Common() *admission.Common { return &a.Text.Common }

// NamedWorkers are those that the request names.
func (a Asked) NamedWorkers() []string { return a.Asked.Workers }

// Warnings: texts have none.
func (a Asked) Warnings() []api.Warning { return nil }

// SourceImages: texts have none.
func (a Asked) SourceImages() *api.ImageRequest { return nil }

// Limits are what a shared key bounds in a text.
func (a Asked) Limits(k *store.SharedKey) []kinds.Limit {
	return []kinds.Limit{{Field: "max_text_tokens", Name: "tokens", Asks: a.Text.MaxLength, Most: k.MaxTokens}}
}

// IsAdult reports whether the reference says so of a model.
func (a Asked) IsAdult(model string) bool {
	m, _ := a.Models.Text(model)
	return m.NSFW
}

// Filtering looks at no prompt.
func (a Asked) Filtering() kinds.Filtering { return kinds.Filtering{} }

// Body is the text that is asked for.
func (a Asked) Body() kinds.Body {
	m := a.Text
	return kinds.Body{Text: &m}
}

func (a Asked) order() kudos.TextOrder {
	order := a.Text.Order(a.Server)
	order.Styled = a.styled()
	return order
}

// styled reports whether a text style is used: such requests are taxed more
// (generation §6.3).
func (a Asked) styled() bool { return a.Style == admission.TextStyle }

// Price prices the request by the sizes of the models that it names: the estimate of
// a dry run by the first, what is needed upfront by the largest (generation §2.4,
// generation §2.5). The answer to a request always says 0.
func (a Asked) Price(offered []string) kinds.Price {
	var largest float64
	for _, name := range a.Text.Models {
		largest = max(largest, a.Models.TextBillions(name))
	}
	order := a.order()
	return kinds.Price{
		Tax:    order.Tax(),
		DryRun: order.DryRun(a.firstSize()),
		Needed: order.Upfront(largest),
		Most:   a.most(offered),
	}
}

// most is what the request comes to at most, by whatever model may serve it.
func (a Asked) most(offered []string) (most horde.Kudos) {
	order := a.order()
	for _, size := range a.sizes(offered) {
		most = max(most, order.MaxCost(size))
	}
	return most
}

// sizes are those of the models that may serve the request, in billions of
// parameters; 0: not known.
func (a Asked) sizes(offered []string) (sizes []float64) {
	candidates := a.Text.Models
	if len(candidates) == 0 {
		candidates = offered
	}
	for _, name := range candidates {
		sizes = append(sizes, a.Models.TextSize(name))
	}
	if len(sizes) == 0 {
		sizes = []float64{kudos.AssumedBillions}
	}
	return sizes
}

// firstSize is that of the first model named, in billions of parameters; 0 where any
// may serve.
func (a Asked) firstSize() float64 {
	if len(a.Text.Models) == 0 {
		return 0
	}
	return a.Models.TextBillions(a.Text.Models[0])
}

// Explain is the price line by line: an estimate by the first model that is named.
// What is charged depends on what is written.
func (a Asked) Explain(offered []string) *api.Price {
	var name string
	if len(a.Text.Models) > 0 {
		name = a.Text.Models[0]
	}
	_, steps := a.order().Explain(a.firstSize(), name)
	most := a.most(offered)
	each := (most - a.order().Tax()).Float() / float64(a.Text.N)

	notes := []string{fmt.Sprintf(
		"This is an estimate. Each text is charged by its length and by the model that wrote it when it is delivered; "+
			"%s is the most that it can come to. A text that is censored is charged 1, one that fails nothing.", most)}
	if a.styled() {
		notes = append(notes, fmt.Sprintf(
			"With a style %s are charged when the request is taken; the estimate reckons with %s.",
			kudos.TextOrder{Styled: true}.Tax(), kudos.TextOrder{}.Tax()))
	}
	return &api.Price{
		Basis:   "text",
		Lines:   kinds.Lines(steps),
		Each:    api.Float(horde.Round2(each)),
		Charged: api.Float(most.Float()),
		Notes:   notes,
	}
}
