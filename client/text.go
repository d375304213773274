package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"horde/api"
)

// GenerateText requests text generation (POST /generate/text/async). Use PriceText
// for what it would cost.
func (c *Client) GenerateText(ctx context.Context, r *api.TextRequest) (*api.Accepted, error) {
	if r.DryRun != nil && *r.DryRun {
		return nil, fmt.Errorf("a dry run has no request to accept: use PriceText")
	}
	out := new(api.Accepted)
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/api/v2/generate/text/async", body: r}, out)
	return answer(out, err)
}

// PriceText returns what a request would cost, by a dry run of it.
func (c *Client) PriceText(ctx context.Context, r *api.TextRequest) (*api.DryRun, error) {
	dry := *r
	yes := true
	dry.DryRun = &yes
	out := new(api.DryRun)
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/api/v2/generate/text/async", body: &dry}, out)
	return answer(out, err)
}

// BreakdownText is Breakdown for text requests.
func (c *Client) BreakdownText(ctx context.Context, r *api.TextRequest) (*api.Price, error) {
	return c.breakdown(ctx, "text", r)
}

// TextStatus returns how far a text request has come, with the finished generations.
// There is no cheaper call; hordes allow one a second.
func (c *Client) TextStatus(ctx context.Context, id string) (*api.TextStatus, error) {
	out := new(api.TextStatus)
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/api/v2/generate/text/status/" + url.PathEscape(id)}, out)
	return answer(out, err)
}

// CancelText withdraws a text request. The answer is its status just before;
// jobs already with workers still arrive.
func (c *Client) CancelText(ctx context.Context, id string) (*api.TextStatus, error) {
	out := new(api.TextStatus)
	_, err := c.do(ctx, call{method: http.MethodDelete, path: "/api/v2/generate/text/status/" + url.PathEscape(id)}, out)
	return answer(out, err)
}

// PopText asks for a text job; see [Client.Pop] for wait.
func (c *Client) PopText(ctx context.Context, p *api.TextPop, wait time.Duration) (*api.TextJob, error) {
	out := new(api.TextJob)
	_, err := c.do(ctx, popCall("/api/v2/generate/text/pop", p, wait), out)
	return answer(out, err)
}

// SubmitText delivers one generated text, or says that it failed.
func (c *Client) SubmitText(ctx context.Context, s *api.TextSubmit) (*api.Submitted, error) {
	out := new(api.Submitted)
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/api/v2/generate/text/submit", body: s}, out)
	return answer(out, err)
}

// textPause is the time between two status calls of text requests: the limit is 60
// a minute.
const textPause = 1100 * time.Millisecond

// WatchText checks a text request until nothing more comes of it, after a cancel
// too, and hands each status to seen. It returns the last one; an error when ctx
// ended or the request is gone. Temporary failures are waited out for a minute.
func (c *Client) WatchText(
	ctx context.Context, id string, seen func(*api.TextStatus),
) (*api.TextStatus, error) {
	away := newPatience(time.Minute)
	for {
		st, err := c.TextStatus(ctx, id)
		switch {
		case err == nil:
			away.reset()
			seen(st)
			if over(&st.Check) {
				return st, nil
			}
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case !away.endures(err):
			return nil, err
		}

		if !sleep(ctx, textPause) {
			return nil, ctx.Err()
		}
	}
}
