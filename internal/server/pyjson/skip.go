package pyjson

import "unicode/utf8"

// skip passes the value that begins at p.pos: it is JSON as far as Parse would take it,
// and costs no memory.
func (p *parser) skip(depth int) error {
	if p.values++; p.values > MaxValues {
		return ErrValues
	}

	switch p.peek() {
	case '{':
		return p.skipAll('}', depth+1)
	case '[':
		return p.skipAll(']', depth+1)
	case '"':
		return p.skipText()
	}

	// The others cost nothing: words, and numbers of which at most the digits are kept.
	_, err := p.scalar()
	return err
}

// skipAll passes an object or a list, by its closing bracket.
func (p *parser) skipAll(closing byte, depth int) error {
	if depth > MaxDepth {
		return ErrDepth
	}

	p.pos++
	p.skipSpace()
	if p.peek() == closing {
		p.pos++
		return nil
	}

	for {
		p.skipSpace()
		if closing == '}' {
			if err := p.skipName(); err != nil {
				return err
			}
		}
		if err := p.skip(depth); err != nil {
			return err
		}

		more, err := p.next(closing)
		if err != nil || !more {
			return err
		}
	}
}

// skipName passes the name of a member and its colon.
func (p *parser) skipName() error {
	if p.peek() != '"' {
		return ErrSyntax
	}
	if err := p.skipText(); err != nil {
		return err
	}

	p.skipSpace()
	if p.peek() != ':' {
		return ErrSyntax
	}
	p.pos++
	p.skipSpace()
	return nil
}

// skipText passes the string that begins at p.pos.
func (p *parser) skipText() error {
	p.pos++
	start, ascii := p.pos, true

	for p.pos < len(p.src) {
		switch c := p.src[p.pos]; {
		case c == '"':
			s := p.src[start:p.pos]
			p.pos++
			if !ascii && !utf8.ValidString(s) {
				return ErrSyntax
			}
			return nil
		case c == '\\':
			if _, err := p.escape(); err != nil {
				return err
			}
		case c < ' ':
			return ErrSyntax
		default:
			ascii = ascii && c < utf8.RuneSelf
			p.pos++
		}
	}
	return ErrSyntax
}
