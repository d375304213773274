package client

import (
	"context"
	"net/http"
	"net/url"
	"time"

	"horde/api"
)

// Alchemy requests forms for an image (POST /interrogate/async).
func (c *Client) Alchemy(ctx context.Context, r *api.AlchemyRequest) (*api.AlchemyAccepted, error) {
	out := new(api.AlchemyAccepted)
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/api/v2/interrogate/async", body: r}, out)
	return answer(out, err)
}

// AlchemyStatus returns how far an alchemy request has come, with its results.
func (c *Client) AlchemyStatus(ctx context.Context, id string) (*api.AlchemyStatus, error) {
	out := new(api.AlchemyStatus)
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/api/v2/interrogate/status/" + url.PathEscape(id)}, out)
	return answer(out, err)
}

// CancelAlchemy withdraws an alchemy request; what is done stays. The answer is
// its status after that.
func (c *Client) CancelAlchemy(ctx context.Context, id string) (*api.AlchemyStatus, error) {
	out := new(api.AlchemyStatus)
	_, err := c.do(ctx, call{method: http.MethodDelete, path: "/api/v2/interrogate/status/" + url.PathEscape(id)}, out)
	return answer(out, err)
}

// WatchAlchemy checks an alchemy request, now and at the client's poll interval,
// until no form waits or is in progress, and hands each status to seen (nil: to
// nobody). Temporary failures are waited out for two minutes. It returns the last
// status, also with the error of a context that ended.
func (c *Client) WatchAlchemy(
	ctx context.Context, id string, seen func(*api.AlchemyStatus),
) (*api.AlchemyStatus, error) {
	var last *api.AlchemyStatus
	away := newPatience(maxOutage)
	for {
		s, err := c.AlchemyStatus(ctx, id)
		switch {
		case err == nil:
			last = s
			away.reset()
			if seen != nil {
				seen(s)
			}
			if alchemyOver(s) {
				return s, nil
			}
		case ctx.Err() != nil:
			return last, ctx.Err()
		case !away.endures(err):
			return last, err
		}

		if !sleep(ctx, c.pollMin) {
			return last, ctx.Err()
		}
	}
}

// alchemyOver reports whether no form of an alchemy request waits or is in progress.
func alchemyOver(s *api.AlchemyStatus) bool { return s.State != "waiting" && s.State != "processing" }

// PopForms asks for alchemy forms to work on; see [Client.Pop] for wait. An answer
// without work has no Forms.
func (c *Client) PopForms(ctx context.Context, p *api.AlchemyPop, wait time.Duration) (*api.AlchemyJob, error) {
	out := new(api.AlchemyJob)
	_, err := c.do(ctx, popCall("/api/v2/interrogate/pop", p, wait), out)
	return answer(out, err)
}

// SubmitForm delivers the result of one form, or says that it failed. A nil Result is sent as an
// empty object.
func (c *Client) SubmitForm(ctx context.Context, s *api.AlchemySubmit) (*api.Submitted, error) {
	body := *s
	if body.Result == nil {
		body.Result = map[string]any{}
	}

	out := new(api.Submitted)
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/api/v2/interrogate/submit", body: &body}, out)
	return answer(out, err)
}
