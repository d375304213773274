package remote

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// ErrEnough ends a stream from inside: Stream then returns nil.
var ErrEnough = errors.New("enough")

// Stream posts JSON and hands each message of the answer to each: of server-sent events
// their data, otherwise every line that is not empty. An answer that is no stream is one
// message. It returns when the stream ends, or earlier with each's error; the connection
// is closed then, by which servers notice that nobody listens.
func (s *Server) Stream(ctx context.Context, path string, in any, each func(message []byte) error) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	resp, err := s.send(ctx, http.MethodPost, path, in)
	if err != nil {
		return err
	}
	defer resp.Body.Close()

	kind := resp.Header.Get("Content-Type")
	if strings.HasPrefix(kind, "application/json") {
		var whole json.RawMessage
		if err = decode(resp.Body, &whole); err == nil {
			err = each(whole)
		}
	} else {
		err = lines(resp.Body, strings.HasPrefix(kind, "text/event-stream"), each)
	}
	switch {
	case errors.Is(err, ErrEnough):
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return err
}

// lines hands the lines of a stream to each.
func lines(body io.Reader, events bool, each func([]byte) error) error {
	limited := &io.LimitedReader{R: body, N: maxStream}
	scanner := bufio.NewScanner(limited)
	scanner.Buffer(make([]byte, 0, 4096), maxLine)
	for scanner.Scan() {
		line := bytes.TrimSpace(scanner.Bytes())
		if events {
			name, data, _ := bytes.Cut(line, []byte(":"))
			if string(name) != "data" && string(name) != "error" { // llama.cpp: "error: {…}"
				continue
			}
			line = bytes.TrimSpace(data)
		}
		switch {
		case len(line) == 0:
		case string(line) == "[DONE]":
			return nil
		default:
			if err := each(line); err != nil {
				return err
			}
		}
	}

	if errors.Is(scanner.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("a line of its stream has more than %d bytes", maxLine)
	}
	if limited.N <= 0 {
		return fmt.Errorf("its stream has more than %d bytes", maxStream)
	}
	if err := scanner.Err(); err != nil {
		return fmt.Errorf("its stream broke off: %w", err)
	}
	return nil
}

// Decode reads one message of a stream into out; one that says what went wrong is an
// error.
func Decode(message []byte, out any) error {
	var f failure
	if err := json.Unmarshal(message, &f); err != nil {
		return fmt.Errorf("a message of its stream is no JSON object: %w", err)
	}
	if len(f.Error) > 0 && string(f.Error) != "null" {
		return fmt.Errorf("it failed: %s", messageOf(message))
	}
	if err := json.Unmarshal(message, out); err != nil {
		return fmt.Errorf("a message of its stream is not what was expected: %w", err)
	}
	return nil
}
