package console

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

// WithSignals returns a context that ends at the first interrupt (or SIGTERM);
// secondSignal of it is closed at the next. A third ends the program at once.
func WithSignals(parent context.Context) context.Context {
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
		os.Exit(ExitInterrupted)
	}()

	return WithSecondSignal(ctx, second)
}

// WithSecondSignal attaches what secondSignal returns.
func WithSecondSignal(ctx context.Context, second <-chan struct{}) context.Context {
	return context.WithValue(ctx, secondKey{}, second)
}

// SecondSignal is closed when the user insists on the end; nil (never) outside
// of withSignals.
func SecondSignal(ctx context.Context) <-chan struct{} {
	c, _ := ctx.Value(secondKey{}).(<-chan struct{})
	return c
}

// UntilSecondSignal returns a context for what has to be done after an interrupt: it
// outlives ctx and ends when the user insists.
func UntilSecondSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	after, cancel := context.WithCancel(context.WithoutCancel(ctx))
	go func() {
		select {
		case <-SecondSignal(ctx):
			cancel()
		case <-after.Done():
		}
	}()
	return after, cancel
}
