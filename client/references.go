package client

import (
	"context"
	"net/http"
	"net/url"

	"horde/api"
)

// The calls below are for administrators on the server's machine.

// References lists the model references that the server keeps.
func (c *Client) References(ctx context.Context) ([]api.ModelReference, error) {
	var out []api.ModelReference
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/api/ext/v1/references"}, &out)
	return out, err
}

// ImportReference loads a reference in the public format; kind is image,
// image-extra or text, and source says where it came from.
func (c *Client) ImportReference(ctx context.Context, kind, source string, doc []byte) (*api.ImportedReference, error) {
	out := new(api.ImportedReference)
	path := referencePath(kind) + "?" + url.Values{"source": {source}}.Encode()
	_, err := c.do(ctx, call{method: http.MethodPut, path: path, raw: doc}, out)
	return answer(out, err)
}

// ForgetReference drops a reference from the server.
func (c *Client) ForgetReference(ctx context.Context, kind string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: referencePath(kind)}, nil)
	return err
}

func referencePath(kind string) string { return "/api/ext/v1/references/" + url.PathEscape(kind) }
