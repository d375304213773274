package client

import (
	"context"
	"errors"
	"html"
	"net/http"
	"net/url"
	"strings"

	"horde/api"
)

// Heartbeat returns how the server is.
func (c *Client) Heartbeat(ctx context.Context) (*api.Heartbeat, error) {
	out := new(api.Heartbeat)
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/api/v2/status/heartbeat"}, out)
	return answer(out, err)
}

// Models lists what workers serve now. kind is "image" or "text"; empty is
// "image".
func (c *Client) Models(ctx context.Context, kind string) ([]api.ActiveModel, error) {
	path := "/api/v2/status/models"
	if kind != "" {
		path += "?type=" + url.QueryEscape(kind)
	}
	var out []api.ActiveModel
	_, err := c.do(ctx, call{method: http.MethodGet, path: path}, &out)
	return out, err
}

// Performance returns the horde's totals.
func (c *Client) Performance(ctx context.Context) (*api.Performance, error) {
	out := new(api.Performance)
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/api/v2/status/performance"}, out)
	return answer(out, err)
}

// Workers lists the workers of a kind: image, text or interrogation (Alchemists);
// empty: all.
func (c *Client) Workers(ctx context.Context, kind string) ([]api.WorkerDetails, error) {
	path := "/api/v2/workers"
	if kind != "" {
		path += "?type=" + url.QueryEscape(kind)
	}
	var out []api.WorkerDetails
	_, err := c.do(ctx, call{method: http.MethodGet, path: path}, &out)
	return out, err
}

// PriceNet returns which network prices images. Only our server has it: others
// answer an *api.Error with status 404.
func (c *Client) PriceNet(ctx context.Context) (*api.PriceNet, error) {
	out := new(api.PriceNet)
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/api/ext/v1/kudos/net"}, out)
	return answer(out, err)
}

// FindUser returns the account of the client's API key.
func (c *Client) FindUser(ctx context.Context) (*api.UserDetails, error) {
	out := new(api.UserDetails)
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/api/v2/find_user"}, out)
	return answer(out, err)
}

// TestUser makes or renews an account on a server that runs with
// HORDE_TEST_APIKEYS=1, from the same machine.
func (c *Client) TestUser(ctx context.Context, r *api.TestUserRequest) (*api.TestUser, error) {
	out := new(api.TestUser)
	_, err := c.do(ctx, call{method: http.MethodPost, path: "/api/v2/dev/test-user", body: r}, out)
	return answer(out, err)
}

// keyMark is what every horde's page prints before a new key (platform §8.1).
const keyMark = `class="ah-api-key">`

// Register makes a pseudonymous account through the page's form and returns its API
// key, which is never shown again.
func (c *Client) Register(ctx context.Context, username string) (string, error) {
	if c.baseErr != nil {
		return "", c.baseErr
	}
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()

	form := url.Values{"username": {username}}.Encode()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.base+"/register", strings.NewReader(form))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	req.Header.Set("Client-Agent", c.agent)

	resp, err := c.api.Do(req)
	if err != nil {
		return "", err
	}
	defer drain(resp.Body)
	if resp.StatusCode != http.StatusOK {
		return "", refusal(resp)
	}
	page, err := readAll(resp.Body, maxErrorBody)
	if err != nil {
		return "", err
	}

	_, rest, ok := strings.Cut(string(page), keyMark)
	key, _, closed := strings.Cut(rest, "<")
	if !ok || !closed || strings.TrimSpace(key) == "" {
		return "", errors.New("the horde made no account: its page shows no API key " +
			"(is the name allowed, or is registration closed?)")
	}
	return html.UnescapeString(strings.TrimSpace(key)), nil
}
