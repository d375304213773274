package server

import (
	"encoding/json"
	"errors"
	"math"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// maxDepth is how deep arrays and objects of a body may be nested. No body of the
// API needs more than five; what is deeper is refused before it costs anything.
const maxDepth = 100

// maxMembers is how many members an object may have. Those of the API have some
// thirty; a million of them would cost seconds.
const maxMembers = 10_000

var (
	errSyntax  = errors.New("not JSON")
	errDepth   = errors.New("nested too deeply")
	errMembers = errors.New("too many members")
)

// parseJSON reads one JSON text as the original's reader does: NaN, Infinity and
// -Infinity are numbers, of members with the same name the last counts, a lone
// surrogate becomes U+FFFD. Text that is not UTF-8 is refused.
//
// The answer is nil, bool, string, int64, float64 (anything with a point or an
// exponent), json.Number (whole numbers beyond 64 bits), []any or
// map[string]any. Strings share src unless that would keep much more of it alive
// than they need.
func parseJSON(src string) (any, error) {
	p := jsonParser{src: strings.TrimPrefix(src, "\ufeff")}
	p.space()
	v, err := p.value(0)
	if err != nil {
		return nil, err
	}
	p.space()
	if p.pos != len(p.src) {
		return nil, errSyntax
	}
	return v, nil
}

type jsonParser struct {
	src string
	pos int
}

// smallBody is a size below which strings may always share the body.
const smallBody = 4 << 10

func (p *jsonParser) keep(s string) string {
	if len(p.src) <= smallBody || len(s) > len(p.src)/2 {
		return s
	}
	return strings.Clone(s)
}

func (p *jsonParser) space() {
	for p.pos < len(p.src) {
		switch p.src[p.pos] {
		case ' ', '\t', '\n', '\r':
			p.pos++
		default:
			return
		}
	}
}

// peek is the next byte, 0 at the end (a NUL byte is no JSON anywhere).
func (p *jsonParser) peek() byte {
	if p.pos < len(p.src) {
		return p.src[p.pos]
	}
	return 0
}

func (p *jsonParser) value(depth int) (any, error) {
	switch c := p.peek(); c {
	case '{':
		return p.object(depth + 1)
	case '[':
		return p.array(depth + 1)
	case '"':
		return p.text()
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

func (p *jsonParser) word(w string, v any) (any, error) {
	if !strings.HasPrefix(p.src[p.pos:], w) {
		return nil, errSyntax
	}
	p.pos += len(w)
	return v, nil
}

func (p *jsonParser) object(depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	p.pos++
	members := map[string]any{}
	p.space()
	if p.peek() == '}' {
		p.pos++
		return members, nil
	}
	for {
		p.space()
		if p.peek() != '"' {
			return nil, errSyntax
		}
		name, err := p.text()
		if err != nil {
			return nil, err
		}
		p.space()
		if p.peek() != ':' {
			return nil, errSyntax
		}
		p.pos++
		p.space()
		v, err := p.value(depth)
		if err != nil {
			return nil, err
		}
		if members[name] = v; len(members) > maxMembers {
			return nil, errMembers
		}
		more, err := p.next('}')
		if err != nil || !more {
			return members, err
		}
	}
}

func (p *jsonParser) array(depth int) (any, error) {
	if depth > maxDepth {
		return nil, errDepth
	}
	p.pos++
	items := []any{}
	p.space()
	if p.peek() == ']' {
		p.pos++
		return items, nil
	}
	for {
		p.space()
		v, err := p.value(depth)
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
func (p *jsonParser) next(closing byte) (more bool, err error) {
	p.space()
	switch p.peek() {
	case ',':
		p.pos++
		return true, nil
	case closing:
		p.pos++
		return false, nil
	}
	return false, errSyntax
}

func (p *jsonParser) text() (string, error) {
	p.pos++
	start := p.pos
	ascii := true
	for ; p.pos < len(p.src); p.pos++ {
		c := p.src[p.pos]
		if c == '"' {
			s := p.src[start:p.pos]
			p.pos++
			if !ascii && !utf8.ValidString(s) {
				return "", errSyntax
			}
			return p.keep(s), nil
		}
		if c == '\\' {
			return p.escaped(start)
		}
		if c < ' ' {
			return "", errSyntax
		}
		if c >= utf8.RuneSelf {
			ascii = false
		}
	}
	return "", errSyntax
}

// escaped reads on a text whose first backslash stands at p.pos.
func (p *jsonParser) escaped(start int) (string, error) {
	out := append(make([]byte, 0, p.pos-start+32), p.src[start:p.pos]...)
	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; {
		case c == '"':
			p.pos++
			if !utf8.Valid(out) {
				return "", errSyntax
			}
			return string(out), nil
		case c < ' ':
			return "", errSyntax
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
	return "", errSyntax
}

// escape reads one escape sequence; two that form a surrogate pair are one.
func (p *jsonParser) escape() (rune, error) {
	if p.pos+1 >= len(p.src) {
		return 0, errSyntax
	}
	c := p.src[p.pos+1]
	if c != 'u' {
		p.pos += 2
		if i := strings.IndexByte(`"\/bfnrt`, c); i >= 0 {
			return rune("\"\\/\b\f\n\r\t"[i]), nil
		}
		return 0, errSyntax
	}
	r, ok := p.hex()
	if !ok {
		return 0, errSyntax
	}
	if !utf16.IsSurrogate(r) {
		return r, nil
	}
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
func (p *jsonParser) hex() (rune, bool) {
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

func (p *jsonParser) digits() int {
	start := p.pos
	for p.pos < len(p.src) && p.src[p.pos] >= '0' && p.src[p.pos] <= '9' {
		p.pos++
	}
	return p.pos - start
}

func (p *jsonParser) number() (any, error) {
	start := p.pos
	if p.peek() == '-' {
		p.pos++
		if p.peek() == 'I' {
			return p.word("Infinity", math.Inf(-1))
		}
	}
	zero := p.peek() == '0'
	n := p.digits()
	if n == 0 || zero && n > 1 {
		return nil, errSyntax
	}
	whole := true
	if p.peek() == '.' {
		whole = false
		p.pos++
		if p.digits() == 0 {
			return nil, errSyntax
		}
	}
	if c := p.peek(); c == 'e' || c == 'E' {
		whole = false
		p.pos++
		if c := p.peek(); c == '+' || c == '-' {
			p.pos++
		}
		if p.digits() == 0 {
			return nil, errSyntax
		}
	}
	lit := p.src[start:p.pos]
	if whole {
		if i, err := strconv.ParseInt(lit, 10, 64); err == nil {
			return i, nil
		}
		return json.Number(p.keep(lit)), nil
	}
	f, _ := strconv.ParseFloat(lit, 64) // beyond the range it is ±Inf, as it should be
	return f, nil
}
