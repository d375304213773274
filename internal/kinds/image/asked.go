package image

import (
	"fmt"

	"horde/api"
	"horde/internal/admission"
	"horde/internal/horde"
	"horde/internal/kinds"
	"horde/internal/kudos"
	"horde/internal/store"
)

// Asked is a request for images on its way in.
type Asked struct {
	*admission.Request
	Pricer *kudos.Pricer
	Random func() uint32
}

// Normalize makes the image of what was asked.
func (a Asked) Normalize(c admission.Caller) { a.Request.Normalize(c, a.Random) }

// Common is what images and texts have in common.
func (a Asked) Common() *admission.Common { return &a.Image.Common }

// NamedWorkers are those that the request names.
func (a Asked) NamedWorkers() []string { return a.Asked.Workers }

// Limits are what a shared key bounds in an image.
func (a Asked) Limits(k *store.SharedKey) []kinds.Limit {
	return []kinds.Limit{
		{Field: "max_image_pixels", Name: "pixels", Asks: a.Image.Pixels(), Most: k.MaxPixels},
		{Field: "max_image_steps", Name: "steps", Asks: a.Image.Steps, Most: k.MaxSteps},
	}
}

// IsAdult reports whether the reference says so of a model.
func (a Asked) IsAdult(model string) bool {
	m, _ := a.Models.Image(model)
	return m.NSFW
}

// Filtering looks at all prompts but those that are too long: they are refused later.
func (a Asked) Filtering() kinds.Filtering {
	return kinds.Filtering{
		Looks:   len(a.Image.Prompt) <= admission.MaxPromptBytes,
		Rewrite: a.Image.ReplacementFilter || a.Caller.Education,
	}
}

// Body is the image, and what its models are built on.
func (a Asked) Body() kinds.Body {
	m := a.Image
	return kinds.Body{Image: &m, Baselines: m.Baselines(a.Models)}
}

// SourceImages are in the body of the request.
func (a Asked) SourceImages() *api.ImageRequest { return &a.Request.Asked }

// Price prices the request by the dearest of the models that may serve it.
func (a Asked) Price(offered []string) kinds.Price {
	quote := a.Pricer.Quote(a.order(), a.baselines(offered))
	return kinds.Price{
		Base:   quote.Base,
		Tax:    quote.Tax,
		DryRun: quote.Total().Float(),
		Needed: quote.Total(),
		Most:   quote.Total(),
	}
}

func (a Asked) order() kudos.Order { return a.Image.Order(a.Server) }

// baselines are those of the models that may serve the request, each once where it
// names none.
func (a Asked) baselines(offered []string) []string {
	if named := a.Image.Baselines(a.Models); len(named) > 0 {
		return named
	}
	var baselines []string
	seen := map[string]bool{}
	for _, m := range offered {
		if b := a.Models.Baseline(m); !seen[b] {
			seen[b] = true
			baselines = append(baselines, b)
		}
	}
	return baselines
}

// Explain is the price line by line.
func (a Asked) Explain(offered []string) *api.Price {
	order, baselines := a.order(), a.baselines(offered)
	quote, steps := a.Pricer.Explain(order, baselines)
	p := &api.Price{
		Net:     kinds.NetName(a.Pricer),
		Basis:   steps[0].Code,
		Lines:   kinds.Lines(steps),
		Each:    api.Float(quote.PerImage.Float()),
		Width:   a.Image.Width,
		Height:  a.Image.Height,
		Steps:   a.Image.Steps,
		Charged: api.Float(quote.Total().Float()),
		Exact:   true,
	}
	for _, b := range baselines {
		p.Exact = p.Exact && order.ModelFactor(b) == quote.Factor
	}

	switch {
	case len(a.Image.Models) == 0:
		p.Exact = false
		p.Notes = append(p.Notes,
			"No model is named: the dearest that workers offer at the moment is reckoned with. Charged is the one that is used.")
	case !p.Exact:
		p.Notes = append(p.Notes, "Several models are named: the dearest is reckoned with. Charged is the one that is used.")
	}
	p.Notes = append(p.Notes, fmt.Sprintf(
		"An image that is censored is charged %s, one that fails nothing.", horde.KudosOf(order.Burn(0))))
	return p
}
