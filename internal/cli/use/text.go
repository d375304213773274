package use

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"horde/api"
	"horde/client"
	"horde/internal/cli/console"
)

// TextCmd generates text.
type TextCmd struct {
	console.HordeFlags
	Prompt      string     `arg:"" field:"prompt" help:"What the text continues or answers; - reads it from standard input."`
	Model       string     `field:"models" placeholder:"NAME" help:"Model to use (see \"horde models --type text\"); default: any."`
	MaxLength   int        `field:"params.max_length" default:"80" placeholder:"TOKENS" help:"Longest text (${default})."`
	MaxContext  int        `field:"params.max_context_length" default:"2048" placeholder:"TOKENS" help:"How much of the prompt the model reads (${default})."`
	Temperature *api.Float `field:"params.temperature" placeholder:"0…5" help:"How varied the choice of words is; default: the worker's."`
	TopP        *api.Float `field:"params.top_p" placeholder:"0…1" help:"Top-p sampling; default: the worker's."`
	TopK        *int       `field:"params.top_k" placeholder:"0…200" help:"Top-k sampling; default: the worker's."`
	MinP        *api.Float `field:"params.min_p" placeholder:"0…1" help:"Min-p sampling; default: the worker's."`
	RepPen      *api.Float `field:"params.rep_pen" placeholder:"1…3" help:"Penalty for repetitions; default: the worker's."`
	Stop        []string   `field:"params.stop_sequence" placeholder:"TEXT" sep:"none" help:"Where the text ends; can be given several times."`
	Number      int        `field:"params.n" short:"n" default:"1" placeholder:"N" help:"How many texts (${default})."`
	RequestFlags
	Price bool `help:"Only print what it would cost, line by line, and request nothing."`
	JSON  bool `help:"Print the answer of the horde as JSON; its wait_time is in seconds."`
}

// Help shows examples.
func (TextCmd) Help() string {
	return `The text goes to standard output, all else to standard error.

Ctrl-C cancels the request and keeps the texts that are finished. What a worker has started by then is charged, so it is waited for and printed too; a second Ctrl-C leaves without it.

Examples:
  horde text "Once upon a time"
  horde text "Once upon a time" --max-length 300 --temperature 0.8 -n 2
  horde text "Once upon a time" --price
  horde text - --max-context 8192 < story.txt`
}

// maxPrompt bounds what is read from standard input: the body of a request has at most
// 1 MiB.
const maxPrompt = 1 << 20 // bytes

// Run sends the request, follows it and prints what arrives.
func (c *TextCmd) Run(con *console.Console) error {
	request, err := c.request(con.Stdin)
	if err != nil {
		return err
	}
	h := newClient(c.HordeFlags)
	if c.Price {
		return printPrice(con, pricing{
			breakdown: func(ctx context.Context) (*api.Price, error) { return h.BreakdownText(ctx, request) },
			dryRun:    func(ctx context.Context) (*api.DryRun, error) { return h.PriceText(ctx, request) },
			unserved:  unserved(modelsOf(con.Ctx, c.HordeFlags, "text"), "text", request.Models),
			anyModel:  len(request.Models) == 0,
		})
	}

	accepted, err := awaitAnswer(con.Ctx, func(ctx context.Context) (*api.Accepted, error) {
		return h.GenerateText(ctx, request)
	})
	if err != nil {
		return err
	}
	printAccepted(con, accepted)
	return c.collect(con, h, accepted.ID)
}

// collect follows a request until its end and prints what arrives. At an interrupt
// it cancels the request, and waits for what workers have started.
func (c *TextCmd) collect(con *console.Console, h *client.Client, id string) error {
	status, err := c.follow(con.Ctx, con, h, id, nil)
	interrupted := con.Ctx.Err() != nil

	var left error
	if interrupted {
		after, cancel := console.UntilSecondSignal(con.Ctx)
		defer cancel()
		status, left, err = c.withdraw(after, con, h, id)
	}
	if err != nil {
		return failedRequest(h, "generate/text", id, err)
	}
	if err := c.print(con, status); err != nil {
		return err
	}

	if left != nil {
		return left
	}
	return verdict("texts", len(status.Generations), c.Number, &status.Check, interrupted)
}

// withdraw cancels a request and follows what workers have started, which is charged in
// any case. It returns the last status that is known; left is why that may not be the
// end: an interrupt, or a horde that stays away.
func (c *TextCmd) withdraw(
	ctx context.Context, con *console.Console, h *client.Client, id string,
) (last *api.TextStatus, left, err error) {
	cancelling, stop := context.WithTimeout(ctx, cancelTimeout)
	defer stop()
	last, err = h.CancelText(cancelling, id)
	if err != nil {
		return nil, nil, notCancelled(h, "generate/text", id, err)
	}

	// The answer is from before the cancel: a worker may have taken or delivered a
	// job since. Where the horde cannot be asked right now, following finds out.
	inHand := 0
	switch now, err := h.TextStatus(ctx, id); {
	case isGone(err):
		return last, nil, nil
	case err == nil && now.Processing == 0:
		return now, nil, nil
	case err == nil:
		last, inHand = now, now.Processing
		fmt.Fprintln(con.Stderr, stillComing(inHand, "text", "printed"))
	case ctx.Err() == nil:
		fmt.Fprintln(con.Stderr, stillAsking(err, "printed"))
	}

	_, err = c.follow(ctx, con, h, id, func(st *api.TextStatus) bool {
		last, inHand = st, st.Processing
		return inHand == 0
	})

	switch {
	case ctx.Err() != nil:
		left = leftBehind(h, "generate/text", id, inHand, "text")
	case err != nil:
		left = failedRequest(h, "generate/text", id, err)
	}
	return last, left, nil
}

// request is what the flags ask for.
func (c *TextCmd) request(stdin io.Reader) (*api.TextRequest, error) {
	if c.Number < 1 {
		return nil, console.UsageError("-n %d: ask for at least one text", c.Number)
	}
	if c.Number > maxNumber {
		return nil, console.UsageError("-n %d: ask for at most %d texts at once", c.Number, maxNumber)
	}

	prompt := c.Prompt
	if prompt == "-" {
		b, err := io.ReadAll(io.LimitReader(stdin, maxPrompt+1))
		if err != nil {
			return nil, fmt.Errorf("prompt: %w", err)
		}
		if len(b) > maxPrompt {
			return nil, console.UsageError("the prompt has more than %d KiB", maxPrompt>>10)
		}
		prompt = strings.ToValidUTF8(string(b), "\ufffd")
	}

	r := &api.TextRequest{Prompt: prompt}
	r.SlowWorkers, r.TrustedWorkers, r.AllowDowngrade = c.fields()
	r.Params = &api.TextParams{
		N:                &c.Number,
		MaxLength:        &c.MaxLength,
		MaxContextLength: &c.MaxContext,
		TextSampling: api.TextSampling{
			Temperature:  c.Temperature,
			TopP:         c.TopP,
			TopK:         c.TopK,
			MinP:         c.MinP,
			RepPen:       c.RepPen,
			StopSequence: c.Stop,
		},
	}

	if c.Model != "" {
		r.Models = []string{c.Model}
	}
	return r, nil
}

// firstState is how long a request may take before its state is shown: quick ones
// need no such lines.
const firstState = time.Second

// follow waits for the texts and shows on standard error how far they are, whenever
// that changes. It ends when the request is done, or when enough (unless nil) says so.
func (c *TextCmd) follow(
	ctx context.Context, con *console.Console, h *client.Client, id string, enough func(*api.TextStatus) bool,
) (*api.TextStatus, error) {
	ctx, stop := context.WithCancel(ctx)
	defer stop()

	var last *api.TextStatus
	shown := ""
	began := time.Now()
	status, err := h.WatchText(ctx, id, func(st *api.TextStatus) {
		state := textState(&st.Check, c.Number)
		if state != shown && state != "" && (shown != "" || time.Since(began) > firstState) {
			fmt.Fprintln(con.Stderr, state+serverETA(&st.Check))
		}
		shown = state
		if enough != nil && enough(st) {
			last = st
			stop()
		}
	})

	if last != nil {
		return last, nil
	}
	return status, err
}

// serverETA phrases the horde's own estimate, where it has one.
func serverETA(c *api.Check) string {
	if c.WaitTime <= 0 || !c.IsPossible { // nobody can serve the request: there is no estimate
		return ""
	}
	return etaWords(time.Duration(c.WaitTime) * time.Second)
}

// textState describes how far a request is.
func textState(c *api.Check, number int) string {
	var parts []string
	if number > 1 {
		parts = append(parts, fmt.Sprintf("%d of %d finished", c.Finished, number))
	}
	switch {
	case c.Processing > 0:
		parts = append(parts, "generating")
	case c.QueuePosition > 0:
		parts = append(parts, fmt.Sprintf("position %d in the queue", c.QueuePosition))
	case c.Waiting > 0:
		parts = append(parts, "waiting")
	}
	return strings.Join(parts, ", ")
}

// print writes the texts to standard output, several with a line between them, and who
// generated them to standard error.
func (c *TextCmd) print(con *console.Console, status *api.TextStatus) error {
	if c.JSON {
		return console.PrintJSON(con.Stdout, status)
	}
	for i, g := range status.Generations {
		if i > 0 {
			fmt.Fprintln(con.Stdout, "\n---")
		}
		text := console.CleanText(g.Text)
		if !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		if _, err := io.WriteString(con.Stdout, text); err != nil {
			return err
		}

		note := fmt.Sprintf("  %s by %s", console.Clean(g.Model), console.Clean(g.WorkerName))
		if g.State != "ok" {
			note += "; censored by the worker"
		}
		fmt.Fprintln(con.Stderr, note)
	}
	return nil
}
