package bench

import (
	"context"
	"fmt"
	"io"
	"text/tabwriter"
)

// Shares of what a server can do at most, at which OverloadOf looks at it.
const (
	fullShare     = 1.0
	overloadShare = 1.5
)

// OverloadReport is how a server stands a load that it can just serve, and one that it
// cannot.
type OverloadReport struct {
	Capacity *Report `json:"capacity"` // as fast as possible
	Full     *Report `json:"full"`     // at as many starts a second
	Overload *Report `json:"overload"` // at 1.5 of it
}

// OverloadOf measures how many cycles a server does at most, with cfg.Clients clients, and
// then plays as many and more than that from many clients: what is accepted in an overload
// is to be served nearly as quickly, and the rest refused at once. There have to be so many
// workers (cfg.Workers) that no request waits for one, and so many clients that no start
// waits for one.
func OverloadOf(ctx context.Context, cfg Config, crowd int) (*OverloadReport, error) {
	cfg.Mode, cfg.Rate, cfg.Refusals = Cycle, 0, true
	cfg = cfg.withDefaults()
	var all OverloadReport

	var err error
	fmt.Fprintln(cfg.Progress, "as many cycles as possible")
	if all.Capacity, err = Run(ctx, cfg); err != nil {
		return nil, err
	}
	if all.Capacity.PerSecond == 0 {
		return nil, fmt.Errorf("no cycle was completed: %v", all.Capacity.Errors)
	}

	cfg.Clients = crowd
	for _, part := range []struct {
		share float64
		into  **Report
	}{{fullShare, &all.Full}, {overloadShare, &all.Overload}} {
		cfg.Rate = part.share * all.Capacity.PerSecond
		fmt.Fprintf(cfg.Progress, "%.1f times as many: %.0f starts a second\n", part.share, cfg.Rate)
		if *part.into, err = Run(ctx, cfg); err != nil {
			return nil, err
		}
	}
	return &all, nil
}

// Failed is how much went wrong in all parts; refusals are no failure.
func (o *OverloadReport) Failed() uint64 {
	return o.Capacity.Failed + o.Full.Failed + o.Overload.Failed
}

// Write prints the report as a table for people.
func (o *OverloadReport) Write(w io.Writer) error {
	accepted, _ := o.Overload.call(measureNames[callAsync])
	refused, _ := o.Overload.call(measureNames[callRefused])
	fmt.Fprintf(w, "capacity: %.1f cycles/s\n", o.Capacity.PerSecond)
	fmt.Fprintf(w, "%.1f starts/s: %.1f requests accepted, %.1f refused, %.1f cycles/s\n\n",
		o.Overload.Rate, accepted.PerSecond, refused.PerSecond, o.Overload.PerSecond)

	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "call\tp99 ms at 1.0\tat 1.5\ttimes\t")
	for _, over := range o.Overload.Calls {
		full, known := o.Full.call(over.Call)
		if !known {
			fmt.Fprintf(t, "%s\t\t%.2f\t\t\n", over.Call, over.P99/1000)
			continue
		}
		fmt.Fprintf(t, "%s\t%.2f\t%.2f\t%.1f\t\n", over.Call, full.P99/1000, over.P99/1000, over.P99/full.P99)
	}
	if err := t.Flush(); err != nil {
		return err
	}

	fmt.Fprintf(w, "\ndelays of bench itself at 1.5, p99: %.2f ms in the times of calls, starts %.2f ms late\n",
		o.Overload.OwnDelay/1000, o.Overload.LateStart/1000)
	for _, part := range []*Report{o.Capacity, o.Full, o.Overload} {
		for text, n := range part.Errors {
			fmt.Fprintf(w, "error: %s (%d times)\n", text, n)
		}
	}
	return nil
}

// call finds the figures of a call.
func (r *Report) call(name string) (CallReport, bool) {
	for _, c := range r.Calls {
		if c.Call == name {
			return c, true
		}
	}
	return CallReport{}, false
}
