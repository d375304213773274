package queue

import (
	"context"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"horde/api"
	"horde/internal/account"
	"horde/internal/admission"
	"horde/internal/fleet"
	"horde/internal/horde"
	"horde/internal/kinds"
	"horde/internal/kinds/text"
	"horde/internal/kudos"
	"horde/internal/match"
	"horde/internal/store"
)

// TextAsk is one POST /generate/text/async.
type TextAsk struct {
	Body api.TextRequest
	From
}

// AcceptText checks a request for texts in the order of generation §2.3
// and takes it into the queue.
func (q *Queue) AcceptText(ctx context.Context, ask TextAsk) (Answer, error) {
	r, t, err := q.textAsk(ctx, ask)
	if err != nil {
		return Answer{}, err
	}
	return q.accept(ctx, q.texts, r, t, ask.From)
}

func (q *Queue) textAsk(ctx context.Context, ask TextAsk) (textAsk, *terms, error) {
	r := &admission.TextRequest{Asked: ask.Body, ClientAgent: ask.ClientAgent, Models: q.Catalog.Snapshot(), Server: q.Modes()}
	t, err := q.styledText(ctx, r)
	return textAsk{r}, t, err
}

// textAsk is a request for texts on its way in.
type textAsk struct{ *admission.TextRequest }

func (r textAsk) normalize(c admission.Caller)                           { r.Normalize(c) }
func (r textAsk) common() *admission.Common                              { return &r.Text.Common }
func (r textAsk) workers() []string                                      { return r.Asked.Workers }
func (r textAsk) warnings() []api.Warning                                { return nil }
func (r textAsk) sources(context.Context, *Queue, string, *record) error { return nil }

func (r textAsk) limits(k *store.SharedKey) []limit {
	return []limit{{field: "max_text_tokens", name: "tokens", asks: r.Text.MaxLength, most: k.MaxTokens}}
}

func (r textAsk) adult(model string) bool {
	m, _ := r.Models.Text(model)
	return m.NSFW
}

func (r textAsk) filtered() (looked, rewritten bool) { return false, false }

func (r textAsk) record() record {
	m := r.Text
	return record{Text: &m}
}

// price prices a request by the sizes of the models it names: the estimate of a
// dry run by the first, what is needed upfront by the largest (generation §2.4, §2.5). The
// answer to a request always says 0.
func (r textAsk) price(q *Queue, of *account.User) price {
	var largest float64
	for _, name := range r.Text.Models {
		largest = max(largest, r.Models.TextBillions(name))
	}
	order := r.Text.Order(r.Server.MatchedTargeting)
	return price{tax: kudos.TextTax(r.Style == admission.TextStyle), dry: order.DryRun(r.firstSize()), needed: order.Upfront(largest), most: r.most(q, of)}
}

// most is what a request comes to at most, by whatever model may serve it.
func (r textAsk) most(q *Queue, of *account.User) (most horde.Kudos) {
	order := r.Text.Order(r.Server.MatchedTargeting)
	for _, size := range r.candidates(q, of) {
		most = max(most, order.MaxCost(size, r.Style == admission.TextStyle))
	}
	return most
}

// firstSize is that of the first model named, in billions of parameters; 0 where
// any may serve.
func (r textAsk) firstSize() float64 {
	if len(r.Text.Models) == 0 {
		return 0
	}
	return r.Models.TextBillions(r.Text.Models[0])
}

// textWork is the work of a request for texts.
type textWork struct{ *admission.Text }

func (w textWork) things() int64  { return w.WorkUnits() }
func (w textWork) asked() int64   { return w.WorkUnits() }
func (w textWork) seed(int) int64 { return 0 }

func (w textWork) features(r *record) match.Features {
	return text.Features(w.Text, r.UnsafeIP, r.Trusted)
}

func (w textWork) describe(it *match.Item) { it.Length, it.Context = w.MaxLength, w.MaxContextLength }

func (w textWork) batch(p kinds.Pickup) int       { return text.Batch(p) }
func (w textWork) ttl(kinds.Pickup) time.Duration { return text.TTL(w.Text) }

func (w textWork) stored() bool { return false }

// keep is the text itself; no store keeps a NUL (generation §2.8).
func (w textWork) keep(_ context.Context, _ *Queue, _, generation string) (string, error) {
	return strings.ReplaceAll(generation, "\x00", "\ufffd"), nil
}

// value is the worth of a text (generation §6.3, §6.5).
func (w textWork) value(q *Queue, a assigned, generation string) value {
	order := w.Order(q.Modes().MatchedTargeting)
	size := q.Catalog.Snapshot().TextSize(a.job.Model)
	chars := utf8.RuneCountInString(generation)
	written := kudos.WrittenText{Chars: chars, Billions: size}
	if a.worker != nil {
		written.Validated, written.Trusted = a.worker.Agent.Validated(), a.worker.OwnerTrusted()
	}
	reward := order.Reward(written)
	return value{reward: reward, earned: horde.KudosOf(reward), charge: kudos.BurnText, made: int64(order.Tokens(chars)),
		suspicions: func(speed float64) int { return tooFastText(a.job.Model, size, speed) }}
}

// tooFastText counts how often a speed in tokens per second is beyond what
// hardware can reach: once for any model, and once more for the size of a known
// one (generation §5.10).
func tooFastText(model string, billions, speed float64) (n int) {
	const most = 150
	if speed > most {
		n++
	}
	limit := float64(most)
	switch {
	case billions == 0:
		return n
	case billions >= 70:
		limit = 30
	case billions >= 14:
		limit = 100
	}
	if strings.Contains(strings.ToLower(model), "8x") {
		limit *= 3
	}
	if speed > limit {
		n++
	}
	return n
}

// PopText hands out texts to write to a worker that has checked in, waiting for
// at most wait when there is nothing (0: not at all). Without a job the answer
// says what the worker was withheld from (generation §2.7).
func (q *Queue) PopText(ctx context.Context, o *fleet.Offer, wait time.Duration) (*api.TextJob, error) {
	h, err := q.pop(ctx, q.texts, o, wait)
	if err != nil {
		return nil, err
	}
	if h.claim == nil {
		return &api.TextJob{IDs: []string{}, Skipped: h.why, Messages: q.Fleet.MessagesFor(o.Worker.ID), Payload: admission.TextDefaults()}, nil
	}
	m, job := h.claim.e.record.Text, h.jobs[0]
	ttl := int(job.TTL / 1_000_000)
	a := &api.TextJob{ID: &job.ID, Model: &h.claim.model, TTL: &ttl, Skipped: map[string]int{},
		Messages: q.Fleet.MessagesFor(o.Worker.ID), Payload: m.Payload()}
	for _, j := range h.jobs {
		a.IDs = append(a.IDs, j.ID)
	}
	if m.Softprompt != "" {
		a.Softprompt = &m.Softprompt
	}
	return a, nil
}

// SubmitText takes what a worker has for a text (generation §2.8) and returns its reward in
// kudos.
func (q *Queue) SubmitText(ctx context.Context, key string, s api.TextSubmit) (float64, error) {
	return q.submit(ctx, q.texts, key, submission{s.ID, s.Generation, s.State, s.Seed, s.GenMetadata})
}

// TextStatus answers how far a request for texts is, with its texts (generation §2.6).
func (q *Queue) TextStatus(ctx context.Context, id string) (api.TextStatus, error) {
	e, err := q.find(ctx, q.texts, id, "Status")
	if err != nil {
		return api.TextStatus{}, err
	}
	return q.textStatus(e), nil
}

// CancelText ends a request for texts. The answer is the status from before.
func (q *Queue) CancelText(ctx context.Context, id string) (api.TextStatus, error) {
	e, err := q.find(ctx, q.texts, id, "Status")
	if err != nil {
		return api.TextStatus{}, err
	}
	before := q.textStatus(e)
	return before, q.cancel(ctx, e)
}

func (q *Queue) textStatus(e *entry) api.TextStatus {
	c, done := q.progressOf(e)
	s := api.TextStatus{Check: c, Generations: []api.TextGeneration{}}
	for _, j := range done {
		s.Generations = append(s.Generations, q.textGeneration(j))
	}
	return s
}

func (q *Queue) textGeneration(j *store.Job) api.TextGeneration {
	g := api.TextGeneration{Text: j.Result, Seed: j.Seed, GenMetadata: q.metadataOf(j), WorkerID: j.WorkerID,
		WorkerName: q.workerName(j.WorkerID), Model: j.Model, State: "ok"}
	if j.Censored {
		g.State = "censored"
		if slices.ContainsFunc(g.GenMetadata, func(m api.GenMetadatum) bool { return m.Value == "csam" }) {
			g.State = "csam"
		}
	}
	return g
}

// textCall is what a webhook is told of a text.
type textCall struct {
	api.TextGeneration
	ID      string    `json:"id"`
	Request string    `json:"request"`
	Kudos   api.Float `json:"kudos"`
}

func (w textWork) told(_ context.Context, q *Queue, e *entry, j *store.Job, reward float64) any {
	return textCall{q.textGeneration(j), j.ID, e.row.ID, api.Float(reward)}
}
