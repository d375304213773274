package account

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"sync"
	"time"
)

// passkeyLife is how long the table of passkeys is used; changes on this node
// clear it at once (platform §6.7).
const passkeyLife = 5 * time.Second

// passkeys caches the hashes of all passkeys in use.
type passkeys struct {
	mu    sync.Mutex
	sums  [][sha256.Size]byte // guarded by mu
	until time.Time           // guarded by mu
}

func (p *passkeys) forget() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.until = time.Time{}
}

// Passkey reports whether a service account in good standing has this proxy
// passkey. Its duration does not depend on how much of a guess is right.
func (a *Accounts) Passkey(ctx context.Context, passkey string) bool {
	p := &a.passkeys
	p.mu.Lock()
	defer p.mu.Unlock()

	if now := a.config.Clock(); !now.Before(p.until) {
		users, err := a.store.Passkeys(ctx, int64(Service), int64(Flagged|Deleted))
		if err != nil {
			return false
		}
		p.sums, p.until = nil, now.Add(passkeyLife)
		for _, u := range users {
			p.sums = append(p.sums, sha256.Sum256([]byte(u.ProxyPasskey)))
		}
	}

	// Compare with all of them, in constant time.

	sum, found := sha256.Sum256([]byte(passkey)), 0
	for i := range p.sums {
		found |= subtle.ConstantTimeCompare(sum[:], p.sums[i][:])
	}
	return found == 1
}
