package fleet

import (
	"time"

	"horde/internal/horde"
)

// Every node keeps what every worker declared at its last check-in, whether the worker is
// there or not, and accounts cost nothing: so what is long of it has a bound in all.
// Workers declare a few models, or three hundred known ones; these always fit.
const (
	longDeclaration  = 8 << 10  // bytes of JSON, from which on a declaration is long
	longDeclarations = 16 << 20 // bytes of all long ones; in memory they take five times as much
	roomRetry        = time.Minute
)

// longBytes is what a worker's declaration counts for; nothing for none.
func (w *Worker) longBytes() int {
	if w == nil || len(w.Worker.Settings) < longDeclaration {
		return 0
	}
	return len(w.Worker.Settings)
}

// roomFor refuses a declaration of so many bytes that is to take the place of one of the
// same worker, where it is long and all long ones together would take too much.
func (f *Fleet) roomFor(bytes, before int) error {
	if bytes < longDeclaration || bytes <= before {
		return nil
	}
	f.mu.RLock()
	defer f.mu.RUnlock()
	if f.long+bytes <= longDeclarations {
		return nil
	}
	return &horde.Error{
		Code: horde.ServerBusy,
		Detail: "The workers of this horde declare as much as it can keep. " +
			"Please offer fewer models, softprompts, words and priority users.",
		RetryAfter: roomRetry,
	}
}
