// Package notify calls the webhooks of requests, independently of the answers to workers:
// no worker waits for a slow or dead address.
//
// A webhook is a row that is written in the transaction of the delivery that it tells of
// ([Compose], store.Tx.InsertWebhook), so none is lost that was acknowledged. Whichever
// node is free claims those that are due, for a while, calls them and deletes what was
// taken. What fails is tried again for a day, with growing pauses, and then kept for its
// owner to look at and to replay.
//
//	n, err := notify.New(notify.Options{Store: s, Sender: fetch.New(fetch.Options{Timeout: notify.Timeout}), …})
//	go n.Run(ctx)
//	…
//	n.Wake() // a webhook was committed
package notify

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"horde/internal/horde"
	"horde/internal/store"
)

// Timeout is how long one attempt may take; the Sender must keep to it.
const Timeout = 3 * time.Second

// Bounds of calls under way.
const (
	maxCalls       = 64 // of a node
	maxPerHost     = 4  // of them to one host
	maxPerAccount  = 8  // of them for one account
	maxInline      = 4  // of them with an image in their body
	claimTime      = 30 * time.Second
	pollEvery      = time.Second
	restFactor     = 4                // times as long as looking for them took, before the next look
	recordTimeout  = 20 * time.Second // for what became of a call
	patienceFailed = time.Second      // with a host whose last call failed
)

// Sender posts to an address that a stranger supplied; *fetch.Client is one.
type Sender interface {
	Post(ctx context.Context, address string, header http.Header, body []byte) error
}

// Options configure a Notifier.
type Options struct {
	Store  *store.Store
	Sender Sender

	// Image shows an image of the blob store, by a link for the caller that ctx belongs to
	// (horde.WithBase), or inline.
	Image func(ctx context.Context, name string, byLink bool) string

	// Secret protects the secrets that webhooks are signed with.
	Secret []byte

	Clock   horde.Clock           // nil: time.Now
	Log     *slog.Logger          // nil: none
	Metrics prometheus.Registerer // nil: none
}

// Notifier calls webhooks. Its methods are safe for concurrent use.
type Notifier struct {
	Options
	vault  *vault
	wake   chan struct{}
	inline chan struct{} // a place for each call with an image in its body
	called *prometheus.CounterVec

	backlog atomic.Pointer[backlog] // nil: not read yet

	mu       sync.Mutex
	calls    int                  // guarded by mu: under way
	hosts    map[string]*seen     // guarded by mu: that are called, or whose last call failed
	accounts map[horde.UserID]int // guarded by mu: calls under way
}

// seen is what is known of a host.
type seen struct {
	calls  int
	failed bool // the last call
}

// New makes a Notifier; nothing is called before Run.
func New(o Options) (*Notifier, error) {
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}

	v, err := newVault(o.Secret)
	if err != nil {
		return nil, err
	}
	n := &Notifier{
		Options:  o,
		vault:    v,
		wake:     make(chan struct{}, 1),
		inline:   make(chan struct{}, maxInline),
		hosts:    map[string]*seen{},
		accounts: map[horde.UserID]int{},
	}
	n.measure()
	return n, nil
}

// Wake says that a webhook was committed. A nil Notifier has nobody to wake.
func (n *Notifier) Wake() {
	if n == nil {
		return
	}
	select {
	case n.wake <- struct{}{}:
	default:
	}
}

// Run makes the calls until ctx ends. Those under way then are seen through.
func (n *Notifier) Run(ctx context.Context) {
	var calls sync.WaitGroup
	defer calls.Wait()
	if n.Metrics != nil {
		calls.Go(func() { n.watchBacklog(ctx) })
	}

	for ctx.Err() == nil {
		began := time.Now()
		claimed, err := n.claim(ctx)
		if err != nil && ctx.Err() == nil {
			n.Log.Warn("claim webhooks", "error", err)
		}
		for _, w := range claimed {
			calls.Go(func() { n.call(context.WithoutCancel(ctx), w) })
		}

		// A long backlog costs the database something to look through.
		select {
		case <-ctx.Done():
		case <-time.After(restFactor * time.Since(began)):
		}

		select {
		case <-ctx.Done():
		case <-n.wake:
		case <-time.After(pollEvery):
		}
	}
}

// claim takes due webhooks for which there is room.
func (n *Notifier) claim(ctx context.Context) ([]store.Webhook, error) {
	if n.full() {
		return nil, nil
	}
	now := horde.MicrosOf(n.Clock())
	due, err := n.Store.DueWebhooks(ctx, now, maxPerHost, 4*maxCalls)
	if err != nil {
		return nil, err
	}
	chosen := n.enter(due)
	if len(chosen) == 0 {
		return nil, nil
	}

	var claimed []store.Webhook
	err = n.Store.Write(ctx, store.Unit{Do: func(tx *store.Tx) error {
		claimed = claimed[:0]
		for _, w := range chosen {
			one, err := tx.ClaimWebhook(w, now+horde.MicrosIn(claimTime))
			if errors.Is(err, store.ErrLost) {
				continue
			}
			if err != nil {
				return err
			}
			claimed = append(claimed, one)
		}
		return nil
	}})
	if err != nil {
		claimed = nil
	}
	n.leaveUnclaimed(chosen, claimed)
	return claimed, err
}

// full reports whether there is room for no call more.
func (n *Notifier) full() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.calls == maxCalls
}

// enter chooses those of the due webhooks for which there is room, and counts them as
// under way. A host whose last call failed gets one at a time.
func (n *Notifier) enter(due []store.DueWebhook) (chosen []store.DueWebhook) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, w := range due {
		if n.calls == maxCalls {
			break
		}

		host, room := n.hosts[w.Host], maxPerHost
		if host == nil {
			host = &seen{}
		}
		if host.failed {
			room = 1
		}
		if host.calls >= room || n.accounts[w.UserID] >= maxPerAccount {
			continue
		}

		n.calls++
		host.calls++
		n.hosts[w.Host] = host
		n.accounts[w.UserID]++
		chosen = append(chosen, w)
	}
	return chosen
}

// leaveUnclaimed gives back the places of webhooks that another node has got.
func (n *Notifier) leaveUnclaimed(chosen []store.DueWebhook, claimed []store.Webhook) {
	got := map[string]bool{}
	for _, w := range claimed {
		got[w.ID] = true
	}
	for _, w := range chosen {
		if !got[w.ID] {
			n.leave(w.Host, w.UserID, nil)
		}
	}
}

// leave gives a place back; failed says how the call ended, nil where none was made.
func (n *Notifier) leave(host string, user horde.UserID, failed *bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.calls--
	if n.accounts[user]--; n.accounts[user] == 0 {
		delete(n.accounts, user)
	}

	h := n.hosts[host]
	h.calls--
	if failed != nil {
		h.failed = *failed
	}
	if h.calls == 0 && !h.failed || len(n.hosts) > maxHostsKnown {
		n.forget(host, h)
	}
}

// maxHostsKnown bounds of how many hosts a failure is remembered.
const maxHostsKnown = 10_000

// forget forgets a host that nobody calls now. The caller holds mu.
func (n *Notifier) forget(host string, h *seen) {
	if h.calls == 0 {
		delete(n.hosts, host)
	}
}

// failedBefore reports whether the last call of a host failed.
func (n *Notifier) failedBefore(host string) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.hosts[host] != nil && n.hosts[host].failed
}

// call makes one attempt and notes what became of it.
func (n *Notifier) call(ctx context.Context, w store.Webhook) {
	err := n.attempt(ctx, &w)
	failed := err != nil

	ctx, cancel := context.WithTimeout(ctx, recordTimeout)
	defer cancel()
	if noted := n.record(ctx, &w, err); noted != nil {
		n.Log.Warn("webhook: it will be called again", "id", w.ID, "host", w.Host, "error", noted)
	}
	n.leave(w.Host, w.UserID, &failed)
	n.Wake()
}

// attempt sends a webhook.
func (n *Notifier) attempt(ctx context.Context, w *store.Webhook) error {
	if w.Mark != "" && !w.ByLink {
		n.inline <- struct{}{}
		defer func() { <-n.inline }()
	}

	ctx, cancel := context.WithTimeout(ctx, n.patience(w))
	defer cancel()
	body := n.body(ctx, w)
	header, err := n.header(ctx, w, body)
	if err != nil {
		return err
	}
	return n.Sender.Post(ctx, w.Address, header, body)
}

// patience is how long an attempt may take. A host that has failed gets less, but not
// where a webhook was tried so often that the host might need all of it.
func (n *Notifier) patience(w *store.Webhook) time.Duration {
	if w.Attempts <= impatientAttempts && n.failedBefore(w.Host) {
		return patienceFailed
	}
	return Timeout
}

// header is that of an attempt, as Standard Webhooks have it: an id that stays the same,
// the time, and a signature for each secret of the account.
func (n *Notifier) header(ctx context.Context, w *store.Webhook, body []byte) (http.Header, error) {
	now := n.Clock()
	signature, err := n.sign(ctx, w, now, body)
	if err != nil {
		return nil, err
	}

	h := http.Header{
		"Content-Type":          {"application/json"},
		"Horde-Webhook-Attempt": {strconv.Itoa(w.Attempts)},
	}
	h.Set(standardwebhooks.HeaderWebhookID, w.ID)
	h.Set(standardwebhooks.HeaderWebhookTimestamp, strconv.FormatInt(now.Unix(), 10))
	if signature != "" {
		h.Set(standardwebhooks.HeaderWebhookSignature, signature)
	}
	return h, nil
}

// record deletes a webhook that was taken, and puts another off or gives it up.
func (n *Notifier) record(ctx context.Context, w *store.Webhook, failed error) error {
	if failed == nil {
		n.count(callTaken)
		return n.Store.Write(ctx, store.Unit{Do: func(tx *store.Tx) error { return tx.DeleteWebhook(w.ID) }})
	}

	now := n.Clock()
	due, again := nextAttempt(w, now)
	if again {
		n.count(callFailed)
	} else {
		n.count(callGivenUp)
		n.Log.Info("webhook given up", "host", w.Host, "attempts", w.Attempts, "error", bare(failed))
	}
	return n.Store.Write(ctx, store.Unit{Do: func(tx *store.Tx) error {
		return tx.FailWebhook(w, store.WebhookFailure{Error: failureOf(failed), Due: horde.MicrosOf(due), Dead: !again})
	}})
}

// bare returns an error without the address that net/http puts into it.
func bare(err error) error {
	var web *url.Error
	if errors.As(err, &web) {
		return web.Err
	}
	return err
}
