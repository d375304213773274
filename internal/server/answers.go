package server

import (
	"context"
	"errors"
	"math"
	"net/http"
	"runtime/debug"
	"time"

	"horde/internal/horde"
	"horde/internal/turns"
)

// Bounds of the memory that large answers take while they are made and read. A smaller
// answer pays nothing: it goes at once to where the system keeps what is to be sent.
const (
	largeAnswer   = sendBuffer // bytes of an answer
	maxAnswerRoom = 64 << 20   // bytes, however much memory there is
	minAnswerRoom = 24 << 20   // bytes
	answersShare  = 8          // the room is this part of the memory that the process may use
	answerSlot    = 1 << 20    // bytes that a large answer counts at least

	makingAnswer = 4 // times its bytes is what it takes to make one: its rows, and JSON in buffers that grow
	maskedAnswer = 2 // times that, where it is reduced by a mask
	heldAnswer   = 2 // times its bytes is what is held while it is read

	maxAnswersWaiting  = 256
	maxAnswersOfCaller = 32 // of one caller that wait
	answerPatience     = 5 * time.Second
	answerRetry        = 2 * time.Second

	// A large answer has to be read within answerTime, and a second for every answerRate
	// bytes of it, since others may wait for its room.
	answerTime = 20 * time.Second
	answerRate = 64 << 10
)

// newAnswerRoom makes room for large answers that fits the memory limit of the process.
func newAnswerRoom() *turns.Turns {
	room := int64(maxAnswerRoom)
	if limit := debug.SetMemoryLimit(-1); limit != math.MaxInt64 {
		room = max(minAnswerRoom, min(room, limit/answersShare))
	}
	return turns.New(turns.Options{
		Room:       room,
		Slot:       answerSlot,
		MaxWaiting: maxAnswersWaiting,
		PerCaller:  maxAnswersOfCaller,
		Patience:   answerPatience,
	})
}

// ReserveAnswer makes sure that there is room for the answer to a call before it is made:
// measure says how many bytes of JSON it has at most. Of a large one the call waits for its
// turn, for some seconds at most, and holds it until the answer has been read; meanwhile
// the call does not count as worked on. The error is a *horde.Error, ServerBusy with a time
// to come again, or that of measure.
func ReserveAnswer(r *http.Request, measure func(context.Context) (int64, error)) error {
	bytes, err := measure(r.Context())
	x := exchangeOf(r)
	if err != nil || bytes <= largeAnswer || x.server == nil {
		return err
	}

	for {
		if err := x.takeAnswer(r.Context(), bytes); err != nil {
			return err
		}

		// It may have grown while the call waited.
		now, err := measure(r.Context())
		if err != nil || now <= bytes {
			return err
		}
		x.releaseAnswer()
		bytes = now
	}
}

// takeAnswer waits for a turn to make an answer of so many bytes.
func (x *exchange) takeAnswer(ctx context.Context, bytes int64) error {
	bytes *= makingAnswer
	if x.mask != nil {
		bytes *= maskedAnswer
	}

	turn, err := x.server.answers.Take(ctx, turns.Of(ctx), bytes)
	switch {
	case err == nil:
		x.answer = turn
		return nil
	case errors.Is(err, turns.ErrBusy):
		return &horde.Error{
			Code:       horde.ServerBusy,
			Detail:     "The server is sending as many large answers as it can. Nothing was done; please try again in a moment.",
			RetryAfter: answerRetry,
		}
	}
	return err
}

// answerMade gives back what making a large answer took beyond its bytes, and bounds how
// long it may take to be read.
func (x *exchange) answerMade(bytes int) {
	if x.answer == nil {
		return
	}
	x.server.answers.Shrink(x.answer, int64(heldAnswer*bytes))

	if x.conn != nil && x.unread == nil {
		patience := answerTime + time.Duration(bytes/answerRate)*time.Second
		x.unread = time.AfterFunc(patience, func() { x.server.conns.giveUp(x.conn) })
	}
}

// releaseAnswer gives back what a large answer took.
func (x *exchange) releaseAnswer() {
	if x.unread != nil {
		x.unread.Stop()
		x.unread = nil
	}
	if x.answer != nil {
		x.server.answers.GiveBack(x.answer)
		x.answer = nil
	}
}
