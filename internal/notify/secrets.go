package notify

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"

	"horde/internal/horde"
	"horde/internal/store"
)

const (
	secretPrefix = "whsec_"
	secretBytes  = 32
	keptBefore   = 24 * time.Hour // that the secret before a rotation signs too
)

// errUnsigned: the secret of an account cannot be read, since the secret of the horde is
// another one than when it was made.
var errUnsigned = errors.New("the secret for signing cannot be read")

// vault encrypts the secrets of accounts for the database: they have to be known to sign
// with them, so a hash does not do.
type vault struct{ seal cipher.AEAD }

func newVault(secret []byte) (*vault, error) {
	key, err := hkdf.Key(sha256.New, secret, nil, "horde webhook secrets", 32)
	if err != nil {
		return nil, fmt.Errorf("webhook secrets: %w", err)
	}
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("webhook secrets: %w", err)
	}
	seal, err := cipher.NewGCMWithRandomNonce(block)
	return &vault{seal}, err
}

// lock encrypts a secret of an account; it opens for that account alone.
func (v *vault) lock(user horde.UserID, secret string) string {
	sealed := v.seal.Seal(nil, nil, []byte(secret), []byte(user.String()))
	return base64.StdEncoding.EncodeToString(sealed)
}

func (v *vault) open(user horde.UserID, locked string) (string, error) {
	sealed, err := base64.StdEncoding.DecodeString(locked)
	if err != nil {
		return "", err
	}
	secret, err := v.seal.Open(nil, nil, sealed, []byte(user.String()))
	return string(secret), err
}

// Rotate gives an account a new secret, which nobody can read again. The one before signs
// too for a day.
func (n *Notifier) Rotate(ctx context.Context, user horde.UserID) (string, error) {
	raw := make([]byte, secretBytes)
	_, _ = rand.Read(raw) // never fails
	secret := secretPrefix + base64.StdEncoding.EncodeToString(raw)

	locked := n.vault.lock(user, secret)
	until := horde.MicrosOf(n.Clock().Add(keptBefore))
	err := n.Store.Write(ctx, store.Unit{Do: func(tx *store.Tx) error {
		return tx.RotateWebhookSecret(user, locked, until)
	}})
	if err != nil {
		return "", err
	}
	return secret, nil
}

// sign is the signatures of a body, "" for accounts without a secret.
func (n *Notifier) sign(ctx context.Context, w *store.Webhook, now time.Time, body []byte) (string, error) {
	kept, err := n.Store.WebhookSecret(ctx, w.UserID)
	if errors.Is(err, store.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}

	locked := []string{kept.Secret}
	if kept.Previous != "" && horde.MicrosOf(now) < kept.PreviousUntil {
		locked = append(locked, kept.Previous)
	}
	var signatures []string
	for _, l := range locked {
		one, err := n.signWith(l, w, now, body)
		if err != nil {
			return "", fmt.Errorf("%w: %w", errUnsigned, err)
		}
		signatures = append(signatures, one)
	}
	return strings.Join(signatures, " "), nil
}

func (n *Notifier) signWith(locked string, w *store.Webhook, now time.Time, body []byte) (string, error) {
	secret, err := n.vault.open(w.UserID, locked)
	if err != nil {
		return "", err
	}
	key, err := standardwebhooks.NewWebhook(secret)
	if err != nil {
		return "", err
	}
	return key.Sign(w.ID, now, body)
}
