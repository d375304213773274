// Package fetch calls addresses that strangers supplied: it fetches source
// images and sends webhooks.
//
// Such an address must not lead into the operator's own network. A Client
// connects only to public addresses, which is checked when the socket is opened,
// after DNS, so that no name and no redirect can get around it; only by http and
// https, on ports 80 and 443, without user names; and every call has one limit
// of time from the first byte to the last, of size, and of redirects, none of
// which may lead from https to http.
//
//	c := fetch.New(fetch.Options{})
//	res, err := c.Get(ctx, "https://example.org/cat.png")
//	err = c.Post(ctx, "https://example.org/hook", header, body)
package fetch

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"code.dny.dev/ssrf"
	"golang.org/x/net/idna"
)

// Errors of this package wrap one of these, or are those of
// the network and of contexts.
var (
	// ErrForbidden: the address, or one that it redirects to, may not be called.
	ErrForbidden = errors.New("address is not allowed")
	// ErrTooLarge: the response exceeds the size limit.
	ErrTooLarge = errors.New("answer is too large")
	// ErrRedirects: more redirects than allowed.
	ErrRedirects = errors.New("too many redirects")
	// ErrStatus: the response is not a success.
	ErrStatus = errors.New("answer is no success")
)

// Options configure a Client. Zero fields get the defaults named here.
type Options struct {
	Timeout   time.Duration // of a whole call; 2 s (generation §8)
	MaxBytes  int64         // of an answer's body; 5 MiB (generation §1.6)
	Redirects int           // that Get follows; 3, negative: none
	Ports     []uint16      // 80 and 443; with AllowPrivate any
	UserAgent string        // "horde"
	// AllowPrivate lets calls reach loopback and private networks: for tests and
	// for a horde that lives in one. Never set it on a public horde.
	AllowPrivate bool
	TLS          *tls.Config // for tests; nil: the system's certificates
}

// Client makes guarded calls. It may be used by many goroutines.
type Client struct {
	opt   Options
	guard *ssrf.Guardian
	http  http.Client
}

// New makes a Client.
func New(opt Options) *Client {
	if opt.Timeout <= 0 {
		opt.Timeout = 2 * time.Second
	}
	if opt.MaxBytes <= 0 {
		opt.MaxBytes = 5 << 20
	}
	if opt.Redirects == 0 {
		opt.Redirects = 3
	}
	if len(opt.Ports) == 0 && !opt.AllowPrivate {
		opt.Ports = []uint16{80, 443}
	}
	if opt.UserAgent == "" {
		opt.UserAgent = "horde"
	}

	c := &Client{opt: opt, guard: ssrf.New(ssrf.WithAnyPort())} // ports are checked by check, with the URL
	dialer := &net.Dialer{Control: c.control}
	c.http.Transport = &http.Transport{
		// No proxy: it would open the sockets for us, unguarded.
		Proxy:                  nil,
		DialContext:            dialer.DialContext,
		TLSClientConfig:        opt.TLS,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
		ForceAttemptHTTP2:      true,
	}

	c.http.CheckRedirect = c.redirect
	return c
}

// control sees every address just before the socket connects to it.
func (c *Client) control(network, address string, conn syscall.RawConn) error {
	if c.opt.AllowPrivate {
		return nil
	}

	if err := c.guard.Safe(network, address, conn); err != nil {
		return fmt.Errorf("%w: %w", ErrForbidden, err)
	}
	return nil
}

// redirect checks the address that a response redirects to.
func (c *Client) redirect(req *http.Request, via []*http.Request) error {
	if len(via) > c.opt.Redirects {
		return fmt.Errorf("%w: more than %d", ErrRedirects, max(0, c.opt.Redirects))
	}
	if via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return fmt.Errorf("%w: redirected from https to %s", ErrForbidden, req.URL.Scheme)
	}

	u, err := c.check(req.URL)
	if err != nil {
		return err
	}
	req.URL = u
	req.Header.Del("Referer") // the previous address may hold a secret
	return nil
}

// Check reports, without calling it, whether an address has an allowed form:
// http or https, an allowed port, no user name, and a host that is not a disguised
// number ("127.1", "0x7f000001"). Where its name leads is seen only when it is
// called.
func (c *Client) Check(address string) error {
	_, err := c.parse(address)
	return err
}

// maxAddress bounds an address, in bytes.
const maxAddress = 4096

func (c *Client) parse(address string) (*url.URL, error) {
	if len(address) > maxAddress {
		return nil, fmt.Errorf("%w: it is longer than %d characters", ErrForbidden, maxAddress)
	}

	u, err := url.Parse(address)
	if err != nil {
		return nil, fmt.Errorf("%w: it is no URL", ErrForbidden) // err would repeat the whole text
	}
	return c.check(u)
}

// check returns u with its host in plain ASCII.
func (c *Client) check(u *url.URL) (*url.URL, error) {
	switch {
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, fmt.Errorf("%w: it must begin with http:// or https://", ErrForbidden)
	case u.User != nil:
		return nil, fmt.Errorf("%w: it holds a user name", ErrForbidden)
	case u.Opaque != "" || u.Hostname() == "":
		return nil, fmt.Errorf("%w: it has no host", ErrForbidden)
	}

	port, err := portOf(u)
	if err != nil || c.opt.Ports != nil && !slices.Contains(c.opt.Ports, port) {
		return nil, fmt.Errorf("%w: port %q", ErrForbidden, u.Port())
	}
	host, err := plainHost(u.Hostname())
	if err != nil {
		return nil, err
	}

	if ip, err := netip.ParseAddr(host); err == nil && !c.opt.AllowPrivate {
		if err := c.guard.SafeAddr(ip); err != nil {
			return nil, fmt.Errorf("%w: %w", ErrForbidden, err)
		}
	}

	out := *u
	out.Host = host
	if strings.Contains(host, ":") {
		out.Host = "[" + host + "]"
	}
	if u.Port() != "" {
		out.Host += ":" + u.Port()
	}
	return &out, nil
}

func portOf(u *url.URL) (uint16, error) {
	switch {
	case u.Port() != "":
		n, err := strconv.ParseUint(u.Port(), 10, 16)
		return uint16(n), err
	case u.Scheme == "https":
		return 443, nil
	}
	return 80, nil
}

// plainHost returns a host in ASCII. A name whose last label is a number is what
// some resolvers read as an address ("127.1", "2130706433"); it is refused
// unless it is an address as written.
func plainHost(host string) (string, error) {
	if ip, err := netip.ParseAddr(host); err == nil {
		if ip.Zone() != "" {
			return "", fmt.Errorf("%w: it names a network interface", ErrForbidden)
		}
		return ip.String(), nil
	}

	ascii, err := idna.Lookup.ToASCII(host)
	if err == nil { // an invalid label does not survive a second pass
		_, err = idna.Lookup.ToASCII(ascii)
	}
	if err != nil || ascii == "" {
		return "", fmt.Errorf("%w: %.80q is no host", ErrForbidden, host)
	}

	if ip, err := netip.ParseAddr(ascii); err == nil { // digits of another script
		return ip.String(), nil
	}
	// A last label that is a number may be read as an address.
	ascii = strings.TrimSuffix(ascii, ".")
	last := strings.ToLower(ascii[strings.LastIndexByte(ascii, '.')+1:])
	digits := strings.TrimPrefix(last, "0x")
	decimal := strings.Trim(digits, "0123456789") == ""
	hexadecimal := digits != last && strings.Trim(digits, "0123456789abcdef") == ""
	if last == "" || decimal || hexadecimal {
		return "", fmt.Errorf("%w: %.80q is no host", ErrForbidden, host)
	}
	return ascii, nil
}

// Result is the response of an address.
type Result struct {
	Body        []byte
	ContentType string // as sent, "" when absent
}

// Get fetches an address. Any status but 200 is ErrStatus.
func (c *Client) Get(ctx context.Context, address string) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, c.opt.Timeout)
	defer cancel()

	resp, err := c.do(ctx, &c.http, http.MethodGet, address, nil, nil)
	if err != nil {
		return Result{}, err
	}
	defer resp.Body.Close()

	if resp.StatusCode != http.StatusOK {
		return Result{}, fmt.Errorf("%w: %d", ErrStatus, resp.StatusCode)
	}
	if resp.ContentLength > c.opt.MaxBytes {
		return Result{}, fmt.Errorf("%w: %d bytes, at most %d", ErrTooLarge, resp.ContentLength, c.opt.MaxBytes)
	}

	body, err := io.ReadAll(io.LimitReader(resp.Body, c.opt.MaxBytes+1))
	if err != nil {
		return Result{}, fmt.Errorf("fetch: %w", err)
	}
	if int64(len(body)) > c.opt.MaxBytes {
		return Result{}, fmt.Errorf("%w: more than %d bytes", ErrTooLarge, c.opt.MaxBytes)
	}
	return Result{Body: body, ContentType: resp.Header.Get("Content-Type")}, nil
}

// Post sends a webhook. The address must be https unless AllowPrivate is set;
// redirects are not followed. Any status but 2xx is ErrStatus.
func (c *Client) Post(ctx context.Context, address string, header http.Header, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, c.opt.Timeout)
	defer cancel()

	if !c.opt.AllowPrivate && !strings.HasPrefix(address, "https://") {
		return fmt.Errorf("%w: a webhook must begin with https://", ErrForbidden)
	}

	direct := c.http
	direct.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	resp, err := c.do(ctx, &direct, http.MethodPost, address, header, body)
	if err != nil {
		return err
	}
	resp.Body.Close()

	if resp.StatusCode < 200 || resp.StatusCode > 299 {
		return fmt.Errorf("%w: %d", ErrStatus, resp.StatusCode)
	}
	return nil
}

// do sends one request to an address that passes the checks.
func (c *Client) do(
	ctx context.Context, client *http.Client, method, address string, header http.Header, body []byte,
) (*http.Response, error) {
	u, err := c.parse(address)
	if err != nil {
		return nil, err
	}

	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return nil, fmt.Errorf("%w: it is no URL", ErrForbidden)
	}
	if header != nil {
		req.Header = header.Clone()
	}
	req.Header.Set("User-Agent", c.opt.UserAgent)

	resp, err := client.Do(req)
	if err != nil {
		return nil, fmt.Errorf("fetch: %w", err)
	}
	return resp, nil
}
