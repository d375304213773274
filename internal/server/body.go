package server

import (
	"errors"
	"io"
	"net/http"
	"os"
	"slices"

	"horde/internal/horde"
)

// ReadForm reads a form of at most limit bytes into r.PostForm.
func ReadForm(w http.ResponseWriter, r *http.Request, limit int64) error {
	if r.ContentLength > limit {
		return tooLarge(limit)
	}

	r.Body = http.MaxBytesReader(w, r.Body, limit)
	var large *http.MaxBytesError
	err := r.ParseForm()
	if errors.As(err, &large) || errors.Is(err, os.ErrDeadlineExceeded) || errors.Is(err, io.ErrUnexpectedEOF) {
		return readError(err, limit)
	}

	// Pairs that cannot be read count as absent.
	if err := r.ParseMultipartForm(limit); err != nil && err != http.ErrNotMultipart {
		return readError(err, limit)
	}
	return nil
}

// ReadBody reads a body within a size and a time.
func ReadBody(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, error) {
	return readBody(w, r, reading{limit: limit})
}

const (
	// believedLength is up to where the length that a caller announces is believed:
	// memory grows with what really comes.
	believedLength = 64 << 10 // bytes

	// smallBody is what each body may take without a share of the budget, so that the
	// usual ones are taken in however many large ones are under way.
	smallBody = 16 << 10 // bytes
)

// readBody reads a body. What it takes of the budget for bodies is given back with the
// answer, or when the call begins to wait.
func readBody(w http.ResponseWriter, r *http.Request, how reading) ([]byte, error) {
	if r.ContentLength > how.limit {
		w.Header()["Connection"] = []string{"close"}
		return nil, tooLarge(how.limit)
	}

	x := exchangeOf(r)
	body := http.MaxBytesReader(w, r.Body, how.limit)
	buf := make([]byte, 0, bufferSize(r.ContentLength, smallBody))
	for {
		n, err := body.Read(buf[len(buf):cap(buf)])
		buf = buf[:len(buf)+n]
		if err == io.EOF {
			return buf, nil
		}
		if err != nil {
			return nil, readError(err, how.limit)
		}
		if len(buf) < cap(buf) {
			continue
		}

		// Whoever sends much has to be known, and there has to be room for it.
		if how.needsKey && cap(buf) >= believedLength && !x.keyKnown {
			if err := x.checkKey(r); err != nil {
				return nil, refuseRest(body, how.limit, err)
			}
		}
		grown := max(cap(buf)+512, int(bufferSize(r.ContentLength, max(believedLength, 2*int64(cap(buf))))))
		if err := x.reserveBody(int64(grown)); err != nil {
			return nil, refuseRest(body, how.limit, err)
		}
		buf = slices.Grow(buf, grown-len(buf))
	}
}

// bufferSize is the room to read a body of the announced length into, one byte
// more so that its end is noticed, but at most most.
func bufferSize(announced, most int64) int64 {
	if announced < 0 {
		return most
	}
	return min(announced+1, most)
}

// checkKey refuses a caller whose key nobody has. It is asked where a body becomes large;
// smaller ones are compared with their schema first (generation §0.2).
func (x *exchange) checkKey(r *http.Request) error {
	if x.server == nil || x.server.KnownKey == nil {
		return nil
	}
	if err := RequireKey(r); err != nil {
		return err
	}
	if err := x.server.KnownKey(r.Context(), APIKey(r)); err != nil {
		return err
	}
	x.keyKnown = true
	return nil
}

// refuseRest lets the rest of a body that was refused pass by, which takes no memory:
// many clients read no answer before they have sent everything.
func refuseRest(body io.Reader, limit int64, refusal error) error {
	if _, err := io.Copy(io.Discard, body); err != nil {
		return readError(err, limit)
	}
	return refusal
}

// readError is the refusal of a body that could not be read.
func readError(err error, limit int64) error {
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return tooLarge(limit)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return horde.Errorf(horde.RequestTimeout,
			"The body did not arrive in time: it may take %v in all, and %d KiB of it must come every %v.",
			bodyTime, paceBytes>>10, paceTime)
	}
	return notUnderstood() // the connection broke or the framing is wrong
}

// tooLarge is the refusal of a body beyond the limit of its route.
func tooLarge(limit int64) error {
	return horde.Errorf(horde.PayloadTooLarge, "The body is larger than the %d bytes that this route takes.", limit)
}
