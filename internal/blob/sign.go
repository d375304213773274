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
// after which the link is refused, of uploads n and a, the bytes that it takes and the
// account that it counts for, and s, the HMAC-SHA256 of method, name and these.
type signer struct {
	pool sync.Pool // of *mac
}

// ticket is what a link is signed for.
type ticket struct {
	method, name string
	expires      int64 // Unix seconds
	limit        int64 // of an upload, in bytes; 0: none is named
	account      int64 // whose quota an upload counts against; 0: nobody's
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
func (m *mac) tag(t ticket) []byte {
	m.msg = append(m.msg[:0], t.method...)
	m.msg = append(m.msg, '\n')
	m.msg = append(m.msg, t.name...)
	m.msg = append(m.msg, '\n')
	m.msg = strconv.AppendInt(m.msg, t.expires, 10)
	if t.limit > 0 {
		m.msg = append(m.msg, '\n')
		m.msg = strconv.AppendInt(m.msg, t.limit, 10)
		m.msg = append(m.msg, '\n')
		m.msg = strconv.AppendInt(m.msg, t.account, 10)
	}

	m.h.Reset()
	m.h.Write(m.msg)
	m.sum = m.h.Sum(m.sum[:0])
	return m.sum[:tagLen]
}

// link appends "?e=…&s=…" to base/blob/name, for an upload "?e=…&n=…&a=…&s=…".
func (sg *signer) link(base string, t ticket) string {
	m := sg.pool.Get().(*mac)
	defer sg.pool.Put(m)
	tag := m.tag(t)

	var buf [320]byte
	b := append(buf[:0], base...)
	b = append(b, Path...)
	b = append(b, t.name...)
	b = append(b, "?e="...)
	b = strconv.AppendInt(b, t.expires, 10)
	if t.limit > 0 {
		b = append(b, "&n="...)
		b = strconv.AppendInt(b, t.limit, 10)
		b = append(b, "&a="...)
		b = strconv.AppendInt(b, t.account, 10)
	}
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
func (sg *signer) check(q url.Values, method, name string, now time.Time) (ticket, verdict) {
	t, err := parseTicket(q, method, name)
	if err != nil {
		return t, linkForged
	}
	got, err := base64.RawURLEncoding.DecodeString(q.Get("s"))
	if err != nil {
		return t, linkForged
	}

	m := sg.pool.Get().(*mac)
	defer sg.pool.Put(m)
	if !hmac.Equal(got, m.tag(t)) {
		return t, linkForged
	}

	if now.After(time.Unix(t.expires, 0)) {
		return t, linkExpired
	}
	return t, linkGood
}

// parseTicket reads what a link claims to be signed for.
func parseTicket(q url.Values, method, name string) (t ticket, err error) {
	t = ticket{method: method, name: name}
	if t.expires, err = strconv.ParseInt(q.Get("e"), 10, 64); err != nil {
		return t, err
	}
	if !q.Has("n") {
		return t, nil
	}
	if t.limit, err = strconv.ParseInt(q.Get("n"), 10, 64); err != nil {
		return t, err
	}
	t.account, err = strconv.ParseInt(q.Get("a"), 10, 64)
	return t, err
}
