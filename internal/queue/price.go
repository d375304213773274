package queue

import (
	"context"
	"fmt"
	"math"

	"horde/api"
	"horde/internal/account"
	"horde/internal/admission"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/kudos"
	"horde/internal/store"
)

// Price tells what a request for pictures would cost, line by line. It runs the
// checks of Accept and the price function of its dry run, and takes nothing.
func (q *Queue) Price(ctx context.Context, ask Ask) (*api.Price, error) {
	r, t, err := q.imageAsk(ctx, ask)
	if err != nil {
		return nil, err
	}
	return q.explain(ctx, q.images, r, t, ask.From)
}

// PriceText is Price for a request for texts.
func (q *Queue) PriceText(ctx context.Context, ask TextAsk) (*api.Price, error) {
	r, t, err := q.textAsk(ctx, ask)
	if err != nil {
		return nil, err
	}
	return q.explain(ctx, q.texts, r, t, ask.From)
}

func (q *Queue) explain(ctx context.Context, x *index, r incoming, t *terms, from From) (*api.Price, error) {
	w, err := q.weigh(ctx, x, r, t, from)
	if err != nil {
		return nil, err
	}
	p := r.explain(q, t.user)
	p.Type, p.N, p.Kudos = x.kind.name, r.common().N, api.Float(w.cost.dry)
	p.Tax, p.Upfront, p.Held = api.Float(w.cost.tax.Float()), w.up.Needed, api.Float(w.held().Float())
	if w.up.Needed {
		p.UpfrontRules = w.up.Rules()
	}
	p.Floor = api.Float(t.user.Floor().Float())
	p.Notes = append(w.notes(), append(t.notes(), p.Notes...)...)
	return p, nil
}

// notes say what happens to the kudos of a request, and by which rules.
func (w weighed) notes() []string {
	what := "Nothing is set aside: each delivery is charged when it comes."
	if held := w.held(); held > 0 {
		what = fmt.Sprintf("This request needs its kudos upfront: %s are set aside when it is taken, charges are paid from them, and what is left is freed at the end.", held)
	}
	notes := []string{what}
	switch why := w.up.Why(); {
	case w.downgraded:
		notes = append(notes, "The account cannot commit what was asked for, so the request is made smaller (allow_downgrade). This is the price of the smaller one.",
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
			"What the request can come to is set aside on the key when it is taken, and what is left of that is freed at the end.", left))
	}
	if t.last {
		notes = append(notes, "The budget of the shared key does not cover the request, which waits behind all others. What the budget does not cover is forgiven.")
	}
	if t.style != nil && t.style.Style.UserID != t.asker.ID {
		notes = append(notes, fmt.Sprintf("The style's owner gets %s kudos from the horde, not from you.", kudos.StyleReward()))
	}
	return notes
}

func linesOf(steps []kudos.Step) []api.PriceLine {
	const digits = 1e4
	shown := func(v float64) api.Float { return api.Float(math.Round(v*digits) / digits) }
	given := func(v float64) *api.Float {
		if v == 0 {
			return nil
		}
		f := shown(v)
		return &f
	}
	lines := make([]api.PriceLine, len(steps))
	for i, s := range steps {
		lines[i] = api.PriceLine{Code: s.Code, Text: s.Describe(), Factor: given(s.Factor), Add: given(s.Add), Kudos: shown(s.Kudos)}
	}
	return lines
}

// explain is price, line by line.
func (r imageAsk) explain(q *Queue, of *account.User) *api.Price {
	baselines := r.baselines(q, of)
	order := r.Image.Order(r.Server.MatchedTargeting)
	quote, steps := q.Pricer.Explain(order, baselines)
	p := &api.Price{Net: q.netName(), Basis: steps[0].Code, Lines: linesOf(steps), Each: api.Float(quote.PerImage.Float()),
		Width: r.Image.Width, Height: r.Image.Height, Steps: r.Image.Steps,
		Charged: api.Float(quote.Total().Float()), Exact: true}
	for _, b := range baselines {
		p.Exact = p.Exact && order.ModelFactor(b) == quote.Factor
	}
	switch {
	case len(r.Image.Models) == 0:
		p.Exact = false
		p.Notes = append(p.Notes, "No model is named: the dearest that workers offer at the moment is reckoned with. Charged is the one that is used.")
	case !p.Exact:
		p.Notes = append(p.Notes, "Several models are named: the dearest is reckoned with. Charged is the one that is used.")
	}
	p.Notes = append(p.Notes, fmt.Sprintf("A picture that is censored is charged %s, one that fails nothing.", horde.KudosOf(order.Burn(0))))
	return p
}

// explain is price, line by line: an estimate by the first model that is named.
// What is charged depends on what is written.
func (r textAsk) explain(q *Queue, of *account.User) *api.Price {
	order := r.Text.Order(r.Server.MatchedTargeting)
	var name string
	if len(r.Text.Models) > 0 {
		name = r.Text.Models[0]
	}
	_, steps := order.Explain(r.firstSize(), name)
	styled := r.Style == admission.TextStyle
	most := r.most(q, of)
	each := (most - kudos.TextTax(styled)).Float() / float64(r.Text.N)
	notes := []string{fmt.Sprintf("This is an estimate. Each text is charged by its length and by the model that wrote it when it is delivered; "+
		"%s is the most that it can come to. A text that is censored is charged 1, one that fails nothing.", most)}
	if styled {
		notes = append(notes, fmt.Sprintf("With a style %s are charged when the request is taken; the estimate reckons with %s.",
			kudos.TextTax(true), kudos.TextTax(false)))
	}
	return &api.Price{Basis: "text", Lines: linesOf(steps), Each: api.Float(horde.Round2(each)), Charged: api.Float(most.Float()), Notes: notes}
}

// candidates are the sizes of the models that may serve a user's request, in
// billions of parameters (0: not known): those named or, where any may serve, those
// of the workers that could get it.
func (r textAsk) candidates(q *Queue, of *account.User) (sizes []float64) {
	for _, name := range r.Text.Models {
		sizes = append(sizes, r.Models.TextSize(name))
	}
	if len(sizes) > 0 {
		return sizes
	}
	for _, w := range q.takers(q.texts, r, of) {
		for _, name := range w.Settings.Models {
			sizes = append(sizes, r.Models.TextSize(name))
		}
	}
	if len(sizes) == 0 {
		sizes = []float64{kudos.AssumedBillions}
	}
	return sizes
}

// takers are the live workers that could get a user's request which is being priced.
// New ones do not count where others are there: whoever makes up a worker does not
// decide what requests cost.
func (q *Queue) takers(x *index, r incoming, of *account.User) []*fleet.Worker {
	rec := r.record()
	rec.Trusted = of.Is(account.Trusted)
	e := x.newEntry(store.Request{Kind: x.kind.name, UserID: of.ID}, rec)

	s := q.scan(q.Clock().UnixMicro())
	var proven, all []*fleet.Worker
	q.Fleet.Online(x.kind.name, func(w *fleet.Worker) bool {
		if s.couldGet(w, e) {
			all = append(all, w)
			if fleet.HasDelivered(&w.Worker) {
				proven = append(proven, w)
			}
		}
		return true
	})
	if len(proven) > 0 {
		return proven
	}
	return all
}

// netName is what the price network in use is called, "" where there is none.
func (q *Queue) netName() string {
	if n := q.Pricer.Net(); n != nil {
		return n.Card().Name
	}
	return ""
}

// PriceNet is the price network in use.
func (q *Queue) PriceNet() *api.PriceNet {
	n := q.Pricer.Net()
	if n == nil {
		return &api.PriceNet{Name: "formula"}
	}
	c := n.Card()
	return &api.PriceNet{Name: c.Name, Description: c.Comment, Accuracy: api.Float(c.Accuracy), Worst: api.Float(c.Worst), Jobs: c.TrainRows,
		BasisSeconds: api.Float(n.Basis()), Samplers: c.Vocabulary.Samplers, ControlTypes: c.Vocabulary.Controls, PostProcessors: c.Vocabulary.PostProcessors}
}
