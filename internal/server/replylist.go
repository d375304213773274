package server

import (
	"bytes"
	"iter"
	"net/http"
)

// listPiece is how much of a long list is held before it is sent.
const listPiece = 64 << 10 // bytes

// ReplyList answers with a list as JSON, each of its items reduced by the caller's mask.
// Items are made and written one after the other, so that a list of any length takes
// little memory, however many callers read it and however slowly. An error means that
// the first piece cannot be written as JSON and nothing was sent.
func ReplyList[T any](w http.ResponseWriter, r *http.Request, items iter.Seq[T]) error {
	return ReplyRead(w, r, func(yield func(T, error) bool) {
		for item := range items {
			if !yield(item, nil) {
				return
			}
		}
	})
}

// ReplyRead is ReplyList for items of which each may fail to be read. The error of one
// ends the list: it is returned where nothing was sent, else the connection is cut.
func ReplyRead[T any](w http.ResponseWriter, r *http.Request, items iter.Seq2[T, error]) error {
	piece := buffers.Get().(*bytes.Buffer)
	defer putBuffer(piece)
	piece.Reset()

	sent, first := false, true
	send := func() {
		if !sent {
			w.Header()["Content-Type"] = jsonType
			w.WriteHeader(http.StatusOK)
			sent = true
		}
		if _, err := w.Write(piece.Bytes()); err != nil {
			panic(http.ErrAbortHandler) // nobody reads any more
		}
		piece.Reset()
	}

	piece.WriteByte('[')
	for item, err := range items {
		var body []byte
		var free func()
		if err == nil {
			body, free, err = masked(r, item)
		}
		if err != nil {
			if sent {
				panic(http.ErrAbortHandler) // half a list must not look like a whole one
			}
			return err
		}
		if !first {
			piece.WriteByte(',')
		}
		first = false
		piece.Write(bytes.TrimSuffix(body, newline))
		free()

		if piece.Len() >= listPiece {
			send()
		}
	}
	piece.WriteByte(']')

	// What an encoder ends with; under a mask there is no end of a line.
	if maskOf(r) == nil {
		piece.WriteByte('\n')
	}
	if !sent {
		SendJSON(w, http.StatusOK, piece.Bytes())
		return nil
	}
	send()
	return nil
}

var newline = []byte{'\n'}
