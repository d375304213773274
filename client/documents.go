package client

import (
	"context"
	"net/http"
	"net/url"

	"horde/api"
)

// Document reads a document of the horde (terms, privacy, sponsors) as Markdown.
func (c *Client) Document(ctx context.Context, name string) (string, error) {
	var out api.HordeDocument
	path := "/api/v2/documents/" + url.PathEscape(name) + "?format=" + api.Markdown
	_, err := c.do(ctx, call{method: http.MethodGet, path: path}, &out)
	if err != nil || out.Markdown == nil {
		return "", err
	}
	return *out.Markdown, nil
}

// The calls below are for administrators.

// Documents returns where each document of the horde comes from.
func (c *Client) Documents(ctx context.Context) ([]api.DocumentSource, error) {
	var out []api.DocumentSource
	_, err := c.do(ctx, call{method: http.MethodGet, path: "/api/ext/v1/documents"}, &out)
	return out, err
}

// PutDocument replaces a document of the horde.
func (c *Client) PutDocument(ctx context.Context, name string, in api.DocumentInput) error {
	_, err := c.do(ctx, call{method: http.MethodPut, path: documentPath(name), body: in}, nil)
	return err
}

// RestoreDocument restores the default of a document.
func (c *Client) RestoreDocument(ctx context.Context, name string) error {
	_, err := c.do(ctx, call{method: http.MethodDelete, path: documentPath(name)}, nil)
	return err
}

func documentPath(name string) string { return "/api/ext/v1/documents/" + url.PathEscape(name) }
