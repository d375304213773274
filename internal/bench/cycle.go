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
func (rn *run) refused(what string, status, want int, body []byte, err error) bool {
	switch {
	case err != nil:
		rn.rec.fault("%s: %v", what, reason(err))
	case status != want:
		rn.rec.fault("%s: HTTP %d %s", what, status, keyRC.text(body))
	default:
		return false
	}
	return true
}

// tooMuch reports whether a call that was sent at a time of the run was refused because
// the server has too much to do, and counts that.
func (rn *run) tooMuch(status int, err error, sent time.Duration) bool {
	if !rn.cfg.Refusals || err != nil || status != http.StatusServiceUnavailable {
		return false
	}
	if rn.rec.inWindow(sent) {
		rn.rec.refused.Add(1)
	}
	rn.rec.took(callRefused, sent, rn.rec.now())
	return true
}

// insist makes a call that goes on with accepted work: one that is refused is tried
// again.
func (rn *run) insist(c *conn, req []byte) (status int, body []byte, err error) {
	for range maxInsist {
		sent := rn.rec.now()
		status, body, err = c.do(req)
		if !rn.tooMuch(status, err, sent) {
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
func (rn *run) play(ctx context.Context, i int) {
	c := client{
		run:   rn,
		conn:  newConn(rn.t.addr),
		slot:  &rn.slots[i],
		index: uint64(i),
		timer: time.NewTimer(time.Hour),
	}
	defer c.conn.close()
	defer c.timer.Stop()

	body := rn.request(rn.cfg.Model)
	for u := i % len(rn.users); u < len(rn.users); u += rn.cfg.Clients {
		c.requests = append(c.requests, rn.t.newTemplate("POST", rn.path+"/async", rn.users[u], body, emptyMark))
	}

	c.check = rn.t.newTemplate("GET", "/generate/check/"+noID, "", "", noID)
	c.status = rn.t.newTemplate("GET", rn.path+"/status/"+noID, "", "", noID)
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
func (cl *client) cycle(ctx context.Context, number uint64, due time.Duration) bool {
	cl.slot.accepted.Store(0)
	cl.slot.number.Store(number)
	putMark(cl.mark[:], cl.run.id, cl.index, number)
	sent := cl.rec.now()
	cl.rec.took(spanLate, due, sent)
	status, body, err := cl.conn.do(cl.requests[number%uint64(len(cl.requests))].with(cl.mark[:]))
	now := cl.rec.now()
	if cl.tooMuch(status, err, sent) {
		return false
	}
	cl.rec.took(callAsync, sent, now)
	if cl.refused("async", status, 202, body, err) {
		return false
	}

	id := keyID.id(body)
	if id == nil {
		cl.rec.fault("async: the answer has no id")
		return false
	}

	copy(cl.id[:], id)
	cl.slot.accepted.Store(int64(now))
	select {
	case cl.accepted <- struct{}{}:
	case <-ctx.Done():
		return false
	}

	d, ok := cl.delivered(ctx, number)
	return ok && cl.verify(cl, &d)
}

// delivered waits for the worker of this cycle.
func (cl *client) delivered(ctx context.Context, number uint64) (delivery, bool) {
	cl.timer.Reset(cl.cfg.ServeTimeout)
	for {
		select {
		case d := <-cl.slot.done:
			switch {
			case d.number == number:
				return d, d.ok
			case d.number > cl.lost:
				cl.rec.fault("a job was handed out twice")
			}
		case <-cl.timer.C:
			cl.rec.fault("a request was not served within %v", cl.cfg.ServeTimeout)
			return delivery{}, false
		case <-ctx.Done():
			return delivery{}, false
		}
	}
}

func (cl *client) verifyCheck() bool {
	began := cl.rec.now()
	status, body, err := cl.insist(cl.conn, cl.check.with(cl.id[:]))
	cl.rec.took(callCheck, began, cl.rec.now())
	if cl.refused("check", status, 200, body, err) {
		return false
	}

	if !finished(body) {
		cl.rec.fault("check: the request is not done after its delivery")
		return false
	}
	return true
}

// finished reports whether the counters are those of one delivery.
func finished(body []byte) bool {
	return keyDone.is(body, "true") && keyFaulted.is(body, "false") && keyFinished.is(body, "1") &&
		keyProcessing.is(body, "0") && keyWaiting.is(body, "0")
}

func (cl *client) verifyGeneration(d *delivery) bool {
	return (!cl.hasCheck || cl.verifyCheck()) && cl.verifyStatus(d)
}

func (cl *client) verifyStatus(d *delivery) bool {
	began := cl.rec.now()
	status, body, err := cl.insist(cl.conn, cl.status.with(cl.id[:]))
	cl.rec.took(callStatus, began, cl.rec.now())
	if cl.refused("status", status, 200, body, err) {
		return false
	}

	switch {
	case !finished(body):
		cl.rec.fault("status: the request is not done after its delivery")
	case keyGenerations.value(body) == nil:
		cl.rec.fault("status: there are no generations")
	case string(keyState.text(body)) != "ok" || string(keyModel.text(body)) != cl.cfg.Model || keyWorkerID.id(body) == nil:
		cl.rec.fault("status: state, model or worker of the result are wrong")
	default:
		if wrong := cl.result(body, d.job[:]); wrong != "" {
			cl.rec.fault("status: %s", wrong)
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
func (rn *run) serve(ctx context.Context, key, name string) {
	w := worker{run: rn, conn: newConn(rn.t.addr)}
	defer w.conn.close()

	w.popRequest = rn.t.request("POST", rn.path+"/pop", key, rn.pop(name, rn.cfg.Model))

	w.delivery = rn.t.newTemplate("POST", rn.path+"/submit", key, rn.submit, noID)
	for range rn.accepted {
		for tries := 0; ctx.Err() == nil && !w.once(ctx); tries++ {
			if tries >= popTries {
				rn.rec.fault("pop: nothing found although a request waits")
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
func (rn *run) idle(ctx context.Context) {
	c := newConn(rn.t.addr)
	defer c.close()

	pop := rn.t.request("POST", rn.path+"/pop", rn.idlers[0], rn.pop(idlerName, rn.idleModel()))
	for rn.pause(ctx, idlePause) {
		began := rn.rec.now()
		status, body, err := c.do(pop)
		rn.rec.took(callEmptyPop, began, rn.rec.now())
		if !rn.refused("pop, nothing fits", status, 200, body, err) && keyID.id(body) != nil {
			rn.rec.fault("pop, nothing fits: a job that this run did not request")
		}
	}
}

// checkAgain plays a client that checks one waiting request over and over.
func (rn *run) checkAgain(ctx context.Context, i int) {
	c := newConn(rn.t.addr)
	defer c.close()

	check := rn.t.request("GET", "/generate/check/"+string(rn.leftovers[i].id[:]), "", "")
	for {
		due, ok := rn.turn(ctx)
		if !ok {
			return
		}
		status, body, err := c.do(check)
		now := rn.rec.now()
		rn.rec.took(callCheck, due, now)
		rn.rec.ended.Add(1)

		switch {
		case rn.refused("check", status, 200, body, err):
			rn.pause(ctx, afterError)
		case !keyWaiting.is(body, "1") || !keyDone.is(body, "false") || keyPossible.value(body) == nil:
			rn.rec.fault("check: the request does not wait")
		case rn.rec.inWindow(now):
			rn.rec.cycles.Add(1)
		}
	}
}
