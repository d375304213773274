package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strings"
	"time"

	"horde/api"
)

// RequestEvent is what happened to one of several requests: Check, Progress,
// Alchemy, an end, or Gone is set.
type RequestEvent struct {
	Request   string
	Type      string // image, text or alchemy
	Cancelled bool   // nothing more is handed out; what Jobs lists still comes

	Check    *api.Check
	Jobs     []api.RunningJob   // beside Check: those that workers have now
	Progress *api.JobProgress   // from inside a job
	Alchemy  *api.AlchemyStatus // how far an alchemy request is

	// The last event of a request has Over and, by its type, Image, Text or Alchemy;
	// or else Gone: why it cannot be followed any more.
	Over  bool
	Image *api.ImageStatus
	Text  *api.TextStatus
	Gone  error
}

// WatchAll follows requests of all kinds, at most api.MaxFollowed, over one
// connection until each has ended. It takes the stream up again where it breaks and
// polls, in turn, where a horde has none or has none free. An error is the last
// thing it yields; that one of the requests is unknown is none, but an event.
func (c *Client) WatchAll(ctx context.Context, ids []string) iter.Seq2[RequestEvent, error] {
	return func(yield func(RequestEvent, error) bool) {
		if len(ids) > api.MaxFollowed {
			yield(RequestEvent{}, fmt.Errorf("at most %d requests can be followed at a time, not %d", api.MaxFollowed, len(ids)))
			return
		}
		f := &followed{client: c, yield: yield, open: map[string]string{}}
		for _, id := range ids {
			f.order = append(f.order, strings.ToLower(id))
			f.open[strings.ToLower(id)] = ""
		}
		if err := f.run(ctx); err != nil && !errors.Is(err, errStop) {
			yield(RequestEvent{}, err)
		}
	}
}

// followed is what WatchAll knows of its requests.
type followed struct {
	client *Client
	yield  func(RequestEvent, error) bool
	order  []string
	open   map[string]string // those that have not ended → their type, "" not known yet
	texted time.Time         // when a request for texts was looked at last
}

func (f *followed) run(ctx context.Context) error {
	lost := time.Time{} // since when the server has been away
	streams := true
	for try := 0; len(f.open) > 0; try++ {
		heard, err := false, errNoStream
		if streams {
			heard, err = f.stream(ctx)
		}
		pause, full := noneFree(err)
		switch {
		case errors.Is(err, errStop) || len(f.open) == 0:
			return nil
		case ctx.Err() != nil:
			return ctx.Err()
		case full, errors.Is(err, errNoStream):
			streams = full
			if err := f.poll(ctx, pause); err != nil {
				return err
			}
			try, lost = 0, time.Time{}
			continue
		case heard || lost.IsZero():
			try, lost = 0, time.Now()
		}
		if !Temporary(err) || time.Since(lost) > outage {
			return err
		}
		sleep(ctx, rand.N(500*time.Millisecond<<min(try, 4)))
	}
	return nil
}

// stream reads one stream of all open requests to its end.
func (f *followed) stream(ctx context.Context) (heard bool, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	quiet := time.AfterFunc(silence, func() { cancel(errSilent) })
	defer quiet.Stop()

	resp, err := f.client.openStream(ctx, "/api/ext/v1/events?ids="+url.QueryEscape(strings.Join(f.rest(), ",")))
	var refused *api.Error
	if errors.As(err, &refused) && refused.Status == http.StatusNotFound { // unknown requests are told of in the stream
		return false, errNoStream
	}
	if err != nil {
		return false, err
	}
	defer resp.Body.Close()
	err = readStream(resp.Body, maxEvent, func() { quiet.Reset(silence) }, func(name string, data []byte) error {
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
func (f *followed) rest() (ids []string) {
	for _, id := range f.order {
		if _, open := f.open[id]; open {
			ids = append(ids, id)
		}
	}
	return ids
}

// hear yields one event of the stream. Events of unknown names are passed over.
func (f *followed) hear(name string, data []byte) error {
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

// parseRequestEvent reads an event of a type of requests.
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
func (f *followed) emit(e RequestEvent) error {
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

// poll asks for each open request in turn, for a while, or until all have ended
// where that is 0. A round takes at least the client's poll interval, and two calls
// are at least an eighth of a second apart: hordes allow ten checks a second. What
// allows less, look spaces out further.
func (f *followed) poll(ctx context.Context, while time.Duration) error {
	const apart = 125 * time.Millisecond
	began := time.Now()
	failing := time.Time{}
	for {
		round := time.Now()
		for _, id := range f.rest() {
			err := f.ask(ctx, id)
			switch {
			case err == nil:
				failing = time.Time{}
			case !Temporary(err):
				return err
			case failing.IsZero():
				failing = time.Now()
			case time.Since(failing) > outage:
				return err
			}
			if len(f.open) == 0 {
				return nil
			}
			if !sleep(ctx, apart) {
				return ctx.Err()
			}
		}
		if !sleep(ctx, max(apart, f.client.pollMin-time.Since(round))) {
			return ctx.Err()
		}
		if while > 0 && time.Since(began) >= while {
			return nil
		}
	}
}

// ask looks at one request. What is not known as one for images may be one for
// texts, or of alchemy.
func (f *followed) ask(ctx context.Context, id string) error {
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

// look asks for a request of a kind.
func (f *followed) look(ctx context.Context, id, kind string) (RequestEvent, error) {
	e := RequestEvent{Request: id, Type: kind}
	switch kind {
	case "text":
		// All requests for texts share one limit.
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
		e.Alchemy, e.Over = st, st.State != "waiting" && st.State != "processing"
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
