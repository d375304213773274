package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/url"
	"time"

	"horde/api"
)

// Event is what happened to an image request; exactly one field is set.
type Event struct {
	Check    *api.Check       // counts, place in the queue, ETA
	Progress *api.JobProgress // from inside a job
	End      *api.ImageStatus // the last event
}

// Watch follows an image request until it is done: Check events first and on every
// change, Progress in between, End last. It reads the server's event stream,
// reconnects where it breaks, and polls where a horde has none or has none free. An
// error is the last thing it yields. Leave the loop or end ctx to stop watching. To
// follow several requests use WatchAll: hordes bound the streams of one address.
func (c *Client) Watch(ctx context.Context, id string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		away := newPatience(maxOutage)
		for {
			ended, progressed, err := c.follow(ctx, id, yield)
			if ended {
				return
			}

			pause, full := noneFree(err)
			switch {
			case errors.Is(err, ErrNoEventStream):
				c.poll(ctx, id, untilEnd, yield)
				return
			case ctx.Err() != nil:
				yield(Event{}, ctx.Err())
				return
			case full:
				if c.poll(ctx, id, pause, yield) {
					return
				}
				away.reset()
				continue
			case progressed:
				away.reset()
			}

			if !away.endures(err) {
				yield(Event{}, err)
				return
			}
			away.pause(ctx)
		}
	}
}

// follow reads one stream. ended: nothing more is to be yielded.
func (c *Client) follow(
	ctx context.Context, id string, yield func(Event, error) bool,
) (ended, progressed bool, err error) {
	for event, err := range c.Events(ctx, id) {
		if err != nil {
			return false, progressed, err
		}
		progressed = true
		if !yield(event, nil) || event.End != nil {
			return true, true, nil
		}
	}
	return false, progressed, io.ErrUnexpectedEOF // closed without an end
}

// Events reads the event stream of an image request once, without falling back or
// trying again (Watch does that). Of a horde without streams it yields
// ErrNoEventStream.
func (c *Client) Events(ctx context.Context, id string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		quiet := time.AfterFunc(maxSilence, func() { cancel(errSilent) })
		defer quiet.Stop()

		resp, err := c.openStream(ctx, "/api/ext/v1/requests/"+url.PathEscape(id)+"/events")
		if err == nil {
			defer resp.Body.Close()
			alive := func() { quiet.Reset(maxSilence) }
			err = readEvents(resp.Body, maxEvent, alive, func(e Event) bool { return yield(e, nil) })
		}

		switch {
		case err == nil || errors.Is(err, errStop):
		case errors.Is(context.Cause(ctx), errSilent):
			yield(Event{}, errSilent)
		default:
			yield(Event{}, err)
		}
	}
}

// readEvents decodes the events of one request and hands them to emit until it says
// no (errStop), the stream ends (nil) or something is wrong. alive is called for
// every line. Events with unknown names are skipped.
func readEvents(r io.Reader, limit int, alive func(), emit func(Event) bool) error {
	return readStream(r, limit, alive, func(name string, data []byte) error {
		event, known, err := parseEvent(name, data)
		if err == nil && known && !emit(event) {
			return errStop
		}
		return err
	})
}

func parseEvent(name string, data []byte) (e Event, known bool, err error) {
	switch name {
	case api.EventStatus:
		e.Check = new(api.Check)
		err = json.Unmarshal(data, e.Check)
	case api.EventProgress:
		e.Progress = new(api.JobProgress)
		err = json.Unmarshal(data, e.Progress)
	case api.EventEnd:
		e.End = new(api.ImageStatus)
		err = json.Unmarshal(data, e.End)
	default:
		return e, false, nil
	}

	if err != nil {
		return Event{}, false, fmt.Errorf("event %q: %w", name, err)
	}
	return e, true, nil
}

// untilEnd is the time to poll for where there is nothing to return to.
const untilEnd time.Duration = 0

// poll is Watch by repeated checks: for a while, or untilEnd. It outlives temporary
// failures, like the stream. ended: nothing more is to be yielded.
func (c *Client) poll(
	ctx context.Context, id string, while time.Duration, yield func(Event, error) bool,
) (ended bool) {
	var last *api.Check
	began := time.Now()
	away := newPatience(maxOutage)
	for {
		check, err := c.Check(ctx, id)
		switch {
		case err == nil && over(check):
			c.pollEnd(ctx, id, check, yield)
			return true
		case err == nil:
			if (last == nil || *check != *last) && !yield(Event{Check: check}, nil) {
				return true
			}
			last = check
			away.reset()
		case !away.endures(err):
			yield(Event{}, err)
			return true
		}

		// A request that takes more than a minute is in no hurry; the horde is busy.
		pause := c.pollMin
		if time.Since(began) > time.Minute {
			pause *= 2
		}
		if !sleep(ctx, pause) {
			yield(Event{}, ctx.Err())
			return true
		}

		if while > 0 && time.Since(began) >= while {
			return false
		}
	}
}

// over reports whether nothing more comes of a request. Cancelled or given up, it is
// done while workers still have jobs of it in hand: those arrive, and are charged.
func over(c *api.Check) bool { return (c.Faulted || c.Done) && c.Processing == 0 }

func (c *Client) pollEnd(ctx context.Context, id string, check *api.Check, yield func(Event, error) bool) {
	if !yield(Event{Check: check}, nil) {
		return
	}
	status, err := c.Status(ctx, id)
	yield(Event{End: status}, err)
}
