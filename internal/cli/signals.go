package cli

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type secondKey struct{}

// sameSignal is how long after the first signal further ones count as the same: less
// than fingers need for a second one.
const sameSignal = 100 * time.Millisecond

// withSignals returns a context that ends at the first interrupt (or SIGTERM);
// secondSignal of it is closed at the next. A third ends the program at once.
func withSignals(parent context.Context) context.Context {
	caught := make(chan os.Signal, 3)
	signal.Notify(caught, os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(parent)

	second := make(chan struct{})
	go func() {
		<-caught
		cancel()

		// Some programs (timeout, shells) signal the process and then its group:
		// that is one request, sent twice.
		for again := time.After(sameSignal); again != nil; {
			select {
			case <-caught:
			case <-again:
				again = nil
			}
		}

		<-caught
		close(second)
		<-caught
		os.Exit(exitInterrupted)
	}()

	return withSecondSignal(ctx, second)
}

// withSecondSignal attaches what secondSignal returns.
func withSecondSignal(ctx context.Context, second <-chan struct{}) context.Context {
	return context.WithValue(ctx, secondKey{}, second)
}

// secondSignal is closed when the user insists on the end; nil (never) outside
// of withSignals.
func secondSignal(ctx context.Context) <-chan struct{} {
	c, _ := ctx.Value(secondKey{}).(<-chan struct{})
	return c
}

// untilSecondSignal returns a context for what has to be done after an interrupt: it
// outlives ctx and ends when the user insists.
func untilSecondSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	after, cancel := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		select {
		case <-secondSignal(ctx):
			cancel()
		case <-after.Done():
		}
	}()
	return after, cancel
}
