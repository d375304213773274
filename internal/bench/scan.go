package bench

import (
	"bytes"
	"strconv"
)

// key is a JSON key with its quotes, as it is searched for in an answer. The first
// occurrence in the text counts, at whatever depth: the keys used here are unambiguous
// in the answers they are searched for in.
type key []byte

func newKey(name string) key { return key(`"` + name + `"`) }

// value returns the text from the value of k on, or nil.
func (k key) value(body []byte) []byte {
	for {
		i := bytes.Index(body, k)
		if i < 0 {
			return nil
		}
		body = skipSpace(body[i+len(k):])
		if len(body) > 0 && body[0] == ':' { // else it was a value
			return skipSpace(body[1:])
		}
	}
}

func skipSpace(b []byte) []byte {
	for len(b) > 0 && (b[0] == ' ' || b[0] == '\n' || b[0] == '\t' || b[0] == '\r') {
		b = b[1:]
	}
	return b
}

// text returns a string value without escapes, or nil.
func (k key) text(body []byte) []byte {
	v := k.value(body)
	if len(v) == 0 || v[0] != '"' {
		return nil
	}
	end := bytes.IndexByte(v[1:], '"')
	if end < 0 {
		return nil
	}
	return v[1 : 1+end]
}

// is reports whether the value is this text: a number, true, false or null.
func (k key) is(body []byte, want string) bool {
	v := k.value(body)
	if len(v) < len(want) || string(v[:len(want)]) != want {
		return false
	}
	if len(v) == len(want) {
		return true
	}

	switch v[len(want)] {
	case ',', '}', ']', ' ', '\n', '\r', '\t', '.':
		return true
	}
	return false
}

// number returns a number value; false if there is none.
func (k key) number(body []byte) (float64, bool) {
	v := k.value(body)
	n := 0
	for n < len(v) && (v[n] >= '0' && v[n] <= '9' || v[n] == '.' || v[n] == '-' || v[n] == '+' || v[n]|0x20 == 'e') {
		n++
	}
	f, err := strconv.ParseFloat(string(v[:n]), 64)
	return f, err == nil
}

// idLength is the length of an id of the horde: a UUID in its usual form.
const idLength = 36

// id returns a value that looks like an id, or nil.
func (k key) id(body []byte) []byte {
	if v := k.text(body); len(v) == idLength {
		return v
	}
	return nil
}
