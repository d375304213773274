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

	"horde/api"
	"horde/client"
	"horde/internal/imaging"
)

const maxSource = 20 << 20 // bytes

// source gets one source picture, a link or base64. One that cannot be had
// fails the job; one that cannot be read is left out: both with a remark for
// the requester (worker §2.1).
func (j *job) source(ctx context.Context, kind, where string) (image.Image, error) {
	var data []byte
	var err error
	if strings.HasPrefix(where, "http://") || strings.HasPrefix(where, "https://") {
		if data, err = j.w.fetch(ctx, where); err != nil {
			if cause := context.Cause(ctx); cause != nil {
				return nil, cause
			}
			j.remark(kind, "download_failed")
			return nil, fmt.Errorf("%w: %s: %w", errSource, kind, err)
		}
	} else {
		data, err = imaging.Base64(where, imaging.SourceLimits)
	}
	var img image.Image
	if err == nil {
		img, _, err = imaging.Decode(data, imaging.SourceLimits)
	}
	if err != nil {
		j.log.Warn("a source picture cannot be read; painting without it", "source", kind, "err", err)
		j.remark(kind, "parse_failed")
		return nil, nil
	}
	return img, nil
}

func (j *job) remark(kind, value string) {
	j.remarks = append(j.remarks, api.GenMetadatum{Type: kind, Value: value})
}

// fetch downloads a source picture in up to five tries.
func (w *Worker) fetch(ctx context.Context, link string) ([]byte, error) {
	get := w.horde
	if !private(w.horde.URL()) {
		get = public
	}
	for try := 1; ; try++ {
		b, err := get.Download(ctx, link, maxSource)
		if err == nil || try == 5 || !client.Temporary(err) || errors.Is(err, ssrf.ErrProhibitedIP) {
			return b, err
		}
		if !sleep(ctx, time.Duration(try)*500*time.Millisecond) {
			return nil, ctx.Err()
		}
	}
}

// public downloads from public addresses alone: a horde on the internet has no
// business in sending a worker to the machines of its owner. (No proxy of the
// environment: it would be dialled in the place of what is to be judged.)
var public = client.New("http://unused.invalid", "", client.WithRetries(0), client.WithTransport(&http.Transport{
	DialContext: (&net.Dialer{
		Timeout: 10 * time.Second,
		Control: ssrf.New(ssrf.WithAnyPort()).Safe,
	}).DialContext,
	TLSHandshakeTimeout:   10 * time.Second,
	ResponseHeaderTimeout: 20 * time.Second,
	MaxIdleConns:          16,
	IdleConnTimeout:       time.Minute,
}))

// private tells whether a horde is on this machine or network, where its
// storage is too.
func private(horde string) bool {
	u, err := url.Parse(horde)
	if err != nil {
		return false
	}
	host := u.Hostname()
	if host == "localhost" || strings.HasSuffix(host, ".localhost") || !strings.Contains(host, ".") && !strings.Contains(host, ":") {
		return true // a bare name is one of the local network
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && (ip.IsLoopback() || ip.IsPrivate() || ip.IsLinkLocalUnicast())
}
