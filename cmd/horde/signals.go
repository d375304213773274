package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"
	"time"
)

type secondKey struct{}

// echo is how long after the first signal more of them mean the same: less than
// fingers need for a second one.
const echo = 100 * time.Millisecond

// withSignals gives a context that ends at the first interrupt (or SIGTERM);
// secondSignal of it tells of the next. A third ends the program at once.
func withSignals(parent context.Context) context.Context {
	caught := make(chan os.Signal, 3)
	signal.Notify(caught, os.Interrupt, syscall.SIGTERM)
	ctx, cancel := context.WithCancel(parent)
	second := make(chan struct{})
	go func() {
		<-caught
		cancel()
		// Some programs (timeout, shells) signal the process and then its
		// group: that is one wish, told twice.
		for again := time.After(echo); again != nil; {
			select {
			case <-caught:
			case <-again:
				again = nil
			}
		}
		<-caught
		close(second)
		<-caught
		os.Exit(130)
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

// windUp is a context for what has to be done after an interrupt: it goes on
// when ctx ends, until the user insists.
func windUp(ctx context.Context) (context.Context, context.CancelFunc) {
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
