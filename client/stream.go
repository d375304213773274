package client

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"time"

	"horde/api"
)

const (
	// maxEvent bounds one line and one event: "end" may carry images.
	maxEvent = maxAnswer // bytes
	// maxSilence is how long a stream may say nothing: servers send a line at
	// least every 10 s.
	maxSilence = 45 * time.Second
)

// ErrNoEventStream says that a horde has no event streams, as none but ours has.
var ErrNoEventStream = errors.New("no event stream")

var (
	errSilent = fmt.Errorf("the event stream fell silent: %w", context.DeadlineExceeded)
	errStop   = errors.New("stop")
)

// openStream opens an event stream. The error is ErrNoEventStream where the horde
// has none.
func (c *Client) openStream(ctx context.Context, path string) (*http.Response, error) {
	if c.baseErr != nil {
		return nil, c.baseErr
	}
	req, err := c.request(ctx, call{method: http.MethodGet, path: path}, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/event-stream")

	resp, err := c.api.Do(req)
	if err != nil {
		return nil, err
	}
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if resp.StatusCode == http.StatusOK && kind == "text/event-stream" {
		return resp, nil
	}
	defer drain(resp.Body)

	// Some sites answer with a page at every address.
	if resp.StatusCode == http.StatusOK {
		return nil, ErrNoEventStream
	}
	err = refusal(resp)
	var e *api.Error
	if errors.As(err, &e) && noSuchRoute(e) {
		return nil, ErrNoEventStream
	}
	return nil, err
}

// noSuchRoute reports whether a horde refused a stream because it has none, rather
// than because it does not know the request.
func noSuchRoute(e *api.Error) bool {
	return e.Status == http.StatusMethodNotAllowed ||
		e.Status == http.StatusNotFound && e.RC != "RequestNotFound"
}

// noneFree reports whether a horde refused a stream because too many are open, and
// after how long to ask again.
func noneFree(err error) (pause time.Duration, full bool) {
	var e *api.Error
	var f *ForeignError
	if !errors.As(err, &e) || errors.As(err, &f) || e.RetryAfter <= 0 {
		return 0, false
	}
	full = e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable
	return min(time.Duration(e.RetryAfter)*time.Second, maxRetryAfter), full
}

// readStream reads server-sent events and hands their names and data to emit until
// it fails, the stream ends (nil) or something is wrong. alive is called for every
// line.
func readStream(r io.Reader, limit int, alive func(), emit func(name string, data []byte) error) error {
	br := bufio.NewReaderSize(r, 16<<10)
	var name string
	var data []byte
	for {
		line, err := readLine(br, limit)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		alive()

		// An empty line completes the event.
		if len(line) == 0 {
			if err := emit(name, data); err != nil {
				return err
			}
			name, data = "", nil
			continue
		}

		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "event":
			name = string(value)
		case "data":
			if len(data)+len(value) > limit {
				return fmt.Errorf("event is longer than %d bytes", limit)
			}
			if data != nil {
				data = append(data, '\n')
			}
			data = append(data, value...)
		}
	}
}

// readLine reads up to the next line end (\n or \r\n), which it cuts.
func readLine(br *bufio.Reader, limit int) ([]byte, error) {
	var line []byte
	for {
		part, err := br.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > limit {
			return nil, fmt.Errorf("event line is longer than %d bytes", limit)
		}

		switch err {
		case nil:
			return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
		case bufio.ErrBufferFull:
		default:
			return nil, err
		}
	}
}
