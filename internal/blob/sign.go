package blob

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"net/url"
	"strconv"
	"sync"
	"time"
)

// tagLen is how much of the HMAC a link carries: 128 bits.
const tagLen = 16

// signer makes and checks the query of a folder's links: e, the Unix second
// after which the link is refused, and s, the HMAC-SHA256 of method, name and e.
type signer struct {
	pool sync.Pool // of *mac
}

// mac is a keyed hash with its buffers, kept because keying hashes two blocks.
type mac struct {
	h   hash.Hash
	msg []byte
	sum []byte
}

func newSigner(secret []byte) *signer {
	return &signer{pool: sync.Pool{New: func() any {
		return &mac{h: hmac.New(sha256.New, secret), msg: make([]byte, 0, 192), sum: make([]byte, 0, sha256.Size)}
	}}}
}

// tag computes the signature; the result is valid until m is put back.
func (m *mac) tag(method, name string, expires int64) []byte {
	m.msg = append(m.msg[:0], method...)
	m.msg = append(m.msg, '\n')
	m.msg = append(m.msg, name...)
	m.msg = append(m.msg, '\n')
	m.msg = strconv.AppendInt(m.msg, expires, 10)

	m.h.Reset()
	m.h.Write(m.msg)
	m.sum = m.h.Sum(m.sum[:0])
	return m.sum[:tagLen]
}

// link appends "?e=…&s=…" to base/blob/name.
func (sg *signer) link(base, method, name string, expires int64) string {
	m := sg.pool.Get().(*mac)
	defer sg.pool.Put(m)
	tag := m.tag(method, name, expires)

	var buf [320]byte
	b := append(buf[:0], base...)
	b = append(b, Path...)
	b = append(b, name...)
	b = append(b, "?e="...)
	b = strconv.AppendInt(b, expires, 10)
	b = append(b, "&s="...)
	b = base64.RawURLEncoding.AppendEncode(b, tag)
	return string(b)
}

// verdict is the result of checking a link.
type verdict int

const (
	linkForged verdict = iota
	linkExpired
	linkGood
)

// check compares a link's query with what was signed. Only of a genuine link
// does it say that it has expired.
func (sg *signer) check(q url.Values, method, name string, now time.Time) verdict {
	expires, err := strconv.ParseInt(q.Get("e"), 10, 64)
	if err != nil {
		return linkForged
	}
	got, err := base64.RawURLEncoding.DecodeString(q.Get("s"))
	if err != nil {
		return linkForged
	}

	m := sg.pool.Get().(*mac)
	defer sg.pool.Put(m)
	if !hmac.Equal(got, m.tag(method, name, expires)) {
		return linkForged
	}

	if now.After(time.Unix(expires, 0)) {
		return linkExpired
	}
	return linkGood
}
