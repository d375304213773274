package client

import (
	"context"
	"fmt"
	"net/http"

	"horde/api"
)

// RenewKey gives a user, by number, a new API key and returns it: the old one no longer
// works, and the new one is never shown again. For the user and administrators; only our
// server has it.
func (c *Client) RenewKey(ctx context.Context, user int) (string, error) {
	var out api.RenewedKey
	_, err := c.do(ctx, call{method: http.MethodPost, path: keyPath(user)}, &out)
	return out.APIKey, err
}

// RevokeKey takes a user's API key. For the user and moderators; only our server has it.
func (c *Client) RevokeKey(ctx context.Context, user int) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: keyPath(user)}, nil)
	return err
}

func keyPath(user int) string { return fmt.Sprintf("/api/ext/v1/users/%d/key", user) }
