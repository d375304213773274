package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"horde/api"
)

const (
	maxAnswer    = 128 << 20 // bytes; twenty images in base64 fit
	maxErrorBody = 1 << 20   // bytes
	errorExcerpt = 200       // bytes of an unexpected body that an error quotes
	maxRedirects = 3
)

// longestRetryAfter is the most that Retry-After is taken at its word for.
const longestRetryAfter = 24 * time.Hour

// Client talks to one horde with one API key. Make it with New.
type Client struct {
	base    string // without /api and trailing slash
	baseErr error
	key     string
	agent   string
	retries int
	timeout time.Duration // of one attempt
	pollMin time.Duration // between two checks
	api     *http.Client  // stays on the horde's own host
	blobs   *http.Client  // storage links, never with the key
}

// Option changes a Client as New makes it.
type Option func(*Client)

// WithAgent sets the Client-Agent header, "name:version:contact".
func WithAgent(agent string) Option { return func(c *Client) { c.agent = agent } }

// WithRetries sets how often a call that may be repeated is repeated; 0 turns
// repeating off. Default 3.
func WithRetries(n int) Option { return func(c *Client) { c.retries = n } }

// WithTimeout sets how long one attempt of a call may take, on top of what a
// pop waits. Default one minute. Event streams have no limit but the context's.
func WithTimeout(d time.Duration) Option { return func(c *Client) { c.timeout = d } }

// WithTransport sets what carries the HTTP requests.
func WithTransport(rt http.RoundTripper) Option {
	return func(c *Client) { c.api.Transport, c.blobs.Transport = rt, rt }
}

// WithPollInterval sets the pause between two checks where a horde has no event
// stream (the original allows 10 a second). Default one second.
func WithPollInterval(d time.Duration) Option { return func(c *Client) { c.pollMin = d } }

// New makes a client of the horde at baseURL, such as http://127.0.0.1:7001
// (/api or /api/v2 behind it does no harm). An empty apikey is the anonymous
// one. With an invalid baseURL every call fails with a clear error.
func New(baseURL, apikey string, opts ...Option) *Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConns, transport.MaxIdleConnsPerHost = 0, 512 // many calls at once to one host

	c := &Client{
		key:     apikey,
		agent:   "horde:" + api.Version + ":" + api.Repository,
		retries: 3,
		timeout: time.Minute,
		pollMin: time.Second,
		api:     &http.Client{Transport: transport, CheckRedirect: sameHostOnly},
		blobs:   &http.Client{Transport: transport, CheckRedirect: fewRedirects},
	}
	if c.key == "" {
		c.key = api.AnonymousKey
	}
	c.base, c.baseErr = normalise(baseURL)

	for _, opt := range opts {
		opt(c)
	}
	return c
}

// AddressError returns the error that every call ends with because the address
// given to New cannot be a horde's; nil where it can. It makes no call.
func (c *Client) AddressError() error { return c.baseErr }

// URL is the address of the horde, without /api.
func (c *Client) URL() string { return c.base }

// Key is the API key that the client calls with.
func (c *Client) Key() string { return c.key }

// normalise checks a base address and cuts what New allows behind it.
func normalise(base string) (string, error) {
	u, err := url.Parse(strings.TrimSpace(base))
	if err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return base, fmt.Errorf("%q is no address of a horde: write it like http://127.0.0.1:7001", base)
	}

	u.RawQuery, u.Fragment = "", ""
	s := strings.TrimRight(u.String(), "/")
	s = strings.TrimSuffix(s, "/api/v2")
	s = strings.TrimSuffix(s, "/api")
	return strings.TrimRight(s, "/"), nil
}

// sameHostOnly keeps the key from following a redirect to another host: the
// standard library would send it along.
func sameHostOnly(req *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects || req.URL.Host != via[0].URL.Host || req.URL.Scheme != via[0].URL.Scheme {
		return http.ErrUseLastResponse
	}
	return nil
}

func fewRedirects(_ *http.Request, via []*http.Request) error {
	if len(via) >= maxRedirects {
		return errors.New("too many redirects")
	}
	return nil
}

// call is one API call: what is sent and how it may be repeated.
type call struct {
	method string
	path   string // from the host's root
	body   any    // marshalled as JSON; nil: none
	raw    []byte // JSON to send as it is, in place of body
	header http.Header
	wait   time.Duration // how long the server may hold the call on purpose
}

// do performs a call and decodes its answer into out (nil: ignored). It returns
// the HTTP status of a success.
func (c *Client) do(ctx context.Context, cl call, out any) (int, error) {
	if c.baseErr != nil {
		return 0, c.baseErr
	}

	body := cl.raw
	if cl.body != nil {
		var err error
		if body, err = json.Marshal(cl.body); err != nil {
			return 0, fmt.Errorf("encode %s: %w", cl.path, err)
		}
	}

	var status int
	err := c.retry(ctx, cl.method, func() (err error) {
		status, err = c.attempt(ctx, cl, body, out)
		return err
	})
	return status, err
}

// attempt sends a call once.
func (c *Client) attempt(ctx context.Context, cl call, body []byte, out any) (int, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout+cl.wait)
	defer cancel()

	req, err := c.request(ctx, cl, body)
	if err != nil {
		return 0, err
	}
	resp, err := c.api.Do(req)
	if err != nil {
		return 0, err
	}
	defer drain(resp.Body)

	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return resp.StatusCode, refusal(resp)
	}
	if out == nil || resp.StatusCode == http.StatusNoContent {
		return resp.StatusCode, nil
	}
	return resp.StatusCode, decode(resp, out)
}

// request builds the HTTP request of a call.
func (c *Client) request(ctx context.Context, cl call, body []byte) (*http.Request, error) {
	var r io.Reader
	if body != nil {
		r = bytes.NewReader(body)
	}

	req, err := http.NewRequestWithContext(ctx, cl.method, c.base+cl.path, r)
	if err != nil {
		return nil, err
	}

	req.Header.Set("apikey", c.key)
	req.Header.Set("Client-Agent", c.agent)
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, values := range cl.header {
		req.Header[name] = values
	}
	return req, nil
}

// decode reads a bounded JSON answer.
func decode(resp *http.Response, out any) error {
	b, err := readAll(resp.Body, maxAnswer)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(b, out); err != nil {
		if !json.Valid(b) {
			return foreign(resp, b)
		}
		return fmt.Errorf("the horde's answer has an unexpected shape: %w", err)
	}
	return nil
}

// refusal makes an error of an unsuccessful answer.
func refusal(resp *http.Response) error {
	b, err := readAll(resp.Body, maxErrorBody)
	if err != nil {
		return foreign(resp, nil)
	}

	e := &api.Error{}
	if json.Unmarshal(b, e) != nil || e.Message == "" {
		// Some hordes put other things than strings into errors: keep the rest.
		var lean struct{ Message, RC string }
		if json.Unmarshal(b, &lean) != nil || lean.Message == "" {
			return foreign(resp, b)
		}
		e.Message, e.RC = lean.Message, lean.RC
	}

	e.Status, e.RetryAfter = resp.StatusCode, retryAfter(resp.Header)
	return e
}

// retryAfter reads Retry-After, given in seconds or as a date, as seconds; 0: none.
func retryAfter(h http.Header) int {
	const longest = int(longestRetryAfter / time.Second)
	v := h.Get("Retry-After")
	if n, err := strconv.Atoi(v); err == nil {
		return max(0, min(n, longest))
	}
	if t, err := http.ParseTime(v); err == nil {
		return max(0, min(int(time.Until(t).Seconds()+1), longest))
	}
	return 0
}

// ForeignError is an answer that did not come from a horde's API but from a proxy
// or another site. Unwrap gives an *api.Error with the status.
type ForeignError struct {
	ContentType string
	Start       string // the first characters of the body
	err         *api.Error
}

func (f *ForeignError) Error() string { return f.err.Message }

// Unwrap returns the *api.Error that carries the HTTP status.
func (f *ForeignError) Unwrap() error { return f.err }

func foreign(resp *http.Response, body []byte) error {
	kind, _, _ := strings.Cut(resp.Header.Get("Content-Type"), ";")
	if kind == "" {
		kind = "nothing that names its type"
	}
	start := strings.ToValidUTF8(string(body[:min(len(body), errorExcerpt)]), "")
	return &ForeignError{ContentType: kind, Start: start, err: &api.Error{
		Message:    fmt.Sprintf("%s answered %d with %s instead of JSON", resp.Request.URL.Host, resp.StatusCode, kind),
		Status:     resp.StatusCode,
		RetryAfter: retryAfter(resp.Header),
	}}
}

// readAll reads r to its end, or fails where it is longer than limit bytes.
func readAll(r io.Reader, limit int64) ([]byte, error) {
	b, err := io.ReadAll(io.LimitReader(r, limit+1))
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if int64(len(b)) > limit {
		return nil, fmt.Errorf("answer is longer than %d bytes", limit)
	}
	return b, nil
}

// drain reads what little may be left, so that the connection can be used
// again, and closes the body.
func drain(body io.ReadCloser) {
	io.Copy(io.Discard, io.LimitReader(body, 64<<10))
	body.Close()
}
