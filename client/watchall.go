package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"horde/api"
)

// RequestEvent is what happened to one of several requests: Check, Progress,
// Alchemy, the end, or Gone is set.
type RequestEvent struct {
	Request   string
	Type      string // image, text or alchemy
	Cancelled bool   // nothing more is handed out; what Jobs lists still comes

	Check    *api.Check
	Jobs     []api.RunningJob   // beside Check: those that workers have now
	Progress *api.JobProgress   // from inside a job
	Alchemy  *api.AlchemyStatus // how far an alchemy request is

	// The last event of a request has Over and, by its type, Image, Text or Alchemy;
	// or else Gone, which says why it cannot be followed any more.
	Over  bool
	Image *api.ImageStatus
	Text  *api.TextStatus
	Gone  error
}

// WatchAll follows requests of all kinds, at most api.MaxFollowed, over one
// connection until each has ended. It reconnects where the stream breaks and polls,
// in turn, where a horde has none or has none free. An error is the last thing it
// yields; an unknown request is an event, not an error.
func (c *Client) WatchAll(ctx context.Context, ids []string) iter.Seq2[RequestEvent, error] {
	return func(yield func(RequestEvent, error) bool) {
		if len(ids) > api.MaxFollowed {
			yield(RequestEvent{}, fmt.Errorf("at most %d requests can be followed at a time, not %d", api.MaxFollowed, len(ids)))
			return
		}

		f := &watcher{client: c, yield: yield, open: map[string]string{}}
		for _, id := range ids {
			f.order = append(f.order, strings.ToLower(id))
			f.open[strings.ToLower(id)] = ""
		}

		if err := f.run(ctx); err != nil && !errors.Is(err, errStop) {
			yield(RequestEvent{}, err)
		}
	}
}

// watcher is what WatchAll knows of its requests.
type watcher struct {
	client *Client
	yield  func(RequestEvent, error) bool
	order  []string
	open   map[string]string // those that have not ended → their type; "" while unknown
	texted time.Time         // of the last status call of a text request
}

func (f *watcher) run(ctx context.Context) error {
	away := newPatience(maxOutage)
	streams := true
	for len(f.open) > 0 {
		heard, err := false, ErrNoEventStream
		if streams {
			heard, err = f.stream(ctx)
		}

		pause, full := noneFree(err)
		switch {
		case errors.Is(err, errStop) || len(f.open) == 0:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case full, errors.Is(err, ErrNoEventStream):
			streams = full
			if err := f.poll(ctx, pause); err != nil {
				return err
			}
			away.reset()
			continue
		case heard:
			away.reset()
		}

		if !away.endures(err) {
			return err
		}
		away.pause(ctx)
	}
	return nil
}

// stream reads one stream of all open requests to its end.
func (f *watcher) stream(ctx context.Context) (heard bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	quiet := time.AfterFunc(maxSilence, func() { cancel(errSilent) })
	defer quiet.Stop()

	// Unknown requests are events of the stream: a 404 says that there is no stream.
	resp, err := f.client.openStream(ctx, "/api/ext/v1/events?ids="+url.QueryEscape(strings.Join(f.rest(), ",")))
	var refused *api.Error
	if errors.As(err, &refused) && refused.Status == http.StatusNotFound {
		return false, ErrNoEventStream
	}
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()

	alive := func() { quiet.Reset(maxSilence) }
	err = readStream(resp.Body, maxEvent, alive, func(name string, data []byte) error {
		heard = true
		return f.hear(name, data)
	})

	switch {
	case errors.Is(context.Cause(ctx), errSilent):
		return heard, errSilent
	case err == nil:
		return heard, io.ErrUnexpectedEOF // closed; run sees whether all have ended
	}
	return heard, err
}

// rest are the requests that have not ended, in their order.
func (f *watcher) rest() (ids []string) {
	for _, id := range f.order {
		if _, open := f.open[id]; open {
			ids = append(ids, id)
		}
	}
	return ids
}

// hear yields one event of the stream. Events with unknown names are skipped.
func (f *watcher) hear(name string, data []byte) error {
	var ref api.RequestRef
	if err := json.Unmarshal(data, &ref); err != nil && name != "" {
		return fmt.Errorf("event %q: %w", name, err)
	}

	e, known, err := parseRequestEvent(name, ref.Type, data)
	if err != nil {
		return fmt.Errorf("event %q: %w", name, err)
	}
	if !known {
		return nil
	}

	e.Request, e.Type = ref.Request, ref.Type
	return f.emit(e)
}

// parseRequestEvent reads an event of a request of a kind: image, text or alchemy.
func parseRequestEvent(name, kind string, data []byte) (e RequestEvent, known bool, err error) {
	switch {
	case name == api.EventGone:
		var gone api.RequestGone
		err = json.Unmarshal(data, &gone)
		e.Gone = &api.Error{Message: gone.Message, RC: gone.RC, Status: http.StatusNotFound}

	case kind == "alchemy" && (name == api.EventStatus || name == api.EventEnd):
		e.Alchemy, e.Over = new(api.AlchemyStatus), name == api.EventEnd
		err = json.Unmarshal(data, e.Alchemy)

	case name == api.EventStatus:
		var s api.RequestStatus
		err = json.Unmarshal(data, &s)
		e.Check, e.Jobs, e.Cancelled = &s.Check, s.Jobs, s.Cancelled

	case name == api.EventProgress:
		e.Progress = new(api.JobProgress)
		err = json.Unmarshal(data, e.Progress)

	case name == api.EventEnd && kind == "text":
		var s api.TextRequestEnd
		err = json.Unmarshal(data, &s)
		e.Text, e.Cancelled, e.Over = &s.TextStatus, s.Cancelled, true

	case name == api.EventEnd:
		var s api.ImageRequestEnd
		err = json.Unmarshal(data, &s)
		e.Image, e.Cancelled, e.Over = &s.ImageStatus, s.Cancelled, true

	default:
		return e, false, nil
	}

	return e, true, err
}

// emit yields an event of a request that has not ended.
func (f *watcher) emit(e RequestEvent) error {
	if _, open := f.open[e.Request]; !open {
		return nil
	}

	f.open[e.Request] = e.Type
	if e.Over || e.Gone != nil {
		delete(f.open, e.Request)
	}

	if !f.yield(e, nil) {
		return errStop
	}
	return nil
}

// checkPause is the time between two checks: hordes allow ten a second.
const checkPause = 125 * time.Millisecond

// poll checks each open request in turn, for a while, or until all have ended where
// that is untilEnd. A round takes at least the client's poll interval. Where hordes
// allow fewer calls, look spaces them further.
func (f *watcher) poll(ctx context.Context, while time.Duration) error {
	began := time.Now()
	away := newPatience(maxOutage)
	for {
		round := time.Now()
		for _, id := range f.rest() {
			err := f.ask(ctx, id)
			switch {
			case err == nil:
				away.reset()
			case !away.endures(err):
				return err
			}

			if len(f.open) == 0 {
				return nil
			}
			if !sleep(ctx, checkPause) {
				return ctx.Err()
			}
		}

		if !sleep(ctx, max(checkPause, f.client.pollMin-time.Since(round))) {
			return ctx.Err()
		}
		if while > 0 && time.Since(began) >= while {
			return nil
		}
	}
}

// ask looks at one request. While its kind is unknown it tries each: a request that
// is not for images may be one for text or alchemy.
func (f *watcher) ask(ctx context.Context, id string) error {
	kinds := []string{"image", "text", "alchemy"}
	if kind := f.open[id]; kind != "" {
		kinds = []string{kind}
	}

	for _, kind := range kinds {
		e, err := f.look(ctx, id, kind)
		var refused *api.Error
		if errors.As(err, &refused) && refused.Status == http.StatusNotFound {
			if kind == kinds[len(kinds)-1] {
				return f.emit(RequestEvent{Request: id, Type: f.open[id], Gone: err})
			}
			continue
		}
		if err != nil {
			return err
		}
		return f.emit(e)
	}
	return nil
}

// look asks for the state of a request of a kind.
func (f *watcher) look(ctx context.Context, id, kind string) (RequestEvent, error) {
	e := RequestEvent{Request: id, Type: kind}
	switch kind {
	case "text":
		// All text requests share one limit.
		if !sleep(ctx, textPause-time.Since(f.texted)) {
			return e, ctx.Err()
		}
		f.texted = time.Now()

		st, err := f.client.TextStatus(ctx, id)
		if err != nil {
			return e, err
		}
		if e.Over = over(&st.Check); e.Over {
			e.Text = st
		} else {
			e.Check = &st.Check
		}
	case "alchemy":
		st, err := f.client.AlchemyStatus(ctx, id)
		if err != nil {
			return e, err
		}
		e.Alchemy, e.Over = st, alchemyOver(st)
	default:
		check, err := f.client.Check(ctx, id)
		if err != nil {
			return e, err
		}
		e.Check = check
		if over(check) {
			if e.Image, err = f.client.Status(ctx, id); err != nil {
				return e, err
			}
			e.Check, e.Over = nil, true
		}
	}
	return e, nil
}
