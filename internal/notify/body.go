package notify

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"net/url"
	"strings"

	"horde/internal/horde"
	"horde/internal/store"
)

// NewMark makes what stands in the body of a webhook in place of its image. Nobody can
// know it before.
func NewMark() string { return rand.Text() }

// Compose completes a webhook by its body, which is kept without the image. It is nil
// where the address is none.
func Compose(w store.Webhook, body any) (*store.Webhook, error) {
	u, err := url.Parse(w.Address)
	if err != nil || u.Host == "" {
		return nil, nil
	}

	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	w.Host, w.Body = strings.ToLower(u.Host), string(text)
	return &w, nil
}

// body is what is sent now: a link is good from now on, and what is shown inline is in
// memory but for the call.
func (n *Notifier) body(ctx context.Context, w *store.Webhook) []byte {
	if w.Mark == "" {
		return []byte(w.Body)
	}

	// The links are for who made the request.
	shown := n.Image(horde.WithBase(ctx, horde.At(w.Base)), w.Blob, w.ByLink)
	text, err := json.Marshal(shown)
	if err != nil {
		panic(err) // a string always marshals
	}
	return bytes.ReplaceAll([]byte(w.Body), []byte(`"`+w.Mark+`"`), text)
}
