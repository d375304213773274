package server

import (
	"bytes"
	"crypto/rand"
	"encoding/base64"
	"io"
	"net/http"
	"strconv"
)

// maxInline is how much of files an answer holds; what is beyond comes by its link.
const maxInline = 32 << 20 // bytes, before they are base64

// missingFile stands for a file that is not there.
const missingFile = "N/A"

// Inlines are files that stand in an answer in base64. They are read when the answer is
// sent, piece by piece, and those that a mask leaves out not at all: the answer is made
// with placeholders.
type Inlines struct {
	// Open opens a file; an error means that it is not there.
	Open func(name string) (file io.ReadCloser, size int64, err error)
	// Link is where else a file can be had.
	Link func(name string) string

	mark  string   // that placeholders begin with; nobody can guess it
	names []string // of the files, by the number in the placeholder
}

// Place returns what stands for a file until the answer is sent.
func (in *Inlines) Place(name string) string {
	if in.mark == "" {
		in.mark = "inline-" + rand.Text() + "-"
	}
	in.names = append(in.names, name)
	return in.mark + strconv.Itoa(len(in.names)-1) + "-"
}

// next finds the first placeholder in an answer.
func (in *Inlines) next(answer []byte) (before []byte, name string, after []byte, found bool) {
	if in.mark == "" {
		return answer, "", nil, false
	}
	before, rest, found := bytes.Cut(answer, []byte(in.mark))
	if !found {
		return answer, "", nil, false
	}
	number, after, _ := bytes.Cut(rest, []byte("-"))
	i, _ := strconv.Atoi(string(number)) // we wrote it
	return before, in.names[i], after, true
}

// Wants reports whether a caller's mask keeps a member of the answer, by its path.
func Wants(r *http.Request, path ...string) bool {
	m := maskOf(r)
	for _, name := range path {
		if m == nil {
			return true
		}
		inner, named := m.fields[name]
		if !named {
			return m.all
		}
		m = inner
	}
	return true
}

// ReplyWith is Reply for an answer with files in it.
func ReplyWith(w http.ResponseWriter, r *http.Request, status int, v any, in *Inlines) error {
	body, free, err := masked(r, v)
	if err != nil {
		return err
	}
	defer free()

	before, name, after, found := in.next(body)
	if !found {
		SendJSON(w, status, body)
		return nil
	}
	w.Header()["Content-Type"] = jsonType
	w.WriteHeader(status)
	if r.Method == http.MethodHead {
		return nil
	}

	out := inlineWriter{w: w, in: in, left: maxInline}
	for ; found; before, name, after, found = in.next(after) {
		out.write(before)
		out.file(name)
	}
	out.write(before)
	return nil
}

// inlineWriter sends an answer with files in it. It cuts the connection where the answer
// cannot become a whole one.
type inlineWriter struct {
	w    io.Writer
	in   *Inlines
	left int64 // bytes of files that the answer may still hold

	raw, text []byte // of the piece that is being sent
}

// write sends a part of the answer.
func (o *inlineWriter) write(p []byte) {
	if _, err := o.w.Write(p); err != nil {
		panic(http.ErrAbortHandler) // nobody reads any more
	}
}

// file sends a file in the place of its placeholder, or where it is to be had.
func (o *inlineWriter) file(name string) {
	file, size, err := o.in.Open(name)
	if err != nil {
		o.write([]byte(missingFile))
		return
	}
	defer file.Close()

	if size > o.left {
		var quoted bytes.Buffer
		if err := encode(&quoted, o.in.Link(name)); err != nil {
			o.write([]byte(missingFile))
			return
		}
		link := bytes.TrimSuffix(quoted.Bytes(), []byte("\n"))
		o.write(link[1 : len(link)-1]) // the quotes stand around the placeholder
		return
	}
	o.left -= size
	o.encode(io.LimitReader(file, size))
}

// inlinePiece is how much of a file is sent at a time. Its base64 needs no padding before
// the end.
const inlinePiece = 48 << 10 // bytes

// encode sends what a reader has in base64.
func (o *inlineWriter) encode(r io.Reader) {
	if o.raw == nil {
		o.raw = make([]byte, inlinePiece)
		o.text = make([]byte, base64.StdEncoding.EncodedLen(inlinePiece))
	}

	for {
		n, err := io.ReadFull(r, o.raw)
		base64.StdEncoding.Encode(o.text, o.raw[:n])
		o.write(o.text[:base64.StdEncoding.EncodedLen(n)])
		switch err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			return
		default:
			panic(http.ErrAbortHandler) // half a file must not look like a whole one
		}
	}
}
