package client

import (
	"bytes"
	"context"
	"fmt"
	"net/http"

	"horde/api"
)

// Upload puts an image to an upload link of a pop: once, without the API key and
// without a Content-Type, which such a link's signature does not cover. Any
// status but 200, 201 and 204 is an *api.Error.
func (c *Client) Upload(ctx context.Context, link string, data []byte) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, link, bytes.NewReader(data))
	if err != nil {
		return fmt.Errorf("upload link: %w", err)
	}
	resp, err := c.blobs.Do(req)
	if err != nil {
		return err
	}
	defer drain(resp.Body)

	switch resp.StatusCode {
	case http.StatusOK, http.StatusCreated, http.StatusNoContent:
		return nil
	}
	return storageError("upload", resp)
}

// Download gets what a link of a horde points to, without the API key: at most
// limit bytes, and again after a temporary failure.
func (c *Client) Download(ctx context.Context, link string, limit int64) ([]byte, error) {
	var data []byte
	err := c.retry(ctx, http.MethodGet, func() (err error) {
		data, err = c.download(ctx, link, limit)
		return err
	})
	return data, err
}

func (c *Client) download(ctx context.Context, link string, limit int64) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, c.timeout)
	defer cancel()

	req, err := http.NewRequestWithContext(ctx, http.MethodGet, link, nil)
	if err != nil {
		return nil, fmt.Errorf("download link: %w", err)
	}
	resp, err := c.blobs.Do(req)
	if err != nil {
		return nil, err
	}
	defer drain(resp.Body)

	if resp.StatusCode != http.StatusOK {
		return nil, storageError("download", resp)
	}
	return readAll(resp.Body, limit)
}

func storageError(what string, resp *http.Response) error {
	b, _ := readAll(resp.Body, maxErrorBody)
	excerpt := b[:min(len(b), errorExcerpt)]
	return &api.Error{
		Message:    fmt.Sprintf("%s: %s answered %s: %q", what, resp.Request.URL.Host, resp.Status, excerpt),
		Status:     resp.StatusCode,
		RetryAfter: retryAfter(resp.Header),
	}
}
