package queue

import (
	"context"
	"fmt"

	"horde/api"
	"horde/internal/kinds"
	"horde/internal/kudos"
)

// Price says what a request for images would cost, line by line. It runs the
// checks of Accept and the price function of its dry run, and takes nothing.
func (q *Queue) Price(ctx context.Context, ask ImageRequest) (*api.Price, error) {
	r, t, err := q.imageAsk(ctx, ask)
	if err != nil {
		return nil, err
	}
	return q.explain(ctx, q.images, r, t, ask.From)
}

// PriceText is Price for a request for texts.
func (q *Queue) PriceText(ctx context.Context, ask TextRequest) (*api.Price, error) {
	r, t, err := q.textAsk(ctx, ask)
	if err != nil {
		return nil, err
	}
	return q.explain(ctx, q.texts, r, t, ask.From)
}

// explain is the price of a request as accept would find it.
func (q *Queue) explain(ctx context.Context, x *index, r kinds.Asked, t *terms, from From) (*api.Price, error) {
	b, err := q.weigh(ctx, x, r, t, from)
	if err != nil {
		return nil, err
	}

	p := r.Explain(q.offered(x, r, t.user))
	p.Type, p.N = string(x.kind.name), r.Common().N
	p.Kudos, p.Tax = api.Float(b.cost.DryRun), api.Float(b.cost.Tax.Float())
	p.Upfront, p.Held = b.up.Needed, api.Float(b.held().Float())
	if b.up.Needed {
		p.UpfrontRules = b.up.Rules()
	}
	p.Floor = api.Float(t.user.Floor().Float())
	p.Notes = append(b.notes(), append(t.notes(), p.Notes...)...)
	return p, nil
}

// notes say what happens to the kudos of a request, and by which rules.
func (b bill) notes() []string {
	what := "Nothing is set aside: each delivery is charged when it comes."
	if held := b.held(); held > 0 {
		what = fmt.Sprintf(
			"This request needs its kudos upfront: %s are set aside when it is taken, charges are paid from them, "+
				"and what is left is freed at the end.", held)
	}
	notes := []string{what}

	switch why := b.up.Why(); {
	case b.downgraded:
		notes = append(notes,
			"The account cannot commit what was asked for, so the request is made smaller (allow_downgrade). "+
				"This is the price of the smaller one.",
			"Of what was asked for: "+why)
	case why != "":
		notes = append(notes, why)
	}
	return notes
}

// notes say who pays.
func (t *terms) notes() (notes []string) {
	if t.key != nil {
		left := "it has no limit"
		if t.key.Limited() {
			left = "it has " + leftOn(&t.key.SharedKey)
		}
		notes = append(notes, fmt.Sprintf("A shared key pays: its owner is charged, and its budget falls by as much (%s). "+
			"What the request can come to is set aside on the key when it is taken, "+
			"and what is left of that is freed at the end.", left))
	}

	if t.deprioritized {
		notes = append(notes,
			"The budget of the shared key does not cover the request, which waits behind all others. "+
				"What the budget does not cover is forgiven.")
	}

	if t.style != nil && t.style.Style.UserID != t.asker.ID {
		notes = append(notes, fmt.Sprintf(
			"The style's owner gets %s kudos from the horde, not from you.", kudos.StyleReward()))
	}
	return notes
}

// PriceNet is the price network in use.
func (q *Queue) PriceNet() *api.PriceNet {
	n := q.Pricer.Net()
	if n == nil {
		return &api.PriceNet{Name: "formula"}
	}

	c := n.Card()
	return &api.PriceNet{
		Name:           c.Name,
		Description:    c.Comment,
		Accuracy:       api.Float(c.Accuracy),
		Worst:          api.Float(c.Worst),
		Jobs:           c.TrainRows,
		BasisSeconds:   api.Float(n.Basis()),
		Samplers:       c.Vocabulary.Samplers,
		ControlTypes:   c.Vocabulary.Controls,
		PostProcessors: c.Vocabulary.PostProcessors,
	}
}
