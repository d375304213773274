package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"horde/api"
	"horde/client"
)

// TextCmd has texts written.
type TextCmd struct {
	HordeFlags
	Prompt      string     `arg:"" help:"What the text continues or answers; - reads it from standard input."`
	Model       string     `placeholder:"NAME" help:"Model to write with (see \"horde models --type text\"); default: any."`
	MaxLength   int        `default:"80" placeholder:"TOKENS" help:"Longest text (${default})."`
	MaxContext  int        `default:"2048" placeholder:"TOKENS" help:"How much of the prompt the model looks at (${default})."`
	Temperature *api.Float `placeholder:"0…5" help:"How daring the choice of words is; default: the worker's."`
	TopP        *api.Float `placeholder:"0…1" help:"Top-p sampling; default: the worker's."`
	TopK        *int       `placeholder:"0…200" help:"Top-k sampling; default: the worker's."`
	MinP        *api.Float `placeholder:"0…1" help:"Min-p sampling; default: the worker's."`
	RepPen      *api.Float `placeholder:"1…3" help:"Penalty of repetitions; default: the worker's."`
	Stop        []string   `placeholder:"TEXT" sep:"none" help:"Where the text ends; can be given several times."`
	Number      int        `short:"n" default:"1" placeholder:"N" help:"How many texts (${default})."`
	Price       bool       `help:"Only tell what it would cost, line by line, and ask for nothing."`
	JSON        bool       `help:"Print the answer of the horde as JSON."`
}

// Help shows examples.
func (TextCmd) Help() string {
	return `The text goes to standard output, all else to standard error. Ctrl-C cancels the request and keeps the texts that are
finished.

Examples:
  horde text "Once upon a time"
  horde text "Once upon a time" --max-length 300 --temperature 0.8 -n 2
  horde text - --max-context 8192 < story.txt`
}

// maxPrompt bounds what is read from standard input, in bytes: the body of a
// request has at most 1 MiB.
const maxPrompt = 1 << 20

// Run asks for the texts, follows the request and prints what arrives.
func (c *TextCmd) Run(con *console) error {
	request, err := c.request(con.stdin)
	if err != nil {
		return err
	}
	h := client.New(c.Horde, c.APIKey)
	if c.Price {
		return tellPrice(con, func(ctx context.Context) (*api.Price, error) { return h.BreakdownText(ctx, request) })
	}
	accepted, err := answered(con.ctx, func(ctx context.Context) (*api.Accepted, error) { return h.GenerateText(ctx, request) })
	if err != nil {
		return err
	}
	tellAccepted(con.stderr, accepted)
	status, err := c.follow(con, h, accepted.ID)
	interrupted := con.ctx.Err() != nil
	if interrupted {
		after, cancel := windUp(con.ctx)
		defer cancel()
		if status, err = h.CancelText(after, accepted.ID); err != nil {
			err = fmt.Errorf("cannot cancel: %w", err)
		}
	}
	if err != nil {
		return fmt.Errorf("request %s: %s", accepted.ID, explain(err))
	}
	if err := c.print(con, status); err != nil {
		return err
	}
	return verdict("texts", len(status.Generations), c.Number, status.Faulted, interrupted)
}

// request is what the flags ask for.
func (c *TextCmd) request(stdin io.Reader) (*api.TextRequest, error) {
	if c.Number < 1 {
		return nil, usageError("-n %d: ask for at least one text", c.Number)
	}
	prompt := c.Prompt
	if prompt == "-" {
		b, err := io.ReadAll(io.LimitReader(stdin, maxPrompt+1))
		if err != nil {
			return nil, fmt.Errorf("prompt: %w", err)
		}
		if len(b) > maxPrompt {
			return nil, usageError("the prompt has more than %d KiB", maxPrompt>>10)
		}
		prompt = strings.ToValidUTF8(string(b), "\ufffd")
	}
	r := &api.TextRequest{Prompt: prompt, Params: &api.TextParams{N: &c.Number, MaxLength: &c.MaxLength, MaxContextLength: &c.MaxContext,
		TextSampling: api.TextSampling{Temperature: c.Temperature, TopP: c.TopP, TopK: c.TopK, MinP: c.MinP, RepPen: c.RepPen, StopSequence: c.Stop}}}
	if c.Model != "" {
		r.Models = []string{c.Model}
	}
	return r, nil
}

// follow waits for the texts and says on standard error how far they are, each
// time that this changes.
func (c *TextCmd) follow(con *console, h *client.Client, id string) (*api.TextStatus, error) {
	last := ""
	began := time.Now()
	return h.FollowText(con.ctx, id, func(st *api.TextStatus) {
		line := textState(&st.Check, c.Number)
		if line != last && line != "" && (last != "" || time.Since(began) > time.Second) {
			fmt.Fprintln(con.stderr, line)
		}
		last = line
	})
}

// textState says in words how far a request is.
func textState(c *api.Check, number int) string {
	var parts []string
	if number > 1 {
		parts = append(parts, fmt.Sprintf("%d of %d finished", c.Finished, number))
	}
	switch {
	case c.Processing > 0:
		parts = append(parts, "writing")
	case c.QueuePosition > 0:
		parts = append(parts, fmt.Sprintf("position %d in the queue", c.QueuePosition))
	case c.Waiting > 0:
		parts = append(parts, "waiting")
	}
	return strings.Join(parts, ", ")
}

// print writes the texts to standard output, several with a line between them,
// and who wrote them to standard error.
func (c *TextCmd) print(con *console, status *api.TextStatus) error {
	if c.JSON {
		return printJSON(con.stdout, status)
	}
	for i, g := range status.Generations {
		if i > 0 {
			fmt.Fprintln(con.stdout, "\n---")
		}
		text := cleanText(g.Text)
		if !strings.HasSuffix(text, "\n") {
			text += "\n"
		}
		if _, err := io.WriteString(con.stdout, text); err != nil {
			return err
		}
		note := fmt.Sprintf("  %s by %s", clean(g.Model), clean(g.WorkerName))
		if g.State != "ok" {
			note += "; censored by the worker"
		}
		fmt.Fprintln(con.stderr, note)
	}
	return nil
}
