package worker

import (
	"context"
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"time"
	"unicode/utf8"

	"horde/api"
	"horde/client"
	"horde/engine"
)

// Texts makes a worker a Scribe.
type Texts struct {
	Engines []engine.TextEngine // stay the caller's: close them after Run
	// MaxLength and MaxContextLength bound what is offered, in tokens; 0: what every
	// engine can hold.
	MaxLength        int
	MaxContextLength int
}

const (
	// longestText is how long the text of the longest job offered may take: hordes give
	// 150 s, of which some go for reading the prompt and for the way.
	longestText = 100 * time.Second

	unknownSpeedLength = 128 // tokens: the most that is offered before the speed is known

	minLength  = 16      // tokens: the least that a request can ask for
	maxLength  = 16384   // tokens: the most
	maxContext = 1 << 20 // tokens: the most that a request can ask for
	maxText    = 1 << 20 // bytes of a result
	maxTexts   = 20      // of one job
	textPace   = 135     // tokens a second: a tenth below what servers believe
	wordChars  = 4       // characters that servers take for a token
	leastWords = 16      // tokens that servers count at least
	maxSteps   = 10_000  // of a progress report
	lineEnd    = "\n"    // where a text of a single line ends
)

// texts is the kind of work of a Scribe.
type texts struct {
	Texts
	cfg Config
}

func (tx Texts) open(cfg Config) (kind, error) {
	switch {
	case len(tx.Engines) == 0:
		return nil, errors.New("worker: no engine")
	case tx.MaxLength != 0 && tx.MaxLength < minLength:
		return nil, fmt.Errorf("worker: texts of at most %d tokens: no request asks for fewer than %d", tx.MaxLength,
			minLength)
	case tx.MaxContextLength < 0 || tx.MaxContextLength != 0 && tx.MaxContextLength <= minLength:
		return nil, fmt.Errorf("worker: a context of %d tokens leaves no room for a prompt", tx.MaxContextLength)
	}
	return &texts{Texts: tx, cfg: cfg}, nil
}

func (tx *texts) names() names { return names{worker: "scribe", results: "texts"} }

func (tx *texts) engines() []engine.Engine { return plain(tx.Engines) }

// threads is never more than every engine has slots for: further jobs would only wait,
// while their time runs.
func (tx *texts) threads(wanted int) int {
	slots := max(1, tx.capabilities().Slots)
	if wanted == 0 {
		return slots
	}
	return min(wanted, slots)
}

func (tx *texts) pop(ctx context.Context, c *client.Client, threads int, wait time.Duration) (*popped, error) {
	offer := tx.offer(threads)
	pop, err := c.PopText(ctx, &offer, wait)
	if err != nil {
		return nil, err
	}
	return &popped{
		ids:      idsOf(pop.ID, pop.IDs),
		model:    value(pop.Model),
		ttl:      value(pop.TTL),
		messages: pop.Messages,
		skipped:  pop.Skipped,
		task:     func(j *job) task { return newTextTask(tx, j, pop) },
	}, nil
}

// submit sends no metadata: of texts hordes take none but verdicts of censorship.
func (tx *texts) submit(ctx context.Context, c *client.Client, s *submission) (*api.Submitted, error) {
	return c.SubmitText(ctx, &api.TextSubmit{ID: s.ID, Generation: s.Generation, State: s.State, Seed: s.Seed})
}

// offer is what the engines can hold now.
func (tx *texts) offer(threads int) api.TextPop {
	one := 1
	can := tx.capabilities()
	return api.TextPop{
		Name:              tx.cfg.Name,
		BridgeAgent:       bridgeAgent,
		Models:            modelsOf(tx.Engines),
		NSFW:              &tx.cfg.NSFW,
		Threads:           &threads,
		Amount:            &one,
		PriorityUsernames: tx.cfg.PriorityUsernames,
		MaxLength:         &can.MaxLength,
		MaxContextLength:  &can.MaxContextLength,
	}
}

// capabilities are what all engines can hold, within the worker's own bounds, and at
// their speed within the time that a horde gives.
func (tx *texts) capabilities() engine.TextCapabilities {
	can := tx.Engines[0].TextCapabilities()
	for _, e := range tx.Engines[1:] {
		c := e.TextCapabilities()
		can.MaxLength = min(can.MaxLength, c.MaxLength)
		can.MaxContextLength = min(can.MaxContextLength, c.MaxContextLength)
		can.Slots = min(can.Slots, c.Slots)
		can.Speed = min(can.Speed, c.Speed)
		can.InOnePiece = can.InOnePiece || c.InOnePiece
	}
	if tx.MaxLength > 0 {
		can.MaxLength = min(can.MaxLength, tx.MaxLength)
	}
	if tx.MaxContextLength > 0 {
		can.MaxContextLength = min(can.MaxContextLength, tx.MaxContextLength)
	}

	can.MaxContextLength = min(can.MaxContextLength, maxContext)
	can.MaxLength = min(can.MaxLength, maxLength, can.MaxContextLength-1)
	can.MaxLength = min(can.MaxLength, tx.inTime(can))
	return can
}

// inTime is how many tokens are generated within the time that there is for a text, at the
// speed that the engines have.
func (tx *texts) inTime(can engine.TextCapabilities) int {
	if can.Speed <= 0 {
		return unknownSpeedLength
	}

	// Of a text in one piece nothing is seen before its end: that must come well before the
	// engine is taken for hung.
	limit := longestText
	if can.InOnePiece {
		limit = min(limit, tx.cfg.Stall/2)
	}
	return max(minLength, int(can.Speed*limit.Seconds()))
}

// textTask is the work of one job of text generation.
type textTask struct {
	kind     *texts
	job      *job
	payload  api.TextPayload
	engineOf engine.TextEngine // nil: none has the model
	seed     uint32
}

func newTextTask(tx *texts, j *job, pop *api.TextJob) *textTask {
	e, _ := engineOf(tx.Engines, j.model)
	t := &textTask{kind: tx, job: j, payload: pop.Payload, engineOf: e, seed: rand.Uint32() & math.MaxInt32}
	t.payload.N = 1

	// A single line ends where the next one begins: the engine need not go on.
	if value(t.payload.SingleLine) {
		t.payload.StopSequence = append([]string{lineEnd}, t.payload.StopSequence...)
	}
	return t
}

func (t *textTask) describe() []any {
	return []any{"prompt_bytes", len(t.payload.Prompt), "max_length", t.payload.MaxLength,
		"max_context_length", t.payload.MaxContextLength, "texts", len(t.job.ids)}
}

func (t *textTask) engine() engine.Engine {
	if t.engineOf == nil {
		return nil
	}
	return t.engineOf
}

// check goes by what the engine can hold and not by its speed of late: hordes take over
// a changed offer with a delay.
func (t *textTask) check() error {
	can := t.engineOf.TextCapabilities()
	switch {
	case t.payload.MaxLength > can.MaxLength:
		return fmt.Errorf("%w: a text of %d tokens, where the engine holds %d", errNotOffered, t.payload.MaxLength,
			can.MaxLength)
	case len(t.job.ids) > maxTexts:
		return fmt.Errorf("%w: %d texts at once", errNotOffered, len(t.job.ids))
	}
	return nil
}

// prepare has nothing to fetch.
func (t *textTask) prepare(context.Context) error { return nil }

func (t *textTask) generate(ctx context.Context) error {
	j := t.job
	for i := range j.ids {
		seed := (t.seed + uint32(i)) & math.MaxInt32
		began := time.Now()
		r, err := t.engineOf.GenerateText(ctx, engine.TextJob{Model: j.model, Payload: t.payload, Seed: seed},
			engine.TextHooks{Progress: t.reportProgress(i)})
		if err != nil {
			return err
		}
		if len(r.Text) > maxText {
			return fmt.Errorf("a text of %d bytes", len(r.Text))
		}

		j.noteAlive()
		j.log.Info("text", "tokens", r.Tokens, "prompt_tokens", r.PromptTokens, "stop_bytes", len(r.Stop),
			"ignored", r.Ignored, "seconds", time.Since(began).Round(10*time.Millisecond).Seconds())
		err = j.accept(i, func(ctx context.Context) (*submission, error) { return t.finish(ctx, i, seed, r) })
		if err != nil {
			return err
		}
	}
	return nil
}

// reportProgress tells the horde how many tokens there are, with the text so far.
func (t *textTask) reportProgress(i int) func(engine.TextProgress) {
	steps := min(max(1, t.payload.MaxLength), maxSteps)
	var text strings.Builder
	return func(p engine.TextProgress) {
		t.job.noteAlive()
		if text.Len()+len(p.Piece) > maxText || p.Piece == "" && p.Tokens == 0 {
			return
		}
		text.WriteString(p.Piece)
		so, tokens := text.String(), p.Tokens
		t.job.report.put(i, func() *api.Progress {
			return &api.Progress{Step: min(max(0, tokens), steps), Steps: steps, Text: end(so, api.MaxProgressText)}
		})
	}
}

// finish brings a text into the form that its request asks for, and waits until it may be
// delivered.
func (t *textTask) finish(ctx context.Context, i int, seed uint32, r engine.TextResult) (*submission, error) {
	text := strings.ToValidUTF8(r.Text, "\ufffd")
	// Requests are promised that the text contains the stop sequence.
	if !(value(t.payload.SingleLine) && r.Stop == lineEnd) {
		text += r.Stop
	}
	text = format(text, t.payload.TextSampling)

	if err := t.job.pace(ctx, time.Duration(i+1)*textPaceTime(text, t.payload.MaxLength)); err != nil {
		return nil, err
	}
	return &submission{ID: t.job.ids[i], Generation: text, State: "ok", Seed: int64(seed)}, nil
}

// textPaceTime is how long a text should take at least, by the tokens that servers count.
func textPaceTime(text string, longest int) time.Duration {
	tokens := (utf8.RuneCountInString(text) + wordChars - 1) / wordChars
	tokens = min(max(tokens, leastWords), max(longest, leastWords))
	return time.Duration(float64(tokens) / textPace * float64(time.Second))
}

// end is the last part of a text, of at most so many characters.
func end(text string, chars int) string {
	for over := utf8.RuneCountInString(text) - chars; over > 0; over-- {
		_, size := utf8.DecodeRuneInString(text)
		text = text[size:]
	}
	return text
}
