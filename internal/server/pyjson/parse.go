package pyjson

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	// MaxDepth is how deep arrays and objects may be nested, in levels. No body of
	// the API needs more than five; a deeper one is refused before it costs anything.
	MaxDepth = 100

	// MaxMembers is how many members an object may have. Those of the API have some
	// thirty; a million of them would cost seconds.
	MaxMembers = 10_000

	// MaxValues is how many values a text may hold, those that are skipped among them.
	// Each takes up to a hundred times the memory of its text; the longest lists of the
	// API have a few thousand items.
	MaxValues = 25_000
)

// Why Parse refuses a text.
var (
	ErrSyntax  = errors.New("not JSON")
	ErrDepth   = errors.New("nested too deeply")
	ErrMembers = errors.New("too many members")
	ErrValues  = errors.New("too many values")
)

// Parse reads one JSON text as the original's reader does: NaN, Infinity and
// -Infinity are numbers, of several members with one name the last counts, a lone
// surrogate becomes U+FFFD. Text that is not UTF-8 is refused.
//
// It returns nil, bool, string, int64, float64 (anything with a point or an
// exponent), json.Number (whole numbers beyond 64 bits), []any or map[string]any.
// Strings share src unless that would keep much more of it alive than they need.
func Parse(src string) (any, error) { return ParseShaped(src, nil) }

// ParseShaped is Parse that keeps only what its shape names: it skips all other members
// of objects, and takes no memory for them. They have to be JSON all the same.
func ParseShaped(src string, shape *Shape) (any, error) {
	p := parser{src: strings.TrimPrefix(src, "\ufeff")}

	p.skipSpace()
	v, err := p.value(shape, 0)
	if err != nil {
		return nil, err
	}

	p.skipSpace()
	if p.pos != len(p.src) {
		return nil, ErrSyntax
	}
	return v, nil
}

type parser struct {
	src    string
	pos    int
	values int // that were met
}

// smallText is the size up to which all strings may share the text, in bytes.
const smallText = 4 << 10

// keep returns s, a part of the text, as a copy if it would keep much more of the
// text alive than itself.
func (p *parser) keep(s string) string {
	if len(p.src) <= smallText || len(s) > len(p.src)/2 {
		return s
	}
	return strings.Clone(s)
}

func (p *parser) skipSpace() {
	for p.pos < len(p.src) {
		switch p.src[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// peek returns the next byte, 0 at the end (a NUL byte is no JSON anywhere).
func (p *parser) peek() byte {
	if p.pos < len(p.src) {
		return p.src[p.pos]
	}
	return 0
}

// value reads the value that begins at p.pos.
func (p *parser) value(shape *Shape, depth int) (any, error) {
	if p.values++; p.values > MaxValues {
		return nil, ErrValues
	}

	switch p.peek() {
	case '{':
		return p.object(shape, depth+1)
	case '[':
		return p.array(shape, depth+1)
	case '"':
		return p.text()
	}
	return p.scalar()
}

// scalar reads a word or a number.
func (p *parser) scalar() (any, error) {
	switch p.peek() {
	case 't':
		return p.word("true", true)
	case 'f':
		return p.word("false", false)
	case 'n':
		return p.word("null", nil)
	case 'N':
		return p.word("NaN", math.NaN())
	case 'I':
		return p.word("Infinity", math.Inf(1))
	default:
		return p.number()
	}
}

func (p *parser) word(w string, v any) (any, error) {
	if !strings.HasPrefix(p.src[p.pos:], w) {
		return nil, ErrSyntax
	}
	p.pos += len(w)
	return v, nil
}

func (p *parser) object(shape *Shape, depth int) (any, error) {
	if depth > MaxDepth {
		return nil, ErrDepth
	}

	p.pos++
	members := map[string]any{}
	p.skipSpace()
	if p.peek() == '}' {
		p.pos++
		return members, nil
	}

	for {
		name, inner, known, err := p.memberName(shape)
		if err != nil {
			return nil, err
		}

		if !known {
			err = p.skip(depth)
		} else {
			members[name], err = p.value(inner, depth)
		}
		switch {
		case err != nil:
			return nil, err
		case len(members) > MaxMembers:
			return nil, ErrMembers
		}

		more, err := p.next('}')
		if err != nil || !more {
			return members, err
		}
	}
}

// memberName reads the name of a member and its colon. Where the shape does not know
// it, the member is to be skipped.
func (p *parser) memberName(shape *Shape) (name string, inner *Shape, known bool, err error) {
	p.skipSpace()
	if p.peek() != '"' {
		return "", nil, false, ErrSyntax
	}

	if raw, plain := p.plainName(); plain && shape.selects() {
		name, inner, known = shape.member(raw)
		p.pos += len(raw) + len(`""`)
	} else {
		if name, err = p.text(); err != nil {
			return "", nil, false, err
		}
		name, inner, known = shape.member(name)
	}

	p.skipSpace()
	if p.peek() != ':' {
		return "", nil, false, ErrSyntax
	}
	p.pos++
	p.skipSpace()
	return name, inner, known, nil
}

// plainName returns the name that begins at p.pos as it stands in the text, if it is
// short and of plain characters: most are, and need no copy to be looked up.
func (p *parser) plainName() (name string, plain bool) {
	rest := p.src[p.pos+1:]
	for i := range min(len(rest), maxPlainName) {
		switch c := rest[i]; {
		case c == '"':
			return rest[:i], true
		case c == '\\', c < ' ', c >= utf8.RuneSelf:
			return "", false
		}
	}
	return "", false
}

// maxPlainName is the longest name that plainName looks for, in bytes.
const maxPlainName = 64

func (p *parser) array(shape *Shape, depth int) (any, error) {
	if depth > MaxDepth {
		return nil, ErrDepth
	}

	p.pos++
	items := []any{}
	p.skipSpace()
	if p.peek() == ']' {
		p.pos++
		return items, nil
	}

	inner := shape.item()
	for {
		p.skipSpace()
		v, err := p.value(inner, depth)
		if err != nil {
			return nil, err
		}
		items = append(items, v)

		more, err := p.next(']')
		if err != nil || !more {
			return items, err
		}
	}
}

// next passes a comma (more is true) or the closing bracket.
func (p *parser) next(closing byte) (more bool, err error) {
	p.skipSpace()
	switch p.peek() {
	case ',':
		p.pos++
		return true, nil
	case closing:
		p.pos++
		return false, nil
	}
	return false, ErrSyntax
}

// text reads the string that begins at p.pos.
func (p *parser) text() (string, error) {
	p.pos++
	start := p.pos
	ascii := true

	for ; p.pos < len(p.src); p.pos++ {
		c := p.src[p.pos]
		if c == '"' {
			s := p.src[start:p.pos]
			p.pos++
			if !ascii && !utf8.ValidString(s) {
				return "", ErrSyntax
			}
			return p.keep(s), nil
		}
		if c == '\\' {
			return p.escaped(start)
		}
		if c < ' ' {
			return "", ErrSyntax
		}
		if c >= utf8.RuneSelf {
			ascii = false
		}
	}
	return "", ErrSyntax
}

// escaped reads on a string whose first backslash stands at p.pos.
func (p *parser) escaped(start int) (string, error) {
	out := append(make([]byte, 0, p.pos-start+32), p.src[start:p.pos]...)

	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; {
		case c == '"':
			p.pos++
			if !utf8.Valid(out) {
				return "", ErrSyntax
			}
			return string(out), nil
		case c < ' ':
			return "", ErrSyntax
		case c == '\\':
			r, err := p.escape()
			if err != nil {
				return "", err
			}
			out = utf8.AppendRune(out, r)
		default:
			out = append(out, c)
			p.pos++
		}
	}
	return "", ErrSyntax
}

// escape reads one escape sequence; two that form a surrogate pair are one.
func (p *parser) escape() (rune, error) {
	if p.pos+1 >= len(p.src) {
		return 0, ErrSyntax
	}

	c := p.src[p.pos+1]
	if c != 'u' {
		p.pos += 2
		if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
			return rune("\"\\/\b\f\n\r\t"[i]), nil
		}
		return 0, ErrSyntax
	}

	r, ok := p.hex()
	if !ok {
		return 0, ErrSyntax
	}
	if !utf16.IsSurrogate(r) {
		return r, nil
	}

	// Half a pair alone becomes U+FFFD, and what follows it is read anew.
	if strings.HasPrefix(p.src[p.pos:], `\u`) {
		back := p.pos
		if low, ok := p.hex(); ok {
			if pair := utf16.DecodeRune(r, low); pair != utf8.RuneError {
				return pair, nil
			}
		}
		p.pos = back
	}
	return utf8.RuneError, nil
}

// hex reads the \uXXXX at p.pos.
func (p *parser) hex() (rune, bool) {
	if p.pos+6 > len(p.src) {
		return 0, false
	}
	var r rune
	for _, c := range []byte(p.src[p.pos+2 : p.pos+6]) {
		switch {
		case c >= '0' && c <= '9':
			r = r<<4 | rune(c-'0')
		case c >= 'a' && c <= 'f':
			r = r<<4 | rune(c-'a'+10)
		case c >= 'A' && c <= 'F':
			r = r<<4 | rune(c-'A'+10)
		default:
			return 0, false
		}
	}
	p.pos += 6
	return r, true
}

// digits passes digits and returns how many there were.
func (p *parser) digits() int {
	start := p.pos
	for p.pos < len(p.src) && p.src[p.pos] >= '0' && p.src[p.pos] <= '9' {
		p.pos++
	}
	return p.pos - start
}

func (p *parser) number() (any, error) {
	start := p.pos
	if p.peek() == '-' {
		p.pos++
		if p.peek() == 'I' {
			return p.word("Infinity", math.Inf(-1))
		}
	}

	leadingZero := p.peek() == '0'
	n := p.digits()
	if n == 0 || leadingZero && n > 1 {
		return nil, ErrSyntax
	}

	whole := true
	if p.peek() == '.' {
		whole = false
		p.pos++
		if p.digits() == 0 {
			return nil, ErrSyntax
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		whole = false
		p.pos++
		if c := p.peek(); c == '+' || c == '-' {
			p.pos++
		}
		if p.digits() == 0 {
			return nil, ErrSyntax
		}
	}

	literal := p.src[start:p.pos]
	if whole {
		if i, err := strconv.ParseInt(literal, 10, 64); err == nil {
			return i, nil
		}
		return json.Number(p.keep(literal)), nil
	}
	f, _ := strconv.ParseFloat(literal, 64) // beyond the range it is ±Inf, as it should be
	return f, nil
}
