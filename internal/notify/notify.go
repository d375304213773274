// Package notify calls the webhooks of requests, independently of the answers to workers:
// no worker waits for a slow or dead address.
//
//	n := notify.New(notify.Options{Sender: fetch.New(fetch.Options{Timeout: notify.Timeout})})
//	go n.Run(ctx)
//	n.Send("https://example.org/hook", body)
//
// The queue is bounded; calls beyond that are dropped (platform §10.3).
// A call is tried three times at most, one right after the other, and then given
// up in silence, as the original does.
package notify

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/url"
	"sync"
	"time"
)

// Timeout is how long one attempt may take; the Sender must keep to it.
const Timeout = 3 * time.Second

// Sender posts to an address that a stranger supplied; *fetch.Client is one.
type Sender interface {
	Post(ctx context.Context, address, contentType string, body []byte) error
}

// Options configure a Notifier. Zero fields get the defaults named here.
type Options struct {
	Sender   Sender // required
	Waiting  int    // calls that may wait; 256
	Attempts int    // for each call; 3
	Senders  int    // calls under way at once; 4
	Log      *slog.Logger
}

// Notifier is a queue of webhook calls. A nil Notifier drops them all.
type Notifier struct {
	Options
	queue chan call
}

// call is one webhook call to make.
type call struct {
	address string
	body    []byte
}

// New makes a Notifier; nothing is sent before Run.
func New(o Options) *Notifier {
	def := func(v *int, d int) {
		if *v <= 0 {
			*v = d
		}
	}
	def(&o.Waiting, 256)
	def(&o.Attempts, 3)
	def(&o.Senders, 4)

	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Notifier{Options: o, queue: make(chan call, o.Waiting)}
}

// Send queues a call with v as its JSON body. It never blocks; false means that the call
// was dropped. An empty address is no call.
func (n *Notifier) Send(address string, v any) bool {
	if n == nil || address == "" {
		return false
	}

	body, err := json.Marshal(v)
	if err != nil {
		n.Log.Error("webhook", "error", err)
		return false
	}

	select {
	case n.queue <- call{address, body}:
		return true
	default:
		n.Log.Warn("webhook dropped: too many are waiting", "host", host(address))
		return false
	}
}

// Run makes the calls until ctx ends; calls still waiting then are dropped.
func (n *Notifier) Run(ctx context.Context) {
	var senders sync.WaitGroup
	for range n.Senders {
		senders.Go(func() {
			for {
				select {
				case <-ctx.Done():
					return
				case c := <-n.queue:
					n.deliver(ctx, c)
				}
			}
		})
	}
	senders.Wait()
}

// deliver tries a call until it succeeds or has no attempts left. There is no pause
// between attempts, as in the original.
func (n *Notifier) deliver(ctx context.Context, c call) {
	var err error
	for range n.Attempts {
		if err = n.Sender.Post(ctx, c.address, "application/json", c.body); err == nil || ctx.Err() != nil {
			return
		}
	}
	n.Log.Info("webhook given up", "host", host(c.address), "error", bare(err))
}

// host returns what the log may show of an address: the rest may hold a secret.
func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Host
}

// bare returns an error without the address that net/http puts into it.
func bare(err error) error {
	var web *url.Error
	if errors.As(err, &web) {
		return web.Err
	}
	return err
}
