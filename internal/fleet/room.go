package fleet

import (
	"time"

	"horde/internal/account"
	"horde/internal/horde"
)

// Every node keeps what workers declared at their last check-in, and accounts cost nothing:
// so what is kept has a bound in all. Workers declare a few models, or three hundred known
// ones; longer declarations have a bound of their own, so that they leave room for those.
// In memory a declaration takes up to five times its bytes.
const (
	longDeclaration   = 8 << 10  // bytes of JSON, from which on a declaration is long
	longDeclarations  = 16 << 20 // bytes of all long ones
	shortDeclarations = 32 << 20 // bytes of all others, of some 15,000 workers
	maxAway           = 8 << 20  // bytes of workers that are not there
	workerBytes       = 1 << 10  // that a worker counts for besides its declaration

	// maxAtAddress is of workers at one address whose owners nobody trusts, so that one
	// stranger does not shut out the others.
	maxAtAddress = 4 << 20 // bytes, of some 2,000 workers

	roomRetry = time.Minute
)

// roomTaken is what workers in memory count for, in bytes.
type roomTaken struct{ long, short int }

// add counts a worker once more, or once less with −1.
func (t *roomTaken) add(w *Worker, sign int) {
	if w.isLong() {
		t.long += sign * w.bytes()
	} else {
		t.short += sign * w.bytes()
	}
}

// isLong reports whether what the worker declared is long.
func (w *Worker) isLong() bool { return len(w.Worker.Settings) >= longDeclaration }

// bytes is what a worker counts for.
func (w *Worker) bytes() int { return workerBytes + len(w.Worker.Settings) }

// declaration is what a worker is about to declare.
type declaration struct {
	text  string // of Settings
	addr  string
	owner *account.User
	of    string // id of the worker; "": a new one
}

// roomFor refuses a declaration that needs more room than there is. One that is in memory
// can always be replaced by one that is no longer.
func (f *Fleet) roomFor(d declaration) error {
	f.mu.RLock()
	defer f.mu.RUnlock()

	held := f.byID[d.of]
	if held != nil && len(d.text) <= len(held.Worker.Settings) {
		return nil
	}
	bytes := workerBytes + len(d.text)

	if len(d.text) >= longDeclaration {
		if f.held.long+bytes > longDeclarations {
			return &horde.Error{
				Code: horde.ServerBusy,
				Detail: "The workers of this horde declare as much as it can keep. " +
					"Please offer fewer models, softprompts, words and priority users.",
				RetryAfter: roomRetry,
			}
		}
		return nil
	}
	if held != nil { // short as it was: its growth is small
		return nil
	}

	switch {
	case f.held.short+bytes > shortDeclarations:
		return &horde.Error{
			Code:       horde.ServerBusy,
			Detail:     "This horde has as many workers as it can keep. Please try again later.",
			RetryAfter: roomRetry,
		}
	case !d.owner.Is(account.Trusted) && f.untrustedAtLocked(d.addr)+bytes > maxAtAddress:
		return &horde.Error{
			Code:       horde.ServerBusy,
			Detail:     "Too many workers of new accounts are at your network address. Please try again later.",
			RetryAfter: roomRetry,
		}
	}
	return nil
}

// untrustedAtLocked is what workers at an address count for whose owners are not trusted.
// The caller holds mu.
func (f *Fleet) untrustedAtLocked(addr string) (bytes int) {
	for _, w := range f.byID {
		if w.Addr == addr && !w.OwnerTrusted() && !w.isLong() {
			bytes += w.bytes()
		}
	}
	return bytes
}
