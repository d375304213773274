package client

import (
	"context"
	"fmt"
	"math"
	"net/http"
	"net/url"
	"time"

	"horde/api"
)

// Alchemy asks for forms about a picture (POST /interrogate/async).
func (c *Client) Alchemy(ctx context.Context, r *api.AlchemyRequest) (*api.AlchemyAccepted, error) {
	out := new(api.AlchemyAccepted)
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/api/v2/interrogate/async", body: r}, out)
	return answer(out, err)
}

// AlchemyStatus tells how far an alchemy request has come, with its results.
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

// WatchAlchemy asks after an alchemy request, now and at the client's poll
// interval, until no form waits or is in progress, and gives each status to seen
// (nil: to nobody). Failures that may pass are waited out for two minutes. It
// returns the last status, also with the error of a context that ended.
func (c *Client) WatchAlchemy(ctx context.Context, id string, seen func(*api.AlchemyStatus)) (*api.AlchemyStatus, error) {
	var last *api.AlchemyStatus
	var failing time.Time // since when the server has been away
	for {
		s, err := c.AlchemyStatus(ctx, id)
		switch {
		case err == nil:
			last, failing = s, time.Time{}
			if seen != nil {
				seen(s)
			}
			if s.State != "waiting" && s.State != "processing" {
				return s, nil
			}
		case ctx.Err() != nil:
			return last, ctx.Err()
		case !Temporary(err):
			return last, err
		case failing.IsZero():
			failing = time.Now()
		case time.Since(failing) > outage:
			return last, err
		}

		if !sleep(ctx, c.pollMin) {
			return last, ctx.Err()
		}
	}
}

// PopForms asks for alchemy to do. With wait above zero our server answers only
// when there is some or the time is over (see Pop). An answer without work has no
// Forms.
func (c *Client) PopForms(ctx context.Context, p *api.AlchemyPop, wait time.Duration) (*api.AlchemyJob, error) {
	cl := call{method: http.MethodPost, path: "/api/v2/interrogate/pop", body: p, wait: wait}
	if wait > 0 {
		cl.header = http.Header{"Prefer": {fmt.Sprintf("wait=%d", int(math.Ceil(wait.Seconds())))}}
	}
	out := new(api.AlchemyJob)
	_, err := c.do(ctx, cl, out)
	return answer(out, err)
}

// SubmitForm delivers one form, or says that it failed. A nil Result is sent as an
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
