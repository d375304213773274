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

// Generate requests image generation (POST /generate/async). Use Price for what it
// would cost.
func (c *Client) Generate(ctx context.Context, r *api.ImageRequest) (*api.Accepted, error) {
	if r.DryRun != nil && *r.DryRun {
		return nil, fmt.Errorf("a dry run has no request to accept: use Price")
	}
	out := new(api.Accepted)
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/api/v2/generate/async", body: r}, out)
	return answer(out, err)
}

// Price returns what a request would cost, by a dry run of it.
func (c *Client) Price(ctx context.Context, r *api.ImageRequest) (*api.DryRun, error) {
	dry := *r
	yes := true
	dry.DryRun = &yes
	out := new(api.DryRun)
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/api/v2/generate/async", body: &dry}, out)
	return answer(out, err)
}

// Breakdown returns line by line what a request would cost. Only our server has it:
// others answer an *api.Error with status 404, where Price works.
func (c *Client) Breakdown(ctx context.Context, r *api.ImageRequest) (*api.Price, error) {
	return c.breakdown(ctx, "image", r)
}

func (c *Client) breakdown(ctx context.Context, kind string, body any) (*api.Price, error) {
	out := new(api.Price)
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/api/ext/v1/kudos/price?type=" + kind, body: body}, out)
	return answer(out, err)
}

// Check returns how far a request has come.
func (c *Client) Check(ctx context.Context, id string) (*api.Check, error) {
	out := new(api.Check)
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/api/v2/generate/check/" + url.PathEscape(id)}, out)
	return answer(out, err)
}

// Status is Check with the finished images. Hordes allow few of these calls:
// check until done, then ask once.
func (c *Client) Status(ctx context.Context, id string) (*api.ImageStatus, error) {
	out := new(api.ImageStatus)
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/api/v2/generate/status/" + url.PathEscape(id)}, out)
	return answer(out, err)
}

// Cancel withdraws a request. The answer is its status just before, with the
// images that were finished; jobs already with workers still arrive.
func (c *Client) Cancel(ctx context.Context, id string) (*api.ImageStatus, error) {
	out := new(api.ImageStatus)
	_, err := c.do(ctx, call{method: http.MethodDelete, path: "/api/v2/generate/status/" + url.PathEscape(id)}, out)
	return answer(out, err)
}

// Pop asks for work. With wait above zero it sends "Prefer: wait=N" (whole
// seconds, rounded up): our server then answers only when there is a job or the
// time is over; others answer at once. An answer without a job has a nil ID.
func (c *Client) Pop(ctx context.Context, p *api.ImagePop, wait time.Duration) (*api.ImageJob, error) {
	out := new(api.ImageJob)
	_, err := c.do(ctx, popCall("/api/v2/generate/pop", p, wait), out)
	return answer(out, err)
}

// popCall is a pop that the server may hold for as long as wait.
func popCall(path string, body any, wait time.Duration) call {
	cl := call{method: http.MethodPost, path: path, body: body, wait: wait}
	if wait > 0 {
		cl.header = http.Header{"Prefer": {fmt.Sprintf("wait=%d", int(math.Ceil(wait.Seconds())))}}
	}
	return cl
}

// Submit delivers one job, or says that it failed.
func (c *Client) Submit(ctx context.Context, s *api.ImageSubmit) (*api.Submitted, error) {
	out := new(api.Submitted)
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/api/v2/generate/submit", body: s}, out)
	return answer(out, err)
}

// ReportProgress tells the server how far a job has come (ours only; others
// answer 404). An *api.Error with status 410 says that the job is no longer wanted.
func (c *Client) ReportProgress(ctx context.Context, job string, p *api.Progress) error {
	path := "/api/ext/v1/jobs/" + url.PathEscape(job) + "/progress"
	_, err := c.do(ctx, call{method: http.MethodPost, path: path, body: p}, nil)
	return err
}

// answer returns v, or nil with the error.
func answer[T any](v *T, err error) (*T, error) {
	if err != nil {
		return nil, err
	}
	return v, nil
}
