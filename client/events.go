package client

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"

	"horde/api"
)

const (
	// maxEvent bounds one line and one event: "end" may carry pictures.
	maxEvent = maxAnswer
	// silence is how long a stream may say nothing: servers send a line at
	// least every 10 s.
	silence = 45 * time.Second
	// outage is how long Watch tries to reach a server that went away.
	outage = 2 * time.Minute
)

// Event is what happened to a request; exactly one field is set.
type Event struct {
	Check    *api.Check       // counts, place in the queue, ETA
	Progress *api.JobProgress // from inside a job
	End      *api.ImageStatus // the last event
}

// Watch follows a request until it is done: Check events first and on every
// change, Progress in between, End last. It reads the server's event stream,
// takes it up again where it breaks, and polls where a horde has none or has none
// free. An error is the last thing it yields. Leave the loop or end ctx to stop
// watching. Who follows several requests should use WatchAll: hordes bound the
// streams of one address.
func (c *Client) Watch(ctx context.Context, id string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		lost := time.Time{} // since when the server has been away
		for try := 0; ; try++ {
			ended, progressed, err := c.follow(ctx, id, yield)
			pause, full := noneFree(err)
			switch {
			case ended:
				return
			case errors.Is(err, errNoStream):
				c.poll(ctx, id, 0, yield)
				return
			case ctx.Err() != nil:
				yield(Event{}, ctx.Err())
				return
			case full:
				if c.poll(ctx, id, pause, yield) {
					return
				}
				try, lost = 0, time.Time{}
				continue
			case progressed || lost.IsZero():
				try, lost = 0, time.Now()
			}
			if !Temporary(err) || time.Since(lost) > outage {
				yield(Event{}, err)
				return
			}
			sleep(ctx, rand.N(500*time.Millisecond<<min(try, 4)))
		}
	}
}

// noneFree reports whether a horde refused a stream because too many are open, and
// after how long it is to be asked again.
func noneFree(err error) (pause time.Duration, full bool) {
	var e *api.Error
	var f *ForeignError
	if !errors.As(err, &e) || errors.As(err, &f) || e.RetryAfter <= 0 {
		return 0, false
	}
	full = e.Status == http.StatusTooManyRequests || e.Status == http.StatusServiceUnavailable
	return min(time.Duration(e.RetryAfter)*time.Second, maxRetryAfter), full
}

// errNoStream says that the horde has no event streams.
var errNoStream = errors.New("no event stream")

// follow reads one stream. ended: nothing more is to be yielded.
func (c *Client) follow(ctx context.Context, id string, yield func(Event, error) bool) (ended, progressed bool, err error) {
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

// Events reads the event stream of a request once, without falling back or
// trying again (Watch does that). A horde without streams yields an error for
// which Streamless is true.
func (c *Client) Events(ctx context.Context, id string) iter.Seq2[Event, error] {
	return func(yield func(Event, error) bool) {
		ctx, cancel := context.WithCancelCause(ctx)
		defer cancel(nil)
		quiet := time.AfterFunc(silence, func() { cancel(errSilent) })
		defer quiet.Stop()
		resp, err := c.openStream(ctx, "/api/ext/v1/requests/"+url.PathEscape(id)+"/events")
		if err == nil {
			defer resp.Body.Close()
			err = readEvents(resp.Body, maxEvent, func() { quiet.Reset(silence) }, func(e Event) bool { return yield(e, nil) })
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

// Streamless tells whether err means that a horde has no event streams.
func Streamless(err error) bool { return errors.Is(err, errNoStream) }

var (
	errSilent = fmt.Errorf("the event stream fell silent: %w", context.DeadlineExceeded)
	errStop   = errors.New("stop")
)

func (c *Client) openStream(ctx context.Context, path string) (*http.Response, error) {
	if c.baseErr != nil {
		return nil, c.baseErr
	}
	req, err := c.request(ctx, call{method: http.MethodGet, path: path}, nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Accept", "text/event-stream")
	resp, err := c.api.Do(req)
	if err != nil {
		return nil, err
	}
	kind := resp.Header.Get("Content-Type")
	if resp.StatusCode == http.StatusOK && len(kind) >= 17 && kind[:17] == "text/event-stream" {
		return resp, nil
	}
	defer drain(resp.Body)
	if resp.StatusCode == http.StatusOK {
		return nil, errNoStream // a page for every address
	}
	err = refusal(resp)
	var e *api.Error
	if errors.As(err, &e) && (e.Status == http.StatusMethodNotAllowed || e.Status == http.StatusNotFound && e.RC != "RequestNotFound") {
		return nil, errNoStream
	}
	return nil, err
}

// readEvents decodes the events of one request and hands them to emit until it says
// no (errStop), the stream ends (nil) or something is wrong. alive is called for
// every line. Events of unknown names are passed over.
func readEvents(r io.Reader, limit int, alive func(), emit func(Event) bool) error {
	return readStream(r, limit, alive, func(name string, data []byte) error {
		event, known, err := parseEvent(name, data)
		if err == nil && known && !emit(event) {
			return errStop
		}
		return err
	})
}

// readStream reads server-sent events and hands their names and data to emit until
// it fails, the stream ends (nil) or something is wrong.
func readStream(r io.Reader, limit int, alive func(), emit func(name string, data []byte) error) error {
	br := bufio.NewReaderSize(r, 16<<10)
	var name string
	var data []byte
	for {
		line, err := readLine(br, limit)
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		alive()
		if len(line) == 0 { // the event is complete
			if err := emit(name, data); err != nil {
				return err
			}
			name, data = "", nil
			continue
		}
		field, value, _ := bytes.Cut(line, []byte(":"))
		value = bytes.TrimPrefix(value, []byte(" "))
		switch string(field) {
		case "event":
			name = string(value)
		case "data":
			if len(data)+len(value) > limit {
				return fmt.Errorf("event is longer than %d bytes", limit)
			}
			if data != nil {
				data = append(data, '\n')
			}
			data = append(data, value...)
		}
	}
}

// readLine reads up to the next line end (\n or \r\n), which it cuts.
func readLine(br *bufio.Reader, limit int) ([]byte, error) {
	var line []byte
	for {
		part, err := br.ReadSlice('\n')
		line = append(line, part...)
		if len(line) > limit {
			return nil, fmt.Errorf("event line is longer than %d bytes", limit)
		}
		switch err {
		case nil:
			return bytes.TrimSuffix(line[:len(line)-1], []byte("\r")), nil
		case bufio.ErrBufferFull:
		default:
			return nil, err
		}
	}
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

// poll is Watch by asking: for a while, or to the end where that is 0. It outlives
// failures that may pass, like the stream. ended: nothing more is to be yielded.
func (c *Client) poll(ctx context.Context, id string, while time.Duration, yield func(Event, error) bool) (ended bool) {
	var last *api.Check
	began := time.Now()
	failing := time.Time{} // since when the server has been away
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
			last, failing = check, time.Time{}
		case Temporary(err) && failing.IsZero():
			failing = time.Now()
		case !Temporary(err) || time.Since(failing) > outage:
			yield(Event{}, err)
			return true
		}

		pause := c.pollMin
		if time.Since(began) > time.Minute { // be kind to a busy horde
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
