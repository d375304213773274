package server

import (
	"bytes"
	"encoding/json"
	"strings"

	"horde/internal/horde"
)

// mask is a parsed X-Fields header: the members of an answer that its caller
// wants (platform §1.2). The form is "a,b{c,d}", with or without braces
// around the whole; "*" stands for every member that is not named.
type mask struct {
	fields map[string]*mask // nil: the whole member
	all    bool
}

// Bounds of a mask, far beyond what any client sends.
const (
	maxMaskBytes = 8 << 10
	maxMaskDepth = 16 // brackets
)

// maskError refuses a mask in the words of the original.
func maskError(problem string) error {
	return &horde.Error{Detail: "Mask parse error: " + problem}
}

// parseMask reads an X-Fields header. Characters that mean nothing (spaces) are
// skipped, as the original does.
func parseMask(text string) (*mask, error) {
	text = strings.TrimSpace(text)
	if len(text) > maxMaskBytes {
		return nil, maskError("too long")
	}

	if strings.HasPrefix(text, "{") {
		if !strings.HasSuffix(text, "}") {
			return nil, maskError("Missing closing bracket")
		}
		text = text[1 : len(text)-1]
	}

	stack := []*mask{{fields: map[string]*mask{}}} // the brackets that are open
	previous := ""
	for len(text) > 0 {
		var token string
		token, text = nextToken(text)

		top := stack[len(stack)-1]
		switch token {
		case "":
			continue
		case "{":
			if _, named := top.fields[previous]; !named {
				return nil, maskError("Unexpected opening bracket")
			}
			if len(stack) == maxMaskDepth {
				return nil, maskError("nested too deeply")
			}
			inner := &mask{fields: map[string]*mask{}}
			top.fields[previous] = inner
			stack = append(stack, inner)
		case "}":
			if len(stack) == 1 {
				return nil, maskError("Unexpected closing bracket")
			}
			stack = stack[:len(stack)-1]
		case ",":
			if previous == "" || previous == "," || previous == "{" {
				return nil, maskError("Unexpected comma")
			}
		case "*":
			top.all = true
		default:
			top.fields[token] = nil
		}
		previous = token
	}

	if len(stack) > 1 {
		return nil, maskError("Missing closing bracket")
	}
	return stack[0], nil
}

// nextToken cuts a bracket, comma or name from text; "" for a character that
// means nothing.
func nextToken(text string) (token, rest string) {
	n := 0
	for n < len(text) && isNameByte(text[n]) {
		n++
	}
	if n > 0 {
		return text[:n], text[n:]
	}
	if strings.IndexByte("{},", text[0]) >= 0 {
		return text[:1], text[1:]
	}
	return "", text[1:]
}

// isNameByte reports whether a byte can stand in a name.
func isNameByte(c byte) bool {
	switch {
	case c == '_', c == ':', c == '-', c == '*':
	case c >= '0' && c <= '9', c >= 'a' && c <= 'z', c >= 'A' && c <= 'Z':
	default:
		return false
	}
	return true
}

// apply writes doc, valid JSON of our own making, without the members that the
// mask leaves out. Arrays are masked element by element; the order of members
// stays. Asked-for members that do not exist are left out.
func (m *mask) apply(out *bytes.Buffer, doc []byte) {
	dec := json.NewDecoder(bytes.NewReader(doc))
	dec.UseNumber()
	c := copier{dec: dec, out: out}
	c.value(m)
}

// copier copies one JSON document token by token.
type copier struct {
	dec *json.Decoder
	out *bytes.Buffer
}

// value copies the next value under m; nil copies all of it.
func (c *copier) value(m *mask) {
	if m == nil {
		c.whole()
		return
	}

	tok, err := c.dec.Token()
	if err != nil {
		return
	}

	switch tok {
	case json.Delim('{'):
		c.members(m)
	case json.Delim('['):
		c.out.WriteByte('[')
		for first := true; c.dec.More(); first = false {
			if !first {
				c.out.WriteByte(',')
			}
			c.value(m)
		}
		_, _ = c.dec.Token()
		c.out.WriteByte(']')
	default:
		c.scalar(tok)
	}
}

// members copies the members of an object that m names.
func (c *copier) members(m *mask) {
	c.out.WriteByte('{')
	first := true
	for c.dec.More() {
		tok, err := c.dec.Token()
		if err != nil {
			return
		}
		name, _ := tok.(string)
		inner, named := m.fields[name]
		if !named && !m.all {
			c.skip()
			continue
		}

		if !first {
			c.out.WriteByte(',')
		}
		first = false
		c.scalar(name)
		c.out.WriteByte(':')
		c.value(inner)
	}
	_, _ = c.dec.Token()
	c.out.WriteByte('}')
}

// whole copies the next value as it is.
func (c *copier) whole() {
	var raw json.RawMessage
	if c.dec.Decode(&raw) == nil {
		c.out.Write(raw)
	}
}

// skip passes over the next value.
func (c *copier) skip() {
	var raw json.RawMessage
	_ = c.dec.Decode(&raw)
}

// scalar writes a value that is no object and no list.
func (c *copier) scalar(v any) {
	enc := json.NewEncoder(c.out)
	enc.SetEscapeHTML(false)
	if enc.Encode(v) == nil {
		c.out.Truncate(c.out.Len() - 1) // the encoder's newline
	}
}
