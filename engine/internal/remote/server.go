// Package remote is what the drivers of text servers share: calls whose answers are
// bounded in bytes and time (server.go, stream.go), the settings of a payload brought
// within their ranges (sampling.go), prompts cut to the room that there is (prompt.go),
// texts collected piece by piece (text.go), what has been learned of a server (state.go),
// and what every probe asks and accepts (probe.go).
package remote

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"horde/engine"
)

const (
	maxAnswer   = 16 << 20 // bytes of an answer that is no stream; half a million tokens fit
	maxLine     = 1 << 20  // bytes of a line of a stream
	maxStream   = 64 << 20 // bytes of a stream
	maxMessage  = 300      // bytes of an error that is repeated
	callLimit   = 20 * time.Second
	dialTimeout = 10 * time.Second
)

// Server is an inference server at an address.
type Server struct {
	base string
	name string // the address as it was given
	key  string
	http *http.Client
}

// unixScheme begins the address of a server on a socket in the file system:
// unix:/run/llama.sock.
const unixScheme = "unix:"

// NewServer checks an address; key is sent as a bearer token, "": none.
func NewServer(address, key string) (*Server, error) {
	dial := (&net.Dialer{Timeout: dialTimeout}).DialContext
	if path, ok := strings.CutPrefix(address, unixScheme); ok {
		dial = func(ctx context.Context, _, _ string) (net.Conn, error) {
			return (&net.Dialer{Timeout: dialTimeout}).DialContext(ctx, "unix", path)
		}
		return newServer("http://localhost", address, key, dial), nil
	}

	u, err := url.Parse(address)
	if err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, fmt.Errorf("%q is no address of a text engine: it looks like http://127.0.0.1:8080", address)
	}
	if u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("the address of a text engine has no user, query or fragment: %s", u.Redacted())
	}

	base := strings.TrimRight(u.String(), "/")
	return newServer(base, base, key, dial), nil
}

// newServer makes a server whose routes are below base and which logs call name.
func newServer(
	base, name, key string, dial func(ctx context.Context, network, address string) (net.Conn, error),
) *Server {
	return &Server{
		base: base,
		name: name,
		key:  key,
		http: &http.Client{
			Transport: &http.Transport{
				Proxy:               http.ProxyFromEnvironment, // never for localhost
				DialContext:         dial,
				TLSHandshakeTimeout: dialTimeout,
				// Servers close a connection after a stream when they like to, and a job
				// sent over it is then lost. A new one costs nothing beside a text.
				DisableKeepAlives: true,
			},
			// A key must not follow to another address.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
}

// URL is the address, without a slash at the end.
func (s *Server) URL() string { return s.name }

// StatusError is an answer other than 2xx.
type StatusError struct {
	Status  int
	Message string // what the server says, shortened
}

func (e *StatusError) Error() string {
	switch {
	case e.Status == http.StatusUnauthorized || e.Status == http.StatusForbidden:
		return fmt.Sprintf("it refuses the API key (status %d)", e.Status)
	case e.Message == "":
		return fmt.Sprintf("it answers status %d", e.Status)
	}
	return fmt.Sprintf("it answers status %d: %s", e.Status, e.Message)
}

// IsRefusal reports whether err says that the call itself is wrong, so that the same call
// would be refused again.
func IsRefusal(err error) bool {
	var e *StatusError
	return errors.As(err, &e) && (e.Status == http.StatusBadRequest || e.Status == http.StatusUnprocessableEntity)
}

// Refused wraps engine.ErrRefused where err says that the call itself is wrong.
func Refused(err error) error {
	if IsRefusal(err) {
		return fmt.Errorf("%w: %w", engine.ErrRefused, err)
	}
	return err
}

// IsMissing reports whether err says that there is no such route.
func IsMissing(err error) bool {
	var e *StatusError
	return errors.As(err, &e) && (e.Status == http.StatusNotFound || e.Status == http.StatusMethodNotAllowed ||
		e.Status == http.StatusNotImplemented)
}

// Get reads the JSON of a path into out.
func (s *Server) Get(ctx context.Context, path string, out any) error {
	return s.call(ctx, http.MethodGet, path, nil, out)
}

// Post sends JSON to a path and reads the answer into out.
func (s *Server) Post(ctx context.Context, path string, in, out any) error {
	return s.call(ctx, http.MethodPost, path, in, out)
}

func (s *Server) call(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	resp, err := s.send(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer resp.Body.Close()
	return decode(resp.Body, out)
}

func decode(body io.Reader, out any) error {
	b, err := io.ReadAll(io.LimitReader(body, maxAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("read its answer: %w", err)
	case len(b) > maxAnswer:
		return fmt.Errorf("its answer has more than %d bytes", maxAnswer)
	}
	if err := json.Unmarshal(b, out); err != nil {
		return fmt.Errorf("its answer is not the JSON that was expected: %w", err)
	}
	return nil
}

// send makes a call. The caller closes the body of the answer, whose status is 2xx.
func (s *Server) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, s.base+path, body)
	if err != nil {
		return nil, err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if s.key != "" {
		req.Header.Set("Authorization", "Bearer "+s.key)
	}

	resp, err := s.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode/100 != 2 {
		defer resp.Body.Close()
		b, _ := io.ReadAll(io.LimitReader(resp.Body, 64<<10))
		return nil, &StatusError{Status: resp.StatusCode, Message: messageOf(b)}
	}
	return resp, nil
}

// failure is how servers say in JSON what went wrong: an object or a text.
type failure struct {
	Error   json.RawMessage `json:"error"`
	Message string          `json:"message"`
	Detail  json.RawMessage `json:"detail"`
}

// messageOf is what the body of a refusal says, on one line.
func messageOf(body []byte) string {
	var f failure
	if json.Unmarshal(body, &f) != nil {
		return clean(string(body))
	}
	for _, raw := range []json.RawMessage{f.Error, f.Detail} {
		var inner struct {
			Message string `json:"message"`
		}
		var text string
		switch {
		case len(raw) == 0:
		case json.Unmarshal(raw, &text) == nil && text != "":
			return clean(text)
		case json.Unmarshal(raw, &inner) == nil && inner.Message != "":
			return clean(inner.Message)
		}
	}
	if f.Message != "" {
		return clean(f.Message)
	}
	return clean(string(body))
}

// clean brings a foreign text onto one line of bounded length without control
// characters.
func clean(text string) string {
	if len(text) > maxMessage {
		text = text[:maxMessage] + "…"
	}
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, ""))
	return strings.Join(strings.Fields(text), " ")
}
