package text

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"horde/api"
	"horde/internal/admission"
	"horde/internal/horde"
	"horde/internal/kinds"
	"horde/internal/kudos"
	"horde/internal/match"
)

// Work is the work of a request for text generation.
type Work struct{ *admission.Text }

// Features are what the request asks of a worker.
func (w Work) Features(o kinds.Origin) match.Features {
	return Features(w.Text, o)
}

// Describe adds the lengths, which workers limit.
func (w Work) Describe(it *match.Item) { it.Length, it.Context = w.MaxLength, w.MaxContextLength }

// StatisticsUnits are the tokens that may be generated.
func (w Work) StatisticsUnits() int64 { return w.WorkUnits() }

// JobSeed is none: text workers choose their own.
func (w Work) JobSeed(int, func() uint32) int64 { return 0 }

// Objects: there are none, texts are sent and not uploaded.
func (w Work) Objects() (none kinds.Objects) { return none }

// Bounds of a text: far more than its tokens can need, since one is a word at most in
// whatever language, and room for what workers put before it.
const (
	bytesPerToken = 64
	roomOfText    = 64 << 10 // bytes
)

// MaxBytes is how long the text of a job may be.
func (w Work) MaxBytes() int { return roomOfText + bytesPerToken*w.MaxLength }

// Keep is the text itself; no database keeps a NUL (generation §2.8). A text that is too
// long for its tokens is refused.
func (w Work) Keep(_ context.Context, result string) (kinds.Kept, error) {
	if most := w.MaxBytes(); len(result) > most {
		return kinds.Kept{}, horde.Invalid("generation", fmt.Sprintf(
			"A text of %d tokens can have at most %d bytes, not %d.", w.MaxLength, most, len(result)))
	}
	return kinds.Kept{Row: strings.ReplaceAll(result, "\x00", "\ufffd")}, nil
}

// Value is the worth of a text (generation §6.3, generation §6.5). A censored one is
// charged, but not for the work.
func (w Work) Value(d kinds.Delivered) kinds.Value {
	order := w.Order(admission.Server{MatchedTargeting: d.Targeting})
	written := kudos.WrittenText{Chars: utf8.RuneCountInString(d.Result), Billions: d.Known.TextSize(d.Model)}
	if d.Worker != nil {
		written.Validated, written.Trusted = d.Worker.Agent.Validated(), d.Worker.OwnerTrusted()
	}
	reward := order.Reward(written)
	paid := reward
	if d.Censored {
		paid = 0
	}

	return kinds.Value{
		Reward: reward,
		Worth:  horde.KudosOf(paid),
		Charge: horde.KudosOf(kudos.BurnText(paid)),
		Earned: horde.KudosOf(reward),
		Made:   int64(order.Tokens(written.Chars)),
	}
}

// Suspicions looks at the speed by the size of the model.
func (w Work) Suspicions(d kinds.Delivered, speed float64) int {
	return suspicionsOf(d.Model, d.Known.TextSize(d.Model), speed)
}

// suspicionsOf counts how often a speed in tokens per second is beyond what hardware
// can reach: once for any model, and once more for the size of a known one
// (generation §5.10).
func suspicionsOf(model string, billions, speed float64) (n int) {
	const maxPlausibleSpeed = 150 // tokens per second
	if speed > maxPlausibleSpeed {
		n++
	}

	limit := float64(maxPlausibleSpeed)
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

// Timing: there is no price network for texts.
func (w Work) Timing(kinds.Delivered) (t kinds.Timing, ok bool) { return t, false }

// Generation is a finished text as its requester sees it (generation §2.6).
func Generation(f kinds.Finished) api.TextGeneration {
	g := api.TextGeneration{
		Text:        f.Shown,
		Seed:        f.Job.Seed,
		GenMetadata: f.Metadata,
		WorkerID:    f.Job.WorkerID,
		WorkerName:  f.WorkerName,
		Model:       f.Job.Model,
		State:       "ok",
	}

	if f.Job.Censored {
		g.State = "censored"
		if slices.ContainsFunc(g.GenMetadata, func(m api.GenMetadatum) bool { return m.Value == "csam" }) {
			g.State = "csam"
		}
	}
	return g
}

// webhookBody is what a webhook is told of a text.
type webhookBody struct {
	api.TextGeneration
	ID      string    `json:"id"`
	Request string    `json:"request"`
	Kudos   api.Float `json:"kudos"`
}

// WebhookBody is what a webhook is told of a finished text (generation §2.8).
func (w Work) WebhookBody(f kinds.Finished, request string, reward float64) any {
	return webhookBody{
		TextGeneration: Generation(f),
		ID:             f.Job.ID,
		Request:        request,
		Kudos:          api.Float(reward),
	}
}
