package worker

import (
	"context"
	"errors"
	"fmt"
	"image"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"code.dny.dev/ssrf"
	"github.com/cenkalti/backoff/v5"

	"horde/api"
	"horde/client"
	"horde/internal/imaging"
)

const (
	maxSource  = 20 << 20 // bytes
	maxFetches = 5
)

// getSource gets one source image, a link or base64. One that cannot be fetched fails
// the job; one that cannot be read is left out: both with a remark for
// the requester (worker §2.1).
func (t *imageTask) getSource(ctx context.Context, kind, where string) (image.Image, error) {
	var data []byte
	var err error
	if strings.HasPrefix(where, "http://") || strings.HasPrefix(where, "https://") {
		if data, err = t.fetch(ctx, where); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return nil, cause
			}
			t.job.remark(kind, "download_failed")
			return nil, fmt.Errorf("%w: %s: %w", errSource, kind, err)
		}
	} else {
		data, err = imaging.Base64(where, imaging.SourceLimits)
	}

	var img image.Image
	if err == nil {
		img, _, err = imaging.Decode(ctx, data, imaging.SourceLimits)
	}
	if cause := context.Cause(ctx); cause != nil {
		return nil, cause
	}
	if err != nil {
		t.job.log.Warn("a source image cannot be read; generating without it", "source", kind, "err", err)
		t.job.remark(kind, "parse_failed")
		return nil, nil
	}
	return img, nil
}

func (j *job) remark(kind, value string) {
	j.remarks = append(j.remarks, api.GenMetadatum{Type: kind, Value: value})
}

// fetch downloads a source image in up to maxFetches tries.
func (t *imageTask) fetch(ctx context.Context, link string) ([]byte, error) {
	return backoff.Retry(ctx, func() ([]byte, error) {
		b, err := t.kind.links.Download(ctx, link, maxSource)
		if err != nil && (!client.Temporary(err) || errors.Is(err, ssrf.ErrProhibitedIP)) {
			err = backoff.Permanent(err)
		}
		return b, err
	},
		backoff.WithBackOff(fetchPauses()),
		backoff.WithMaxTries(maxFetches),
		backoff.WithMaxElapsedTime(0),
	)
}

// linkClient returns what calls the links that a horde gives: of source images, and those
// to upload results to. A horde on this machine or network has its storage there too. One
// on the internet must not send a worker to the machines of its owner, neither to read nor
// to write: of private addresses only its own is called, where a name of the internet leads
// to one. (The environment's proxy is ignored: it would be dialled in place of the address
// to be checked.)
func linkClient(horde *client.Client) *client.Client {
	if private(horde.URL()) {
		return horde
	}
	return linkClientOf(hostPort(horde.URL()))
}

// linkClientOf calls public addresses, and one that may be private.
func linkClientOf(own string) *client.Client {
	plain := &net.Dialer{Timeout: dialTimeout}
	guarded := &net.Dialer{Timeout: dialTimeout, Control: ssrf.New(ssrf.WithAnyPort()).Safe}
	return client.New("http://unused.invalid", "", client.WithRetries(0), client.WithTransport(&http.Transport{
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if address == own {
				return plain.DialContext(ctx, network, address)
			}
			return guarded.DialContext(ctx, network, address)
		},
		TLSHandshakeTimeout:   dialTimeout,
		ResponseHeaderTimeout: 20 * time.Second,
		MaxIdleConns:          16,
		IdleConnTimeout:       time.Minute,
	}))
}

// dialTimeout is how long a connection may take to open.
const dialTimeout = 10 * time.Second

// hostPort is what is dialled for an address; "" for none.
func hostPort(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Hostname() == "" {
		return ""
	}

	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// private reports whether a horde is on this machine or network, where its storage
// is too.
func private(horde string) bool {
	u, err := url.Parse(horde)
	if err != nil {
		return false
	}

	host := u.Hostname()
	bare := !strings.ContainsAny(host, ".:") // a name of the local network
	if bare || strings.HasSuffix(host, ".localhost") {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast())
}
