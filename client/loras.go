package client

import (
	"context"
	"net/http"

	"horde/api"
)

// Loras lists the LoRAs that a request can name with the built-in model.
func (c *Client) Loras(ctx context.Context) ([]api.LoraInfo, error) {
	var out []api.LoraInfo
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/api/ext/v1/loras"}, &out)
	return out, err
}
