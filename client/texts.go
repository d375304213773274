package client

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"horde/api"
)

// GenerateText asks for texts (POST /generate/text/async). Use PriceText for what
// they would cost.
func (c *Client) GenerateText(ctx context.Context, r *api.TextRequest) (*api.Accepted, error) {
	if r.DryRun != nil && *r.DryRun {
		return nil, fmt.Errorf("a dry run has no request to accept: use PriceText")
	}
	out := new(api.Accepted)
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/api/v2/generate/text/async", body: r}, out)
	return answer(out, err)
}

// PriceText asks what a request would cost, by a dry run of it.
func (c *Client) PriceText(ctx context.Context, r *api.TextRequest) (*api.DryRun, error) {
	dry := *r
	yes := true
	dry.DryRun = &yes
	out := new(api.DryRun)
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/api/v2/generate/text/async", body: &dry}, out)
	return answer(out, err)
}

// BreakdownText is Breakdown for texts.
func (c *Client) BreakdownText(ctx context.Context, r *api.TextRequest) (*api.Price, error) {
	return c.breakdown(ctx, "text", r)
}

// TextStatus tells how far a request for texts has come, with the finished ones.
// There is no cheaper call; hordes allow one a second.
func (c *Client) TextStatus(ctx context.Context, id string) (*api.TextStatus, error) {
	out := new(api.TextStatus)
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/api/v2/generate/text/status/" + url.PathEscape(id)}, out)
	return answer(out, err)
}

// CancelText withdraws a request for texts. The answer is its status just before;
// jobs already with workers still arrive.
func (c *Client) CancelText(ctx context.Context, id string) (*api.TextStatus, error) {
	out := new(api.TextStatus)
	_, err := c.do(ctx, call{method: http.MethodDelete, path: "/api/v2/generate/text/status/" + url.PathEscape(id)}, out)
	return answer(out, err)
}

// PopText asks for texts to write; see [Client.Pop] for wait.
func (c *Client) PopText(ctx context.Context, p *api.TextPop, wait time.Duration) (*api.TextJob, error) {
	out := new(api.TextJob)
	_, err := c.do(ctx, popCall("/api/v2/generate/text/pop", p, wait), out)
	return answer(out, err)
}

// SubmitText delivers one text, or says that it failed.
func (c *Client) SubmitText(ctx context.Context, s *api.TextSubmit) (*api.Submitted, error) {
	out := new(api.Submitted)
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/api/v2/generate/text/submit", body: s}, out)
	return answer(out, err)
}

// textPause is the time between two looks at a request for texts: the limit is 60
// a minute.
const textPause = 1100 * time.Millisecond

// FollowText looks at a request for texts until nothing more comes of it, after a
// cancel too, and tells each state.
// It returns the last one; an error when ctx ended or the request is gone.
// Failures that may pass are waited out for a minute.
func (c *Client) FollowText(ctx context.Context, id string, tell func(*api.TextStatus)) (*api.TextStatus, error) {
	const patience = time.Minute
	var failing time.Time
	for {
		st, err := c.TextStatus(ctx, id)
		switch {
		case err == nil:
			failing = time.Time{}
			if tell(st); over(&st.Check) {
				return st, nil
			}
		case ctx.Err() != nil:
			return nil, ctx.Err()
		case !Temporary(err):
			return nil, err
		case failing.IsZero():
			failing = time.Now()
		case time.Since(failing) > patience:
			return nil, err
		}
		if !sleep(ctx, textPause) {
			return nil, ctx.Err()
		}
	}
}
