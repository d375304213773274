package bench

import (
	"context"
	"errors"
	"net"
	"net/http"
	"time"
)

// Keys that are searched for in answers.
var (
	keyID          = newKey("id")
	keyIDs         = newKey("ids")
	keyPrompt      = newKey("prompt")
	keyModel       = newKey("model")
	keyReward      = newKey("reward")
	keyDone        = newKey("done")
	keyFaulted     = newKey("faulted")
	keyFinished    = newKey("finished")
	keyProcessing  = newKey("processing")
	keyWaiting     = newKey("waiting")
	keyPossible    = newKey("is_possible")
	keySeed        = newKey("seed")
	keyState       = newKey("state")
	keyWorkerID    = newKey("worker_id")
	keyGenerations = newKey("generations")
	keyRC          = newKey("rc")
	keyText        = newKey("text")
)

const (
	afterError = 50 * time.Millisecond // pause after a failed call
	popPause   = 2 * time.Millisecond  // after a pop that found nothing
	popTries   = 1000                  // after which a worker gives up
	maxInsist  = 100                   // tries of a call that is refused
	idlePause  = 50 * time.Millisecond // between the pops that find nothing
)

// refused reports whether an answer is not the wanted one, and counts it.
func (r *run) refused(what string, status, want int, body []byte, err error) bool {
	switch {
	case err != nil:
		r.rec.fault("%s: %v", what, reason(err))
	case status != want:
		r.rec.fault("%s: HTTP %d %s", what, status, keyRC.text(body))
	default:
		return false
	}
	return true
}

// tooMuch reports whether a call that was sent at a time of the run was refused because
// the server has too much to do, and counts that.
func (r *run) tooMuch(status int, err error, sent time.Duration) bool {
	if !r.cfg.Refusals || err != nil || status != http.StatusServiceUnavailable {
		return false
	}
	if r.rec.inWindow(sent) {
		r.rec.refused.Add(1)
	}
	r.rec.took(callRefused, sent, r.rec.now())
	return true
}

// insist makes a call that goes on with accepted work: one that is refused is tried
// again.
func (r *run) insist(c *conn, req []byte) (status int, body []byte, err error) {
	for range maxInsist {
		sent := r.rec.now()
		status, body, err = c.do(req)
		if !r.tooMuch(status, err, sent) {
			break
		}
		time.Sleep(afterError)
	}
	return status, body, err
}

// reason is an error without the addresses and ports of its connection, so that errors
// of one kind are counted together.
func reason(err error) string {
	var op *net.OpError
	if errors.As(err, &op) {
		return op.Op + ": " + op.Err.Error()
	}
	return err.Error()
}

// client is one that sends requests, one at a time.
type client struct {
	*run
	conn          *conn
	slot          *slot
	index         uint64
	requests      []template // one for each user it speaks for
	check, status template
	mark          [markSize]byte
	id            [idLength]byte
	lost          uint64 // the last cycle that failed: it may still be delivered
	timer         *time.Timer
}

// play plays a client: cycle after cycle until the window ends.
func (r *run) play(ctx context.Context, i int) {
	c := client{
		run:   r,
		conn:  newConn(r.t.addr),
		slot:  &r.slots[i],
		index: uint64(i),
		timer: time.NewTimer(time.Hour),
	}
	defer c.conn.close()
	defer c.timer.Stop()

	body := r.request(r.cfg.Model)
	for u := i % len(r.users); u < len(r.users); u += r.cfg.Clients {
		c.requests = append(c.requests, r.t.newTemplate("POST", r.path+"/async", r.users[u], body, emptyMark))
	}

	c.check = r.t.newTemplate("GET", "/generate/check/"+noID, "", "", noID)
	c.status = r.t.newTemplate("GET", r.path+"/status/"+noID, "", "", noID)
	for number := uint64(1); ; number++ {
		due, ok := c.turn(ctx)
		if !ok {
			return
		}
		c.rec.started.Add(1)
		if c.cycle(ctx, number, due) {
			if now := c.rec.now(); c.rec.inWindow(now) {
				c.rec.cycles.Add(1)
			}
			c.rec.took(spanCycle, due, c.rec.now())
		} else {
			c.lost = number
			if !c.pause(ctx, afterError) {
				return
			}
		}

		c.rec.ended.Add(1)
	}
}

// cycle sends a request, waits for a worker, and verifies the result.
func (c *client) cycle(ctx context.Context, number uint64, due time.Duration) bool {
	c.slot.accepted.Store(0)
	c.slot.number.Store(number)
	putMark(c.mark[:], c.run.id, c.index, number)
	sent := c.rec.now()
	status, body, err := c.conn.do(c.requests[number%uint64(len(c.requests))].with(c.mark[:]))
	now := c.rec.now()
	if c.tooMuch(status, err, sent) {
		return false
	}
	c.rec.took(callAsync, due, now)
	if c.refused("async", status, 202, body, err) {
		return false
	}

	id := keyID.id(body)
	if id == nil {
		c.rec.fault("async: the answer has no id")
		return false
	}

	copy(c.id[:], id)
	c.slot.accepted.Store(int64(now))
	select {
	case c.accepted <- struct{}{}:
	case <-ctx.Done():
		return false
	}

	d, ok := c.delivered(ctx, number)
	return ok && c.verify(c, &d)
}

// delivered waits for the worker of this cycle.
func (c *client) delivered(ctx context.Context, number uint64) (delivery, bool) {
	c.timer.Reset(c.cfg.ServeTimeout)
	for {
		select {
		case d := <-c.slot.done:
			switch {
			case d.number == number:
				return d, d.ok
			case d.number > c.lost:
				c.rec.fault("a job was handed out twice")
			}
		case <-c.timer.C:
			c.rec.fault("a request was not served within %v", c.cfg.ServeTimeout)
			return delivery{}, false
		case <-ctx.Done():
			return delivery{}, false
		}
	}
}

func (c *client) verifyCheck() bool {
	began := c.rec.now()
	status, body, err := c.insist(c.conn, c.check.with(c.id[:]))
	c.rec.took(callCheck, began, c.rec.now())
	if c.refused("check", status, 200, body, err) {
		return false
	}

	if !finished(body) {
		c.rec.fault("check: the request is not done after its delivery")
		return false
	}
	return true
}

// finished reports whether the counters are those of one delivery.
func finished(body []byte) bool {
	return keyDone.is(body, "true") && keyFaulted.is(body, "false") && keyFinished.is(body, "1") &&
		keyProcessing.is(body, "0") && keyWaiting.is(body, "0")
}

func (c *client) verifyGeneration(d *delivery) bool {
	return (!c.hasCheck || c.verifyCheck()) && c.verifyStatus(d)
}

func (c *client) verifyStatus(d *delivery) bool {
	began := c.rec.now()
	status, body, err := c.insist(c.conn, c.status.with(c.id[:]))
	c.rec.took(callStatus, began, c.rec.now())
	if c.refused("status", status, 200, body, err) {
		return false
	}

	switch {
	case !finished(body):
		c.rec.fault("status: the request is not done after its delivery")
	case keyGenerations.value(body) == nil:
		c.rec.fault("status: there are no generations")
	case string(keyState.text(body)) != "ok" || string(keyModel.text(body)) != c.cfg.Model || keyWorkerID.id(body) == nil:
		c.rec.fault("status: state, model or worker of the result are wrong")
	default:
		if wrong := c.result(body, d.job[:]); wrong != "" {
			c.rec.fault("status: %s", wrong)
			return false
		}
		return true
	}

	return false
}

// worker is one that serves requests.
type worker struct {
	*run
	conn       *conn
	popRequest []byte
	delivery   template
	job        [idLength]byte
}

// serve plays a worker: it pops when a request was accepted, delivers, and notifies the
// client.
func (r *run) serve(ctx context.Context, key, name string) {
	w := worker{run: r, conn: newConn(r.t.addr)}
	defer w.conn.close()

	w.popRequest = r.t.request("POST", r.path+"/pop", key, r.pop(name, r.cfg.Model))

	w.delivery = r.t.newTemplate("POST", r.path+"/submit", key, r.submit, noID)
	for range r.accepted {
		for tries := 0; ctx.Err() == nil && !w.once(ctx); tries++ {
			if tries >= popTries {
				r.rec.fault("pop: nothing found although a request waits")
				break
			}
		}
	}
}

// once takes one job and delivers it; false if no job of this run was found.
func (w *worker) once(ctx context.Context) bool {
	began := w.rec.now()
	status, body, err := w.insist(w.conn, w.popRequest)
	popped := w.rec.now()
	if w.refused("pop", status, 200, body, err) {
		w.pause(ctx, afterError)
		return false
	}

	id := keyID.id(body)
	if id == nil {
		w.rec.empty.Add(1)
		w.pause(ctx, popPause)
		return false
	}

	w.rec.took(callPop, began, popped)
	copy(w.job[:], id)
	client, number, own := readMark(w.mark.text(body), w.run.id)
	own = own && client < uint64(len(w.slots))
	if own && !w.fits(w.cfg.Model, body, w.job[:]) {
		w.rec.fault("pop: model, form or ids of the job are wrong")
	}

	ok := w.deliver()
	if !own {
		w.rec.fault("pop: a job that this run did not request")
		return false
	}

	s := &w.slots[client]
	if at := time.Duration(s.accepted.Load()); s.number.Load() == number && at > 0 {
		w.rec.took(spanWait, min(at, popped), popped)
	}
	select {
	case s.done <- delivery{number, ok, w.job}:
	default:
		w.rec.fault("a job was handed out twice")
	}
	return true
}

func (w *worker) deliver() bool {
	began := w.rec.now()
	status, body, err := w.insist(w.conn, w.delivery.with(w.job[:]))
	w.rec.took(callSubmit, began, w.rec.now())
	if w.refused("submit", status, 200, body, err) {
		return false
	}

	if reward, ok := keyReward.number(body); !ok || reward <= 0 {
		w.rec.fault("submit: no reward")
		return false
	}
	return true
}

// idle plays a worker that finds nothing, to measure what a search of the backlog
// costs.
func (r *run) idle(ctx context.Context) {
	c := newConn(r.t.addr)
	defer c.close()

	pop := r.t.request("POST", r.path+"/pop", r.idlers[0], r.pop(idlerName, r.idleModel()))
	for r.pause(ctx, idlePause) {
		began := r.rec.now()
		status, body, err := c.do(pop)
		r.rec.took(callEmptyPop, began, r.rec.now())
		if !r.refused("pop, nothing fits", status, 200, body, err) && keyID.id(body) != nil {
			r.rec.fault("pop, nothing fits: a job that this run did not request")
		}
	}
}

// checkAgain plays a client that checks one waiting request over and over.
func (r *run) checkAgain(ctx context.Context, i int) {
	c := newConn(r.t.addr)
	defer c.close()

	check := r.t.request("GET", "/generate/check/"+string(r.leftovers[i].id[:]), "", "")
	for {
		due, ok := r.turn(ctx)
		if !ok {
			return
		}
		status, body, err := c.do(check)
		now := r.rec.now()
		r.rec.took(callCheck, due, now)
		r.rec.ended.Add(1)

		switch {
		case r.refused("check", status, 200, body, err):
			r.pause(ctx, afterError)
		case !keyWaiting.is(body, "1") || !keyDone.is(body, "false") || keyPossible.value(body) == nil:
			r.rec.fault("check: the request does not wait")
		case r.rec.inWindow(now):
			r.rec.cycles.Add(1)
		}
	}
}
